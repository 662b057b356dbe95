"""Whether a phone was where the session is held, as far as its position can tell.

The person gets the benefit of the doubt within the stated accuracy, but an accuracy too poor to say anything,
and no position at all, prove nothing: such a sign-in is recorded and looked at, never refused and never lost.
"""

from dataclasses import dataclass
from enum import StrEnum

from wxapi.kernel.coordinates import Point, distance_m

# Phones in a concrete hall report 30-65 m; a position from the cell network 500 m and more.
TOLERATED_ACCURACY_M = 100.0
# Nobody who is this far away is at the hall's gate with a bad position.
IMPOSSIBLE_M = 20_000.0
# What is assumed of a phone that does not say how accurate it is.
ASSUMED_ACCURACY_M = 50.0
MIN_RADIUS_M = 10
MAX_RADIUS_M = 50_000


class Doubt(StrEnum):
    """Why a position does not show that the person was there."""

    OUTSIDE_RADIUS = "outside_radius"
    INACCURATE_LOCATION = "inaccurate_location"
    NO_LOCATION = "no_location"
    IMPOSSIBLE_DISTANCE = "impossible_distance"


@dataclass(frozen=True, slots=True)
class Fence:
    """A circle around the place of the session: GCJ-02, metres."""

    centre: Point
    radius_m: float


@dataclass(frozen=True, slots=True)
class Fix:
    """What a phone says of where it is: GCJ-02, accuracy in metres (68 % radius)."""

    point: Point
    accuracy_m: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Metres to the middle of the place, when known, and the doubts (none: the person was there)."""

    distance_m: float | None
    doubts: tuple[Doubt, ...]


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
