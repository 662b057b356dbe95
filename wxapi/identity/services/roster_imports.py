"""Lists of people that administrators send: kept sealed, read, checked and written by a job, all or nothing.

What the administrator may do is asked when the list is sent, when it is checked, and once more in the transaction that
writes it, which holds their row: an appointment that ends meanwhile ends the import.
"""

import base64
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from wxapi.identity.models import PeopleImport
from wxapi.identity.queries import actor_of
from wxapi.identity.rules import IMPORT_PENDING, ImportState
from wxapi.identity.services import roster
from wxapi.identity.services.confirming import require_confirmed
from wxapi.identity.services.roster_files import (
    MAX_BYTES,
    CheckedRows,
    RosterRow,
    check_rows,
    read_rows,
)
from wxapi.identity.services.roster_places import NamedUnits
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import ConflictError, InvalidError, TooLargeError, not_found
from wxapi.kernel.ids import new_id
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform import audit, outbox
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.platform.tables import RowFault
from wxapi.regions.services.lookup import tree

AT_ONCE = 2
SHOWN_FAULTS = 200
_SHOWN = 100
_PURPOSE = "people.import"
_INVALID = "people_invalid"


class ImportGoneError(Exception):
    """The person took the import back while it was worked on."""


def ask(actor: Actor, data: bytes, *, dry_run: bool, now: datetime) -> PeopleImport:
    """Take a list in.

    Raises:
        InvalidError: `file_empty`.
        TooLargeError: `file_too_large`.
        ConflictError: `too_many_imports`, two are under way.
        ForbiddenError: `confirmation_required`, unless it is only to be checked.
    """
    if not dry_run:
        require_confirmed(actor, now=now)
    if not data:
        raise InvalidError("file_empty", "文件是空的。", fields={"file": ["文件是空的。"]})
    if len(data) > MAX_BYTES:
        raise TooLargeError("file_too_large", f"文件不能超过 {MAX_BYTES >> 20} MB。")
    sealed = runtime().cipher.seal(base64.b64encode(data).decode(), purpose=_PURPOSE)
    with transaction() as session:
        _require_turn(session, actor)
        row = PeopleImport(
            id=new_id(),
            user_id=actor.user_id,
            state=ImportState.QUEUED,
            dry_run=dry_run,
            content_sealed=sealed,
            faults=[],
            done=0,
            fault_count=0,
            created_at=now,
        )
        session.add(row)
        session.flush()
        _queue(session, row, actor, now=now)
        return row


def apply(actor: Actor, import_id: uuid.UUID, *, now: datetime) -> PeopleImport:
    """Have a list that was only checked written, without sending it again.

    Raises:
        NotFoundError: not there, or somebody else's.
        ConflictError: `import_not_checked`: not checked yet, refused, done or too old; `too_many_imports`.
        ForbiddenError: `confirmation_required`.
    """
    require_confirmed(actor, now=now)
    with transaction() as session:
        _require_turn(session, actor)
        row: PeopleImport | None = session.scalars(_own(actor, import_id).with_for_update()).one_or_none()
        if row is None:
            raise not_found()
        if row.state != ImportState.CHECKED or row.content_sealed is None:
            raise ConflictError("import_not_checked", "该名单不能导入：尚未检查通过，或已导入、已过期。")
        row.state, row.dry_run, row.done, row.finished_at = ImportState.QUEUED, False, 0, None
        _queue(session, row, actor, now=now)
        return row


def list_imports(actor: Actor) -> Sequence[PeopleImport]:
    """The person's own, newest first."""
    query = select(PeopleImport).where(PeopleImport.user_id == actor.user_id)
    return db.session().scalars(query.order_by(PeopleImport.created_at.desc(), PeopleImport.id).limit(_SHOWN)).all()


def read_import(actor: Actor, import_id: uuid.UUID) -> PeopleImport:
    """One of the person's own.

    Raises:
        NotFoundError: not there, or somebody else's.
    """
    row: PeopleImport | None = db.session().scalars(_own(actor, import_id)).one_or_none()
    if row is None:
        raise not_found()
    return row


def cancel(actor: Actor, import_id: uuid.UUID, *, now: datetime) -> None:
    """Take an import back that is not written yet; its file goes. One that is over stays as it is.

    Raises:
        NotFoundError: not there, or somebody else's.
    """
    with transaction() as session:
        row = session.scalars(_own(actor, import_id).with_for_update()).one_or_none()
        if row is None:
            raise not_found()
        if row.state in {*IMPORT_PENDING, ImportState.CHECKED}:
            _end(row, ImportState.CANCELLED, now=now)
            audit.record(session, actor.user_id, "people.import_cancel", subject=f"import:{row.id}", at=now)


def run(import_id: uuid.UUID, *, now: datetime) -> None:
    """Work on a list, from its start; harmless when repeated: a list that is there already changes nothing."""
    begun = _begin(import_id)
    if begun is None:
        return
    user_id, sealed, dry_run = begun
    try:
        data = base64.b64decode(runtime().cipher.open(sealed, purpose=_PURPOSE))
        checked = _check(import_id, user_id, data, now=now)
        if checked.faults:
            _fail(import_id, _INVALID, f"共 {len(checked.faults)} 行有误，未导入任何内容。", checked.faults, now=now)
        elif dry_run:
            _note_checked(import_id, checked.rows, now=now)
        else:
            roster.match(_write(import_id, user_id, checked.rows, now=now), now=now)
    except InvalidError as error:
        _fail(import_id, error.code, error.detail, (), now=now)
    except ImportGoneError:
        return


