"""The flat plane in which borders are measured: ellipsoidal Mercator, in metres at the equator.

The projection keeps angles: around a point one factor, `ground_scale`, turns lengths in the plane into metres on the
ground whatever their direction, exact to 2 mm over 200 m. So polygons are projected once, when an index is built, and
a look-up measures without projecting anything but its point.
"""

import math
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import shapely

from wxapi.kernel.coordinates import Point

# WGS-84; CGCS2000 agrees to 0.1 mm.
_AXIS = 6_378_137.0
_ECCENTRICITY2 = 0.006_694_379_990_141_316
_ECCENTRICITY = math.sqrt(_ECCENTRICITY2)

Polygonal = shapely.Polygon | shapely.MultiPolygon
Polygons = npt.NDArray[Any]


def project(point: Point) -> tuple[float, float]:
    """A position in degrees as (x, y) in the plane."""
    return math.radians(point.longitude) * _AXIS, _isometric(point.latitude, math) * _AXIS


def project_polygons(polygons: Polygons) -> Polygons:
    """Polygons in degrees as polygons in the plane."""
    projected: Polygons = shapely.transform(
        polygons,
        lambda degrees: _AXIS * np.column_stack((np.radians(degrees[:, 0]), _isometric(degrees[:, 1], np))),
    )
    return projected


def ground_scale(latitude: float) -> float:
    """Metres on the ground per unit of the plane, at a latitude in degrees."""
    phi = math.radians(latitude)
    return math.cos(phi) / math.sqrt(1.0 - _ECCENTRICITY2 * math.sin(phi) ** 2)


def is_usable(polygon: object) -> TypeGuard[Polygonal]:
    """Whether a point can be looked for in it: polygons between the poles. One that crosses itself can be used."""
    if not isinstance(polygon, Polygonal) or polygon.is_empty:
        return False
    degrees = shapely.get_coordinates(polygon)
    return bool(np.isfinite(degrees).all() and (np.abs(degrees[:, 1]) < 90).all())


def is_sound(polygon: object) -> TypeGuard[Polygonal]:
    """Whether it can be laid over others as well."""
    return is_usable(polygon) and polygon.is_valid


def _isometric(latitude: Any, lib: Any) -> Any:
    """The isometric latitude; `lib` is `math` for one number, `numpy` for an array (the same names in both)."""
    sine = lib.sin(lib.radians(latitude))
    return lib.atanh(sine) - _ECCENTRICITY * lib.atanh(_ECCENTRICITY * sine)
