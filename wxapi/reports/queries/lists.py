"""Lists of reports: filters, orders and pages by keyset. One statement a page, however many rows it has."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    union,
)

from wxapi.kernel.actor import Actor
from wxapi.kernel.deadlines import CardColour
from wxapi.kernel.paging import Page, bad_cursor, decode_cursor, page_of
from wxapi.kernel.permissions import DESK_ROLES
from wxapi.moderation.queries import picture_passed, text_passed
from wxapi.photos.models import Photo
from wxapi.platform.db import fetch_alone, ready
from wxapi.reports.models import DUE_SQL, OPEN_SQL, Report, ReportJoin, ReportPhoto
from wxapi.reports.queries.visibility import lies_in, not_about, on_desk_in, villages_of
from wxapi.reports.rules.masking import WITHHELD
from wxapi.reports.rules.state import OPEN_STATES, Extension, ReportState

AnySelect: TypeAlias = Select[*tuple[Any, ...]]


class ReportRow(NamedTuple):
    """A report as a list reads it: of the table, whether the reader filed it, the first photo that may be shown.

    What is only shown of ids is text: to read and write one takes longer than anything else of a row.
    """

    id: str
    number: str
    version: int
    state: str
    category_code: str
    description: str
    longitude: float
    latitude: float
    address: str | None
    village_code: str
    grid_code: str | None
    desk_code: str | None
    respond_due_at: datetime | None
    resolve_due_at: datetime | None
    due_at: datetime | None
    card: CardColour | None
    hold_pending: bool
    hold_review_on: date | None
    hold_reason_code: str | None
    extension: str | None
    extension_days: int | None
    merged_into_id: uuid.UUID | None
    excluded_village_code: str | None
    me_too_count: int
    is_mine: bool
    reporter_label: int
    created_at: datetime
    updated_at: datetime
    first_photo_id: str | None


# Tables and their columns, not entities: building and reading these costs half, and a list changes nothing.
_reports, _placed = Report.__table__.c, ReportPhoto.__table__.c
_photos, _joins = Photo.__table__.c, ReportJoin.__table__.c
placed_photo_passed = picture_passed(_placed.photo_id)


def first_photo(*conditions: ColumnElement[bool]) -> ColumnElement[str]:
    """The first of a report's photos that is ready and meets the conditions, as a column."""
    return (
        select(cast(_placed.photo_id, Text))
        .join(Photo.__table__, _photos.id == _placed.photo_id)
        .where(_placed.report_id == _reports.id, _placed.purpose == "report", _photos.state == "ready", *conditions)
        .order_by(_placed.position)
        .limit(1)
        .correlate(Report.__table__)
        .scalar_subquery()
        .label("first_photo_id")
    )


# Who reads; a statement is built for all who are alike in the rest.
_ME = bindparam("me", None, Uuid())
_MADE: dict[str, ColumnElement[Any]] = {
    "id": cast(_reports.id, Text).label("id"),
    "is_mine": func.coalesce(_reports.reporter_id == _ME, False).label("is_mine"),
}
_COLUMNS = {name: _MADE[name] if name in _MADE else _reports[name] for name in ReportRow._fields[:-1]}
_ROWS = select(*_COLUMNS.values(), first_photo())
DUE: ColumnElement[datetime] = literal_column(DUE_SQL, type_=DateTime(timezone=True))
# Stands in a cursor for a row without an instant.
_UNDATED = datetime.max.replace(tzinfo=UTC)
_NEVER: ColumnElement[datetime] = literal_column("'infinity'::timestamptz")
# What changes from call to call; the rest of a statement is built once and kept.
NOW, _AT = (bindparam(name, None, DateTime(timezone=True)) for name in ("now", "at"))
# A desk asked for a hold or an extension and has no answer.
UNDECIDED: ColumnElement[bool] = or_(_reports.hold_pending, _reports.extension == Extension.REQUESTED.value)
_PATTERN = bindparam("pattern", None, Text())
_LAST_ID = bindparam("last_id", None, Uuid())
_TEXT_PASSED = text_passed(_reports.id)
_LIKE_WILD = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class Order(StrEnum):
    """How a list runs: the most urgent first, or the newest first."""

    DUE = "due"
    NEWEST = "-created"


