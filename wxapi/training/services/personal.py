"""What training holds about a person, for `GET /me/data` and `DELETE /me`."""

import uuid
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, delete, or_, select, union, update
from sqlalchemy.orm import Session

from wxapi.identity.services.personal_data import PersonalData
from wxapi.kernel.clock import to_wire, to_wire_or_none
from wxapi.platform.db import Base
from wxapi.training.models import (
    Attendance,
    AttendanceEvent,
    Certificate,
    Enrolment,
    Flag,
    HourEntry,
    LeaveRequest,
    Refusal,
    SeriesEnrolment,
    TrainingSession,
)
from wxapi.training.queries import sessions as queries
from wxapi.training.rules.attendance import State
from wxapi.training.rules.sessions import EnrolmentState, SessionState
from wxapi.training.services.seats import leave_seat

HeldT = TypeVar("HeldT", bound=Base)
# What an erasure changes or deletes, and others change under the lock of its session.
_OF_SESSIONS = (Enrolment, Attendance, AttendanceEvent, LeaveRequest, Flag, Refusal)


def _read(session: Session, user_id: uuid.UUID) -> dict[str, Any]:
    """Table by table, as JSON; what happened one after another comes in that order."""
    return {
        "enrolments": [_enrolment(row) for row in session.scalars(_of(Enrolment, user_id))],
        "series": [_series(row) for row in session.scalars(_of(SeriesEnrolment, user_id))],
        "attendance": [_attendance(row) for row in session.scalars(_of(Attendance, user_id))],
        "decisions": [
            _decision(row) for row in session.scalars(_of(AttendanceEvent, user_id).order_by(AttendanceEvent.id))
        ],
        "flags": [_flag(row) for row in session.scalars(_of(Flag, user_id).order_by(Flag.created_at, Flag.id))],
        "refusals": [_refusal(row) for row in session.scalars(_of(Refusal, user_id))],
        "leave_requests": [_leave(row) for row in session.scalars(_of(LeaveRequest, user_id))],
        "hours": [_hours(row) for row in session.scalars(_of(HourEntry, user_id))],
        "certificates": [_certificate(row) for row in session.scalars(_of(Certificate, user_id))],
    }


def _of(model: type[HeldT], user_id: uuid.UUID) -> Select[HeldT]:
    """A person's rows of a table."""
    column: ColumnElement[uuid.UUID] = model.__table__.c.user_id
    return select(model).where(column == user_id)


def _enrolment(row: Enrolment) -> dict[str, Any]:
    return {"session_id": str(row.session_id), "state": row.state, "at": to_wire(row.created_at)}


def _series(row: SeriesEnrolment) -> dict[str, Any]:
    return {"series_id": str(row.series_id), "withdrawn_at": to_wire_or_none(row.withdrawn_at)}


def _attendance(row: Attendance) -> dict[str, Any]:
    return {
        "session_id": str(row.session_id),
        "state": row.state,
        "signed_in_at": to_wire_or_none(row.signed_in_at),
        "signed_out_at": to_wire_or_none(row.signed_out_at),
        "received_at": to_wire_or_none(row.received_at),
        "via": row.via,
        "late_upload": row.late_upload,
        "distance_m": row.distance_m,
        "accuracy_m": row.accuracy_m,
        # Kept as a keyed digest: it tells two sign-ins of one device, not which device it is.
        "device_kept": row.device_digest is not None,
        "flags": row.flags,
    }


def _decision(row: AttendanceEvent) -> dict[str, Any]:
    return {
        "session_id": str(row.session_id),
        "at": to_wire(row.at),
        "action": row.action,
        "from_state": row.from_state,
        "to_state": row.to_state,
        "reason": row.reason,
    }


def _flag(row: Flag) -> dict[str, Any]:
    return {
        "session_id": str(row.session_id),
        "at": to_wire(row.created_at),
        "reason": row.reason,
        "detail": row.detail,
        "decision": row.decision,
        "note": row.note,
    }


def _refusal(row: Refusal) -> dict[str, Any]:
    return {"session_id": str(row.session_id), "code": row.code, "at": to_wire(row.at)}


def _leave(row: LeaveRequest) -> dict[str, Any]:
    return {"session_id": str(row.session_id), "reason": row.reason, "decision": row.decision, "note": row.note}


def _hours(row: HourEntry) -> dict[str, Any]:
    return {"session_id": str(row.session_id), "year": row.year, "hours": float(row.hours), "rule": row.rule_version}


def _certificate(row: Certificate) -> dict[str, Any]:
    return {"check_code": row.check_code, "issued_at": to_wire(row.issued_at), "name": row.holder_name}


def _erase(session: Session, user_id: uuid.UUID, now: datetime) -> None:
    """Rolls and hours stay, of nobody; words about the person go, and the seat is free for another."""
    # Of many sessions rows are changed below: the sessions first, as whoever changes a roll does.
    there = union(*(select(table.session_id).where(table.user_id == user_id) for table in _OF_SESSIONS))
    queries.lock_all(session, session.scalars(there).all())
    _free_seats(session, user_id, now)
    session.execute(delete(Refusal).where(Refusal.user_id == user_id))
    session.execute(delete(Certificate).where(Certificate.user_id == user_id))
    session.execute(delete(SeriesEnrolment).where(SeriesEnrolment.user_id == user_id))
    session.execute(update(LeaveRequest).where(LeaveRequest.user_id == user_id).values(reason="", note=""))
    # What organisers wrote about the person: reasons of decisions, notes to flags. The decisions themselves stay.
    session.execute(update(AttendanceEvent).where(AttendanceEvent.user_id == user_id).values(reason=""))
    session.execute(update(Flag).where(Flag.user_id == user_id).values(note="", detail={}))
    session.execute(
        update(Attendance)
        .where(Attendance.user_id == user_id)
        .values(device_digest=None, distance_m=None, accuracy_m=None)
    )


def _free_seats(session: Session, user_id: uuid.UUID, now: datetime) -> None:
    """Withdraw the person from what has not begun, unless they have a record there already.

    Who waits is withdrawn until the end: a seat may become free while the session is on.
    """
    waits = Enrolment.state == EnrolmentState.WAITING
    coming = (
        select(Enrolment.session_id)
        .join(TrainingSession, TrainingSession.id == Enrolment.session_id)
        .where(
            Enrolment.user_id == user_id,
            Enrolment.state != EnrolmentState.WITHDRAWN,
            TrainingSession.state == SessionState.PUBLISHED,
            TrainingSession.ends_at > now,
            or_(TrainingSession.starts_at > now, waits),
        )
        .order_by(Enrolment.session_id)
    )
    for session_id in session.scalars(coming).all():
        row = queries.locked(session, session_id)
        assert row is not None
        # Read again: it may have changed before the lock was had.
        enrolment = session.get_one(Enrolment, (session_id, user_id))
        if enrolment.state != EnrolmentState.WITHDRAWN and not _has_record(session, session_id, user_id):
            leave_seat(session, row, user_id, now=now)


def _has_record(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> bool:
    """Whether the person came, or something was decided about their absence."""
    row = session.get(Attendance, (session_id, user_id), populate_existing=True)
    return row is not None and (row.signed_in_at is not None or row.state != State.ENROLLED)


personal_data = PersonalData("training", "attendance and credit hours: duties of an office", _read, _erase)
