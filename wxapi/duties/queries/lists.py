"""Duties as lists show them: the inbox of a person's units, and what those above them read.

Scope is the unit's, never the place's: a village does not see what its township owes about it. A person's scope is
several conditions, any of which may hold: its arms. A page reads each arm by its own index, cuts it, and only then puts
the arms together (UNION), so that it costs the same whatever a person covers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal_column, or_, select, text, tuple_, union
from sqlalchemy.orm import Session

from wxapi.duties.models import CARD_HANGS_SQL, OPEN_SQL, RUNS_SQL, Duty
from wxapi.duties.rules.clock import CARD_RUNG
from wxapi.duties.rules.scope import UnitScope
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import SHANGHAI
from wxapi.regions.rules.levels import CODE_LENGTH, Level, ancestor_of

CARD_HANGS: ColumnElement[bool] = literal_column(f"({CARD_HANGS_SQL})")
_OPEN: ColumnElement[bool] = literal_column(f"({OPEN_SQL})")
_RUNS: ColumnElement[bool] = literal_column(f"({RUNS_SQL})")
# Columns of the unit and of the place by the length of a region's code.
_COUNTY, _TOWNSHIP, _VILLAGE = (CODE_LENGTH[level] for level in (Level.COUNTY, Level.TOWNSHIP, Level.VILLAGE))
_ANCESTORS = {_COUNTY: Duty.unit_county_code, _TOWNSHIP: Duty.unit_township_code, _VILLAGE: Duty.unit_village_code}
_PLACES = {_COUNTY: Duty.place_county_code, _TOWNSHIP: Duty.place_township_code, _VILLAGE: Duty.place_village_code}
_STATES: Mapping[str, tuple[ColumnElement[bool], ...]] = {
    "any": (),
    "open": (_OPEN,),
    "overdue": (_OPEN, _RUNS),
    "in_time": (_OPEN,),
    "stopped": (_OPEN, Duty.stopped_at.is_not(None)),
    "met": (Duty.met_at.is_not(None),),
}


@dataclass(frozen=True, slots=True)
class DutyFilter:
    """Which duties a list shows; None leaves a question open."""

    subject_type: str | None = None
    unit: str | None = None
    region: str | None = None
    stage: str | None = None
    state: str | None = None  # open (None too), overdue, in_time, stopped, met or any
    card: str | None = None
    rung: int | None = None


@dataclass(frozen=True, slots=True)
class WorkCounts:
    """How much is open for a person's units; the colours are the highest rung or card of each."""

    open: int
    due_today: int
    blue: int
    yellow: int
    red: int
    by_type: dict[str, int]


def own_arms(actor: Actor, scope: UnitScope) -> list[ColumnElement[bool]]:
    """What a person's own units owe. A confidential subject is not there for people of its place."""
    seen = _not_about(actor)
    arms: list[ColumnElement[bool]] = []
    if scope.units:
        arms.append(Duty.unit_code.in_(sorted(scope.units)))
    for prefix, length in sorted(scope.offices):
        if length == len(prefix):
            arms.append(Duty.unit_code == prefix)
        else:
            office = and_(func.length(Duty.unit_code) == length, ~Duty.unit_code.contains("-"))
            arms.append(and_(_at_or_below(prefix), office))
    return [arm if seen is None else and_(arm, seen) for arm in arms]


def arms_above(actor: Actor, scope: UnitScope) -> list[ColumnElement[bool]]:
    """What the units owe that a person stands above.

    A confidential subject is in no other list than its owner's (`listed`). One by one it is there for those above the
    unit itself, who decide on its card, and for nobody of its place.
    """
    seen = _not_about(actor)
    return [
        and_(_at_or_below(prefix), or_(~Duty.confidential, _far_above(prefix, seen))) for prefix in sorted(scope.below)
    ]


def _far_above(prefix: str, seen: ColumnElement[bool] | None) -> ColumnElement[bool]:
    below = Duty.unit_code != prefix
    return below if seen is None else and_(below, seen)


def arm_above(prefix: str) -> ColumnElement[bool]:
    """What a region's units and those below owe, as lists show it."""
    return and_(_at_or_below(prefix), ~Duty.confidential)


