"""Telling people: each function is one job, looks at how things stand now, and may run again."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.kernel.clock import to_wire
from wxapi.notifications.services.tell import tell
from wxapi.platform.db import transaction
from wxapi.training import notices
from wxapi.training.models import Attendance, Certificate, Enrolment, LeaveRequest, TrainingSession
from wxapi.training.rules.attendance import State
from wxapi.training.rules.sessions import EnrolmentState, SessionState


def remind(session_id: uuid.UUID, kind: str, starts_at: str, *, now: datetime) -> int:
    """Remind those who are enrolled; not when the session was moved, called off or has begun. Returns how many."""
    with transaction() as session:
        row = session.get(TrainingSession, session_id)
        if row is None or row.state != SessionState.PUBLISHED:
            return 0
        if to_wire(row.starts_at) != starts_at or row.starts_at <= now:
            return 0
        people = _on_roll(session, session_id, (State.ENROLLED,))
        return tell(session, people, notices.reminder(row, kind), now=now)


def tell_of_seat(session_id: uuid.UUID, user_id: uuid.UUID, *, now: datetime) -> int:
    """Tell somebody of the seat, unless it was given back or the session called off meanwhile."""
    with transaction() as session:
        row = session.get(TrainingSession, session_id)
        enrolment = session.get(Enrolment, (session_id, user_id))
        if row is None or row.state != SessionState.PUBLISHED:
            return 0
        if enrolment is None or enrolment.state != EnrolmentState.ENROLLED:
            return 0
        return tell(session, [user_id], notices.seat_notice(row, enrolment), now=now)


def tell_of_change(session_id: uuid.UUID, *, now: datetime) -> int:
    """Tell everybody who has not come yet of another time or place, who is on leave included; not once it has ended."""
    with transaction() as session:
        row = session.get(TrainingSession, session_id)
        if row is None or row.state != SessionState.PUBLISHED or row.ends_at <= now:
            return 0
        expected = (State.ENROLLED, State.ON_LEAVE)
        people = {*_waiting(session, session_id), *_on_roll(session, session_id, expected)}
        return tell(session, people, notices.change(row), now=now)


def tell_of_cancellation(session_id: uuid.UUID, *, now: datetime) -> int:
    """Tell everybody who meant to come, the waiting list included."""
    with transaction() as session:
        row = session.get(TrainingSession, session_id)
        if row is None or row.state != SessionState.CANCELLED:
            return 0
        people = {*_waiting(session, session_id), *_on_roll(session, session_id, tuple(State))}
        return tell(session, people, notices.cancellation(row), now=now)


def tell_of_leave(request_id: uuid.UUID, *, now: datetime) -> int:
    """Tell a person what became of the request for leave."""
    with transaction() as session:
        request = session.get(LeaveRequest, request_id)
        if request is None or request.decision is None:
            return 0
        row = session.get_one(TrainingSession, request.session_id)
        return tell(session, [request.user_id], notices.leave_notice(row, request), now=now)


def tell_of_certificate(certificate_id: uuid.UUID, *, now: datetime) -> int:
    """Tell the holder that a certificate is ready, unless it was deleted with its holder meanwhile."""
    with transaction() as session:
        row = session.get(Certificate, certificate_id)
        if row is None:
            return 0
        about = session.get_one(TrainingSession, row.session_id) if row.session_id is not None else None
        what = about.title if about is not None else f"{row.year} 年度培训"
        return tell(session, [row.user_id], notices.certificate_notice(row, what), now=now)


def _waiting(session: Session, session_id: uuid.UUID) -> Sequence[uuid.UUID]:
    waits = Enrolment.state == EnrolmentState.WAITING
    return session.scalars(select(Enrolment.user_id).where(Enrolment.session_id == session_id, waits)).all()


def _on_roll(session: Session, session_id: uuid.UUID, states: tuple[State, ...]) -> Sequence[uuid.UUID]:
    return session.scalars(
        select(Attendance.user_id).where(Attendance.session_id == session_id, Attendance.state.in_(states))
    ).all()
