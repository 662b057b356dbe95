"""Rows of the outbox that follow from a change in training.

`training.reminder`, `.seat_given`, `.moved`, `.cancelled`, `.leave_decided` and `.certificate_issued` are for telling
people; `.settle` and `.close` are the session's own clockwork. Times may move: each job looks again.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from wxapi.kernel.clock import to_wire
from wxapi.platform import outbox
from wxapi.training.models import TrainingSession

REMINDERS = {"day_before": timedelta(days=1), "hour_before": timedelta(hours=1)}


def plan_clockwork(session: Session, row: TrainingSession, *, now: datetime) -> None:
    """Everything that happens by the clock for a published session; said again whenever its times change."""
    starts_at = to_wire(row.starts_at)
    for kind, before in REMINDERS.items():
        due = row.starts_at - before
        if due > now:
            outbox.record(
                session, "training.reminder", not_before=due, session_id=str(row.id), kind=kind, starts_at=starts_at
            )
    outbox.record(session, "training.settle", not_before=max(row.ends_at, now), session_id=str(row.id))
    offline_until = row.ends_at + timedelta(hours=row.offline_hours)
    outbox.record(session, "training.close", not_before=max(offline_until, now), session_id=str(row.id))


def seats_given(session: Session, session_id: uuid.UUID, user_ids: Sequence[uuid.UUID]) -> None:
    """These moved up from the waiting list: a row each, in one statement."""
    each = [str(user_id) for user_id in user_ids]
    outbox.record_each(session, "training.seat_given", "user_id", each, session_id=str(session_id))


def moved(session: Session, session_id: uuid.UUID) -> None:
    """Everybody who means to come should know where and when."""
    outbox.record(session, "training.moved", session_id=str(session_id))


def cancelled(session: Session, session_id: uuid.UUID) -> None:
    """Everybody on the roll should know."""
    outbox.record(session, "training.cancelled", session_id=str(session_id))


def leave_decided(session: Session, request_id: uuid.UUID) -> None:
    """The person who asked should know."""
    outbox.record(session, "training.leave_decided", leave_request_id=str(request_id))


def certificate_issued(session: Session, certificate_id: uuid.UUID) -> None:
    """The holder should know, and find it again."""
    outbox.record(session, "training.certificate_issued", certificate_id=str(certificate_id))
