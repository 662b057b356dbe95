"""Rows of exports: one read-only transaction, a cursor on the server, a constant number of rows in memory."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, false, func, literal_column, or_, select, text
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.sql import Select

from wxapi.duties.models import Duty
from wxapi.duties.queries.lists import DutyFilter, matching
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import day_begins
from wxapi.kernel.coordinates import Datum, Point, gcj02_to_wgs84
from wxapi.platform.db import db
from wxapi.regions.rules.tree import Tree
from wxapi.reports.models import Report
from wxapi.reports.queries.lists import Filters, in_states, narrowed, words
from wxapi.reports.queries.visibility import seen_by_office
from wxapi.reports.rules.categories import all_categories
from wxapi.reports.rules.state import OPEN_STATES, STATE_NAMES, ReportState
from wxapi.supervision.rules.export_cells import Cell
from wxapi.units.models import Unit
from wxapi.units.rules import UnitKind

AT_ONCE = 1000
Names = Mapping[str, str]
Finish = Callable[[Any], Cell]


@dataclass(frozen=True, slots=True)
class Dressing:
    """What cells need beside their row."""

    regions: Tree
    units: Names
    datum: Datum | None
    stages: Names


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file.

    Args:
        code: its name on the wire.
        zh: its heading.
        read: what the database is asked for; where that is the cell, nothing else is done in a million rows.
        finish: makes the function that makes the cell of what was read.
    """

    code: str
    zh: str
    read: ColumnElement[Any]
    finish: Callable[[Dressing], Finish] | None = None