_ORDERINGS: dict[Order, tuple[ColumnElement[Any], ...]] = {
    Order.DUE: (DUE.asc(), _reports.id.asc()),
    Order.NEWEST: (_reports.created_at.desc(), _reports.id.desc()),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; the defaults narrow nothing.

    Args:
        states: empty for all.
        category: a class's code or the beginning of one (`E01`).
        region: a region code; reports that lie in it.
        overdue: past, or not past, the clock that runs.
        text: sought in number, description and address.
        undecided: only those whose desk asked for a hold or an extension and has no answer.
    """

    states: tuple[ReportState, ...] = ()
    category: str | None = None
    region: str | None = None
    overdue: bool | None = None
    card: str | None = None
    text: str | None = None
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list."""

    limit: int
    cursor: str | None = None
    filters: Filters = field(default_factory=Filters)


class Start(Enum):
    """Where a page begins: at the top, after a row with an instant, or after one that has none."""

    TOP = "top"
    AFTER = "after"
    AMONG_UNDATED = "among undated"


def desk_page(actor: Actor, wanted: PageRequest, order: Order, *, now: datetime) -> Page[ReportRow]:
    """What lies on the desks the person's appointments cover.

    Without a state the open reports. Finished reports have no due time, so with one of their states among the
    wanted the order is always the newest first.
    """
    if not set(wanted.filters.states) <= set(OPEN_STATES):
        order = Order.NEWEST
    start, values = _position(wanted.cursor, order)
    filters, limit = wanted.filters, wanted.limit
    alike = actor.regions(DESK_ROLES), villages_of(actor), without_words(filters)
    sql, given = _desk_query(*alike, order, start, limit + 1)
    rows = fetch_alone(sql, given | values | words(filters) | {"me": actor.user_id, "now": now})
    return _page(rows, order, limit)


# Building a statement takes as long as running it, and a desk asks for the same one all day.
@lru_cache(maxsize=256)
def _desk_query(
    regions: tuple[str, ...], excluded: tuple[str, ...], filters: Filters, order: Order, start: Start, rows: int
) -> tuple[str, dict[str, Any]]:
    """The statement for people who hold a desk role for `regions` and are of the `excluded` villages.

    With it what of its values never changes.
    """
    states = in_states(filters.states or OPEN_STATES)
    query = _ROWS.where(on_desk_in(regions), not_about(excluded), states, *narrowed(filters))
    return ready(_sorted(query, order, start, rows))


def my_page(actor: Actor, wanted: PageRequest, *, now: datetime) -> Page[ReportRow]:
    """What the person filed or joined, newest first."""
    order, filters, limit = Order.NEWEST, wanted.filters, wanted.limit
    start, values = _position(wanted.cursor, order)
    sql, given = _own_query(villages_of(actor), without_words(filters), start, limit + 1)
    rows = fetch_alone(sql, given | values | words(filters) | {"me": actor.user_id, "now": now})
    return _page(rows, order, limit)


@lru_cache(maxsize=256)
def _own_query(excluded: tuple[str, ...], filters: Filters, start: Start, rows: int) -> tuple[str, dict[str, Any]]:
    """The statement of `my_page` for people of the `excluded` villages, and what of its values never changes.

    Each branch reads at most one page from its own index; one condition with OR would read the whole table.
    """
    conditions = narrowed(filters)
    if filters.states:
        conditions.append(in_states(filters.states))
    filed = select(_reports.id).where(_reports.reporter_id == _ME, *conditions)
    joined = (
        select(_reports.id)
        .join(ReportJoin.__table__, _joins.report_id == _reports.id)
        .where(_joins.user_id == _ME, not_about(excluded), *conditions)
    )
    if filters.text is not None:
        joined = joined.where(_TEXT_PASSED)  # else a search would tell what is withheld
    order = Order.NEWEST
    ids = union(*(select(_sorted(branch, order, start, rows).subquery().c.id) for branch in (filed, joined)))
    return ready(_sorted(_OWN_ROWS.where(_reports.id.in_(ids)), order, Start.TOP, rows))


def without_words(filters: Filters) -> Filters:
    """What the statement depends on: that words are sought, not which. Else every search would take a desk's place."""
    return filters if filters.text is None else replace(filters, text="")


def words(filters: Filters) -> dict[str, str]:
    return {} if filters.text is None else {"pattern": f"%{filters.text.translate(_LIKE_WILD)}%"}


def _rows_of_citizen() -> AnySelect:
    """Rows as a citizen may see them: of other citizens' reports only what passed."""
    shown = or_(_reports.reporter_id == _ME, _TEXT_PASSED)
    withheld = {
        "description": case((shown, _reports.description), else_=literal(WITHHELD)).label("description"),
        "address": case((shown, _reports.address)).label("address"),
    }
    columns = _COLUMNS | withheld
    return select(*columns.values(), first_photo(or_(_photos.owner_id == _ME, placed_photo_passed)))


_OWN_ROWS = _rows_of_citizen()


def narrowed(filters: Filters) -> list[ColumnElement[bool]]:
    """The conditions of the filters, but for the states; `now` is given when a statement is run."""
    conditions: list[ColumnElement[bool]] = []
    if filters.category is not None:
        conditions.append(_reports.category_code.startswith(filters.category, autoescape=True))
    if filters.region is not None:
        conditions.append(lies_in([filters.region]))
    if filters.overdue is not None:
        past_due = DUE < NOW
        conditions.append(past_due if filters.overdue else ~past_due)
    if filters.card is not None:
        conditions.append(_reports.card == filters.card)
    if filters.undecided:
        conditions.append(UNDECIDED)
    if filters.text is not None:
        columns = (_reports.number, _reports.description, _reports.address)
        conditions.append(or_(*(column.ilike(_PATTERN, escape="\\") for column in columns)))
    return conditions


def in_states(states: Sequence[ReportState]) -> ColumnElement[bool]:
    """States as literals: with parameters no plan would use the partial indexes of open reports."""
    wanted = set(states)
    if not wanted <= set(OPEN_STATES):
        return _state_in(wanted)
    all_open: ColumnElement[bool] = literal_column(f"({OPEN_SQL})", Boolean())
    return all_open if wanted == set(OPEN_STATES) else and_(all_open, _state_in(wanted))


def _state_in(states: set[ReportState]) -> ColumnElement[bool]:
    literals = ", ".join(f"'{state.value}'" for state in sorted(states))
    return literal_column(f"(state IN ({literals}))", Boolean())


def _sorted(query: AnySelect, order: Order, start: Start, rows: int) -> AnySelect:
    """One page of so many rows in its order; `at` and `last_id` are given when it is run.

    Its length is in the text: as a parameter PostgreSQL takes it for a tenth of all there is, finds that a plan for the
    very number is cheaper, and plans each page anew, which takes longer than to read it.
    """
    query = query.order_by(*_ORDERINGS[order]).limit(literal_column(str(rows), Integer()))
    if start is Start.TOP:
        return query
    if order is Order.NEWEST:
        return query.where(tuple_(_reports.created_at, _reports.id) < tuple_(_AT, _LAST_ID))
    key = _AT if start is Start.AFTER else _NEVER
    return query.where(tuple_(DUE, _reports.id) > tuple_(key, _LAST_ID))


def _position(cursor: str | None, order: Order) -> tuple[Start, dict[str, Any]]:
    """Where a cursor says to begin, and the values that go with it."""
    if cursor is None:
        return Start.TOP, {}
    kind, at, last_id = decode_cursor(cursor, str, datetime, uuid.UUID)
    if kind != order.value:
        raise bad_cursor()
    if at == _UNDATED:
        return Start.AMONG_UNDATED, {"last_id": last_id}
    return Start.AFTER, {"at": at, "last_id": last_id}


def _page(found: Iterable[Iterable[Any]], order: Order, limit: int) -> Page[ReportRow]:
    rows = list(map(ReportRow._make, found))

    def key(row: ReportRow) -> tuple[str, datetime, str]:
        at = row.due_at if order is Order.DUE else row.created_at
        return order.value, at or _UNDATED, row.id

    return page_of(rows, limit, key)
