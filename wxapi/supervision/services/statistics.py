"""Statistics as people ask for them: who may ask of which place, for how long, by what."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.city_rules import CONFIDENTIAL_FAMILY
from wxapi.kernel.clock import day_begins, to_wire
from wxapi.kernel.errors import ForbiddenError, InvalidError, not_found
from wxapi.kernel.ids import new_id
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import ROLES_OF, Permission, Role
from wxapi.platform import audit
from wxapi.platform.db import db, one_moment, transaction
from wxapi.regions.rules.levels import Level, holding, level_of, within
from wxapi.regions.services.lookup import tree
from wxapi.reports.queries.visibility import villages_of
from wxapi.reports.rules.categories import all_categories
from wxapi.supervision.models import Bulletin
from wxapi.supervision.queries import bulletins as published
from wxapi.supervision.queries import statistics as queries
from wxapi.supervision.queries.counting import NO_UNIT
from wxapi.supervision.queries.periods import Wanted
from wxapi.supervision.rules.measures import (
    DEFINITIONS_VERSION,
    Counts,
    Rate,
    counts_dict,
    hide_small,
    rates,
    total,
)
from wxapi.supervision.rules.used_time import Times
from wxapi.units.queries import unit_names

LONGEST_DAYS = 366
GROUPING_NAMES = {"place": "区域", "class": "类别", "unit": "单位", "month": "月份", "kind": "大类"}
GROUPINGS = tuple(GROUPING_NAMES)
_BELOW = {Level.CITY: "county", Level.COUNTY: "township", Level.TOWNSHIP: "village", Level.VILLAGE: "village"}
_ORDER = ("county", "township", "village")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table of figures."""

    key: str
    name: str
    counts: Counts
    rates: dict[str, Rate]


