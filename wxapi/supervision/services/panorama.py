"""全景在线: one look at a region, the same for everybody who may see it, at most a minute old."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TypeVar

import shapely
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import SHANGHAI
from wxapi.kernel.coordinates import Datum, Point, gcj02_to_wgs84, to_gcj02
from wxapi.kernel.errors import InvalidError
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform.db import db, one_moment
from wxapi.regions.queries import boundaries_of
from wxapi.regions.rules.plane import Polygonal
from wxapi.regions.services.lookup import RegionInfo, tree
from wxapi.reports.rules.categories import all_categories
from wxapi.reports.rules.state import OPEN_STATES
from wxapi.supervision.queries import panorama as queries
from wxapi.supervision.queries import statistics as counting
from wxapi.supervision.queries.panorama import Control, PlaceFigures, Spot
from wxapi.supervision.queries.periods import Wanted
from wxapi.supervision.rules.measures import MEASURES, USED_TIME, Counts, Rate, rates
from wxapi.supervision.services.board import at_most_a_minute_old
from wxapi.supervision.services.statistics import Question, wanted_of

MOST_TREND_POINTS = 400
MAP_MEASURES = ("filed", "open", "overdue", "reopened")
# Half of a grid's cell on a township's map: borders keep their shape, the answer a tenth of its size.
_SIMPLIFIED = 0.0002
MadeT = TypeVar("MadeT")


@dataclass(frozen=True, slots=True)
class Panorama:
    """The figures of a region."""

    region: str
    since: date
    until: date
    as_of: datetime
    filed: int
    closed: int
    open: int
    on_hold: int
    by_class: tuple[PlaceFigures, ...]
    by_place: tuple[PlaceFigures, ...]
    rates: dict[str, Rate]
    control: Control


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One step of a trend."""

    since: str
    num: int | None
    den: int | None
    value: float | None


@dataclass(frozen=True, slots=True)
class Shape:
    """A child region on the map; `geometry` is GeoJSON, None where the region has no boundary or none was asked for."""

    code: str
    name: str
    figures: PlaceFigures
    geometry: Mapping[str, Any] | None


def read_panorama(
    actor: Actor, region: str | None, since: date | None, until: date | None, *, now: datetime, today: date
) -> Panorama:
    """The figures of a region of the person's; raises what `statistics.wanted_of` raises."""
    question = Question("none", "resolve", region, None, since, until)
    wanted = wanted_of(actor, question, today=today)
    return at_most_a_minute_old(
        ("panorama", wanted.region, wanted.since, wanted.until),
        lambda: _in_one_moment(lambda session: _made(session, wanted, now=now, today=today)),
        places_of=lambda made: len(made.by_place),
        now=now,
    )


def _in_one_moment(make: Callable[[Session], MadeT]) -> MadeT:
    """What is made of several counts, which agree: a report that is filed meanwhile is in none of them."""
    db.session().rollback()  # the connection, that nobody holds two of them
    with one_moment() as session:
        return make(session)


def _made(session: Session, wanted: Wanted, *, now: datetime, today: date) -> Panorama:
    counts = counting.count(session, wanted, as_of=now).get("", Counts())
    places = queries.by_place(session, wanted, now)
    known = {place.key: place for place in places}
    children = _children(wanted, known)
    by_place = tuple(known.get(child.code, PlaceFigures(child.code)) for child in children)
    classes = queries.by_class(session, wanted, now)
    end_of_day = datetime.combine(today, time.max, SHANGHAI)
    return Panorama(
        region=wanted.region,
        since=wanted.since,
        until=wanted.until,
        as_of=now,
        filed=counts.filed,
        closed=counts.closed,
        open=sum(place.open for place in by_place),
        on_hold=queries.on_hold(session, wanted.region),
        by_class=tuple(sorted(classes, key=lambda each: (-each.open, each.key))),
        by_place=by_place,
        rates=rates(counts),
        control=queries.control(session, wanted.region, now, end_of_day),
    )


