"""The city at a glance: what is open now, by place and by class, what is late, and where it lies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from wxapi.duties.models import CARD_HANGS_SQL, RUNS_SQL
from wxapi.duties.models import OPEN_SQL as DUTY_OPEN_SQL
from wxapi.kernel.coordinates import Point
from wxapi.regions.rules.levels import CODE_LENGTH, Level, within
from wxapi.reports.models import OPEN_SQL
from wxapi.supervision.queries import statistics
from wxapi.supervision.queries.periods import Wanted, county_at_or_below

MOST_POINTS = 2000
_LEVELS = {"county": "county_code", "township": "township_code", "village": "village_code"}


@dataclass(frozen=True, slots=True)
class PlaceFigures:
    """Figures of one place, or of one class: filed in the period; the rest as it is now."""

    key: str
    filed: int = 0
    open: int = 0
    overdue: int = 0
    reopened: int = 0


@dataclass(frozen=True, slots=True)
class Control:
    """How late what is open is: duties by the highest rung or card they bear."""

    open: int
    due_today: int
    blue: int
    yellow: int
    red: int
    rung_200: int
    oldest_due_at: datetime | None
    by_type: dict[str, int]


@dataclass(frozen=True, slots=True)
class Spot:
    """One open report on a map."""

    id: UUID
    number: str
    category_code: str
    state: str
    card: str | None
    position: Point


_BELOW_COUNTY = {CODE_LENGTH[Level.TOWNSHIP]: "township_code", CODE_LENGTH[Level.VILLAGE]: "village_code"}


def in_region(region: str, alias: str = "") -> str:
    """The condition of a place at or below `:region`, in the county `:county`: the indexes begin with it."""
    found = county_at_or_below(f"{alias}county_code", region)
    column = _BELOW_COUNTY.get(len(region))
    return f"{found} AND {alias}{column} = :region" if column else found


def _place(region: str) -> dict[str, str]:
    return {"region": region, "county": within(region, Level.COUNTY)}


def by_place(session: Session, wanted: Wanted, now: datetime) -> list[PlaceFigures]:
    """Filed in the period, open and overdue now, disputed or reopened, by places of the level."""
    return _grouped(session, replace(wanted, group_by="place"), _LEVELS[wanted.level], now)


def by_class(session: Session, wanted: Wanted, now: datetime) -> list[PlaceFigures]:
    """The same figures as `by_place`, by class."""
    return _grouped(session, replace(wanted, group_by="class"), "category_code", now)


def _grouped(session: Session, wanted: Wanted, column: str, now: datetime) -> list[PlaceFigures]:
    """Filed by what is kept of months that are over; the rest is of now."""
    sql = f"""
        SELECT {column}, count(*), count(*) FILTER (WHERE due_at < :now),
            count(*) FILTER (WHERE disputes > 0 OR reopened)
        FROM reports WHERE {in_region(wanted.region)} AND excluded_village_code IS NULL AND {OPEN_SQL} GROUP BY 1
    """
    filed = statistics.filed(session, wanted, as_of=now)
    found = {
        key: PlaceFigures(key, filed.get(key, 0), opened, late, again)
        for key, opened, late, again in session.execute(text(sql), _place(wanted.region) | {"now": now})
    }
    return [*found.values(), *(PlaceFigures(key, many) for key, many in filed.items() if key not in found)]


def on_hold(session: Session, region: str) -> int:
    """How many reports are on hold now."""
    where = f"{in_region(region)} AND excluded_village_code IS NULL"
    sql = f"SELECT count(*) FROM reports WHERE {where} AND state = 'on_hold'"
    return session.scalar(text(sql), _place(region)) or 0


def control(session: Session, region: str, now: datetime, end_of_day: datetime) -> Control:
    """The open duties about a place. One whose clock stands is due on no day."""
    sql = f"""
        SELECT subject_type, count(*), count(*) FILTER (WHERE {RUNS_SQL} AND due_at >= :now AND due_at <= :today),
            count(*) FILTER (WHERE rung = 80),
            count(*) FILTER (WHERE {CARD_HANGS_SQL} AND card = 'yellow'),
            count(*) FILTER (WHERE {CARD_HANGS_SQL} AND card = 'red'),
            count(*) FILTER (WHERE rung = 200), min(due_at) FILTER (WHERE {RUNS_SQL})
        FROM duties
        WHERE {in_region(region, "place_")} AND NOT confidential AND {DUTY_OPEN_SQL}
        GROUP BY 1 ORDER BY 1
    """
    rows = session.execute(text(sql), _place(region) | {"now": now, "today": end_of_day}).all()
    opened, due_today, blue, yellow, red, rung_200 = (sum(int(row[at]) for row in rows) for at in range(1, 7))
    oldest = min((row[7] for row in rows if row[7] is not None), default=None)
    by_type = {str(row[0]): int(row[1]) for row in rows}
    return Control(opened, due_today, blue, yellow, red, rung_200, oldest, by_type)


def points(
    session: Session, regions: Sequence[str], south_west: Point, north_east: Point, *, states: Sequence[str]
) -> list[Spot]:
    """Open reports of the regions in a window of GCJ-02 degrees, at most `MOST_POINTS` + 1, newest first.

    Of a grid those in the grid: its people read no others one by one.
    """
    columns = ("grid_code" if len(region) == CODE_LENGTH[Level.GRID] else "village_code" for region in regions)
    places = " OR ".join(f"starts_with({column}, :region_{n})" for n, column in enumerate(columns))
    sql = f"""
        SELECT id, number, category_code, state, card, longitude, latitude FROM reports
        WHERE latitude BETWEEN :south AND :north AND longitude BETWEEN :west AND :east
            AND {OPEN_SQL} AND excluded_village_code IS NULL AND ({places}) AND state = ANY(:states)
        ORDER BY created_at DESC, id LIMIT {MOST_POINTS + 1}
    """
    values: dict[str, Any] = {f"region_{n}": region for n, region in enumerate(regions)}
    values |= {"south": south_west.latitude, "north": north_east.latitude}
    values |= {"west": south_west.longitude, "east": north_east.longitude, "states": list(states)}
    rows = session.execute(text(sql), values)
    return [
        Spot(row.id, row.number, row.category_code, row.state, row.card, Point(row.longitude, row.latitude))
        for row in rows
    ]
