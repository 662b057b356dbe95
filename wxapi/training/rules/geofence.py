"""Whether a phone was where the session is held, as far as its position can tell.

The person gets the benefit of the doubt within the stated accuracy, but an accuracy too poor to say anything,
and no position at all, prove nothing: such a sign-in is recorded and looked at, never refused and never lost.
The same goes for what a phone sends when it does not know: an accuracy of -1 (the system's "position invalid"),
(0, 0), no numbers. It is no position, and not a reason to refuse the code that came with it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from wxapi.kernel.coordinates import Datum, Point, distance_m, in_rough_china, wgs84_to_gcj02

# Phones in a concrete hall report 30-65 m; a position from the cell network 500 m and more.
TOLERATED_ACCURACY_M = 100.0
# Nobody who is this far away is at the hall's gate with a bad position.
IMPOSSIBLE_M = 20_000.0
# What is assumed of a phone that does not say how accurate it is.
ASSUMED_ACCURACY_M = 50.0
# Half the equator: no circle on Earth is larger.
MAX_ACCURACY_M = 20_037_508.0
MIN_RADIUS_M = 10
MAX_RADIUS_M = 50_000

# An object with anything else was made by a program that does not follow the contract; its datum cannot be trusted.
_FIELDS = frozenset({"longitude", "latitude", "coord_type", "accuracy", "picked_by"})


class Doubt(StrEnum):
    """Why a sign-in does not show by itself that the person was there."""

    OUTSIDE_RADIUS = "outside_radius"
    INACCURATE_LOCATION = "inaccurate_location"
    NO_LOCATION = "no_location"
    IMPOSSIBLE_DISTANCE = "impossible_distance"
    # A steward's phone whose clock cannot be right.
    CLOCK_OFF = "clock_off"


@dataclass(frozen=True, slots=True)
class Fence:
    """A circle around the place of the session: GCJ-02, metres."""

    centre: Point
    radius_m: float


class Fix(NamedTuple):
    """What a phone says of where it is: GCJ-02, accuracy in metres (68 % radius)."""

    point: Point
    accuracy_m: float


class Finding(NamedTuple):
    """Metres to the middle of the place, when known, and the doubts (none: the person was there)."""

    distance_m: float | None
    doubts: tuple[Doubt, ...]


def fix_of(said: object) -> Fix | None:
    """What a phone's JSON says of where it is; None for whatever is no position, without a word of refusal.

    A position outside China is one: it is simply far from the hall.
    """
    if not isinstance(said, dict) or not said.keys() <= _FIELDS:
        return None
    point, accuracy = _point(said), said.get("accuracy")
    accuracy_m = ASSUMED_ACCURACY_M if accuracy is None else _number(accuracy, 0, MAX_ACCURACY_M)
    return None if point is None or accuracy_m is None else Fix(point, accuracy_m)


def _point(said: dict[str, object]) -> Point | None:
    longitude, latitude = _number(said.get("longitude"), -180, 180), _number(said.get("latitude"), -90, 90)
    if longitude is None or latitude is None or longitude == latitude == 0:
        return None
    point = Point(longitude, latitude)
    match said.get("coord_type"):
        case Datum.GCJ02:
            return point
        case Datum.WGS84:
            return wgs84_to_gcj02(point) if in_rough_china(point) else point
    return None


def _number(value: object, least: float, most: float) -> float | None:
    # NaN fails both comparisons; a bool is no number.
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        return None
    return float(value)


def judge(fence: Fence | None, fix: Fix | None) -> Finding:
    """Compare a phone's position with the place; a session without a fence asks nothing."""
    if fence is None:
        return Finding(None, ())
    if fix is None:
        return Finding(None, (Doubt.NO_LOCATION,))
    distance = distance_m(fence.centre, fix.point)
    if fix.accuracy_m > max(fence.radius_m, TOLERATED_ACCURACY_M):
        return Finding(distance, (Doubt.INACCURATE_LOCATION,))
    if distance - fix.accuracy_m <= fence.radius_m:
        return Finding(distance, ())
    if distance > IMPOSSIBLE_M:
        return Finding(distance, (Doubt.OUTSIDE_RADIUS, Doubt.IMPOSSIBLE_DISTANCE))
    return Finding(distance, (Doubt.OUTSIDE_RADIUS,))
