"""Looking over a desk: a page of what lies there, and how much of what."""

from dataclasses import dataclass
from datetime import datetime

from wxapi.kernel.actor import Actor
from wxapi.kernel.paging import Page
from wxapi.regions.rules.levels import Level
from wxapi.reports.queries.desk_counts import DeskCounts, count_desk
from wxapi.reports.queries.desk_map import Cluster, desk_clusters
from wxapi.reports.queries.lists import Filters, Order, PageRequest
from wxapi.reports.services.lists import ListedReport, desk_reports


@dataclass(frozen=True, slots=True)
class DeskView:
    """One page of a desk, and the numbers beside its tabs."""

    page: Page[ListedReport]
    counts: DeskCounts


def read_desk(actor: Actor, wanted: PageRequest, order: Order, *, now: datetime) -> DeskView:
    """What lies on the desks the person's appointments cover, narrowed as wanted; the numbers as `count_desk` says."""
    return DeskView(desk_reports(actor, wanted, order, now=now), count_desk(actor, wanted.filters, now=now))


def map_desk(actor: Actor, filters: Filters, level: Level, *, now: datetime) -> list[Cluster]:
    """What lies on the person's desks, counted by the regions of a level; what is late first."""
    return desk_clusters(actor, filters, level, now=now)
