"""Where what lies on a desk is: one circle for each region of a level, in one statement."""

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.permissions import DESK_ROLES
from wxapi.regions.rules.levels import Level
from wxapi.reports.models import Report
from wxapi.reports.queries.lists import DUE, NOW, AnySelect, Filters, in_states, narrowed, without_words, words
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


def desk_clusters(session: Session, actor: Actor, filters: Filters, level: Level, *, now: datetime) -> list[Cluster]:
    """What `lists.desk_page` shows on all its pages, counted by the county, township or village it lies in.

    What is late comes first.
    """
    query = _query(actor.regions(DESK_ROLES), villages_of(actor), without_words(filters), level)
    return [Cluster(*row) for row in session.connection().execute(query, {"now": now, **words(filters)})]


@lru_cache(maxsize=256)
def _query(regions: tuple[str, ...], excluded: tuple[str, ...], filters: Filters, level: Level) -> AnySelect:
    place = _PLACES[level]
    overdue = func.count().filter(DUE < NOW).label("overdue")
    states = in_states(filters.states or OPEN_STATES)
    return (
        select(place, func.count(), overdue, func.avg(_reports.longitude), func.avg(_reports.latitude))
        .where(on_desk_in(regions), not_about(excluded), states, *narrowed(filters))
        .group_by(place)
        .order_by(overdue.desc(), func.count().desc(), place)
    )
