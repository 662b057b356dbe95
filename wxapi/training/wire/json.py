"""Answers as plain dicts: quicker than schemas, and in one place."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from wxapi.kernel.clock import to_wire, to_wire_or_none
from wxapi.kernel.coordinates import Point
from wxapi.kernel.errors import DomainError
from wxapi.platform.position import position_dict
from wxapi.platform.problems import problem_of
from wxapi.regions.services.lookup import region_names
from wxapi.training.models import Attendance, AttendanceEvent, Enrolment, Flag, LeaveRequest, TrainingSession
from wxapi.training.queries.roll import RollRow
from wxapi.training.queries.session_views import SessionView
from wxapi.training.queries.sessions import Mine
from wxapi.training.rules.attendance import FLAG_NAMES, FlagReason
from wxapi.training.rules.sessions import shown_state
from wxapi.training.services.certify import CertificateView
from wxapi.training.services.enrolling import EnrolmentView
from wxapi.training.services.own_training import MySession, MyYear
from wxapi.training.services.record_sign_in import Recorded
from wxapi.training.services.steward_batch import Result
from wxapi.training.services.untrained import Coverage

_LEAVE_STATES = {None: "pending", "approve": "approved", "deny": "denied"}


def session_dict(view: SessionView, now: datetime) -> dict[str, Any]:
    """`<session>` of the contract, with what the asking person has to do with it."""
    row = view.row
    return {
        "id": str(row.id),
        "version": row.version,
        "state": shown_state(row.state, row.ends_at, now).value,
        "series_id": _text(row.series_id),
        "title": row.title,
        "kind": row.kind,
        "region_code": row.region_code,
        "region": _region(row.region_code),
        "starts_at": to_wire(row.starts_at),
        "ends_at": to_wire(row.ends_at),
        "place": row.place,
        "location": _place(row),
        "radius_m": row.radius_m,
        "capacity": row.capacity,
        "credit_hours": None if row.credit_hours is None else float(row.credit_hours),
        "sign_in_opens_min": row.sign_in_opens_min,
        "late_after_min": row.late_after_min,
        "sign_out": row.sign_out,
        "offline_hours": row.offline_hours,
        "parallel": row.parallel,
        "enrolled_count": row.seats_taken,
        "waiting_count": view.waiting,
        "mine": _mine(view.mine),
        "audience": _audience(row) if view.manages else None,
        "warnings": [_overlap(view.overlaps)] if view.overlaps else [],
    }


def _overlap(other: TrainingSession) -> dict[str, str]:
    return {
        "code": "session_overlaps",
        "detail": f"与您组织的另一场培训“{other.title}”时间重叠；如由他人主持，可设置 parallel 为 true。",
        "session_id": str(other.id),
    }


def enrolment_dict(view: EnrolmentView) -> dict[str, Any]:
    """An enrolment as its person sees it."""
    row: Enrolment = view.row
    return {"id": str(row.id), "state": row.state, "place": view.place, "pass_code": view.pass_code}


def sign_in_dict(record: Recorded) -> dict[str, Any]:
    """A sign-in."""
    return {
        "id": str(record.id),
        "state": record.state,
        "signed_in_at": to_wire(record.signed_in_at),
        "late_upload": record.late_upload,
        "flags": list(record.flags),
    }


def sign_out_dict(record: Recorded) -> dict[str, Any]:
    """A sign-in with its sign-out."""
    return {**sign_in_dict(record), "signed_out_at": to_wire_or_none(record.signed_out_at)}


def result_dict(result: Result) -> dict[str, Any]:
    """One line of a batch's answer."""
    if isinstance(result.outcome, DomainError):
        problem = problem_of(result.outcome)
        return {"key": result.key, "status": problem["status"], "problem": problem}
    status = 201 if result.outcome.created else 200
    return {"key": result.key, "status": status, "sign_in": sign_in_dict(result.outcome)}


def roll_row_dict(found: tuple[Attendance, str]) -> dict[str, Any]:
    """One line of the roll."""
    row, name = found
    return {
        "id": str(row.id),
        "user_id": str(row.user_id),
        "name": name,
        "state": row.state,
        "walk_in": row.walk_in,
        "signed_in_at": to_wire_or_none(row.signed_in_at),
        "signed_out_at": to_wire_or_none(row.signed_out_at),
        "via": row.via,
        "late_upload": row.late_upload,
        "distance_m": row.distance_m,
        "flags": list(row.flags),
        "made_up_in": _text(row.made_up_in),
    }


def roll_entry_dict(entry: RollRow) -> dict[str, Any]:
    """One line of the roll with its history."""
    return {**roll_row_dict((entry.row, entry.name)), "history": [_event(event) for event in entry.history]}


