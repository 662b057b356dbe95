"""What an office sees of who has had no training."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row

from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import day_begins, local_day
from wxapi.kernel.errors import InvalidError, not_found
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform.db import db
from wxapi.training.queries import hours as queries
from wxapi.training.queries.hours import TownshipCount


@dataclass(frozen=True, slots=True)
class Coverage:
    """Who of the appointed has had no rotation training since a day; counts of all, names of one page."""

    since: date
    townships: Sequence[TownshipCount]
    missing: Page[Row[Any]]


def coverage(
    actor: Actor, region: str | None, since: date, *, limit: int, cursor: str | None, now: datetime
) -> Coverage:
    """Of everybody appointed in a region (default: all of the actor's), who has had no rotation training since a day.

    Raises:
        NotFoundError: the region is outside the scope.
        InvalidError: `since_in_future`.
    """
    today = local_day(now)
    if since > today:
        raise InvalidError("since_in_future", "起始日期不能晚于今天。", fields={"since": ["不能晚于今天。"]})
    roles = ROLES_OF[Permission.TRAINING_COVERAGE]
    regions = actor.regions(roles)
    if region is not None:
        if not actor.covers(region, roles):
            raise not_found()
        regions = (region,)
    session = db.session()
    begin = day_begins(since)
    return Coverage(
        since=since,
        townships=queries.coverage_counts(session, regions, begin, today),
        missing=queries.untrained_page(session, regions, begin, today, limit=limit, cursor=cursor),
    )
