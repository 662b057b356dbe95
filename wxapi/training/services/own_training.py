"""What a member sees of their own training: sessions and credit hours of a year."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import day_begins, local_day
from wxapi.platform.db import db
from wxapi.platform.runtime import runtime
from wxapi.training.models import Attendance, TrainingSession
from wxapi.training.queries import hours as queries
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


def my_year(actor: Actor, year: int | None, *, now: datetime) -> MyYear:
    """My sessions and credit hours of a calendar year in Asia/Shanghai (default: this one)."""
    session = db.session()
    year = year or local_day(now).year
    begin, end = day_begins(date(year, 1, 1)), day_begins(date(year + 1, 1, 1))
    by_session = queries.hours_by_session(session, actor.user_id, year)
    rows = queries.training_of_year(session, actor.user_id, begin, end, _SESSIONS)
    return MyYear(
        year=year,
        hours=queries.hours_of_year(session, actor.user_id, year),
        goal=goal_of((held.role for held in actor.appointments), runtime().config.training_goals),
        sessions=[MySession(row[0], row[1], by_session.get(row[0].id, Decimal(0))) for row in rows],
    )
