"""The router: gives a new report its desk. Twice is as good as once."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import select, text

from wxapi.kernel.clock import local_day
from wxapi.platform import sweeps
from wxapi.platform.db import db, transaction
from wxapi.regions.services.lookup import tree
from wxapi.reports.models import DUE_SQL, OPEN_SQL, Report
from wxapi.reports.queries import reports
from wxapi.reports.queries.desk_people import staffing
from wxapi.reports.rules import routing, workflow
from wxapi.reports.rules.action_input import ActionInput
from wxapi.reports.rules.categories import category_of
from wxapi.reports.rules.state import SYSTEM, Command, ReportState
from wxapi.reports.services import apply, redistrict
from wxapi.reports.services.apply import Step

# Routing takes seconds; what waits longer has lost its job.
DEAD_AFTER = timedelta(minutes=5)
BATCH = 100


def route_unrouted(*, now: datetime) -> int:
    """Route what a dead job left `submitted`, oldest first; returns how many were looked at."""
    waiting = (
        select(Report.id)
        .where(
            text(OPEN_SQL),
            # What has no clock yet stands together in the index of open reports.
            text(f"{DUE_SQL} = 'infinity'::timestamptz"),
            Report.state == ReportState.SUBMITTED,
            Report.created_at < now - DEAD_AFTER,
        )
        .order_by(Report.created_at)
        .limit(BATCH)
    )
    ids = list(db.session().scalars(waiting))
    db.session().rollback()  # the read is over; no transaction stays open between the reports
    sweeps.one_by_one("reports.route_unrouted", ids, lambda report_id: route_report(report_id, now=now))
    return len(ids)


def route_report(report_id: uuid.UUID, *, now: datetime) -> None:
    """Give a new report its desk and start its clocks; one that is routed, or gone, is left alone."""
    with transaction() as session:
        report = reports.lock(session, report_id)
        if report is None or report.state != ReportState.SUBMITTED:
            return
        if report.village_code not in tree().standing:
            redistrict.follow_closed(session, report, now=now)
        staffed = staffing(session, report.place, report.exclusions, today=local_day(now))
        kind = category_of(report.category_code)
        decision = routing.route(report.place, kind, report.exclusions, tree().standing, staffed)
        to_state = ReportState.TRIAGE if decision.triage else ReportState.ROUTED
        row, party = workflow.choose(apply.case_of(report), SYSTEM, "route", now, to_state=to_state)
        report.copy_codes = list(decision.copies)
        command = Command("route", now, given=ActionInput(desk_code=decision.desk_code))
        apply.take(session, report, Step(row, party, SYSTEM, command))
