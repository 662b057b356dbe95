"""Rows of exports: one read-only transaction, a cursor on the server, a constant number of rows in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, false, func, or_, select, text
from sqlalchemy.sql import Select

from wxapi.duties.models import Duty
from wxapi.duties.queries.lists import DutyFilter, matching
from wxapi.kernel.actor import Actor
from wxapi.kernel.coordinates import Datum, Point, gcj02_to_wgs84
from wxapi.platform.db import db
from wxapi.regions.rules.tree import Tree
from wxapi.reports.models import Report
from wxapi.reports.queries.lists import Filters, in_states, narrowed, words
from wxapi.reports.queries.visibility import seen_by_office
from wxapi.reports.rules.categories import all_categories
from wxapi.reports.rules.state import OPEN_STATES, STATE_NAMES, ReportState
from wxapi.supervision.queries.statistics import day_begins
from wxapi.supervision.rules.export_cells import Cell, local_time
from wxapi.units.models import Unit
from wxapi.units.rules import UnitKind

AT_ONCE = 1000
_CARDS = {"yellow": "黄牌", "red": "红牌"}
Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file: code, heading, and the cell of a row."""

    code: str
    zh: str
    cell: Callable[[Any, "Dressing"], Cell]


@dataclass(frozen=True, slots=True)
class Dressing:
    """What cells need beside their row."""

    regions: Tree
    units: Names
    datum: Datum | None
    stages: Names


def _region(code: str | None, names: Dressing) -> str | None:
    region = names.regions.get(code or "")
    return region.name if region else code


def _class(code: str | None) -> str | None:
    found = all_categories().get(code or "")
    return found.name if found else code


def position(row: Any, datum: Datum | None) -> Point:
    """Where a report lies, in the datum that was asked for."""
    point = Point(row.longitude, row.latitude)
    return gcj02_to_wgs84(point) if datum is Datum.WGS84 else point


REPORT_COLUMNS: tuple[Column, ...] = (
    Column("number", "编号", lambda row, _: row.number),
    Column("class_code", "类别代码", lambda row, _: row.category_code),
    Column("class", "类别", lambda row, _: _class(row.category_code)),
    Column("state", "状态", lambda row, _: STATE_NAMES.get(row.state, row.state)),
    Column("county", "县（市、区）", lambda row, names: _region(row.county_code, names)),
    Column("township", "乡镇（街道）", lambda row, names: _region(row.township_code, names)),
    Column("village", "村（社区）", lambda row, names: _region(row.village_code, names)),
    Column("address", "地址", lambda row, _: row.address),
    Column("description", "问题描述", lambda row, _: row.description),
    Column("longitude", "经度", lambda row, names: round(position(row, names.datum).longitude, 7)),
    Column("latitude", "纬度", lambda row, names: round(position(row, names.datum).latitude, 7)),
    Column("desk", "承办单位", lambda row, names: _region(row.desk_code, names)),
    Column("created_at", "上报时间", lambda row, _: local_time(row.created_at)),
    Column("routed_at", "派遣时间", lambda row, _: local_time(row.routed_at)),
    Column("respond_due_at", "受理时限", lambda row, _: local_time(row.respond_due_at)),
    Column("resolve_due_at", "办结时限", lambda row, _: local_time(row.resolve_due_at)),
    Column("resolved_at", "办结时间", lambda row, _: local_time(row.resolved_at)),
    Column("closed_at", "结案时间", lambda row, _: local_time(row.closed_at)),
    Column("card", "督办牌", lambda row, _: _CARDS.get(row.card or "")),
    Column("returns", "回退次数", lambda row, _: row.returns),
    Column("disputes", "返工次数", lambda row, _: row.disputes),
    Column("me_too_count", "共同上报人数", lambda row, _: row.me_too_count),
    Column("rating", "评分", lambda row, _: row.rating),
)
DUTY_COLUMNS: tuple[Column, ...] = (
    Column("number", "编号", lambda row, _: row.subject_number),
    Column("stage", "环节", lambda row, names: names.stages.get(row.stage, row.stage)),
    Column("unit_code", "单位代码", lambda row, _: row.unit_code),
    Column("unit", "单位", lambda row, names: names.units.get(row.unit_code) or _region(row.unit_code, names)),
    Column("place", "地点", lambda row, names: _region(row.place_code, names)),
    Column("class", "类别", lambda row, _: _class(row.class_code)),
    Column("started_at", "到达时间", lambda row, _: local_time(row.started_at)),
    Column("due_at", "时限", lambda row, _: local_time(row.due_at)),
    Column("stopped_at", "暂停时间", lambda row, _: local_time(row.stopped_at)),
    Column("met_at", "完成时间", lambda row, _: local_time(row.met_at)),
    Column("dropped_at", "转出或终止时间", lambda row, _: local_time(row.dropped_at)),
    Column("rung", "已用时限（%）", lambda row, _: row.rung),
    Column("card", "督办牌", lambda row, _: _CARDS.get(row.card or "") if row.card_lifted_at is None else "已撤销"),
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


def rows_of(connection: Connection, statement: Select[Any]) -> Iterator[Any]:
    """Stream the rows of a statement."""
    yield from connection.execution_options(yield_per=AT_ONCE).execute(statement)


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
    found = select(Report.__table__).where(*conditions).order_by(table.created_at, table.id)
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
    return select(Duty.__table__).where(*conditions).order_by(table.due_at, table.id)


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
