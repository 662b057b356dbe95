"""Reading one report."""

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
from wxapi.platform.db import db
from wxapi.reports.queries import reports
from wxapi.reports.queries.reports import Found
from wxapi.reports.rules.relations import is_excluded, who_is
from wxapi.reports.services.redaction import sight_of
from wxapi.reports.services.report_view import OthersSeen, ReportView, others_named, view_of


def read_report(actor: Actor, report_id: uuid.UUID, *, now: datetime) -> ReportView:
    """One report with its history.

    Raises:
        NotFoundError: not there, or not for this person.
    """
    found = reports.find(db.session(), actor, report_id)
    if found is None:
        raise not_found()
    return shown(db.session(), found, actor, now=now)


def read_case(actor: Actor, number: str, *, now: datetime) -> ReportView:
    """The report with this number, as an office works on it.

    Raises:
        NotFoundError: not there, or not within the person's office.
    """
    found = reports.find_on_desk(db.session(), actor, number)
    if found is None:
        raise not_found()
    return shown(db.session(), found, actor, now=now)


def shown(session: Session, found: Found, actor: Actor, *, now: datetime) -> ReportView:
    """A report that was found, as its finder sees it."""
    report = found.report
    events = reports.events_of(session, report.id)
    placed = reports.photos_of(session, report.id)
    who = who_is(actor, found.standing)
    sight = sight_of(session, report, who, events, placed)
    named = reports.seen_among(session, actor, others_named(report, events))
    others = OthersSeen(named, all_hidden=is_excluded(actor, found.standing.exclusions))
    return view_of(report, who, events, placed, sight, others, now=now)
