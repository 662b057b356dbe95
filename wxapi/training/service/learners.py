"""What a member sees of the own training, and what an office sees of who has had none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import SHANGHAI, local_day
from wxapi.kernel.errors import InvalidError, not_found
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform.db import db
from wxapi.platform.runtime import runtime
from wxapi.training.models import Attendance, TrainingSession
from wxapi.training.queries import hours as queries
from wxapi.training.queries.hours import TownshipCount
from wxapi.training.rules.goals import goal_of

# More sessions a year than anybody attends.
_SESSIONS = 400


@dataclass(frozen=True, slots=True)
class MySession:
    """One session of mine and the hours it gave in the year asked for."""

    session: TrainingSession
    attendance: Attendance
    hours: Decimal


@dataclass(frozen=True, slots=True)
class MyYear:
    """A calendar year of a person's training."""

    year: int
    hours: Decimal
    goal: int
    sessions: Sequence[MySession]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Who of the appointed has had no rotation training since a day; counts of all, names of one page."""

    since: date
    townships: Sequence[TownshipCount]
    missing: Page[Row[Any]]


def my_year(actor: Actor, year: int | None, *, now: datetime) -> MyYear:
    """My sessions and credit hours of a calendar year in Asia/Shanghai (default: this one)."""
    session = db.session()
    year = year or local_day(now).year
    begin, end = _midnight(date(year, 1, 1)), _midnight(date(year + 1, 1, 1))
    by_session = queries.hours_by_session(session, actor.user_id, year)
    rows = queries.training_of_year(session, actor.user_id, begin, end, _SESSIONS)
    return MyYear(
        year=year,
        hours=queries.hours_of_year(session, actor.user_id, year),
        goal=goal_of((held.role for held in actor.appointments), runtime().config.training_goals),
        sessions=[MySession(row[0], row[1], by_session.get(row[0].id, Decimal(0))) for row in rows],
    )


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
    begin = _midnight(since)
    return Coverage(
        since=since,
        townships=queries.coverage_counts(session, regions, begin, today),
        missing=queries.untrained_page(session, regions, begin, today, limit=limit, cursor=cursor),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)
