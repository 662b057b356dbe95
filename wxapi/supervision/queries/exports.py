"""Rows of exports: one read-only transaction, a cursor on the server, a constant number of rows in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, func, literal_column, or_, select, text
from sqlalchemy.sql import Select

from wxapi.duties.models import OPEN_SQL as DUTY_OPEN_SQL
from wxapi.duties.models import Duty
from wxapi.kernel.actor import Actor
from wxapi.kernel.coordinates import Datum, Point, gcj02_to_wgs84
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform.db import db
from wxapi.regions.rules.tree import Tree
from wxapi.reports.models import OPEN_SQL, Report
from wxapi.reports.rules.categories import all_categories
from wxapi.reports.rules.owed import STAGE_NAMES
from wxapi.reports.rules.state import STATE_NAMES
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
    Column("stage", "环节", lambda row, _: STAGE_NAMES.get(row.stage, row.stage)),
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


def reports_for(actor: Actor, asked: Mapping[str, Any]) -> Select[Any]:
    """The reports a person may export, by their filter: places of their regions, never confidential ones."""
    table = Report.__table__.c
    conditions = [table.excluded_village_code.is_(None), _within(actor, table.village_code)]
    if asked.get("region"):
        conditions.append(table.village_code.startswith(asked["region"], autoescape=True))
    if asked.get("state"):
        conditions.append(table.state.in_(asked["state"].split(",")))
    if asked.get("category"):
        conditions.append(table.category_code.startswith(asked["category"], autoescape=True))
    if asked.get("card"):
        conditions.append(table.card == asked["card"])
    if asked.get("open"):
        conditions.append(literal_column(f"({OPEN_SQL})"))
    conditions += _between(table.created_at, asked)
    return select(Report.__table__).where(*conditions).order_by(table.created_at, table.id)


def duties_for(actor: Actor, asked: Mapping[str, Any]) -> Select[Any]:
    """The duties a person may export: of units at or below their regions, never of confidential subjects."""
    table = Duty.__table__.c
    conditions = [~table.confidential, _within(actor, table.unit_code)]
    exact = {"stage": table.stage, "unit": table.unit_code, "card": table.card, "type": table.subject_type}
    conditions += [column == asked[name] for name, column in exact.items() if asked.get(name)]
    if asked.get("region"):
        conditions.append(table.place_code.startswith(asked["region"], autoescape=True))
    if asked.get("open"):
        conditions.append(literal_column(f"({DUTY_OPEN_SQL})"))
    conditions += _between(table.due_at, asked)
    return select(Duty.__table__).where(*conditions).order_by(table.due_at, table.id)


def statement_of(kind: str, actor: Actor, asked: Mapping[str, Any]) -> tuple[Select[Any], Sequence[Column]]:
    """The statement of a kind of list in a person's scope, and the columns its rows have."""
    if kind == "duties":
        return duties_for(actor, asked), DUTY_COLUMNS
    return reports_for(actor, asked), REPORT_COLUMNS


def _within(actor: Actor, column: ColumnElement[str]) -> ColumnElement[bool]:
    regions: Sequence[str] = actor.regions(ROLES_OF[Permission.EXPORT])
    return or_(false(), *(column.startswith(code[:12], autoescape=True) for code in regions))


def _between(column: ColumnElement[Any], asked: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    midnight = "{}T00:00:00+08:00"
    found: list[ColumnElement[bool]] = []
    if asked.get("from"):
        found.append(column >= midnight.format(asked["from"]))
    if asked.get("to"):
        found.append(column < midnight.format(asked["to"]))
    return [and_(*found)] if found else []


def names_of_units(connection: Connection) -> Names:
    """Code → name of every unit that is no region's office."""
    found = connection.execute(select(Unit.code, Unit.name).where(Unit.kind != UnitKind.REGION))
    return {row.code: row.name for row in found}
