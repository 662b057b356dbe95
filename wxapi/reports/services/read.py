"""Reading one report."""

import uuid
from datetime import datetime

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
from wxapi.reports.queries import reports
from wxapi.reports.queries.reports import Whole
from wxapi.reports.rules.relations import is_excluded, who_is
from wxapi.reports.services.redaction import sight_of
from wxapi.reports.services.report_view import OthersSeen, ReportView, others_named, view_of


def read_report(actor: Actor, report_id: uuid.UUID, *, now: datetime) -> ReportView:
    """One report with its history.

    Raises:
        NotFoundError: not there, or not for this person.
    """
    found = reports.find(actor, report_id)
    if found is None:
        raise not_found()
    return shown(found, actor, now=now)


def read_case(actor: Actor, number: str, *, now: datetime) -> ReportView:
    """The report with this number, as an office works on it.

    Raises:
        NotFoundError: not there, or not within the person's office.
    """
    found = reports.find_on_desk(actor, number)
    if found is None:
        raise not_found()
    return shown(found, actor, now=now)


def shown(found: Whole, actor: Actor, *, now: datetime) -> ReportView:
    """A report that was found, as its finder sees it."""
    report, around = found.report, found.around
    who = who_is(actor, found.standing)
    sight = sight_of(report, who, around)
    named = reports.seen_among(actor, others_named(report, around.lines))
    others = OthersSeen(named, all_hidden=is_excluded(actor, found.standing.exclusions))
    return view_of(report, who, around.lines, around.photos, sight, others, now=now)
