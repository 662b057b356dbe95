"""Exports: asked for, taken back, kept for some days. `export_making` makes the file, `own_exports` shows them."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import ConflictError, not_found
from wxapi.kernel.ids import new_id
from wxapi.platform import audit, outbox, sweeps
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.supervision.models import Export
from wxapi.supervision.rules.export_states import PENDING, ExportFailure, ExportState
from wxapi.supervision.services.export_kinds import WantedExport, check

AT_ONCE = 2
# Longer than all tries of a job: what is still not made then was given up, and must not count as under way for ever.
_GIVEN_UP = timedelta(days=1)


def ask(actor: Actor, wanted: WantedExport, *, now: datetime) -> Export:
    """Ask for an export.

    Raises:
        InvalidError: as `export_kinds.check`.
        NotFoundError: the filter names a region outside the person's.
        ConflictError: `too_many_exports`, two are under way.
    """
    check(actor, wanted, today=local_day(now))
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


def cancel(actor: Actor, export_id: uuid.UUID, *, now: datetime) -> None:
    """Take an export back, or remove its file.

    Raises:
        NotFoundError: not there, or somebody else's.
    """
    with transaction() as session:
        own = select(Export).where(Export.id == export_id, Export.user_id == actor.user_id)
        row = session.scalars(own.with_for_update()).one_or_none()
        if row is None:
            raise not_found()
        file_key = row.file_key
        if row.state in PENDING:
            row.state = ExportState.CANCELLED
            _drop(session, row)
        elif row.state == ExportState.READY:
            row.state = ExportState.EXPIRED
            _drop(session, row)
        audit.record(session, actor.user_id, "export.cancel", subject=f"export:{row.id}", at=now)
    if file_key is not None:
        # An address that was given out leads nowhere from now on. The job is for what goes wrong here.
        runtime().storage.try_to_delete(file_key)


def expire(*, now: datetime) -> int:
    """Remove the files whose time is over, and call failed what no job makes any more; returns how many files.

    The files go in a job of the same commit: a process that dies between the two would leave them for ever.
    """
    over = and_(Export.file_key.is_not(None), Export.expires_at <= now)
    ids = db.session().scalars(select(Export.id).where(over).order_by(Export.expires_at).limit(200)).all()
    db.session().rollback()  # the read is over

    def take_away(some: Sequence[uuid.UUID]) -> int:
        with transaction() as session:
            ended = select(Export).where(Export.id.in_(some), over).with_for_update(skip_locked=True)
            rows = session.scalars(ended).all()
            for row in rows:
                row.state = ExportState.EXPIRED
                _drop(session, row)
            return len(rows)

    swept = sweeps.together("exports.expire", ids, take_away)
    with transaction() as session:
        given_up = select(Export).where(Export.state.in_(PENDING), Export.created_at <= now - _GIVEN_UP)
        for row in session.scalars(given_up.with_for_update()):
            row.state, row.code = ExportState.FAILED, ExportFailure.GIVEN_UP
            _drop(session, row)
    swept.raise_if_not_the_rows()
    return swept.done


def folder_of(export_id: uuid.UUID) -> str:
    """Where the files of an export's runs lie; it ends in a slash."""
    return f"exports/{export_id}/"


def remove_file(file_key: str) -> None:
    """Remove the file of an export that is gone; where its folder is named, whatever lies there."""
    if file_key.endswith("/"):
        remove_others(file_key)
    else:
        runtime().storage.delete(file_key)


def remove_others(folder: str, but: str = "") -> None:
    """Remove what killed runs of an export have put into its folder, all but one file."""
    found = runtime().storage.stored_before(folder, datetime.max.replace(tzinfo=UTC))
    runtime().storage.delete(*(key for key in found if key != but))


def forget_person(session: Session, user_id: uuid.UUID) -> None:
    """Remove a person's exports with their files."""
    rows = session.scalars(select(Export).where(Export.user_id == user_id)).all()
    for row in rows:
        if row.file_key or row.state in PENDING:
            _drop(session, row)
        session.delete(row)


def _drop(session: Session, row: Export) -> None:
    """Have the file of an export removed; before there is one, what a killed run put there and nobody has heard of."""
    outbox.record(session, "export.dropped", file_key=row.file_key or folder_of(row.id))
    row.file_key = None
