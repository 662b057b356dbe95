"""What training holds about a person, for `GET /me/data` and `DELETE /me`."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from wxapi.identity.services.personal_data import PersonalData
from wxapi.kernel.clock import to_wire, to_wire_or_none
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
from wxapi.training.rules.sessions import EnrolmentState
from wxapi.training.services.seats import leave_seat


def _read(session: Session, user_id: uuid.UUID) -> dict[str, Any]:
    return {
        "enrolments": [
            {"session_id": str(row.session_id), "state": row.state, "at": to_wire(row.created_at)}
            for row in session.scalars(select(Enrolment).where(Enrolment.user_id == user_id))
        ],
        "series": [
            {"series_id": str(row.series_id), "withdrawn_at": to_wire_or_none(row.withdrawn_at)}
            for row in session.scalars(select(SeriesEnrolment).where(SeriesEnrolment.user_id == user_id))
        ],
        "attendance": [
            {
                "session_id": str(row.session_id),
                "state": row.state,
                "signed_in_at": to_wire_or_none(row.signed_in_at),
                "signed_out_at": to_wire_or_none(row.signed_out_at),
                "received_at": to_wire_or_none(row.received_at),
                "via": row.via,
                "late_upload": row.late_upload,
                "distance_m": row.distance_m,
                "accuracy_m": row.accuracy_m,
                # Kept as a keyed digest: two sign-ins of one device can be told, the device cannot.
                "device_kept": row.device_digest is not None,
                "flags": row.flags,
            }
            for row in session.scalars(select(Attendance).where(Attendance.user_id == user_id))
        ],
        "decisions": [
            {
                "session_id": str(row.session_id),
                "at": to_wire(row.at),
                "action": row.action,
                "from_state": row.from_state,
                "to_state": row.to_state,
                "reason": row.reason,
            }
            for row in session.scalars(
                select(AttendanceEvent).where(AttendanceEvent.user_id == user_id).order_by(AttendanceEvent.id)
            )
        ],
        "flags": [
            {
                "session_id": str(row.session_id),
                "at": to_wire(row.created_at),
                "reason": row.reason,
                "detail": row.detail,
                "decision": row.decision,
                "note": row.note,
            }
            for row in session.scalars(select(Flag).where(Flag.user_id == user_id).order_by(Flag.created_at, Flag.id))
        ],
        "refusals": [
            {"session_id": str(row.session_id), "code": row.code, "at": to_wire(row.at)}
            for row in session.scalars(select(Refusal).where(Refusal.user_id == user_id))
        ],
        "leave_requests": [
            {"session_id": str(row.session_id), "reason": row.reason, "decision": row.decision, "note": row.note}
            for row in session.scalars(select(LeaveRequest).where(LeaveRequest.user_id == user_id))
        ],
        "hours": [
            {"session_id": str(row.session_id), "year": row.year, "hours": float(row.hours), "rule": row.rule_version}
            for row in session.scalars(select(HourEntry).where(HourEntry.user_id == user_id))
        ],
        "certificates": [
            {"check_code": row.check_code, "issued_at": to_wire(row.issued_at), "name": row.holder_name}
            for row in session.scalars(select(Certificate).where(Certificate.user_id == user_id))
        ],
    }


def _erase(session: Session, user_id: uuid.UUID, now: datetime) -> None:
    """Rolls and hours stay, of nobody; words about the person go, and the seat is free for another."""
    for session_id in session.scalars(
        select(Enrolment.session_id)
        .join(TrainingSession, TrainingSession.id == Enrolment.session_id)
        .where(
            Enrolment.user_id == user_id,
            Enrolment.state != EnrolmentState.WITHDRAWN,
            TrainingSession.state == "published",
            TrainingSession.starts_at > now,
        )
        .order_by(Enrolment.session_id)
    ).all():
        row = queries.locked(session, session_id)
        assert row is not None
        if session.get_one(Enrolment, (session_id, user_id)).state != EnrolmentState.WITHDRAWN and not _came(
            session, session_id, user_id
        ):
            leave_seat(session, row, user_id, now=now)
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


def _came(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> bool:
    row = session.get(Attendance, (session_id, user_id), populate_existing=True)
    return row is not None and (row.signed_in_at is not None or row.state != "enrolled")


personal_data = PersonalData("training", "attendance and credit hours: duties of an office", _read, _erase)
