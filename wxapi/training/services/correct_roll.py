"""The roll in the organiser's hand: ticked, corrected, undone, each time with a reason and in the history."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.identity.models import User
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ConflictError, InvalidError, not_found
from wxapi.kernel.ids import new_id
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.training.models import Attendance, AttendanceEvent, TrainingSession
from wxapi.training.queries import roll as queries
from wxapi.training.queries.managed import ORGANISE, managed
from wxapi.training.queries.roll import RollRow
from wxapi.training.rules.attendance import Action, State, check_manual
from wxapi.training.rules.sessions import SessionState
from wxapi.training.services.book_hours import settle_if_over
from wxapi.training.services.change_state import change_state, check_make_up
from wxapi.training.services.roll_reading import roll_row

MAX_BULK = 1_000


@dataclass(frozen=True, slots=True)
class Correction:
    """What an organiser sets by hand. `made_up_in`: the session where a missed one was made up."""

    state: str
    reason: str
    made_up_in: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class ManyCorrected:
    """How many rows changed, and who of those named is not on the roll and could not be added to it."""

    changed: int
    missing: Sequence[uuid.UUID]


def correct(
    actor: Actor, session_id: uuid.UUID, user_id: uuid.UUID, correction: Correction, *, now: datetime
) -> RollRow:
    """Set a person's state by hand; somebody not on the roll is added to it.

    Raises:
        NotFoundError: outside the scope, or no such person.
        InvalidError: `state_not_manual`, `make_up_not_attended`.
        ConflictError: `session_not_published`.
    """
    state = check_manual(correction.state)
    with transaction() as session:
        _for_changes(session, actor, session_id)
        if state is State.MADE_UP and correction.made_up_in is not None:
            check_make_up(session, actor, session_id, user_id, correction.made_up_in)
        row = _row_for(session, session_id, user_id)
        change_state(
            session,
            row,
            state,
            Action.MANUAL,
            actor_id=actor.user_id,
            reason=correction.reason,
            now=now,
            made_up_in=correction.made_up_in,
        )
        _audit(session, actor, "training.correct", session_id, now, user_id=str(user_id), state=state.value)
        settle_if_over(session, session_id, now=now, only=user_id)
        return roll_row(session, session_id, user_id)


def correct_many(
    actor: Actor,
    session_id: uuid.UUID,
    correction: Correction,
    *,
    user_ids: Sequence[uuid.UUID] | None,
    late_uploads: bool,
    now: datetime,
) -> ManyCorrected:
    """Set the state of many at once: those named, or all that were uploaded late.

    Those named who are not on the roll are added to it, unless only late uploads are meant.

    Raises:
        NotFoundError: outside the scope.
        InvalidError: `state_not_manual`, `nobody_named`.
        ConflictError: `session_not_published`.
    """
    state = check_manual(correction.state)
    if user_ids is None and not late_uploads:
        raise InvalidError("nobody_named", "请指定人员名单,或选择全部离线补传记录。")
    with transaction() as session:
        _for_changes(session, actor, session_id)
        missing = []
        if user_ids is not None:
            if not late_uploads:
                _add_walk_ins(session, session_id, user_ids)
            missing = queries.not_on_roll(session, session_id, user_ids)
        query = select(Attendance).where(Attendance.session_id == session_id, Attendance.state != state)
        if user_ids is not None:
            query = query.where(Attendance.user_id.in_(user_ids))
        if late_uploads:
            query = query.where(Attendance.late_upload)
        rows = session.scalars(query.order_by(Attendance.user_id).with_for_update()).all()
        for row in rows:
            change_state(session, row, state, Action.BULK, actor_id=actor.user_id, reason=correction.reason, now=now)
        _audit(session, actor, "training.correct_many", session_id, now, state=state.value, rows=len(rows))
        settle_if_over(session, session_id, now=now)
        return ManyCorrected(len(rows), missing)


def undo(actor: Actor, session_id: uuid.UUID, user_id: uuid.UUID, *, reason: str, now: datetime) -> RollRow:
    """Take back the last decision about a person; the row and its history stay.

    Raises:
        NotFoundError: outside the scope, or not on the roll.
        ConflictError: `nothing_to_undo`.
        InvalidError: `make_up_not_attended`, the make-up this would bring back no longer stands.
    """
    with transaction() as session:
        _for_changes(session, actor, session_id)
        row = queries.row_locked(session, session_id, user_id)
        if row is None:
            raise not_found()
        last = _last_standing(queries.history(session, session_id, user_id))
        if last is None:
            raise ConflictError("nothing_to_undo", "没有可以撤销的更正。")
        before, made_up_in = State(last.from_state or State.ENROLLED), last.from_made_up_in
        if made_up_in is not None:
            check_make_up(session, actor, session_id, user_id, made_up_in)
        change_state(
            session,
            row,
            before,
            Action.UNDO,
            actor_id=actor.user_id,
            reason=reason,
            now=now,
            made_up_in=made_up_in,
        )
        _audit(session, actor, "training.undo", session_id, now, user_id=str(user_id), state=before.value)
        settle_if_over(session, session_id, now=now, only=user_id)
        return roll_row(session, session_id, user_id)


def _last_standing(history: Sequence[AttendanceEvent]) -> AttendanceEvent | None:
    """The last decision that was not itself taken back; None when there is none."""
    taken_back = 0
    for event in reversed(history):
        if event.action == Action.UNDO:
            taken_back += 1
        elif taken_back:
            taken_back -= 1
        else:
            return event
    return None


def _for_changes(session: Session, actor: Actor, session_id: uuid.UUID) -> TrainingSession:
    row = managed(session, actor, session_id, ORGANISE)
    if row.state == SessionState.DRAFT:
        raise ConflictError("session_not_published", "本场培训尚未发布,没有考勤。")
    return row


def _row_for(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> Attendance:
    """The person's row, made when missing: a walk-in whom the organiser notes down."""
    row = queries.row_locked(session, session_id, user_id)
    if row is None:
        _add_walk_ins(session, session_id, [user_id])
        row = queries.row_locked(session, session_id, user_id)
    if row is None:
        raise not_found()
    return row


def _add_walk_ins(session: Session, session_id: uuid.UUID, user_ids: Sequence[uuid.UUID]) -> None:
    """A row for each who exists and has none yet."""
    people = session.scalars(select(User.id).where(User.id.in_(user_ids), User.erased_at.is_(None))).all()
    if not people:
        return
    rows = [
        {"session_id": session_id, "user_id": user_id, "id": new_id(), "state": State.ENROLLED, "walk_in": True}
        for user_id in people
    ]
    session.execute(insert(Attendance).values(rows).on_conflict_do_nothing(index_elements=["session_id", "user_id"]))


def _audit(
    session: Session, actor: Actor, action: str, session_id: uuid.UUID, now: datetime, **detail: str | int
) -> None:
    audit.record(session, actor.user_id, action, subject=f"training:{session_id}", at=now, **detail)