def trend(
    actor: Actor,
    measure: str,
    step: str,
    region: str | None,
    since: date | None,
    until: date | None,
    *,
    now: datetime,
    today: date,
) -> list[TrendPoint]:
    """A measure of the definitions over time.

    Raises:
        InvalidError: `measure_unknown` (also for the used time: of parts it is not told), `period_invalid` (also for
            more than 400 points).
        NotFoundError: a region outside the person's.
    """
    found = next((each for each in MEASURES if each.name == measure), None)
    if measure == USED_TIME.name:
        raise InvalidError("measure_unknown", "处置时长不分段统计，见统计表。", fields={"measure": ["不分段统计。"]})
    if found is None:
        raise InvalidError("measure_unknown", "没有这个指标。", fields={"measure": ["没有这个指标。"]})
    base = wanted_of(actor, Question("none", "resolve", region, None, since, until), today=today)
    wanted = Wanted(base.since, base.until, base.region, base.stage, step, base.level)
    steps = wanted.steps
    if len(steps) > MOST_TREND_POINTS:
        raise InvalidError("period_invalid", f"最多 {MOST_TREND_POINTS} 个点，请缩短统计期。")
    counts = counting.count(db.session(), wanted, as_of=now)
    rated = found.denominator is not None
    return [_point(first, counts.get(key, Counts()), found.name, rated=rated) for key, first in steps.items()]


def _point(first: date, counts: Counts, name: str, *, rated: bool) -> TrendPoint:
    if rated:
        rate = rates(counts)[name]
        return TrendPoint(first.isoformat(), rate.num, rate.den, rate.value)
    number = int(getattr(counts, name))
    return TrendPoint(first.isoformat(), number, None, float(number))


def map_of(
    actor: Actor, question: Question, *, datum: Datum, geometry: bool, now: datetime, today: date
) -> list[Shape]:
    """The places of a level below a region with their figures and, if wanted, their borders; at most a minute old."""
    wanted = wanted_of(actor, question, today=today)
    return at_most_a_minute_old(
        ("map", wanted.region, wanted.level, wanted.since, wanted.until, datum, geometry),
        lambda: _in_one_moment(lambda session: _shapes(session, wanted, datum=datum, geometry=geometry, now=now)),
        places_of=len,
        now=now,
    )


def _shapes(session: Session, wanted: Wanted, *, datum: Datum, geometry: bool, now: datetime) -> list[Shape]:
    places = queries.by_place(session, wanted, now)
    figures = {place.key: place for place in places}
    children = _children(wanted, figures)
    borders = boundaries_of(session, [child.code for child in children]) if geometry else {}
    return [
        Shape(code, name, figures.get(code, PlaceFigures(code)), _geometry(borders.get(code), datum))
        for code, name in ((child.code, child.name) for child in children)
    ]


def _children(wanted: Wanted, known: Container[str]) -> list[RegionInfo]:
    """The places of the level: those that stand, and closed ones of which there is something to show."""
    below = (region for region in tree().below(wanted.region) if region.level.value == wanted.level)
    return [region for region in below if region.closure is None or region.code in known]


def _geometry(border: Polygonal | None, datum: Datum) -> Mapping[str, Any] | None:
    if border is None:
        return None
    shape = border.simplify(_SIMPLIFIED)
    if datum is Datum.WGS84:
        shape = shapely.transform(shape, _to_wgs84)
    geometry: Mapping[str, Any] = shapely.geometry.mapping(shapely.set_precision(shape, 0.000001))
    return geometry


def _to_wgs84(positions: Any) -> Any:
    return [gcj02_to_wgs84(Point(float(longitude), float(latitude))) for longitude, latitude in positions]


def points(actor: Actor, south_west: Point, north_east: Point, *, datum: Datum, state: str) -> tuple[list[Spot], bool]:
    """Open reports of the person's regions in a window, and whether some were left out.

    Raises:
        InvalidError: `window_invalid`, the corners are not south-west and north-east.
    """
    if south_west.longitude >= north_east.longitude or south_west.latitude >= north_east.latitude:
        raise InvalidError("window_invalid", "地图范围无效。")
    states = list(OPEN_STATES) if state == "open" else [state]
    regions = actor.regions(ROLES_OF[Permission.STATISTICS])
    low, high = to_gcj02(south_west, datum), to_gcj02(north_east, datum)
    found = queries.points(db.session(), regions, low, high, states=states)
    spots = [_moved(spot, datum) for spot in found[: queries.MOST_POINTS]]
    return spots, len(found) > queries.MOST_POINTS


def _moved(spot: Spot, datum: Datum) -> Spot:
    if datum is Datum.GCJ02:
        return spot
    return Spot(spot.id, spot.number, spot.category_code, spot.state, spot.card, gcj02_to_wgs84(spot.position))


def class_names(codes: Sequence[str]) -> dict[str, str]:
    """Class code → name; a class that left the table keeps its code."""
    classes = all_categories()
    return {code: classes[code].name if code in classes else code for code in codes}
