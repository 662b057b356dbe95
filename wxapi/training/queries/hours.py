"""Reads of the ledger, of one person's training, and of who was not trained."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Select, and_, exists, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow, User
from wxapi.identity.queries import below, in_force
from wxapi.kernel.clock import day_begins
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.regions.rules.levels import CODE_LENGTH, Level
from wxapi.training.models import Attendance, HourEntry, TrainingSession
from wxapi.training.rules.attendance import ATTENDED
from wxapi.training.rules.sessions import TrainingKind


@dataclass(frozen=True, slots=True)
class TownshipCount:
    """People appointed in a township, or above it when the code is shorter, and how many of them were trained."""

    code: str
    appointed: int
    trained: int


def hours_of_year(session: Session, user_id: uuid.UUID, year: int) -> Decimal:
    """A person's credit hours of a calendar year."""
    total = session.scalar(
        select(func.sum(HourEntry.hours)).where(HourEntry.user_id == user_id, HourEntry.year == year)
    )
    return total or Decimal(0)


def hours_of_session(session: Session, user_id: uuid.UUID, session_id: uuid.UUID) -> Decimal:
    """A person's credit hours of one session, all years together."""
    total = session.scalar(
        select(func.sum(HourEntry.hours)).where(HourEntry.user_id == user_id, HourEntry.session_id == session_id)
    )
    return total or Decimal(0)


def training_of_year(
    session: Session, user_id: uuid.UUID, begin: datetime, end: datetime, limit: int
) -> Sequence[Row[TrainingSession, Attendance]]:
    """A person's sessions that touch a span of time, newest first: (session, attendance)."""
    return session.execute(
        select(TrainingSession, Attendance)
        .join(Attendance, Attendance.session_id == TrainingSession.id)
        .where(
            Attendance.user_id == user_id,
            TrainingSession.state != "draft",
            TrainingSession.starts_at < end,
            TrainingSession.ends_at > begin,
        )
        .order_by(TrainingSession.starts_at.desc(), TrainingSession.id)
        .limit(limit)
    ).all()


def hours_by_session(session: Session, user_id: uuid.UUID, year: int) -> dict[uuid.UUID, Decimal]:
    """A person's credit hours of a year, by session."""
    rows = session.execute(
        select(HourEntry.session_id, func.sum(HourEntry.hours))
        .where(HourEntry.user_id == user_id, HourEntry.year == year)
        .group_by(HourEntry.session_id)
    )
    return {row[0]: row[1] for row in rows}


def settled_sessions(session: Session, year: int | None) -> Sequence[uuid.UUID]:
    """The published sessions, and those with entries in the ledger, oldest first."""
    query = select(TrainingSession.id).where(TrainingSession.state != "draft").order_by(TrainingSession.starts_at)
    if year is not None:
        in_ledger = exists().where(HourEntry.session_id == TrainingSession.id, HourEntry.year == year)
        # One over New Year gives hours to both years.
        begin, end = day_begins(date(year, 1, 1)), day_begins(date(year + 1, 1, 1))
        touches = and_(TrainingSession.starts_at < end, TrainingSession.ends_at > begin)
        query = query.where(or_(in_ledger, touches))
    return session.scalars(query).all()


def coverage_counts(session: Session, regions: Iterable[str], since: datetime, today: date) -> list[TownshipCount]:
    """Of everybody appointed at or below the regions, how many had rotation training, by township."""
    people = _appointed(regions, today).subquery()
    trained = _trained(people.c.user_id, since)
    rows = session.execute(
        select(people.c.township, func.count(), func.count().filter(trained))
        .group_by(people.c.township)
        .order_by(people.c.township)
    )
    return [TownshipCount(*row) for row in rows]


def untrained_page(
    session: Session, regions: Iterable[str], since: datetime, today: date, *, limit: int, cursor: str | None
) -> Page[Row[Any]]:
    """Who has had none: (user_id, nickname, role, region_code), by township and name."""
    people = _appointed(regions, today).subquery()
    query = (
        select(people.c.user_id, User.nickname, people.c.role, people.c.region_code, people.c.township)
        .join(User, User.id == people.c.user_id)
        .where(~_trained(people.c.user_id, since))
        .order_by(people.c.township, User.nickname, people.c.user_id)
        .limit(limit + 1)
    )
    if cursor is not None:
        last = decode_cursor(cursor, str, str, uuid.UUID)
        query = query.where(tuple_(people.c.township, User.nickname, people.c.user_id) > tuple_(*last))
    rows = session.execute(query).all()
    return page_of(rows, limit, lambda row: (row.township, row.nickname, row.user_id))


def _appointed(regions: Iterable[str], today: date) -> Select[Any, Any, Any, Any]:
    """Each appointed person once, with the appointment that comes first."""
    township = func.left(AppointmentRow.region_code, CODE_LENGTH[Level.TOWNSHIP]).label("township")
    return (
        select(AppointmentRow.user_id, AppointmentRow.role, AppointmentRow.region_code, township)
        .ext(distinct_on(AppointmentRow.user_id))
        .where(in_force(today), below(regions))
        .order_by(AppointmentRow.user_id, AppointmentRow.region_code, AppointmentRow.role)
    )


def _trained(user_id: Any, since: datetime) -> Any:
    return (
        exists()
        .where(
            Attendance.user_id == user_id,
            Attendance.state.in_(sorted(state.value for state in ATTENDED)),
            Attendance.session_id == TrainingSession.id,
            TrainingSession.kind == TrainingKind.ROTATION,
            TrainingSession.state == "published",
            TrainingSession.starts_at >= since,
        )
        .correlate_except(Attendance, TrainingSession)
    )