def leave_dict(found: tuple[LeaveRequest, str | None]) -> dict[str, Any]:
    """A request for leave; `name` only for the organiser."""
    row, name = found
    shown = {
        "id": str(row.id),
        "session_id": str(row.session_id),
        "user_id": str(row.user_id),
        "state": _LEAVE_STATES[row.decision],
        "reason": row.reason,
        "note": row.note,
        "created_at": to_wire(row.created_at),
        "decided_at": to_wire_or_none(row.decided_at),
    }
    return shown if name is None else {**shown, "name": name}


def flag_dict(found: tuple[Flag, str | None]) -> dict[str, Any]:
    """One item of the review queue."""
    row, name = found
    return {
        "id": str(row.id),
        "session_id": str(row.session_id),
        "user_id": _text(row.user_id),
        "name": name,
        "reason": row.reason,
        "sentence": FLAG_NAMES[FlagReason(row.reason)],
        "detail": row.detail,
        "created_at": to_wire(row.created_at),
        "decision": row.decision,
        "note": row.note,
        "decided_at": to_wire_or_none(row.decided_at),
    }


def my_year_dict(mine: MyYear) -> dict[str, Any]:
    """My sessions and hours of a year."""
    return {
        "year": mine.year,
        "hours": float(mine.hours),
        "goal_hours": mine.goal,
        "sessions": [_my_session(line) for line in mine.sessions],
    }


def coverage_dict(found: Coverage) -> dict[str, Any]:
    """Who has had no rotation training: numbers by township, names page by page."""
    appointed = sum(line.appointed for line in found.townships)
    trained = sum(line.trained for line in found.townships)
    codes = {line.code for line in found.townships} | {row.region_code for row in found.missing.items}
    names = region_names(codes)
    return {
        "since": found.since.isoformat(),
        "appointed": appointed,
        "trained": trained,
        "missing": appointed - trained,
        "townships": [
            {
                "code": line.code,
                "name": names.get(line.code, ""),
                "appointed": line.appointed,
                "trained": line.trained,
                "missing": line.appointed - line.trained,
            }
            for line in found.townships
        ],
        "items": [_missing_person(row, names) for row in found.missing.items],
        "next_cursor": found.missing.next_cursor,
    }


def certificate_dict(view: CertificateView) -> dict[str, Any]:
    """A certificate as its holder sees it."""
    return {
        "id": str(view.id),
        "check_code": view.check_code,
        "verify_url": view.page_url,
        "pdf_url": f"/api/v1/me/training/certificates/{view.id}.pdf",
        **_certified(view),
    }


def verified_dict(view: CertificateView) -> dict[str, Any]:
    """A certificate as anyone sees it."""
    return {"valid": True, **_certified(view)}


def _certified(view: CertificateView) -> dict[str, Any]:
    return {"name": view.name, "title": view.title, "date": view.when, "hours": float(view.hours)}


def _my_session(line: MySession) -> dict[str, Any]:
    return {
        "session_id": str(line.session.id),
        "title": line.session.title,
        "kind": line.session.kind,
        "starts_at": to_wire(line.session.starts_at),
        "ends_at": to_wire(line.session.ends_at),
        "state": line.attendance.state,
        "signed_in_at": to_wire_or_none(line.attendance.signed_in_at),
        "hours": float(line.hours),
    }


def _missing_person(row: Row[Any], names: dict[str, str]) -> dict[str, Any]:
    return {
        "user_id": str(row.user_id),
        "name": row.nickname,
        "role": row.role,
        "region": {"code": row.region_code, "name": names.get(row.region_code, "")},
    }


def _event(event: AttendanceEvent) -> dict[str, Any]:
    return {
        "at": to_wire(event.at),
        "action": event.action,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "reason": event.reason,
        "by_system": event.actor_id is None,
    }


def _mine(mine: Mine | None) -> dict[str, Any]:
    enrolment = mine.enrolment if mine is not None else None
    attendance = mine.attendance if mine is not None else None
    return {
        "enrolment": enrolment.state if enrolment is not None else None,
        "place": mine.place if mine is not None else None,
        "attendance": attendance.state if attendance is not None else None,
        "signed_in_at": to_wire_or_none(attendance.signed_in_at) if attendance is not None else None,
    }


def _place(row: TrainingSession) -> dict[str, Any] | None:
    if row.longitude is None or row.latitude is None:
        return None
    return position_dict(Point(row.longitude, row.latitude))


def _audience(row: TrainingSession) -> dict[str, Any]:
    return {
        "region_codes": row.audience_region_codes,
        "roles": row.audience_roles,
        "user_ids": [str(user_id) for user_id in row.audience_user_ids],
    }


def _region(code: str) -> dict[str, str]:
    return {"code": code, "name": region_names([code]).get(code, "")}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