def _check(import_id: uuid.UUID, user_id: uuid.UUID, data: bytes, *, now: datetime) -> CheckedRows:
    rows = read_rows(data)
    regions = actor_of(db.session(), user_id, today=local_day(now)).regions(ROLES_OF[Permission.APPOINT])
    units = NamedUnits(db.session(), regions)
    db.session().rollback()  # the read is over
    return check_rows(rows, tree(), units, within=regions, progress=lambda done: _progress(import_id, done, len(rows)))


def _write(
    import_id: uuid.UUID, user_id: uuid.UUID, rows: Sequence[RosterRow], *, now: datetime
) -> tuple[uuid.UUID, ...]:
    """Write the list; returns the people whose phones it names.

    Raises:
        InvalidError: `rights_changed`; `region_closed`, `unit_closed` since it was checked.
        ImportGoneError: it was taken back.
    """
    # The administrator's row is held: what they may do stays as it is read here until this is committed.
    with transaction(locking=(user_id,)) as session:
        row = _running(session, import_id)
        actor = actor_of(session, user_id, today=local_day(now))
        if not all(actor.covers(each.region_code, ROLES_OF[Permission.APPOINT]) for each in rows):
            raise InvalidError("rights_changed", "您的管理权限已变更，未导入任何内容。")
        roster.refuse_gone(session, rows)
        roster.lock_list(session)
        plan = roster.plan_of(session, rows)
        roster.write(session, plan, by=user_id, now=now)
        _count(row, plan.counts)
        _end(row, ImportState.DONE, now=now)
        row.done = row.total = len(rows)
        subject = f"import:{import_id}"
        audit.record(session, user_id, "people.import", subject=subject, at=now, entries=len(plan.fresh))
        outbox.record(session, "people.imported", import_id=str(import_id))
        return plan.user_ids


def _note_checked(import_id: uuid.UUID, rows: Sequence[RosterRow], *, now: datetime) -> None:
    with transaction() as session:
        row = _running(session, import_id)
        _count(row, roster.plan_of(session, rows).counts)
        row.state, row.finished_at = ImportState.CHECKED, now  # the file stays, to be written
        row.done = row.total = len(rows)


def _fail(import_id: uuid.UUID, code: str, detail: str, faults: Sequence[RowFault], *, now: datetime) -> None:
    with transaction() as session:
        row = session.scalars(_one(import_id).with_for_update()).one_or_none()
        if row is None or row.state != ImportState.RUNNING:
            return
        _end(row, ImportState.FAILED, now=now)
        row.code, row.detail, row.fault_count = code, detail, len(faults)
        row.faults = [_fault(fault) for fault in faults[:SHOWN_FAULTS]]
        if not row.dry_run:
            outbox.record(session, "people.imported", import_id=str(import_id))


def _fault(fault: RowFault) -> dict[str, Any]:
    return {"row": fault.row, "sentences": list(fault.sentences)}


def _begin(import_id: uuid.UUID) -> tuple[uuid.UUID, bytes, bool] | None:
    with transaction() as session:
        row = session.scalars(_one(import_id).with_for_update()).one_or_none()
        if row is None or row.state not in IMPORT_PENDING or row.content_sealed is None:
            return None
        row.state, row.done = ImportState.RUNNING, 0
        return row.user_id, row.content_sealed, row.dry_run


def _progress(import_id: uuid.UUID, done: int, total: int) -> None:
    with transaction() as session:
        found = session.execute(
            update(PeopleImport)
            .where(PeopleImport.id == import_id, PeopleImport.state == ImportState.RUNNING)
            .values(done=done, total=total)
            .returning(PeopleImport.id)
        ).one_or_none()
    if found is None:
        raise ImportGoneError


def _running(session: Session, import_id: uuid.UUID) -> PeopleImport:
    row: PeopleImport | None = session.scalars(_one(import_id).with_for_update()).one_or_none()
    if row is None or row.state != ImportState.RUNNING:
        raise ImportGoneError
    return row


def _require_turn(session: Session, actor: Actor) -> None:
    # One at a time may ask: two requests at once would both count one.
    session.execute(select(func.pg_advisory_xact_lock(actor.user_id.int & 0x7FFFFFFFFFFFFFFF)))
    pending = select(func.count()).where(PeopleImport.user_id == actor.user_id, PeopleImport.state.in_(IMPORT_PENDING))
    if (session.scalar(pending) or 0) >= AT_ONCE:
        raise ConflictError("too_many_imports", f"最多同时处理 {AT_ONCE} 份名单，请稍后再试。")


def _queue(session: Session, row: PeopleImport, actor: Actor, *, now: datetime) -> None:
    outbox.record(session, "people.import_asked", import_id=str(row.id))
    audit.record(session, actor.user_id, "people.import_ask", subject=f"import:{row.id}", at=now, dry_run=row.dry_run)


def _count(row: PeopleImport, counts: roster.Imported) -> None:
    for name, number in asdict(counts).items():
        setattr(row, name, number)


def _end(row: PeopleImport, state: ImportState, *, now: datetime) -> None:
    row.state, row.finished_at, row.content_sealed = state, now, None


def _one(import_id: uuid.UUID) -> Any:
    return select(PeopleImport).where(PeopleImport.id == import_id)


def _own(actor: Actor, import_id: uuid.UUID) -> Any:
    return _one(import_id).where(PeopleImport.user_id == actor.user_id)
