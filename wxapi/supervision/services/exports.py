"""Exports: asked for, made by a job, kept for some days. The scope is the person's when the job runs."""

import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from wxapi.identity.queries import actor_of
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import SHANGHAI, local_day
from wxapi.kernel.coordinates import Datum, Point
from wxapi.kernel.errors import ConflictError, DomainError, InvalidError, not_found
from wxapi.kernel.ids import new_id
from wxapi.kernel.permissions import ROLE_NAMES, ROLES_OF, Permission
from wxapi.platform import audit, outbox
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import tree
from wxapi.supervision.models import Export
from wxapi.supervision.queries import exports as queries
from wxapi.supervision.queries.exports import DUTY_COLUMNS, REPORT_COLUMNS, Dressing
from wxapi.supervision.rules.export_cells import Cell
from wxapi.supervision.rules.export_states import PENDING, ExportState
from wxapi.supervision.rules.measures import COUNTED, DEFINITIONS_VERSION, MEASURES
from wxapi.supervision.services import export_files, statistics
from wxapi.supervision.services.export_files import FileWriter, Note, TooManyRowsError
from wxapi.supervision.services.statistics import Question

AT_ONCE = 2
KEPT = timedelta(days=7)
_PROGRESS_EVERY = 5000
_STATISTICS = (
    ("key", "代码"),
    ("name", "名称"),
    *((measure.name, measure.zh) for measure in MEASURES if measure.name in COUNTED),
    *((measure.name, measure.zh) for measure in MEASURES if measure.denominator is not None),
)


@dataclass(frozen=True, slots=True)
class ExportKind:
    """What can be exported, in which formats, with which columns (code, heading)."""

    formats: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]


KINDS: Mapping[str, ExportKind] = {
    "reports": ExportKind(("csv", "xlsx", "geojson"), tuple((each.code, each.zh) for each in REPORT_COLUMNS)),
    "duties": ExportKind(("csv", "xlsx"), tuple((each.code, each.zh) for each in DUTY_COLUMNS)),
    "statistics": ExportKind(("csv", "xlsx"), _STATISTICS),
}
_POSITION = {"longitude", "latitude"}


@dataclass(frozen=True, slots=True)
class WantedExport:
    """What a person asks for; `columns` None takes all."""

    kind: str
    format: str
    filter: Mapping[str, Any]
    columns: tuple[str, ...] | None = None
    datum: Datum | None = None


class CancelledError(Exception):
    """The person took the export back while it was made."""


def ask(actor: Actor, wanted: WantedExport, *, now: datetime) -> Export:
    """Ask for an export.

    Raises:
        InvalidError: `format_not_for_kind`, `unknown_column`, `coord_type_missing`.
        NotFoundError: the filter names a region outside the person's.
        ConflictError: `too_many_exports`, two are under way.
    """
    _check(wanted)
    if wanted.filter.get("region"):
        statistics.own_region(actor, wanted.filter["region"], Permission.EXPORT)
    with transaction() as session:
        # One at a time may ask: two requests at once would both count one.
        session.execute(select(func.pg_advisory_xact_lock(actor.user_id.int & 0x7FFFFFFFFFFFFFFF)))
        pending = session.scalar(select(func.count()).where(Export.user_id == actor.user_id, Export.state.in_(PENDING)))
        if (pending or 0) >= AT_ONCE:
            raise ConflictError("too_many_exports", f"最多同时进行 {AT_ONCE} 个导出，请稍后再试。")
        row = Export(
            id=new_id(),
            user_id=actor.user_id,
            kind=wanted.kind,
            format=wanted.format,
            asked={
                "filter": dict(wanted.filter),
                "columns": list(wanted.columns) if wanted.columns else None,
                "coord_type": wanted.datum.value if wanted.datum else None,
            },
            state=ExportState.QUEUED,
            created_at=now,
        )
        session.add(row)
        session.flush()
        outbox.record(session, "export.asked", export_id=str(row.id))
        audit.record(
            session, actor.user_id, "export.ask", subject=f"export:{row.id}", at=now, kind=row.kind, format=row.format
        )
        return row


