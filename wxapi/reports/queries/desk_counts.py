"""How much of what lies on a desk: the numbers beside its tabs, in one statement."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import func, select

from wxapi.kernel.actor import Actor
from wxapi.kernel.permissions import DESK_ROLES
from wxapi.platform.db import fetch_alone, ready
from wxapi.reports.models import Report
from wxapi.reports.queries.lists import NOW, UNDECIDED, Filters, in_states, narrowed, without_words, words
from wxapi.reports.queries.visibility import not_about, on_desk_in, villages_of
from wxapi.reports.rules.state import OPEN_STATES, ReportState

_reports = Report.__table__.c


@dataclass(frozen=True, slots=True)
class DeskCounts:
    """Open reports on a person's desks: in all, by state, past the clock that runs, with a yellow card, `UNDECIDED`."""

    in_all: int
    by_state: dict[ReportState, int]
    overdue: int
    yellow: int
    undecided: int


def count_desk(actor: Actor, filters: Filters, *, now: datetime) -> DeskCounts:
    """Count what each tab would list: `lists.desk_page` of the filters' class, place and words."""
    sought = Filters(category=filters.category, region=filters.region, text=filters.text)
    sql, given = _query(actor.regions(DESK_ROLES), villages_of(actor), without_words(sought))
    ((in_all, overdue, yellow, undecided, *by_state),) = fetch_alone(sql, given | words(sought) | {"now": now})
    return DeskCounts(in_all, dict(zip(OPEN_STATES, by_state, strict=True)), overdue, yellow, undecided)


@lru_cache(maxsize=256)
def _query(regions: tuple[str, ...], excluded: tuple[str, ...], sought: Filters) -> tuple[str, dict[str, Any]]:
    count = func.count()
    counts = select(
        count,
        count.filter(_reports.due_at < NOW),
        count.filter(_reports.card == "yellow"),
        count.filter(UNDECIDED),
        *(count.filter(_reports.state == state.value) for state in OPEN_STATES),
    )
    return ready(counts.where(on_desk_in(regions), not_about(excluded), in_states(OPEN_STATES), *narrowed(sought)))
