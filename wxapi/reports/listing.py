"""Lists of reports: filters, orders and pages by keyset. One statement a page, however many rows it has."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Select,
    and_,
    literal_column,
    or_,
    select,
    tuple_,
    union,
)
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.coordinates import Point, degrees_box, distance_m, metres_per_degree
from wxapi.kernel.paging import Page, bad_cursor, decode_cursor, page_of
from wxapi.kernel.permissions import DESK_ROLES
from wxapi.photos.models import Photo
from wxapi.reports.case import OPEN_STATES, State
from wxapi.reports.models import DUE_SQL, OPEN_SQL, Report, ReportJoin, ReportPhoto
from wxapi.reports.queries import lies_in, not_excluded, on_desk_in

AnySelect: TypeAlias = Select[*tuple[Any, ...]]

NEARBY_METRES = 50.0
NEARBY_DAYS = 14
NEARBY_MOST = 20


class ReportRow(NamedTuple):
    """A report as a list reads it: columns of the table, and the first photo that is ready to be shown."""

    id: uuid.UUID
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
    card: str | None
    merged_into_id: uuid.UUID | None
    me_too_count: int
    reporter_id: uuid.UUID | None
    reporter_label: int
    created_at: datetime
    updated_at: datetime
    first_photo_id: uuid.UUID | None


class NearbyRow(NamedTuple):
    """An open report near a point, `distance_m` metres away."""

    id: uuid.UUID
    number: str
    state: str
    me_too_count: int
    distance_m: float
    first_photo_id: uuid.UUID | None


# Tables and their columns, not entities: building and reading these costs half, and a list changes nothing.
_reports, _placed = Report.__table__.c, ReportPhoto.__table__.c
_photos, _joins = Photo.__table__.c, ReportJoin.__table__.c
_FIRST_PHOTO = (
    select(_placed.photo_id)
    .join(Photo.__table__, _photos.id == _placed.photo_id)
    .where(_placed.report_id == _reports.id, _placed.purpose == "report", _photos.state == "ready")
    .order_by(_placed.position)
    .limit(1)
    .correlate(Report.__table__)
    .scalar_subquery()
    .label("first_photo_id")
)
_ROWS = select(*(_reports[name] for name in ReportRow._fields[:-1]), _FIRST_PHOTO)
_DUE: ColumnElement[datetime] = literal_column(DUE_SQL, type_=DateTime(timezone=True))
_NEVER: ColumnElement[datetime] = literal_column("'infinity'::timestamptz")
_LIKE_WILD = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class Order(StrEnum):
    """How a list runs: the most urgent first, or the newest first."""

    DUE = "due"
    NEWEST = "-created"


_ORDERINGS: dict[Order, tuple[ColumnElement[Any], ...]] = {
    Order.DUE: (_DUE.asc(), _reports.id.asc()),
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
    """

    states: tuple[State, ...] = ()
    category: str | None = None
    region: str | None = None
    overdue: bool | None = None
    card: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list."""

    limit: int
    cursor: str | None = None
    filters: Filters = field(default_factory=Filters)


def desk_page(session: Session, actor: Actor, wanted: PageRequest, order: Order, *, now: datetime) -> Page[ReportRow]:
    """What lies on the desks the person's appointments cover.

    Without a state the open reports. Finished reports have no due time, so with one of their states among the
    wanted the order is always the newest first.
    """
    states = wanted.filters.states or OPEN_STATES
    if not set(states) <= set(OPEN_STATES):
        order = Order.NEWEST
    query = _ROWS.where(
        on_desk_in(actor.regions(DESK_ROLES)),
        not_excluded(actor),
        _in_states(states),
        *_narrowed(wanted.filters, now),
    )
    return _page(session, _from_cursor(query, order, wanted.cursor), order, wanted.limit)


def my_page(session: Session, actor: Actor, wanted: PageRequest, *, now: datetime) -> Page[ReportRow]:
    """What the person filed or joined, newest first.

    Each branch reads at most one page from its own index; one condition with OR would read the whole table.
    """
    conditions = _narrowed(wanted.filters, now)
    if wanted.filters.states:
        conditions.append(_in_states(wanted.filters.states))
    filed = select(_reports.id).where(_reports.reporter_id == actor.user_id, *conditions)
    joined = (
        select(_reports.id)
        .join(ReportJoin.__table__, _joins.report_id == _reports.id)
        .where(_joins.user_id == actor.user_id, not_excluded(actor), *conditions)
    )
    order = Order.NEWEST
    branches = [_from_cursor(branch, order, wanted.cursor).limit(wanted.limit + 1) for branch in (filed, joined)]
    ids = union(*(select(branch.subquery().c.id) for branch in branches))
    query = _ROWS.where(_reports.id.in_(ids)).order_by(*_ORDERINGS[order])
    return _page(session, query, order, wanted.limit)


def nearby(session: Session, point: Point, family: str, *, now: datetime) -> list[NearbyRow]:
    """Open reports of a class family around a GCJ-02 point, nearest first, at most `NEARBY_MOST`.

    Never those about a village's own affairs: the answer is for anybody who asks.
    """
    west, south, east, north = degrees_box(point, NEARBY_METRES)
    per_longitude, per_latitude = metres_per_degree(point.latitude)
    across = (_reports.longitude - point.longitude) * per_longitude
    up = (_reports.latitude - point.latitude) * per_latitude
    query = (
        select(
            _reports.id,
            _reports.number,
            _reports.state,
            _reports.me_too_count,
            _reports.longitude,
            _reports.latitude,
            _FIRST_PHOTO,
        )
        .where(
            _in_states(OPEN_STATES),
            _reports.latitude.between(south, north),
            _reports.longitude.between(west, east),
            _reports.created_at >= now - timedelta(days=NEARBY_DAYS),
            _reports.category_code.startswith(family, autoescape=True),
            _reports.excluded_village_code.is_(None),
        )
        # The corners of the box are farther than the circle: sorted by distance they come last.
        .order_by(across * across + up * up)
        .limit(NEARBY_MOST)
    )
    found = [
        NearbyRow(
            row.id,
            row.number,
            row.state,
            row.me_too_count,
            distance_m(point, Point(row.longitude, row.latitude)),
            row.first_photo_id,
        )
        for row in session.connection().execute(query)
    ]
    return [row for row in found if row.distance_m <= NEARBY_METRES]


def _narrowed(filters: Filters, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.category is not None:
        conditions.append(_reports.category_code.startswith(filters.category, autoescape=True))
    if filters.region is not None:
        conditions.append(lies_in([filters.region]))
    if filters.overdue is not None:
        past_due = now > _DUE
        conditions.append(past_due if filters.overdue else ~past_due)
    if filters.card is not None:
        conditions.append(_reports.card == filters.card)
    if filters.text is not None:
        pattern = f"%{filters.text.translate(_LIKE_WILD)}%"
        columns = (_reports.number, _reports.description, _reports.address)
        conditions.append(or_(*(column.ilike(pattern, escape="\\") for column in columns)))
    return conditions


def _in_states(states: Sequence[State]) -> ColumnElement[bool]:
    """States as literals: with parameters no plan would use the partial indexes of open reports."""
    wanted = set(states)
    if not wanted <= set(OPEN_STATES):
        return _state_in(wanted)
    all_open: ColumnElement[bool] = literal_column(f"({OPEN_SQL})", Boolean())
    return all_open if wanted == set(OPEN_STATES) else and_(all_open, _state_in(wanted))


def _state_in(states: set[State]) -> ColumnElement[bool]:
    literals = ", ".join(f"'{state.value}'" for state in sorted(states))
    return literal_column(f"(state IN ({literals}))", Boolean())


def _from_cursor(query: AnySelect, order: Order, cursor: str | None) -> AnySelect:
    """Sort, and begin after the row that the cursor names."""
    query = query.order_by(*_ORDERINGS[order])
    if cursor is None:
        return query
    at, last_id = _read_cursor(cursor, order)
    if order is Order.DUE:
        return query.where(tuple_(_DUE, _reports.id) > tuple_(_NEVER if at is None else at, last_id))
    return query.where(tuple_(_reports.created_at, _reports.id) < tuple_(at, last_id))


def _read_cursor(cursor: str, order: Order) -> tuple[datetime | None, uuid.UUID]:
    kind, at, last_id = decode_cursor(cursor, length=3)
    try:
        when = None if at is None and order is Order.DUE else datetime.fromisoformat(at)
        where = uuid.UUID(last_id)
    except (TypeError, ValueError, AttributeError) as error:
        raise bad_cursor() from error
    if kind != order.value or (when is not None and when.tzinfo is None):
        raise bad_cursor()
    return when, where


def _page(session: Session, query: AnySelect, order: Order, limit: int) -> Page[ReportRow]:
    rows = [ReportRow._make(row) for row in session.connection().execute(query.limit(limit + 1))]

    def key(row: ReportRow) -> Sequence[str | None]:
        at = row.due_at if order is Order.DUE else row.created_at
        return order.value, at.isoformat() if at else None, str(row.id)

    return page_of(rows, limit, key)
