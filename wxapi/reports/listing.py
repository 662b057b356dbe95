"""Lists of reports: filters, orders and pages by keyset. Two statements a page, however many rows it has."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import Boolean, ColumnElement, DateTime, Row, Select, and_, literal_column, or_, select, tuple_, union
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.coordinates import Point, degrees_box, distance_m, metres_per_degree
from wxapi.kernel.errors import MalformedError
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.kernel.permissions import DESK_ROLES
from wxapi.photos.models import Photo
from wxapi.reports.case import OPEN_STATES, State
from wxapi.reports.models import DUE_SQL, OPEN_SQL, Report, ReportJoin, ReportPhoto
from wxapi.reports.queries import lies_in, not_excluded, on_desk_in

ReportRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]

NEARBY_METRES = 50.0
NEARBY_DAYS = 14
NEARBY_MOST = 20

_reports, _placed, _photos, _joins = (model.__table__.c for model in (Report, ReportPhoto, Photo, ReportJoin))
_first_photo = (
    select(_placed.photo_id)
    .join(Photo.__table__, _photos.id == _placed.photo_id)
    .where(_placed.report_id == _reports.id, _placed.purpose == "report", _photos.state == "ready")
    .order_by(_placed.position)
    .limit(1)
    .correlate(Report.__table__)
    .scalar_subquery()
    .label("first_photo_id")
)
# Plain columns of tables, built once: entities would cost twice as much, and a list changes nothing.
_ROWS = select(
    _reports.id,
    _reports.number,
    _reports.version,
    _reports.state,
    _reports.category_code,
    _reports.description,
    _reports.longitude,
    _reports.latitude,
    _reports.address,
    _reports.village_code,
    _reports.grid_code,
    _reports.desk_code,
    _reports.respond_due_at,
    _reports.resolve_due_at,
    _reports.due_at,
    _reports.card,
    _reports.merged_into_id,
    _reports.me_too_count,
    _reports.reporter_id,
    _reports.reporter_label,
    _reports.created_at,
    _reports.updated_at,
    _first_photo,
)
DUE_KEY: ColumnElement[datetime] = literal_column(DUE_SQL, type_=DateTime(timezone=True))
_INFINITY: ColumnElement[datetime] = literal_column("'infinity'::timestamptz")
_LIKE_WILD = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class Order(StrEnum):
    """How a list runs: the most urgent first, or the newest first."""

    DUE = "due"
    NEWEST = "-created"


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

    Without a state the open reports. Finished reports have no due time, so with one of their states among
    the wanted the order is always the newest first.
    """
    states = wanted.filters.states or OPEN_STATES
    if not set(states) <= set(OPEN_STATES):
        order = Order.NEWEST
    conditions = [
        on_desk_in(actor.regions(DESK_ROLES)),
        not_excluded(actor),
        _in_states(states),
        *_narrowed(wanted.filters, now),
    ]
    query = select(*COLUMNS).where(*conditions)
    return _page(session, _from_cursor(query, order, wanted.cursor), order, wanted.limit)


def my_page(session: Session, actor: Actor, wanted: PageRequest, *, now: datetime) -> Page[ReportRow]:
    """What the person filed or joined, newest first.

    Each branch reads at most one page from its own index; one condition with OR would read the whole table.
    """
    conditions = _narrowed(wanted.filters, now)
    if wanted.filters.states:
        conditions.append(_in_states(wanted.filters.states))
    filed = select(Report.id).where(Report.reporter_id == actor.user_id, *conditions)
    joined = (
        select(Report.id)
        .join(ReportJoin, ReportJoin.report_id == Report.id)
        .where(ReportJoin.user_id == actor.user_id, not_excluded(actor), *conditions)
    )
    order = Order.NEWEST
    branches = [_from_cursor(branch, order, wanted.cursor).limit(wanted.limit + 1) for branch in (filed, joined)]
    ids = union(*(select(branch.subquery().c.id) for branch in branches))
    query = select(*COLUMNS).where(Report.id.in_(ids)).order_by(*_ordering(order))
    return _page(session, query, order, wanted.limit)


