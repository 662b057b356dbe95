"""A session's clockwork: who did not come is absent, once nothing can be uploaded any more."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import insert, literal, null, select, update
from sqlalchemy.orm import Session

from wxapi.kernel.errors import NotFoundError
from wxapi.platform.db import transaction
from wxapi.training.models import Attendance, AttendanceEvent, TrainingSession
from wxapi.training.queries import sessions as queries
from wxapi.training.rules.attendance import Action, State
from wxapi.training.rules.sessions import SessionState
from wxapi.training.services.book_hours import settle, settle_if_over
from wxapi.training.services.review_flags import review

# Sessions are closed in portions of a job's time.
_AT_ONCE = 20


def at_the_end(session_id: uuid.UUID, *, now: datetime) -> None:
    """What happens when a session ends: hours are booked, the roll is looked over. May run again."""
    settle(session_id, now=now)
    try:
        review(session_id, now=now)
    except NotFoundError:
        return


def close(session_id: uuid.UUID, *, now: datetime) -> int:
    """Mark absent who neither came nor was excused, when the time for offline records is over; returns how many.

    A session whose times were moved is left for its own time; a cancelled one has nobody absent.
    """
    with transaction() as session:
        row = queries.locked(session, session_id)
        if row is None or row.state != SessionState.PUBLISHED or now <= _offline_until(row):
            return 0
        missing = _mark_absent(session, row.id, now=now)
        settle_if_over(session, row.id, now=now)
        return missing


def close_due(*, now: datetime) -> int:
    """Close what a lost job left open; returns how many people were marked absent."""
    with transaction() as session:
        due = session.scalars(
            select(TrainingSession.id)
            .join(Attendance, Attendance.session_id == TrainingSession.id)
            .where(
                TrainingSession.state == SessionState.PUBLISHED,
                TrainingSession.ends_at < now - timedelta(hours=1),
                TrainingSession.ends_at + TrainingSession.offline_hours * timedelta(hours=1) < now - timedelta(hours=1),
                Attendance.state == State.ENROLLED,
            )
            .distinct()
            .limit(_AT_ONCE)
        ).all()
    return sum(close(session_id, now=now) for session_id in due)


def _offline_until(row: TrainingSession) -> datetime:
    return row.ends_at + timedelta(hours=row.offline_hours)


def _mark_absent(session: Session, session_id: uuid.UUID, *, now: datetime) -> int:
    """One statement for the states, one for the history, however many people."""
    moved = session.scalars(
        update(Attendance)
        .where(Attendance.session_id == session_id, Attendance.state == State.ENROLLED)
        .values(state=State.ABSENT)
        .returning(Attendance.user_id)
        .execution_options(synchronize_session=False)
    ).all()
    if moved:
        event = AttendanceEvent
        session.execute(
            insert(event).from_select(
                ["session_id", "user_id", "at", "action", "from_state", "to_state", "actor_id", "reason"],
                select(
                    Attendance.session_id,
                    Attendance.user_id,
                    literal(now),
                    literal(Action.CLOSE.value),
                    literal(State.ENROLLED.value),
                    literal(State.ABSENT.value),
                    null(),
                    literal(""),
                ).where(Attendance.session_id == session_id, Attendance.user_id.in_(moved)),
            )
        )
    return len(moved)
