"""A report as the people who filed or joined it follow it: also when things are due, never who owes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from wxapi.duties.rules.clock import rung_times
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
from wxapi.reports.models import Report
from wxapi.reports.queries import reports
from wxapi.reports.rules.owed import owed
from wxapi.reports.services.apply import case_of
from wxapi.reports.services.read import shown
from wxapi.reports.services.report_view import ReportView


@dataclass(frozen=True, slots=True)
class Ladder:
    """When a stage is due, when its desk is reminded before, and when the next above is told after.

    `stopped` says that the clock stands still: the times move on with it.
    """

    stage: str
    reminded_at: datetime
    due_at: datetime
    raised_at: datetime
    stopped: bool


@dataclass(frozen=True, slots=True)
class OwnReport:
    """A report for whoever filed or joined it.

    `ladders` are of what is owed now.
    """

    view: ReportView
    ladders: tuple[Ladder, ...]


def read_own(actor: Actor, number: str, *, now: datetime) -> OwnReport:
    """The report with this number.

    Raises:
        NotFoundError: not there, or neither filed nor joined by the person.
    """
    found = reports.find_own(actor, number)
    if found is None:
        raise not_found()
    return OwnReport(shown(found, actor, now=now), tuple(_ladders(found.report)))


def _ladders(report: Report) -> Iterator[Ladder]:
    for each in owed(case_of(report)):
        times = rung_times(each.due_at, each.limit, each.clock)
        yield Ladder(each.stage, times[80], each.due_at, times[200], each.stopped_at is not None)
