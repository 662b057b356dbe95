"""The review queue: what looks odd, found at the sign-in or afterwards, and what the organiser says to it."""

import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ConflictError, not_found
from wxapi.kernel.ids import new_id
from wxapi.kernel.paging import Page
from wxapi.platform import audit
from wxapi.platform.db import db, transaction
from wxapi.training.models import Attendance, Enrolment, Flag
from wxapi.training.queries import reviews, sessions
from wxapi.training.queries import roll as queries
from wxapi.training.queries.managed import ORGANISE, managed, managed_for_roll
from wxapi.training.queries.roll import after_sign_in, last_standing
from wxapi.training.rules.attendance import (
    BURST_MIN,
    CROWD_MIN,
    Action,
    FlagDecision,
    FlagReason,
    State,
    is_crowd,
    may_strike,
    signed_in_state,
)
from wxapi.training.rules.codes import step_start
from wxapi.training.rules.owed import FLAG_REVIEW
from wxapi.training.rules.sessions import EnrolmentState
from wxapi.training.services.book_hours import settle_if_over
from wxapi.training.services.change_state import Change, change_states
from wxapi.training.services.deciding import decide_once
from wxapi.training.services.owing import owe
from wxapi.training.services.session_cache import Facts, present_facts

FoundFlag = tuple[FlagReason, str, uuid.UUID | None, dict[str, Any]]


def queue(
    actor: Actor, session_id: uuid.UUID, *, decided: bool | None, limit: int, cursor: str | None
) -> Page[tuple[Flag, str | None]]:
    """The flags of a session.

    Raises:
        NotFoundError: outside the scope.
    """
    managed(db.session(), actor, session_id, ORGANISE)
    return reviews.flags_page(db.session(), session_id, decided=decided, limit=limit, cursor=cursor)


def decide(
    actor: Actor,
    flag_id: uuid.UUID,
    decision: FlagDecision,
    *,
    note: str,
    session_id: uuid.UUID | None = None,
    now: datetime,
) -> Flag:
    """Dismiss a flag, or uphold it and strike the sign-in; the same decision again changes nothing.

    When the last open flag of a sign-in in review is dismissed, the person is present or late as the time says.

    Raises:
        NotFoundError: outside the scope, or of another session than `session_id`.
        ConflictError: `already_decided` otherwise.
    """
    with transaction() as session:
        # The session before its rows; whose flag it is never changes.
        about = reviews.flag_of(session, actor, flag_id)
        if about is None or (session_id is not None and about.session_id != session_id):
            raise not_found()
        whose = None if about.user_id is None else [about.user_id]
        held = managed_for_roll(session, actor, about.session_id, whose)
        flag = session.get_one(Flag, flag_id, with_for_update=True, populate_existing=True)
        if not decide_once(flag, decision, note=note, actor=actor, now=now, refused=_already_decided):
            return flag
        session.flush()
        if flag.user_id is not None:
            _apply(session, flag, flag.user_id, actor, decision, now=now)
        owe(session, held, decided=FLAG_REVIEW, now=now)
        audit.record(
            session,
            actor.user_id,
            "training.flag_decide",
            subject=f"training:{flag.session_id}",
            at=now,
            reason=flag.reason,
            decision=decision.value,
        )
        return flag


def review(session_id: uuid.UUID, *, now: datetime) -> int:
    """Look a session over for what shows only in the whole; returns how many flags are new. May run again."""
    with transaction() as session:
        facts = present_facts(session, session_id)
        row = sessions.locked(session, session_id)
        assert row is not None
        found = [*_shared_devices(session, session_id), *_crowds(session, facts)]
        new = _add(session, session_id, found, now=now)
        owe(session, row, now=now)
        return new


def _apply(
    session: Session, flag: Flag, user_id: uuid.UUID, actor: Actor, decision: FlagDecision, *, now: datetime
) -> None:
    row = queries.row_locked(session, flag.session_id, user_id)
    if row is None:
        return
    if decision is FlagDecision.UPHOLD:
        state = State.ABSENT
        last = last_standing(queries.history(session, flag.session_id, user_id))
        if last is not None and not may_strike(
            Action(last.action), State(last.to_state), after_sign_in=after_sign_in(last, row)
        ):
            return
    elif row.state == State.NEEDS_REVIEW and not reviews.open_doubts(session, flag.session_id, user_id):
        assert row.signed_in_at is not None
        window = present_facts(session, flag.session_id).window
        state = signed_in_state(window, row.signed_in_at, row.signed_out_at, doubted=False)
    else:
        return
    change_states(session, flag.session_id, [user_id], Change(state, Action.FLAG, actor.user_id, flag.note, now))
    settle_if_over(session, flag.session_id, now=now, only=[user_id])


def _shared_devices(session: Session, session_id: uuid.UUID) -> Iterator[FoundFlag]:
    """Everybody on a device that signed in for several: two at the same instant do not see each other."""
    shared = (
        select(Attendance.device_digest)
        .where(Attendance.session_id == session_id, Attendance.device_digest.is_not(None))
        .group_by(Attendance.device_digest)
        .having(func.count() > 1)
    )
    people = session.scalars(
        select(Attendance.user_id).where(Attendance.session_id == session_id, Attendance.device_digest.in_(shared))
    )
    for user_id in people:
        yield FlagReason.SAME_DEVICE, str(user_id), user_id, {}


def _crowds(session: Session, facts: Facts) -> Iterator[FoundFlag]:
    """Steps whose code many people used: more than half of the enrolled, or a group after the late mark."""
    enrolled = session.scalar(
        select(func.count()).where(Enrolment.session_id == facts.id, Enrolment.state == EnrolmentState.ENROLLED)
    )
    steps = session.execute(
        select(Attendance.step, func.count())
        .where(Attendance.session_id == facts.id, Attendance.step.is_not(None))
        .group_by(Attendance.step)
        .having(func.count() >= min(BURST_MIN, CROWD_MIN))
    )
    for step, people in steps:
        assert step is not None
        detail = {"step_at": step_start(step).isoformat(), "people": people}
        if is_crowd(people, enrolled or 0):
            yield FlagReason.CROWDED_STEP, str(step), None, detail
        if people >= BURST_MIN and facts.window.is_late(step_start(step)):
            yield FlagReason.BURST, str(step), None, detail


def _add(session: Session, session_id: uuid.UUID, found: Iterable[FoundFlag], *, now: datetime) -> int:
    rows = [
        {
            "id": new_id(),
            "session_id": session_id,
            "reason": reason.value,
            "subject": subject,
            "user_id": user_id,
            "detail": detail,
            "created_at": now,
        }
        for reason, subject, user_id, detail in found
    ]
    if not rows:
        return 0
    once = insert(Flag).on_conflict_do_nothing(index_elements=["session_id", "reason", "subject"])
    # The rows beside the statement, so that they go in portions: a whole hall may have one device's name.
    return len(session.execute(once.returning(Flag.id), rows).all())


def _already_decided(decision: str) -> ConflictError:
    return ConflictError("already_decided", "该提示已有处理结果。", extra={"decision": decision})