def _check(wanted: WantedExport) -> None:
    kind = KINDS[wanted.kind]
    if wanted.format not in kind.formats:
        raise InvalidError("format_not_for_kind", "该内容不能导出为所选格式。", fields={"format": ["不支持"]})
    known = {code for code, _ in kind.columns}
    unknown = [column for column in wanted.columns or () if column not in known]
    if unknown:
        raise InvalidError("unknown_column", "没有所选的列。", fields={"columns": [f"没有列“{unknown[0][:30]}”"]})
    placed = wanted.format == "geojson" or (wanted.kind == "reports" and bool(_POSITION & set(wanted.columns or known)))
    if placed and wanted.datum is None:
        raise InvalidError("coord_type_missing", "导出坐标时须注明坐标系。", fields={"coord_type": ["必填"]})


def list_exports(actor: Actor) -> Sequence[Export]:
    """The person's own, newest first."""
    return (
        db.session()
        .scalars(
            select(Export)
            .where(Export.user_id == actor.user_id)
            .order_by(Export.created_at.desc(), Export.id)
            .limit(100)
        )
        .all()
    )


def read_export(actor: Actor, export_id: uuid.UUID) -> Export:
    """One of the person's own.

    Raises:
        NotFoundError: not there, or somebody else's.
    """
    row: Export | None = db.session().scalars(_own(actor, export_id)).one_or_none()
    if row is None:
        raise not_found()
    return row


def cancel(actor: Actor, export_id: uuid.UUID, *, now: datetime) -> None:
    """Take an export back, or remove its file.

    Raises:
        NotFoundError: not there, or somebody else's.
    """
    with transaction() as session:
        row = session.scalars(_own(actor, export_id).with_for_update()).one_or_none()
        if row is None:
            raise not_found()
        key = row.file_key
        row.state = (
            ExportState.CANCELLED
            if row.state in PENDING
            else ExportState.EXPIRED
            if row.state == ExportState.READY
            else row.state
        )
        row.file_key = None
        audit.record(session, actor.user_id, "export.cancel", subject=f"export:{row.id}", at=now)
    if key is not None:
        runtime().storage.delete(key)


def _own(actor: Actor, export_id: uuid.UUID) -> Any:
    return select(Export).where(Export.id == export_id, Export.user_id == actor.user_id)


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
        _demand_rights(actor, wanted)
        with tempfile.TemporaryDirectory(prefix="wxapi-export-") as folder:
            path = Path(folder) / f"file.{wanted.format}"
            rows = _write(path, actor, wanted, export_id, now)
            key = f"exports/{export_id}/{wanted.kind}-{now.astimezone(SHANGHAI):%Y%m%d-%H%M}.{wanted.format}"
            runtime().storage.put_file(key, path)
            _finish(export_id, key, path, rows, now)
    except DomainError:
        _fail(export_id, "rights_changed")
    except TooManyRowsError:
        _fail(export_id, "too_many_rows")
    except CancelledError:
        return


def _begin(export_id: uuid.UUID) -> tuple[WantedExport, uuid.UUID] | None:
    with transaction() as session:
        row = session.scalars(select(Export).where(Export.id == export_id).with_for_update()).one_or_none()
        if row is None or row.state not in PENDING:
            return None
        row.state, row.done = ExportState.RUNNING, 0
        asked = row.asked
        columns = tuple(asked["columns"]) if asked["columns"] else None
        datum = Datum(asked["coord_type"]) if asked["coord_type"] else None
        return WantedExport(row.kind, row.format, asked["filter"], columns, datum), row.user_id


def _demand_rights(actor: Actor, wanted: WantedExport) -> None:
    if not actor.holds(*ROLES_OF[Permission.EXPORT]):
        raise not_found()
    if wanted.filter.get("region"):
        statistics.own_region(actor, wanted.filter["region"], Permission.EXPORT)


def _write(path: Path, actor: Actor, wanted: WantedExport, export_id: uuid.UUID, now: datetime) -> int:
    """Write all rows and the note; returns how many rows."""
    headings = dict(KINDS[wanted.kind].columns)
    columns = wanted.columns or tuple(headings)
    rows = 0
    opened = _figures(actor, wanted, columns, now) if wanted.kind == "statistics" else _records(actor, wanted, columns)
    with opened as (total, lines):
        _progress(export_id, 0, total)
        writer = _writer(path, wanted, columns, [headings[column] for column in columns])
        for cells, position in lines:
            writer.row(cells, position)
            rows += 1
            if rows % _PROGRESS_EVERY == 0:
                _progress(export_id, rows, total)
        writer.finish(_note(actor, wanted, rows, now))
    return rows