def nearby(session: Session, point: Point, family: str, *, now: datetime) -> list[tuple[ReportRow, float]]:
    """Open reports of a class family around a GCJ-02 point with their distance in metres, nearest first.

    Never those about a village's own affairs: the answer is for anybody who asks.
    """
    west, south, east, north = degrees_box(point, NEARBY_METRES)
    per_longitude, per_latitude = metres_per_degree(point.latitude)
    across = (Report.longitude - point.longitude) * per_longitude
    up = (Report.latitude - point.latitude) * per_latitude
    rows = session.execute(
        select(Report.id, Report.number, Report.state, Report.me_too_count, Report.longitude, Report.latitude)
        .where(
            _in_states(OPEN_STATES),
            Report.latitude.between(south, north),
            Report.longitude.between(west, east),
            Report.created_at >= now - timedelta(days=NEARBY_DAYS),
            Report.category_code.startswith(family, autoescape=True),
            Report.excluded_village_code.is_(None),
        )
        # The corners of the box are farther than the circle: sorted by distance they come last.
        .order_by(across * across + up * up)
        .limit(NEARBY_MOST)
    ).all()
    measured = [(row, distance_m(point, Point(row.longitude, row.latitude))) for row in rows]
    return [(row, metres) for row, metres in measured if metres <= NEARBY_METRES]


def first_photos(session: Session, report_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Photo]:
    """The first photo of each report that is ready to be shown; one statement."""
    found = session.execute(
        select(ReportPhoto.report_id, Photo)
        .join(Photo, Photo.id == ReportPhoto.photo_id)
        .where(ReportPhoto.report_id.in_(list(report_ids)), ReportPhoto.purpose == "report", Photo.state == "ready")
        .distinct(ReportPhoto.report_id)
        .order_by(ReportPhoto.report_id, ReportPhoto.position)
    )
    return dict(found.tuples().all())


def _narrowed(filters: Filters, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.category is not None:
        conditions.append(Report.category_code.startswith(filters.category, autoescape=True))
    if filters.region is not None:
        conditions.append(lies_in([filters.region]))
    if filters.overdue is not None:
        past_due = DUE_KEY < now  # noqa: SIM300 - a column, not a constant
        conditions.append(past_due if filters.overdue else ~past_due)
    if filters.card is not None:
        conditions.append(Report.card == filters.card)
    if filters.text is not None:
        conditions.append(_containing(filters.text))
    return conditions


def _containing(text: str) -> ColumnElement[bool]:
    pattern = f"%{text.translate(_LIKE_WILD)}%"
    return or_(*(column.ilike(pattern, escape="\\") for column in (Report.number, Report.description, Report.address)))


def _in_states(states: Sequence[State]) -> ColumnElement[bool]:
    """States as literals, the partial indexes' own condition before them: with parameters no plan would use those."""
    literals = ", ".join(f"'{state.value}'" for state in sorted(set(states)))
    chosen: ColumnElement[bool] = literal_column(f"(state IN ({literals}))", type_=Boolean())
    if not set(states) <= set(OPEN_STATES):
        return chosen
    return and_(literal_column(f"({OPEN_SQL})", type_=Boolean()), chosen)


def _ordering(order: Order) -> Sequence[ColumnElement[Any]]:
    if order is Order.DUE:
        return DUE_KEY.asc(), Report.id.asc()
    return Report.created_at.desc(), Report.id.desc()


def _from_cursor(query: AnySelect, order: Order, cursor: str | None) -> AnySelect:
    """Sort, and begin after the row that the cursor names."""
    query = query.order_by(*_ordering(order))
    if cursor is None:
        return query
    at, last_id = _read_cursor(cursor, order)
    if order is Order.DUE:
        key = _INFINITY if at is None else at
        return query.where(tuple_(DUE_KEY, Report.id) > tuple_(key, last_id))
    return query.where(tuple_(Report.created_at, Report.id) < tuple_(at, last_id))


def _read_cursor(cursor: str, order: Order) -> tuple[datetime | None, uuid.UUID]:
    kind, at, last_id = decode_cursor(cursor, length=3)
    try:
        when = None if at is None and order is Order.DUE else datetime.fromisoformat(at)
        where = uuid.UUID(last_id)
    except (TypeError, ValueError, AttributeError) as error:
        raise _bad_cursor() from error
    if kind != order.value or (when is not None and when.tzinfo is None):
        raise _bad_cursor()
    return when, where


def _page(session: Session, query: AnySelect, order: Order, limit: int) -> Page[ReportRow]:
    rows = session.execute(query.limit(limit + 1)).all()

    def key(row: ReportRow) -> Sequence[str | None]:
        at = row.due_at if order is Order.DUE else row.created_at
        return order.value, at.isoformat() if at else None, str(row.id)

    return page_of(rows, limit, key)


def _bad_cursor() -> MalformedError:
    return MalformedError("cursor_invalid", "分页参数无效,请从第一页重新加载。")
