"""The file of an export, made by a job from its start in one moment of the database, and shown only when it is whole.

The scope is the person's when the job runs.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select, update

from wxapi.duties.services.work import arms_seen, kinds
from wxapi.identity.queries import actor_of
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import SHANGHAI, local_day
from wxapi.kernel.coordinates import Datum, Point
from wxapi.kernel.errors import DomainError, InvalidError, UnavailableError, not_found
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import tree
from wxapi.supervision.models import Export
from wxapi.supervision.queries import exports as queries
from wxapi.supervision.queries.exports import DUTY_COLUMNS, REPORT_COLUMNS, Column, Dressing
from wxapi.supervision.rules.export_cells import MOST_XLSX_ROWS, Cell
from wxapi.supervision.rules.export_states import PENDING, ExportFailure, ExportState
from wxapi.supervision.rules.measures import COUNTED
from wxapi.supervision.services import export_files, statistics
from wxapi.supervision.services.export_files import FileWriter, TooManyRowsError
from wxapi.supervision.services.export_kinds import KINDS, WantedExport, check, question_of
from wxapi.supervision.services.export_notes import note_of
from wxapi.supervision.services.exports import folder_of, remove_others

_PROGRESS_EVERY = 5000


class CancelledError(Exception):
    """The person took the export back while it was made."""


def make(export_id: uuid.UUID, *, now: datetime) -> None:
    """Make the file of an export, from its start; what another run left half done is never shown.

    A run that failed for a reason of the person's (rights, rows) is not tried again; other faults are the job's.
    """
    found = _begin(export_id)
    if found is None:
        return
    wanted, user_id = found
    actor = actor_of(db.session(), user_id, today=local_day(now))
    db.session().rollback()
    try:
        _demand_rights(actor, wanted, now)
        with export_files.working_folder() as folder:
            path = folder / f"file.{wanted.format}"
            rows = _write(path, actor, wanted, export_id, now)
            key = f"{folder_of(export_id)}{wanted.kind}-{now.astimezone(SHANGHAI):%Y%m%d-%H%M}.{wanted.format}"
            runtime().storage.put_file(key, path)
            _finish(export_id, key, path, rows, now)
    except UnavailableError:
        raise  # the store's or the database's, and no answer to the person: the job is tried again
    except InvalidError as error:
        _fail(export_id, error.code)
    except DomainError:
        _fail(export_id, ExportFailure.RIGHTS_CHANGED)
    except TooManyRowsError:
        _fail(export_id, ExportFailure.TOO_MANY_ROWS)
    except CancelledError:
        return


def _begin(export_id: uuid.UUID) -> tuple[WantedExport, uuid.UUID] | None:
    """What is wanted, and by whom; None where there is nothing to make."""
    with transaction() as session:
        row = session.scalars(select(Export).where(Export.id == export_id).with_for_update()).one_or_none()
        if row is None or row.state not in PENDING:
            return None
        row.state, row.done = ExportState.RUNNING, 0
        asked = row.asked
        columns = tuple(asked["columns"]) if asked["columns"] else None
        datum = Datum(asked["coord_type"]) if asked["coord_type"] else None
        return WantedExport(row.kind, row.format, asked["filter"], columns, datum), row.user_id


def _demand_rights(actor: Actor, wanted: WantedExport, now: datetime) -> None:
    if not actor.holds(*ROLES_OF[Permission.EXPORT]):
        raise not_found()
    check(actor, wanted, today=local_day(now))


def _write(path: Path, actor: Actor, wanted: WantedExport, export_id: uuid.UUID, now: datetime) -> int:
    """Write all rows and the note; returns how many rows."""
    headings = dict(KINDS[wanted.kind].columns)
    columns = wanted.columns or tuple(headings)
    rows = 0
    opened = (_figures if wanted.kind == "statistics" else _records)(actor, wanted, columns, now)
    with opened as (total, lines):
        if wanted.format == "xlsx" and total > MOST_XLSX_ROWS:
            raise TooManyRowsError
        _progress(export_id, 0, total)
        with closing(_writer(path, wanted, columns, [headings[column] for column in columns])) as writer:
            for cells, position in lines:
                writer.row(cells, position)
                rows += 1
                if rows % _PROGRESS_EVERY == 0:
                    _progress(export_id, rows, total)
            writer.finish(note_of(actor, wanted, rows, now))
    return rows


Lines = Iterator[tuple[list[Cell], Point | None]]


@contextmanager
def _records(actor: Actor, wanted: WantedExport, columns: Sequence[str], now: datetime) -> Iterator[tuple[int, Lines]]:
    """How many rows a list has, and the rows as cells and position, while their transaction is open."""
    statement, known = _statement(actor, wanted, now)
    by_code = {column.code: column for column in known}
    chosen = [by_code[column] for column in columns]
    with queries.reading() as connection:
        dressing = Dressing(tree(), queries.names_of_units(connection), wanted.datum, _stage_names())

        lines = queries.rows_of(connection, statement, chosen, dressing, placed=wanted.format == "geojson")
        # Who takes an export back stops it between two rows: the cursor ends with it.
        with closing(lines):
            yield queries.count_of(connection, statement), lines


def _statement(actor: Actor, wanted: WantedExport, now: datetime) -> tuple[Select[Any], Sequence[Column]]:
    """The statement of a kind of list in a person's scope, and the columns its rows have."""
    if wanted.kind == "duties":
        return queries.duties_for(arms_seen(actor), wanted.filter, now), DUTY_COLUMNS
    return queries.reports_for(actor, wanted.filter, now), REPORT_COLUMNS


