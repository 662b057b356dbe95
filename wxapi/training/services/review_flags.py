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
from wxapi.training.models import Attendance, Enrolment, Flag, TrainingSession
from wxapi.training.queries import roll as queries
from wxapi.training.queries.managed import ORGANISE, managed
from wxapi.training.queries.scope import within
from wxapi.training.rules.attendance import (
    BURST_MIN,
    CROWD_MIN,
    Action,
    FlagDecision,
    FlagReason,
    State,
    is_crowd,
)
from wxapi.training.rules.codes import step_start
from wxapi.training.services.book_hours import settle_if_over
from wxapi.training.services.change_state import change_state
from wxapi.training.services.session_cache import Facts, present_facts

Found = tuple[FlagReason, str, uuid.UUID | None, dict[str, Any]]


def queue(
    actor: Actor, session_id: uuid.UUID, *, decided: bool | None, limit: int, cursor: str | None
) -> Page[tuple[Flag, str | None]]:
    """The flags of a session.

    Raises:
        NotFoundError: outside the scope.
    """
    managed(db.session(), actor, session_id, ORGANISE)
    return queries.flags_page(db.session(), session_id, decided=decided, limit=limit, cursor=cursor)


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
        flag = _flag_locked(session, actor, flag_id)
        if session_id is not None and flag.session_id != session_id:
            raise not_found()
        if flag.decision == decision:
            return flag
        if flag.decision is not None:
            raise ConflictError("already_decided", "该提示已有处理结果。", extra={"decision": flag.decision})
        flag.decision, flag.note = decision.value, note
        flag.decided_by, flag.decided_at = actor.user_id, now
        session.flush()
        if flag.user_id is not None:
            _apply(session, flag, flag.user_id, actor, decision, now=now)
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
        found = [*_shared_devices(session, session_id), *_crowds(session, facts)]
        return _add(session, session_id, found, now=now)


def _apply(
    session: Session, flag: Flag, user_id: uuid.UUID, actor: Actor, decision: FlagDecision, *, now: datetime
) -> None:
    row = queries.row_locked(session, flag.session_id, user_id)
    if row is None:
        return
    if decision is FlagDecision.UPHOLD:
        state = State.ABSENT
    elif row.state == State.NEEDS_REVIEW and not _open_doubts(session, flag.session_id, user_id):
        facts = present_facts(session, flag.session_id)
        assert row.signed_in_at is not None
        state = State.LATE if facts.window.is_late(row.signed_in_at) else State.PRESENT
    else:
        return
    change_state(session, row, state, Action.FLAG, actor_id=actor.user_id, reason=flag.note, now=now)
    settle_if_over(session, flag.session_id, now=now, only=user_id)


def _open_doubts(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> bool:
    open_flag = select(Flag.id).where(Flag.session_id == session_id, Flag.user_id == user_id, Flag.decision.is_(None))
    return session.scalars(open_flag.limit(1)).first() is not None


def _flag_locked(session: Session, actor: Actor, flag_id: uuid.UUID) -> Flag:
    flag = session.scalars(
        select(Flag)
        .join(TrainingSession, TrainingSession.id == Flag.session_id)
        .where(Flag.id == flag_id, within(actor, ORGANISE))
        .with_for_update(of=Flag)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if flag is None:
        raise not_found()
    return flag


def _shared_devices(session: Session, session_id: uuid.UUID) -> Iterator[Found]:
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


def _crowds(session: Session, facts: Facts) -> Iterator[Found]:
    """Steps whose code many people used: more than half of the enrolled, or a group after the late mark."""
    enrolled = session.scalar(
        select(func.count()).where(Enrolment.session_id == facts.id, Enrolment.state == "enrolled")
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


def _add(session: Session, session_id: uuid.UUID, found: Iterable[Found], *, now: datetime) -> int:
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
    return len(
        session.execute(
            insert(Flag)
            .values(rows)
            .on_conflict_do_nothing(index_elements=["session_id", "reason", "subject"])
            .returning(Flag.id)
        ).all()
    )
