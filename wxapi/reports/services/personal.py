"""What reports hold of a person, for that person: to be read, and to be taken out. Reports stay, without the person."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from wxapi.identity.queries import actor_of
from wxapi.identity.services.personal_data import PersonalData
from wxapi.kernel.clock import local_day, to_wire
from wxapi.platform.runtime import runtime
from wxapi.reports.models import Report, ReportEvent, ReportJoin, SavedFilter
from wxapi.reports.queries.visibility import not_excluded
from wxapi.reports.services.originals import Originals, forget_author, opened_by_author


def _read(session: Session, user_id: uuid.UUID) -> dict[str, Any]:
    actor = actor_of(session, user_id, today=local_day(runtime().clock.now()))
    nameable = or_(Report.reporter_id == user_id, not_excluded(actor))
    filed = session.scalars(select(Report).where(Report.reporter_id == user_id).order_by(Report.created_at))
    filters = session.execute(
        select(SavedFilter.name, SavedFilter.query).where(SavedFilter.user_id == user_id).order_by(SavedFilter.name)
    )
    typed = opened_by_author(session, user_id)
    return {
        "filed": [_filed(report, typed.get(report.id, Originals())) for report in filed],
        "joined": _joined(session, user_id, nameable),
        "steps": _steps(session, user_id, nameable, typed),
        "filters": [{"name": name, "query": query} for name, query in filters],
    }


def _joined(session: Session, user_id: uuid.UUID, nameable: ColumnElement[bool]) -> list[dict[str, Any]]:
    found = session.execute(
        select(Report.number, ReportJoin.joined_at)
        .join(ReportJoin, ReportJoin.report_id == Report.id)
        .where(ReportJoin.user_id == user_id, nameable)
        .order_by(ReportJoin.joined_at)
    )
    return [{"number": number, "at": to_wire(at)} for number, at in found]


def _steps(
    session: Session, user_id: uuid.UUID, nameable: ColumnElement[bool], typed: Mapping[uuid.UUID, Originals]
) -> list[dict[str, Any]]:
    """What the person did to reports, in their own words where these were masked for others."""
    # Columns, not objects: an officer's history has tens of thousands of lines.
    line = (ReportEvent.id, ReportEvent.report_id, ReportEvent.at, ReportEvent.action, ReportEvent.note)
    found = session.execute(
        select(Report.number, *line)
        .join(ReportEvent, ReportEvent.report_id == Report.id)
        .where(ReportEvent.actor_id == user_id, nameable)
        .order_by(ReportEvent.id)
    )
    return [
        {
            "number": step.number,
            "at": to_wire(step.at),
            "action": step.action,
            "note": typed.get(step.report_id, Originals()).notes.get(step.id, step.note),
        }
        for step in found
    ]


def _filed(report: Report, originals: Originals) -> dict[str, Any]:
    return {
        "id": str(report.id),
        "number": report.number,
        "state": report.state,
        "category_code": report.category_code,
        "description": originals.description or report.description,
        "longitude": report.longitude,
        "latitude": report.latitude,
        "accuracy": report.accuracy,
        "address": originals.address or report.address,
        "created_at": to_wire(report.created_at),
    }


def _erase(session: Session, user_id: uuid.UUID, _now: datetime) -> None:
    """Leave reports, lines of history and counts standing, without the person and what they typed of themselves."""
    forget_author(session, user_id)
    unlink = {"synchronize_session": False}
    session.execute(
        update(Report).where(Report.reporter_id == user_id).values(reporter_id=None).execution_options(**unlink)
    )
    session.execute(
        update(ReportEvent).where(ReportEvent.actor_id == user_id).values(actor_id=None).execution_options(**unlink)
    )
    # They met the problem all the same: `me_too_count` stays.
    session.execute(delete(ReportJoin).where(ReportJoin.user_id == user_id).execution_options(**unlink))
    session.execute(delete(SavedFilter).where(SavedFilter.user_id == user_id).execution_options(**unlink))


personal_data = PersonalData("reports", "so that the person sees what became of the reports", _read, _erase)