def _stage_names() -> dict[str, str]:
    """The Chinese names of all stages of all subjects of duties."""
    return {stage: zh for kind in kinds().values() for stage, zh in kind.stages.items()}


@contextmanager
def _figures(actor: Actor, wanted: WantedExport, columns: Sequence[str], now: datetime) -> Iterator[tuple[int, Lines]]:
    """The rows of a table of figures and its total."""
    table = statistics.read_statistics(actor, question_of(wanted.filter), now=now, today=local_day(now))
    db.session().rollback()  # the counting is over

    def lines() -> Lines:
        for row in (*table.rows, table.total):
            values: dict[str, Cell] = {"key": row.key, "name": row.name}
            values |= {name: getattr(row.counts, name) for name in COUNTED}
            values |= {name: rate.value for name, rate in row.rates.items()}
            yield [values[column] for column in columns], None

    yield len(table.rows) + 1, lines()


def _writer(path: Path, wanted: WantedExport, columns: Sequence[str], headings: Sequence[str]) -> FileWriter:
    if wanted.format == "csv":
        return export_files.CsvWriter(path, headings)
    if wanted.format == "xlsx":
        return export_files.XlsxWriter(path, headings)
    assert wanted.datum is not None
    return export_files.GeoJsonWriter(path, columns, wanted.datum.value)


def _progress(export_id: uuid.UUID, done: int, total: int) -> None:
    """Tell how far it got.

    Raises:
        CancelledError: the person took it back meanwhile.
    """
    with transaction() as session:
        found = session.execute(
            update(Export)
            .where(Export.id == export_id, Export.state == ExportState.RUNNING)
            .values(done=done, total=total)
            .returning(Export.id)
        ).one_or_none()
    if found is None:
        raise CancelledError


def _finish(export_id: uuid.UUID, key: str, path: Path, rows: int, now: datetime) -> None:
    with transaction() as session:
        row = session.scalars(select(Export).where(Export.id == export_id).with_for_update()).one_or_none()
        kept = row is not None and row.state == ExportState.RUNNING
        if row is not None and kept:
            row.state, row.file_key, row.row_count, row.done = ExportState.READY, key, rows, rows
            row.sha256, row.bytes = export_files.digest_of(path), path.stat().st_size
            row.total, row.expires_at = rows, now + timedelta(days=runtime().config.export_days)
    if kept:
        remove_others(folder_of(export_id), key)
    # Two runs of one export at once may have made a file of the same name: then it is the one that is shown.
    elif row is None or row.file_key != key:
        runtime().storage.delete(key)


def _fail(export_id: uuid.UUID, code: str) -> None:
    with transaction() as session:
        session.execute(
            update(Export)
            .where(Export.id == export_id, Export.state == ExportState.RUNNING)
            .values(state=ExportState.FAILED, code=code)
        )
