"""The roll in the organiser's hand: ticked, corrected, undone, each time with a reason and in the history."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import false, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.identity.models import User
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ConflictError, InvalidError, not_found
from wxapi.kernel.ids import new_id
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.training.models import Attendance, AttendanceEvent, TrainingSession
from wxapi.training.queries import reviews
from wxapi.training.queries import roll as queries
from wxapi.training.queries.managed import managed_for_roll
from wxapi.training.queries.roll import RollRow, after_sign_in, last_standing
from wxapi.training.queries.scope import among
from wxapi.training.rules.attendance import DOUBTS, Action, State, check_manual, signed_in_state, state_after_undo
from wxapi.training.rules.sessions import SessionState
from wxapi.training.services.book_hours import settle_if_over
from wxapi.training.services.change_state import Change, change_states, check_make_up
from wxapi.training.services.roll_reading import roll_row
from wxapi.training.services.session_cache import facts_from

MAX_BULK = 1_000


@dataclass(frozen=True, slots=True)
class Correction:
    """What an organiser sets by hand. `made_up_in`: the session where a missed one was made up."""

    state: str
    reason: str
    made_up_in: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class ManyCorrected:
    """Whose rows changed, and who of those named is not on the roll and could not be added to it."""

    people: Sequence[uuid.UUID]
    missing: Sequence[uuid.UUID]

    @property
    def changed(self) -> int:
        """How many rows changed."""
        return len(self.people)


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
        made_up_in = correction.made_up_in if state is State.MADE_UP else None
        _for_changes(session, actor, session_id, [user_id], rests_on=lambda: made_up_in)
        if made_up_in is not None:
            check_make_up(session, actor, session_id, user_id, made_up_in)
        _put_on_roll(session, session_id, user_id)
        change = Change(state, Action.MANUAL, actor.user_id, correction.reason, now, made_up_in)
        change_states(session, session_id, [user_id], change)
        _audit(session, actor, "training.correct", session_id, now, user_id=str(user_id), state=state.value)
        settle_if_over(session, session_id, now=now, only=[user_id])
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
        raise InvalidError("nobody_named", "请指定人员名单，或选择全部离线补传记录。")
    with transaction() as session:
        _for_changes(session, actor, session_id, user_ids)
        missing = []
        if user_ids is not None:
            if not late_uploads:
                _lock_or_add(session, session_id, user_ids)
            missing = queries.not_on_roll(session, session_id, user_ids)
        query = select(Attendance.user_id).where(Attendance.session_id == session_id, Attendance.state != state)
        if user_ids is not None:
            query = query.where(among(Attendance.user_id, user_ids))
        if late_uploads:
            query = query.where(Attendance.late_upload)
        people = session.scalars(query.order_by(Attendance.user_id).with_for_update()).all()
        change = Change(state, Action.BULK, actor.user_id, correction.reason, now)
        change_states(session, session_id, people, change)
        _audit(session, actor, "training.correct_many", session_id, now, state=state.value, rows=len(people))
        settle_if_over(session, session_id, now=now, only=people)
        return ManyCorrected(people, missing)


def undo(actor: Actor, session_id: uuid.UUID, user_id: uuid.UUID, *, reason: str, now: datetime) -> RollRow:
    """Take back the last decision about a person; the row and its history stay.

    Raises:
        NotFoundError: outside the scope, or not on the roll.
        ConflictError: `nothing_to_undo`.
        InvalidError: `make_up_not_attended`, the make-up this would bring back no longer stands.
    """

    def rests_on() -> uuid.UUID | None:
        last = last_standing(queries.history(session, session_id, user_id))
        return last.from_made_up_in if last is not None else None

    with transaction() as session:
        row = _for_changes(session, actor, session_id, [user_id], rests_on=rests_on)
        line = queries.row_locked(session, session_id, user_id)
        if line is None:
            raise not_found()
        last = last_standing(queries.history(session, session_id, user_id))
        if last is None:
            raise ConflictError("nothing_to_undo", "没有可以撤销的更正。")
        if last.from_made_up_in is not None:
            check_make_up(session, actor, session_id, user_id, last.from_made_up_in)
        before = _state_without(session, row, line, last)
        change = Change(before, Action.UNDO, actor.user_id, reason, now, last.from_made_up_in)
        change_states(session, session_id, [user_id], change)
        _audit(session, actor, "training.undo", session_id, now, user_id=str(user_id), state=before.value)
        settle_if_over(session, session_id, now=now, only=[user_id])
        return roll_row(session, session_id, user_id)


def _state_without(session: Session, row: TrainingSession, line: Attendance, last: AttendanceEvent) -> State:
    """The state as if the decision had never been taken: a sign-in that came after it stays."""
    before = State(last.from_state or State.ENROLLED)
    if line.signed_in_at is None:
        return before
    doubted = not DOUBTS.isdisjoint(line.flags) and reviews.open_doubts(session, row.id, line.user_id)
    by_sign_in = signed_in_state(facts_from(row).window, line.signed_in_at, line.signed_out_at, doubted=doubted)
    since = not after_sign_in(last, line)
    left_since = line.signed_out_at is not None and line.signed_out_at > last.at
    return state_after_undo(before, by_sign_in, signed_in_since=since, left_since=left_since)


def _for_changes(
    session: Session,
    actor: Actor,
    session_id: uuid.UUID,
    user_ids: Sequence[uuid.UUID] | None,
    *,
    rests_on: Callable[[], uuid.UUID | None] = lambda: None,
) -> TrainingSession:
    row = managed_for_roll(session, actor, session_id, user_ids, rests_on=rests_on)
    if row.state == SessionState.DRAFT:
        raise ConflictError("session_not_published", "本场培训尚未发布，没有考勤。")
    return row


def _put_on_roll(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Lock the person's row, made when missing: a walk-in whom the organiser notes down."""
    _lock_or_add(session, session_id, [user_id])
    if queries.row_locked(session, session_id, user_id) is None:
        raise not_found()


def _lock_or_add(session: Session, session_id: uuid.UUID, user_ids: Sequence[uuid.UUID]) -> None:
    """Lock the row of each who exists, made where there is none yet, all in the order of the people.

    One statement does both: rows made first and others locked afterwards would be two orders, and a steward's batch
    that goes through the people once would wait in a circle with it.
    """
    query = select(User.id).where(among(User.id, user_ids), User.erased_at.is_(None))
    people = session.scalars(query.order_by(User.id)).all()
    if not people:
        return
    rows = [
        {"session_id": session_id, "user_id": user_id, "id": new_id(), "state": State.ENROLLED, "walk_in": True}
        for user_id in people
    ]
    made = insert(Attendance).values(rows)
    locked = made.on_conflict_do_update(
        index_elements=["session_id", "user_id"],
        set_={"state": Attendance.state},
        where=false(),  # a row that is there is locked and stays as it is
    )
    session.execute(locked)


def _audit(
    session: Session, actor: Actor, action: str, session_id: uuid.UUID, now: datetime, **detail: str | int
) -> None:
    audit.record(session, actor.user_id, action, subject=f"training:{session_id}", at=now, **detail)