Lines = Iterator[tuple[list[Cell], Point | None]]


@contextmanager
def _records(actor: Actor, wanted: WantedExport, columns: Sequence[str]) -> Iterator[tuple[int, Lines]]:
    """How many rows a list has, and the rows as cells and position, while their transaction is open."""
    statement, known = queries.statement_of(wanted.kind, actor, wanted.filter)
    by_code = {column.code: column for column in known}
    chosen = [by_code[column] for column in columns]
    placed = wanted.format == "geojson"
    with queries.reading() as connection:
        dressing = Dressing(tree(), queries.names_of_units(connection), wanted.datum)

        def lines() -> Lines:
            for row in queries.rows_of(connection, statement):
                cells = [column.cell(row, dressing) for column in chosen]
                yield cells, queries.position(row, wanted.datum) if placed else None

        yield queries.count_of(connection, statement), lines()


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


def question_of(asked: Mapping[str, Any]) -> Question:
    """The question of a filter of kind `statistics`."""
    days = {name: date.fromisoformat(asked[name]) if asked.get(name) else None for name in ("from", "to")}
    return Question(
        group_by=asked.get("group_by") or "place",
        stage=asked.get("stage") or "resolve",
        region=asked.get("region"),
        level=asked.get("level"),
        since=days["from"],
        until=days["to"],
        class_code=asked.get("class"),
        unit=asked.get("unit"),
    )


def _writer(path: Path, wanted: WantedExport, columns: Sequence[str], headings: Sequence[str]) -> FileWriter:
    if wanted.format == "csv":
        return export_files.CsvWriter(path, headings)
    if wanted.format == "xlsx":
        return export_files.XlsxWriter(path, headings)
    assert wanted.datum is not None
    return export_files.GeoJsonWriter(path, columns, wanted.datum.value)


def _note(actor: Actor, wanted: WantedExport, rows: int, now: datetime) -> Note:
    """说明: the office that asked, never the person."""
    roles = ROLES_OF[Permission.EXPORT]
    held = next(appointment for appointment in actor.appointments if appointment.role in roles)
    region = tree().get(held.region_code)
    asked = "；".join(f"{name}={value}" for name, value in sorted(wanted.filter.items()) if value) or "无"
    return Note(
        (
            ("说明", ""),
            ("导出单位", f"{region.full_name if region else held.region_code} {ROLE_NAMES[held.role]}"),
            ("导出时间", f"{now.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"),
            ("筛选条件", asked),
            ("坐标系", wanted.datum.value if wanted.datum else "无"),
            ("统计口径版本", DEFINITIONS_VERSION),
            ("行数", str(rows)),
        )
    )


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
            row.total, row.expires_at = rows, now + KEPT
    if not kept:
        runtime().storage.delete(key)


def _fail(export_id: uuid.UUID, code: str) -> None:
    with transaction() as session:
        session.execute(
            update(Export)
            .where(Export.id == export_id, Export.state == ExportState.RUNNING)
            .values(state=ExportState.FAILED, code=code)
        )


def expire(*, now: datetime) -> int:
    """Remove the files whose time is over; returns how many."""
    with transaction() as session:
        rows = session.scalars(
            select(Export)
            .where(Export.file_key.is_not(None), Export.expires_at <= now)
            .order_by(Export.expires_at)
            .limit(200)
            .with_for_update(skip_locked=True)
        ).all()
        keys = [row.file_key for row in rows if row.file_key]
        for row in rows:
            row.state, row.file_key = ExportState.EXPIRED, None
    runtime().storage.delete(*keys)
    return len(keys)


def remove_file(file_key: str) -> None:
    """Remove the file of an export that is gone."""
    runtime().storage.delete(file_key)


def forget_person(session: Session, user_id: uuid.UUID) -> None:
    """Remove a person's exports with their files."""
    rows = session.scalars(select(Export).where(Export.user_id == user_id)).all()
    for row in rows:
        if row.file_key:
            outbox.record(session, "export.dropped", file_key=row.file_key)
        session.delete(row)
