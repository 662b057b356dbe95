"""Exports: asked for, taken back, kept for some days. `export_making` makes the file, `own_exports` shows them."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select, update
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
        if file_key is not None:
            outbox.record(session, "export.dropped", file_key=file_key)
        row.state = (
            ExportState.CANCELLED
            if row.state in PENDING
            else ExportState.EXPIRED
            if row.state == ExportState.READY
            else row.state
        )
        row.file_key = None
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
                outbox.record(session, "export.dropped", file_key=row.file_key)
                row.state, row.file_key = ExportState.EXPIRED, None
            return len(rows)

    swept = sweeps.together("exports.expire", ids, take_away)
    with transaction() as session:
        session.execute(
            update(Export)
            .where(Export.state.in_(PENDING), Export.created_at <= now - _GIVEN_UP)
            .values(state=ExportState.FAILED, code=ExportFailure.GIVEN_UP)
        )
    swept.raise_if_not_the_rows()
    return swept.done


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
