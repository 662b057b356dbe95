"""Positions and their datums: pure arithmetic, degrees and metres.

China's maps and phones speak GCJ-02, a distorted WGS-84; at Jingzhou the two lie about 620 m apart, far enough to
put a third of all points into the wrong village. CGCS2000 differs from WGS-84 by centimetres and is taken for it.
The product works in GCJ-02 inside; positions are converted exactly, once, where they enter.
"""

import math
from enum import StrEnum
from typing import Any, NamedTuple

from wxapi.kernel.errors import InvalidError

# GCJ-02 is defined on the Krasovsky 1940 ellipsoid.
_GCJ_AXIS = 6_378_245.0
_GCJ_ECCENTRICITY2 = 0.006_693_421_622_965_943
# Outside this rough box the shift is not applied by maps and phones; positions there are refused.
_WEST, _SOUTH, _EAST, _NORTH = 72.004, 0.8293, 137.8347, 55.8271
# Three rounds of the fixed-point inverse leave 33 µm, four 0.1 µm; six go below the rounding of doubles.
_INVERSE_ROUNDS = 6

# WGS-84, for distances on the ground.
_AXIS = 6_378_137.0
_ECCENTRICITY2 = 0.006_694_379_990_141_316
_MEAN_RADIUS = 6_371_008.8


class Datum(StrEnum):
    """What a pair of degrees refers to."""

    GCJ02 = "gcj02"
    WGS84 = "wgs84"
    CGCS2000 = "cgcs2000"


class Point(NamedTuple):
    """A position in degrees; which datum is said by the name of the variable that holds it."""

    longitude: float
    latitude: float


def in_rough_china(point: Point) -> bool:
    """Whether the point lies in the rough box within which GCJ-02 is defined; False for NaN."""
    return _WEST <= point.longitude <= _EAST and _SOUTH <= point.latitude <= _NORTH


def to_gcj02(point: Point, datum: Datum) -> Point:
    """Convert a position to GCJ-02.

    Raises:
        InvalidError: `outside_service_area`, the position lies outside the rough box around China.
    """
    if not in_rough_china(point):
        raise InvalidError("outside_service_area", "该位置不在中国境内，请检查定位或坐标顺序。")
    return point if datum is Datum.GCJ02 else wgs84_to_gcj02(point)


def wgs84_to_gcj02(point: Point) -> Point:
    """The published forward shift, without looking at the box."""
    east, north = gcj02_shift(*point)
    return Point(point.longitude + east, point.latitude + north)


def gcj02_to_wgs84(point: Point) -> Point:
    """The inverse by fixed-point iteration, back within 1e-8 degrees.

    The one-step inverse found in most packages misses by up to 2.8 m.
    """
    guess = point
    for _ in range(_INVERSE_ROUNDS):
        east, north = gcj02_shift(*guess)
        guess = Point(point.longitude - east, point.latitude - north)
    return guess


def gcj02_shift(longitude: Any, latitude: Any, lib: Any = math) -> tuple[Any, Any]:
    """GCJ-02 minus WGS-84 in degrees (east, north), at a WGS-84 position.

    For numbers, or for arrays of them with `lib=numpy`, which has the same functions under the same names.
    """
    x, y, pi = longitude - 105.0, latitude - 35.0, math.pi
    root = lib.sqrt(abs(x))
    ripple = 20.0 * (lib.sin(6.0 * pi * x) + lib.sin(2.0 * pi * x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (ripple + 20.0 * lib.sin(pi * y) + 40.0 * lib.sin(pi / 3.0 * y)) * 2.0 / 3.0
    north += (160.0 * lib.sin(pi / 12.0 * y) + 320.0 * lib.sin(pi / 30.0 * y)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (ripple + 20.0 * lib.sin(pi * x) + 40.0 * lib.sin(pi / 3.0 * x)) * 2.0 / 3.0
    east += (150.0 * lib.sin(pi / 12.0 * x) + 300.0 * lib.sin(pi / 30.0 * x)) * 2.0 / 3.0
    phi = lib.radians(latitude)
    flattening = 1.0 - _GCJ_ECCENTRICITY2 * lib.sin(phi) ** 2
    meridian = _GCJ_AXIS * (1.0 - _GCJ_ECCENTRICITY2) / (flattening * lib.sqrt(flattening))
    parallel = _GCJ_AXIS / lib.sqrt(flattening) * lib.cos(phi)
    return lib.degrees(east / parallel), lib.degrees(north / meridian)


def distance_m(a: Point, b: Point) -> float:
    """Great-circle distance in metres between two positions of the same datum (within 0.3 % of the ellipsoid)."""
    south, north = math.radians(a.latitude), math.radians(b.latitude)
    across = math.radians(b.longitude - a.longitude)
    half = math.sin((north - south) / 2) ** 2 + math.cos(south) * math.cos(north) * math.sin(across / 2) ** 2
    return 2.0 * _MEAN_RADIUS * math.asin(min(1.0, math.sqrt(half)))


def metres_per_degree(latitude: float) -> tuple[float, float]:
    """Metres on the WGS-84 ellipsoid per degree of (longitude, latitude), at a latitude in degrees."""
    phi = math.radians(latitude)
    flattening = 1.0 - _ECCENTRICITY2 * math.sin(phi) ** 2
    parallel = _AXIS / math.sqrt(flattening) * math.cos(phi)
    meridian = _AXIS * (1.0 - _ECCENTRICITY2) / (flattening * math.sqrt(flattening))
    return math.radians(parallel), math.radians(meridian)


def degrees_box(point: Point, metres: float) -> tuple[float, float, float, float]:
    """(west, south, east, north) in degrees of a box reaching at least `metres` from the point each way."""
    # 1 % wider, so that a spherical distance (`distance_m`) of just `metres` is never cut off.
    per_longitude, per_latitude = metres_per_degree(point.latitude)
    across, up = 1.01 * metres / per_longitude, 1.01 * metres / per_latitude
    return point.longitude - across, point.latitude - up, point.longitude + across, point.latitude + up