def _time(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """An instant as offices read it, Shanghai time; the server writes it, while Python writes the row before."""
    return func.to_char(func.timezone("Asia/Shanghai", column), literal_column("'YYYY-MM-DD HH24:MI:SS'"))


def _named(names: Names) -> Finish:
    """The name of a code; one without a name, or none, stays."""
    return lambda code: names.get(code, code)


def _regions(dressing: Dressing) -> Finish:
    @cache
    def name(code: str | None) -> str | None:
        region = dressing.regions.get(code or "")
        return region.name if region else code

    return name


def _units(dressing: Dressing) -> Finish:
    office = _regions(dressing)
    return lambda code: dressing.units.get(code) or office(code)


def _classes(_dressing: Dressing) -> Finish:
    return _named({code: category.name for code, category in all_categories().items()})


def _states(_dressing: Dressing) -> Finish:
    return _named({state.value: name for state, name in STATE_NAMES.items()})


def position(place: Sequence[float], datum: Datum | None) -> Point:
    """Where a report lies, in the datum that was asked for, of `PLACE` as it was read."""
    longitude, latitude = place
    return _wgs84(longitude, latitude) if datum is Datum.WGS84 else Point(longitude, latitude)


@lru_cache(maxsize=16)
def _wgs84(longitude: float, latitude: float) -> Point:
    """Several cells of one row ask for it."""
    return gcj02_to_wgs84(Point(longitude, latitude))


def _longitude(dressing: Dressing) -> Finish:
    return lambda place: round(position(place, dressing.datum).longitude, 7)


def _latitude(dressing: Dressing) -> Finish:
    return lambda place: round(position(place, dressing.datum).latitude, 7)


def _card(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((column == "yellow", "黄牌"), (column == "red", "红牌"))


_r, _d = Report.__table__.c, Duty.__table__.c
PLACE: ColumnElement[Any] = array([_r.longitude, _r.latitude])
REPORT_COLUMNS: tuple[Column, ...] = (
    Column("number", "编号", _r.number),
    Column("class_code", "类别代码", _r.category_code),
    Column("class", "类别", _r.category_code, _classes),
    Column("state", "状态", _r.state, _states),
    Column("county", "县（市、区）", _r.county_code, _regions),
    Column("township", "乡镇（街道）", _r.township_code, _regions),
    Column("village", "村（社区）", _r.village_code, _regions),
    Column("address", "地址", _r.address),
    Column("description", "问题描述", _r.description),
    Column("longitude", "经度", PLACE, _longitude),
    Column("latitude", "纬度", PLACE, _latitude),
    Column("desk", "承办单位", _r.desk_code, _regions),
    Column("created_at", "上报时间", _time(_r.created_at)),
    Column("routed_at", "派遣时间", _time(_r.routed_at)),
    Column("respond_due_at", "受理时限", _time(_r.respond_due_at)),
    Column("resolve_due_at", "办结时限", _time(_r.resolve_due_at)),
    Column("resolved_at", "办结时间", _time(_r.resolved_at)),
    Column("closed_at", "结案时间", _time(_r.closed_at)),
    Column("card", "督办牌", _card(_r.card)),
    Column("returns", "回退次数", _r.returns),
    Column("disputes", "返工次数", _r.disputes),
    Column("me_too_count", "共同上报人数", _r.me_too_count),
    Column("rating", "评分", _r.rating),
)
DUTY_COLUMNS: tuple[Column, ...] = (
    Column("number", "编号", _d.subject_number),
    Column("stage", "环节", _d.stage, lambda dressing: _named(dressing.stages)),
    Column("unit_code", "单位代码", _d.unit_code),
    Column("unit", "单位", _d.unit_code, _units),
    Column("place", "地点", _d.place_code, _regions),
    Column("class", "类别", _d.class_code, _classes),
    Column("started_at", "到达时间", _time(_d.started_at)),
    Column("due_at", "时限", _time(_d.due_at)),
    Column("stopped_at", "暂停时间", _time(_d.stopped_at)),
    Column("met_at", "完成时间", _time(_d.met_at)),
    Column("dropped_at", "转出或终止时间", _time(_d.dropped_at)),
    Column("rung", "已用时限（%）", _d.rung),
    Column("card", "督办牌", case((_d.card_lifted_at.is_not(None), "已撤销"), else_=_card(_d.card))),
)


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection of its own: read-only, one moment of the database, no limit on a statement's time."""
    with (
        db.engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        ) as connection,
        connection.begin(),
    ):
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield connection


def rows_of(
    connection: Connection, statement: Select[Any], columns: Sequence[Column], dressing: Dressing, *, placed: bool
) -> Generator[tuple[list[Cell], Point | None]]:
    """Stream a statement's rows: the cells of the columns and, if wanted, where the report lies."""
    reads = [column.read.label(f"c{n}") for n, column in enumerate(columns)]
    found = statement.with_only_columns(*reads, *([PLACE.label("place")] if placed else []))
    dressed = [(n, column.finish(dressing)) for n, column in enumerate(columns) if column.finish]
    with connection.execution_options(yield_per=AT_ONCE).execute(found) as rows:
        for row in rows:
            cells = list(row)
            point = position(cells.pop(), dressing.datum) if placed else None
            for n, finish in dressed:
                cells[n] = finish(cells[n])
            yield cells, point


def count_of(connection: Connection, statement: Select[Any]) -> int:
    """How many rows a statement has."""
    inner = statement.order_by(None).subquery()
    return connection.scalar(select(func.count()).select_from(inner)) or 0


def reports_for(actor: Actor, asked: Mapping[str, Any], now: datetime) -> Select[Any]:
    """The reports a person may export, by the filter of the list: what their offices see, never confidential ones."""
    table = Report.__table__.c
    states = tuple(map(ReportState, asked["state"].split(","))) if asked.get("state") else ()
    filters = Filters(
        category=asked.get("category"),
        region=asked.get("region"),
        overdue=asked.get("overdue"),
        card=asked.get("card"),
        text=asked.get("q"),
    )
    conditions = [table.excluded_village_code.is_(None), seen_by_office(actor), *narrowed(filters)]
    if states or asked.get("open"):
        conditions.append(in_states(states or OPEN_STATES))
    conditions += _between(table.created_at, asked)
    found = select(table.id).where(*conditions).order_by(table.created_at, table.id)
    return found.params(now=now, **words(filters))


def duties_for(arms: Sequence[ColumnElement[bool]], asked: Mapping[str, Any], now: datetime) -> Select[Any]:
    """The duties of the arms, by the filter of the list, never of confidential subjects."""
    table = Duty.__table__.c
    wanted = DutyFilter(
        subject_type=asked.get("type"),
        unit=asked.get("unit"),
        region=asked.get("region"),
        stage=asked.get("stage"),
        state=asked.get("state") or ("open" if asked.get("open") else "any"),
        card=asked.get("card"),
        rung=asked.get("rung"),
    )
    conditions = [~table.confidential, or_(false(), *arms), *matching(wanted, now), *_between(table.due_at, asked)]
    return select(table.id).where(*conditions).order_by(table.due_at, table.id)


def _between(column: ColumnElement[Any], asked: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """The days of a filter, Shanghai, the last one not included."""
    since, until = (day_begins(date.fromisoformat(asked[name])) if asked.get(name) else None for name in ("from", "to"))
    found: list[ColumnElement[bool]] = []
    if since is not None:
        found.append(column >= since)
    if until is not None:
        found.append(column < until)
    return found


def names_of_units(connection: Connection) -> Names:
    """Code → name of every unit that is no region's office."""
    found = connection.execute(select(Unit.code, Unit.name).where(Unit.kind != UnitKind.REGION))
    return {row.code: row.name for row in found}
