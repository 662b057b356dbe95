"""A session's clockwork: who did not come is absent, once nothing can be uploaded any more."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.kernel.errors import NotFoundError
from wxapi.platform import sweeps
from wxapi.platform.db import transaction
from wxapi.training.models import Attendance, TrainingSession
from wxapi.training.queries import sessions as queries
from wxapi.training.rules.attendance import Action, State
from wxapi.training.rules.sessions import SessionState
from wxapi.training.services.book_hours import settle, settle_if_over
from wxapi.training.services.change_state import Change, change_states
from wxapi.training.services.owing import owe
from wxapi.training.services.review_flags import review

# Sessions are closed in portions of a job's time.
_AT_ONCE = 20
# A job this late was lost.
_LOST_AFTER = timedelta(hours=1)


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
        row = queries.lock_with_make_ups(session, session_id)
        if row is None or row.state != SessionState.PUBLISHED or now <= _offline_until(row):
            return 0
        missing = _mark_absent(session, row.id, now=now)
        owe(session, row, now=now)
        settle_if_over(session, row.id, now=now)
        return missing


def close_due(*, now: datetime) -> int:
    """Close what a lost job left open; returns how many people were marked absent."""
    with transaction() as session:
        due = queries.not_closed(session, now - _LOST_AFTER, limit=_AT_ONCE)
    return sweeps.one_by_one("training.close_due", due, lambda session_id: close(session_id, now=now))


def _offline_until(row: TrainingSession) -> datetime:
    return row.ends_at + timedelta(hours=row.offline_hours)


def _mark_absent(session: Session, session_id: uuid.UUID, *, now: datetime) -> int:
    """One statement for the states, one for the history, however many people."""
    # Locked in the order of the people, as all who lock many do.
    missing = session.scalars(
        select(Attendance.user_id)
        .where(Attendance.session_id == session_id, Attendance.state == State.ENROLLED)
        .order_by(Attendance.user_id)
        .with_for_update()
    ).all()
    if missing:
        change_states(session, session_id, missing, Change(State.ABSENT, Action.CLOSE, None, "", now))
    return len(missing)
