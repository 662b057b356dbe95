"""What anybody may know of a session who stands before its poster."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from wxapi.kernel.errors import not_found
from wxapi.platform.db import db
from wxapi.training.models import TrainingSession
from wxapi.training.rules.sessions import SessionState, shown_state


@dataclass(frozen=True, slots=True)
class Announcement:
    """Title, kind, time, place and state; nobody's name and no number of people."""

    title: str
    kind: str
    starts_at: datetime
    ends_at: datetime
    place: str
    state: str


def read_announcement(session_id: uuid.UUID, *, now: datetime) -> Announcement:
    """A session that was published.

    Raises:
        NotFoundError: not there, or a draft.
    """
    row = db.session.scalars(
        select(TrainingSession).where(
            TrainingSession.id == session_id, TrainingSession.state != SessionState.DRAFT.value
        )
    ).one_or_none()
    if row is None:
        raise not_found()
    state = shown_state(row.state, row.ends_at, now)
    return Announcement(row.title, row.kind, row.starts_at, row.ends_at, row.place, state.value)
