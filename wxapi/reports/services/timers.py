"""What time does with reports. Every function may run twice: the second time finds nothing to do."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from wxapi.kernel.city import city
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import ConflictError
from wxapi.kernel.working_time import OFFICE
from wxapi.platform import sweeps
from wxapi.platform.db import db, transaction
from wxapi.reports.models import Report
from wxapi.reports.queries import reports
from wxapi.reports.rules import guards, workflow
from wxapi.reports.rules.state import RESPONDING, SYSTEM, Command, ReportState
from wxapi.reports.services import apply
from wxapi.reports.services.apply import Step

# A run takes at most so many; what is left is done at the next.
BATCH = 500


def close_silent(*, now: datetime) -> int:
    """Close what was resolved some days ago and heard no answer; returns how many."""
    due = and_(Report.state == ReportState.RESOLVED, Report.resolved_at <= now - guards.auto_close_after())
    return _take_all("auto_close", due, Report.resolved_at, now)


def resume_holds(*, now: datetime) -> int:
    """Resume what is on hold at its review date; returns how many."""
    due = and_(Report.state == ReportState.ON_HOLD, Report.hold_review_on <= local_day(now))
    return _take_all("resume", due, Report.hold_review_on, now)


def remind(*, now: datetime) -> int:
    """The blue reminder where most of the time is used; returns how many."""
    return _take_all("remind", and_(Report.remind_at <= now, Report.due_at >= now), Report.remind_at, now)


def mark_overdue(*, now: datetime) -> int:
    """Put yellow and red cards on what is past due; returns how many."""
    # Only what the rule finds red is looked at again, or yellows that wait would fill every batch. The minute is for
    # due times outside office hours, which stand at one working instant with the next morning.
    red_after = city().ladder.red_after_working_days * OFFICE.day
    red_by = OFFICE.add(OFFICE.subtract(now, red_after), timedelta(minutes=1))
    may_be_red = or_(
        Report.due_at < red_by,
        and_(Report.state.in_(RESPONDING), Report.resolve_yellow),
        and_(Report.state == ReportState.ACCEPTED, Report.respond_yellow),
    )
    # A lifted card falls no more; of a yellow one, what is red by its time does.
    lifted = case((Report.state.in_(RESPONDING), Report.respond_lifted), else_=Report.resolve_lifted)
    first = and_(lifted.is_(None), or_(Report.card.is_(None), and_(Report.card == "yellow", may_be_red)))
    after = and_(lifted == "yellow", Report.card.is_distinct_from("red"), Report.due_at < red_by)
    due = and_(Report.due_at < now, or_(first, after))
    return _take_all("card", due, Report.due_at, now)


def _take_all(action: str, due: ColumnElement[bool], since: InstrumentedAttribute[Any], now: datetime) -> int:
    """Take a system action on each report that is due, longest first, each in its own transaction."""
    ids = list(db.session().scalars(select(Report.id).where(due).order_by(since).limit(BATCH)))
    db.session().rollback()  # the read is over; no transaction stays open between the reports
    return sweeps.one_by_one(f"reports.{action}", ids, lambda report_id: _take(action, report_id, now))


def _take(action: str, report_id: uuid.UUID, now: datetime) -> bool:
    """Take a system action on one report; False when somebody was faster."""
    with transaction() as session:
        report = reports.lock(session, report_id)
        if report is None:
            return False
        try:
            row, party = workflow.choose(apply.case_of(report), SYSTEM, action, now)
        except ConflictError:
            return False
        apply.take(session, report, Step(row, party, SYSTEM, Command(action, now)))
        return True
