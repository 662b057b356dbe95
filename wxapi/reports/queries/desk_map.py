"""Where what lies on a desk is: one circle for each region of a level, in one statement."""

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import func, select

from wxapi.kernel.actor import Actor
from wxapi.kernel.permissions import DESK_ROLES
from wxapi.platform.db import fetch_alone, ready
from wxapi.regions.rules.levels import Level
from wxapi.reports.models import Report
from wxapi.reports.queries.lists import DUE, NOW, Filters, in_states, narrowed, without_words, words
from wxapi.reports.queries.visibility import not_about, on_desk_in, villages_of
from wxapi.reports.rules.state import OPEN_STATES

_reports = Report.__table__.c
_PLACES = {
    Level.COUNTY: _reports.county_code,
    Level.TOWNSHIP: _reports.township_code,
    Level.VILLAGE: _reports.village_code,
}


class Cluster(NamedTuple):
    """The reports of one region: how many, how many are past their clock, and the middle of them (GCJ-02 degrees)."""

    code: str
    num: int
    overdue: int
    longitude: float
    latitude: float


def desk_clusters(actor: Actor, filters: Filters, level: Level, *, now: datetime) -> list[Cluster]:
    """What `lists.desk_page` shows on all its pages, counted by the county, township or village it lies in.

    What is late comes first.
    """
    sql, given = _query(actor.regions(DESK_ROLES), villages_of(actor), without_words(filters), level)
    return [Cluster(*row) for row in fetch_alone(sql, given | words(filters) | {"now": now})]


@lru_cache(maxsize=256)
def _query(
    regions: tuple[str, ...], excluded: tuple[str, ...], filters: Filters, level: Level
) -> tuple[str, dict[str, Any]]:
    place = _PLACES[level]
    overdue = func.count().filter(DUE < NOW).label("overdue")
    states = in_states(filters.states or OPEN_STATES)
    middle = func.avg(_reports.longitude), func.avg(_reports.latitude)
    return ready(
        select(place, func.count(), overdue, *middle)
        .where(on_desk_in(regions), not_about(excluded), states, *narrowed(filters))
        .group_by(place)
        .order_by(overdue.desc(), func.count().desc(), place)
    )
