"""Open reports near a point: what a reporter is shown before they file the same again."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import DateTime, Float, Text, bindparam, cast, select

from wxapi.kernel.coordinates import Point, degrees_box, distance_m, metres_per_degree
from wxapi.platform.db import fetch_alone, ready
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
    cast(_reports.id, Text),
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

    id: str
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


def nearby(point: Point, family: str, *, now: datetime) -> list[NearbyRow]:
    """Open reports of a class family around a GCJ-02 point, nearest first, at most `NEARBY_MOST`.

    Never those about a village's own affairs: the answer is for anybody who asks.
    """
    west, south, east, north = degrees_box(point, NEARBY_METRES)
    per_longitude, per_latitude = metres_per_degree(point.latitude)
    sql, given = _statement()
    values = {
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "since": now - timedelta(days=NEARBY_DAYS),
        "family": f"{family}%",
        "longitude": point.longitude,
        "latitude": point.latitude,
        "per_longitude": per_longitude,
        "per_latitude": per_latitude,
    }
    found = [
        NearbyRow(report_id, number, code, state, count, distance_m(point, Point(longitude, latitude)), photo_id)
        for report_id, number, code, state, count, longitude, latitude, photo_id in fetch_alone(sql, given | values)
    ]
    return [row for row in found if row.distance_m <= NEARBY_METRES]


@cache
def _statement() -> tuple[str, dict[str, Any]]:
    """The one statement of all places and families, and what of its values never changes."""
    west, south, east, north, longitude, latitude, per_longitude, per_latitude = (
        bindparam(name, None, Float())
        for name in ("west", "south", "east", "north", "longitude", "latitude", "per_longitude", "per_latitude")
    )
    across = (_reports.longitude - longitude) * per_longitude
    up = (_reports.latitude - latitude) * per_latitude
    query = (
        select(*_COLUMNS)
        .where(
            in_states(OPEN_STATES),
            _reports.latitude.between(south, north),
            _reports.longitude.between(west, east),
            _reports.created_at >= bindparam("since", None, DateTime(timezone=True)),
            _reports.category_code.like(bindparam("family", None, Text())),
            _reports.excluded_village_code.is_(None),
        )
        # The square of the distance: of a few metres, so a plane is near enough to sort by. The corners of the box are
        # farther than the circle: they come last.
        .order_by(across * across + up * up)
        .limit(NEARBY_MOST)
    )
    return ready(query)