def listed(arms: Sequence[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    """The arms without confidential subjects: these are in no other list than the inbox of who owes them."""
    return [and_(arm, ~Duty.confidential) for arm in arms]


def _not_about(actor: Actor) -> ColumnElement[bool] | None:
    """False for confidential subjects of villages at or below which a person holds, held or is to hold an office."""
    villages = sorted({found for place in actor.places if (found := ancestor_of(place, Level.VILLAGE))})
    return or_(~Duty.confidential, Duty.place_village_code.not_in(villages)) if villages else None


def _at_or_below(prefix: str) -> ColumnElement[bool]:
    column = _ANCESTORS.get(len(prefix))
    return column == prefix if column is not None else Duty.unit_code.startswith(prefix, autoescape=True)


def page(
    session: Session,
    arms: Sequence[ColumnElement[bool]],
    wanted: DutyFilter,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
    now: datetime,
) -> Sequence[Duty]:
    """Up to `limit + 1` duties of the arms, what runs out first on top, as one statement."""
    if not arms:
        return []
    conditions = matching(wanted, now)
    if after is not None:
        conditions.append(tuple_(Duty.due_at, Duty.id) > after)
    cut = [_cut(arm, conditions, limit) for arm in arms]
    ids = (union(*cut) if len(cut) > 1 else cut[0]).subquery()
    statement = select(Duty).join(ids, ids.c.id == Duty.id).order_by(Duty.due_at, Duty.id).limit(limit + 1)
    return session.scalars(statement).all()


def _cut(arm: ColumnElement[bool], conditions: Iterable[ColumnElement[bool]], limit: int) -> Select[Any]:
    part = select(Duty.id.label("id")).where(arm, *conditions).order_by(Duty.due_at, Duty.id).limit(limit + 1)
    return select(part.subquery().c.id)


def matching(wanted: DutyFilter, now: datetime) -> list[ColumnElement[bool]]:
    """The conditions of a filter; state `any` leaves ended ones in."""
    found = list(_STATES[wanted.state or "open"])
    if wanted.state == "overdue":
        found.append(Duty.due_at < now)
    if wanted.state == "in_time":
        found.append(or_(Duty.due_at >= now, Duty.stopped_at.is_not(None)))
    if wanted.region is not None:
        found.append(_place_in(wanted.region))
    if wanted.card is not None:
        found += [Duty.card == wanted.card, CARD_HANGS]
    exact = ((Duty.subject_type, wanted.subject_type), (Duty.unit_code, wanted.unit), (Duty.stage, wanted.stage))
    found += [column == value for column, value in exact if value is not None]
    if wanted.rung is not None:
        found.append(Duty.rung >= wanted.rung)
    return found


def _place_in(region: str) -> ColumnElement[bool]:
    column = _PLACES.get(len(region))
    return column == region if column is not None else Duty.place_code.startswith(region, autoescape=True)


def counts(session: Session, arms: Sequence[ColumnElement[bool]], *, now: datetime, today: date) -> WorkCounts:
    """The figures of the inbox, as one statement."""
    if not arms:
        return WorkCounts(0, 0, 0, 0, 0, {})
    end_of_day = datetime.combine(today, datetime.max.time(), SHANGHAI)
    statement = (
        select(
            Duty.subject_type,
            func.count().label("open"),
            func.count(case((and_(_RUNS, Duty.due_at >= now, Duty.due_at <= end_of_day), 1))).label("due_today"),
            func.count(case((and_(Duty.rung >= 80, Duty.rung < CARD_RUNG), 1))).label("blue"),
            func.count(case((and_(CARD_HANGS, Duty.card == "yellow"), 1))).label("yellow"),
            func.count(case((and_(CARD_HANGS, Duty.card == "red"), 1))).label("red"),
        )
        .where(or_(false(), *arms), text(OPEN_SQL))
        .group_by(Duty.subject_type)
    )
    rows = session.execute(statement).all()
    by_type = {row.subject_type: int(row.open) for row in sorted(rows, key=lambda row: row.subject_type)}
    return WorkCounts(
        open=sum(by_type.values()),
        due_today=sum(int(row.due_today) for row in rows),
        blue=sum(int(row.blue) for row in rows),
        yellow=sum(int(row.yellow) for row in rows),
        red=sum(int(row.red) for row in rows),
        by_type=by_type,
    )


def find(session: Session, arms: Sequence[ColumnElement[bool]], duty_id: UUID, *, lock: bool = False) -> Duty | None:
    """A duty for which one of the arms holds; None where there is no such duty, as where there are no arms."""
    if not arms:
        return None
    statement = select(Duty).where(Duty.id == duty_id, or_(false(), *arms))
    return session.scalars(statement.with_for_update() if lock else statement).one_or_none()


def subject_of(session: Session, arms: Sequence[ColumnElement[bool]], duty_id: UUID) -> tuple[str, UUID] | None:
    """What one duty of the arms is about: type and id, without the row itself, which nobody holds yet."""
    if not arms:
        return None
    found = select(Duty.subject_type, Duty.subject_id).where(Duty.id == duty_id, or_(false(), *arms))
    row = session.execute(found).one_or_none()
    return (row.subject_type, row.subject_id) if row else None


def open_at(session: Session, unit_code: str) -> int:
    """How many open duties a unit has."""
    return session.scalar(select(func.count()).where(Duty.unit_code == unit_code, text(OPEN_SQL))) or 0