@dataclass(frozen=True, slots=True)
class Table:
    """Figures with what they were made of."""

    wanted: Wanted
    as_of: datetime
    rows: tuple[Row, ...]
    total: Row
    times: Times


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks; None takes the sensible default (their own region, the last 30 days)."""

    group_by: str = "place"
    stage: str = "resolve"
    region: str | None = None
    level: str | None = None
    since: date | None = None
    until: date | None = None
    class_code: str | None = None
    unit: str | None = None


def own_region(actor: Actor, region: str | None, permission: Permission = Permission.STATISTICS) -> str:
    """The region asked for, within the person's own; by default the first of these. Who is of a grid has its village.

    Raises:
        NotFoundError: unknown, or outside the person's regions.
    """
    own = [within(code, Level.VILLAGE) for code in actor.regions(ROLES_OF[permission])]
    code = region or (own[0] if own else "")
    if tree().get(code) is None or not code.startswith(tuple(own)):
        raise not_found()
    return within(code, Level.VILLAGE)


def wanted_of(actor: Actor, question: Question, *, today: date) -> Wanted:
    """What is to be counted for a person.

    Raises:
        NotFoundError: the region is outside the person's.
        InvalidError: `period_invalid`; `grouping_not_available`.
    """
    region = own_region(actor, question.region)
    until = question.until or today + timedelta(days=1)
    since = question.since or until - timedelta(days=30)
    if not 0 < (until - since).days <= LONGEST_DAYS:
        raise InvalidError(
            "period_invalid", f"统计期须为 1 至 {LONGEST_DAYS} 天，结束日期不含在内。", fields={"to": ["统计期无效。"]}
        )
    level = level_of(region)
    smallest = _BELOW.get(level, "village") if level else "village"
    chosen = question.level or smallest
    wrong = {
        "class": question.class_code is not None and question.class_code.startswith(CONFIDENTIAL_FAMILY),
        "group_by": question.group_by not in {*GROUPINGS, "none"},
        "level": _ORDER.index(chosen) < _ORDER.index(smallest),
    }
    if any(wrong.values()):
        fields = {name: ["不可用。"] for name, is_wrong in wrong.items() if is_wrong}
        raise InvalidError("grouping_not_available", "不能按所选方式统计。", fields=fields)
    return Wanted(since, until, region, question.stage, question.group_by, chosen, question.class_code, question.unit)


def read_statistics(actor: Actor, question: Question, *, now: datetime, today: date) -> Table:
    """A table of figures; raises what `wanted_of` raises."""
    return table_of(db.session(), wanted_of(actor, question, today=today), now=now)


def table_of(session: Session, wanted: Wanted, *, now: datetime) -> Table:
    """Count, name the rows and add them up; every child of a place and every month has a row, empty or not."""
    found = queries.count(session, wanted, as_of=now)
    for key in _expected(wanted):
        found.setdefault(key, Counts())
    names = _names(session, wanted, list(found))
    rows = tuple(Row(key, names[key], counts, rates(counts)) for key, counts in sorted(found.items()))
    together = total(row.counts for row in rows)
    times = queries.times(session, wanted, as_of=now)
    return Table(wanted, now, rows, Row("", "合计", together, rates(together)), times)


def _expected(wanted: Wanted) -> list[str]:
    if wanted.group_by == "place":
        below = tree().below(wanted.region)
        return [region.code for region in below if region.level.value == wanted.level and region.closure is None]
    if wanted.group_by == "month":
        return list(wanted.steps)
    return []


def _names(session: Session, wanted: Wanted, keys: list[str]) -> dict[str, str]:
    if wanted.group_by == "unit":
        return unit_names(session, [key for key in keys if key != NO_UNIT]) | {NO_UNIT: "尚未分派"}
    if wanted.group_by == "class":
        classes = all_categories()
        return {key: classes[key].name if key in classes else key for key in keys}
    if wanted.group_by == "kind":
        kinds = {code[0]: category.kind for code, category in all_categories().items()}
        return {key: kinds.get(key, key) for key in keys}
    regions = tree()
    return {key: regions[key].name if key in regions else key for key in keys}


def confidential(actor: Actor, county: str, year: int, quarter: int) -> dict[str, int | str]:
    """X02 by township of a county in a quarter, small numbers hidden; nobody below the county learns of it.

    Those about a village that the supervisor is of are not counted for them.

    Raises:
        ForbiddenError: `role_not_allowed`, not a supervisor of the county or the city.
        NotFoundError: no such county of the person's.
    """
    if not actor.holds(Role.SUPERVISOR):
        raise ForbiddenError("role_not_allowed", "您的身份不能进行此操作。")
    region = tree().get(county)
    if region is None or region.level is not Level.COUNTY or not actor.covers(county, {Role.SUPERVISOR}):
        raise not_found()
    first = date(year, 3 * quarter - 2, 1)
    last = (first + timedelta(days=95)).replace(day=1)
    since, until = day_begins(first), day_begins(last)
    filed = queries.confidential_by_township(db.session(), county, since, until, hidden=villages_of(actor))
    return hide_small({**{child.code: 0 for child in tree().children(county)}, **filed})


def freeze(
    actor: Actor, title: str, questions: list[Question], *, corrects: UUID | None, now: datetime, today: date
) -> Bulletin:
    """Make a bulletin: rows, the definitions' version and a SHA-256 of both, never changed again.

    Raises:
        ForbiddenError: `role_not_allowed`, only supervisors publish figures.
        NotFoundError: a region outside the person's, or an unknown bulletin to correct.
        InvalidError: as `wanted_of`.
    """
    if not actor.holds(Role.SUPERVISOR):
        raise ForbiddenError("role_not_allowed", "您的身份不能进行此操作。")
    wanted = [wanted_of(actor, question, today=today) for question in questions]
    with one_moment() as session:  # or what is frozen would not add up from one table to the next
        tables = [table_of(session, each, now=now) for each in wanted]
    content = {
        "definitions_version": DEFINITIONS_VERSION,
        "as_of": to_wire(now),
        "tables": [_frozen(table) for table in tables],
    }
    raw = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    with transaction() as session:
        readable = actor.regions(ROLES_OF[Permission.STATISTICS])
        if corrects is not None and not published.may_read(session, readable, corrects):
            raise not_found()
        row = Bulletin(
            id=new_id(),
            region_code=holding([table.wanted.region for table in tables]),
            title=title,
            content=content,
            sha256=hashlib.sha256(raw).hexdigest(),
            corrects_id=corrects,
            issued_at=now,
        )
        session.add(row)
        session.flush()
        audit.record(session, actor.user_id, "bulletin.issue", subject=f"bulletin:{row.id}", at=now)
        return row


def _frozen(table: Table) -> dict[str, Any]:
    wanted = asdict(table.wanted) | {"since": table.wanted.since.isoformat(), "until": table.wanted.until.isoformat()}
    rows = [{"key": row.key, "name": row.name, **counts_dict(row.counts)} for row in (*table.rows, table.total)]
    return {"wanted": wanted, "rows": rows}


def list_bulletins(actor: Actor, *, limit: int, cursor: str | None) -> Page[Bulletin]:
    """Bulletins of the person's regions and of those above, newest first."""
    return published.page(db.session(), actor.regions(ROLES_OF[Permission.STATISTICS]), limit=limit, cursor=cursor)
