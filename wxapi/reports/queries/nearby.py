"""Open reports near a point: what a reporter is shown before they file the same again."""

import uuid
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from wxapi.kernel.coordinates import Point, degrees_box, distance_m, metres_per_degree
from wxapi.reports.models import Report
from wxapi.reports.queries.lists import first_photo, in_states, placed_photo_passed
from wxapi.reports.rules.categories import Category, category_of
from wxapi.reports.rules.state import OPEN_STATES

NEARBY_METRES = 50.0
NEARBY_DAYS = 14
NEARBY_MOST = 20

_reports = Report.__table__.c
# Nobody sees a stranger's picture before it passed.
_THUMB = first_photo(placed_photo_passed)
_COLUMNS = (
    _reports.id,
    _reports.number,
    _reports.category_code,
    _reports.state,
    _reports.me_too_count,
    _reports.longitude,
    _reports.latitude,
    _THUMB,
)


class NearbyRow(NamedTuple):
    """An open report near a point, `distance_m` metres away."""

    id: uuid.UUID
    number: str
    category_code: str
    state: str
    me_too_count: int
    distance_m: float
    first_photo_id: str | None

    @property
    def category(self) -> Category:
        """Its class: of the family that was asked for, so not always the very one."""
        return category_of(self.category_code)


def nearby(session: Session, point: Point, family: str, *, now: datetime) -> list[NearbyRow]:
    """Open reports of a class family around a GCJ-02 point, nearest first, at most `NEARBY_MOST`.

    Never those about a village's own affairs: the answer is for anybody who asks.
    """
    west, south, east, north = degrees_box(point, NEARBY_METRES)
    query = (
        select(*_COLUMNS)
        .where(
            in_states(OPEN_STATES),
            _reports.latitude.between(south, north),
            _reports.longitude.between(west, east),
            _reports.created_at >= now - timedelta(days=NEARBY_DAYS),
            _reports.category_code.startswith(family, autoescape=True),
            _reports.excluded_village_code.is_(None),
        )
        # The corners of the box are farther than the circle: sorted by distance they come last.
        .order_by(_squared_metres(point))
        .limit(NEARBY_MOST)
    )
    found = [
        NearbyRow(
            row.id,
            row.number,
            row.category_code,
            row.state,
            row.me_too_count,
            distance_m(point, Point(row.longitude, row.latitude)),
            row.first_photo_id,
        )
        for row in session.connection().execute(query)
    ]
    return [row for row in found if row.distance_m <= NEARBY_METRES]


def _squared_metres(point: Point) -> ColumnElement[float]:
    """The square of the distance from a point: of a few metres, so a plane is near enough to sort by."""
    per_longitude, per_latitude = metres_per_degree(point.latitude)
    across = (_reports.longitude - point.longitude) * per_longitude
    up = (_reports.latitude - point.latitude) * per_latitude
    return across * across + up * up
