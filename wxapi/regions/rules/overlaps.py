"""Borders that lie on one another: regions of one level must not overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from wxapi.regions.rules.plane import Polygons, ground_scale, project_polygons


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two regions that cover the same ground, by their places in the input; area in square metres."""

    first: int
    second: int
    area_m2: float


def find_overlaps(polygons: Polygons, fresh: Sequence[bool], tolerance_m: float) -> list[Overlap]:
    """Pairs that overlap by a patch wider than the tolerance.

    The measure is the width, not the area: two files digitised along one 5 km border at 10 cm share 500 m² of
    slivers that mean nothing, while a patch 30 m wide is somebody's house.

    Args:
        polygons: one level's regions, in degrees.
        fresh: which of them are new; pairs of two that are not are skipped.
        tolerance_m: the width, in metres, up to which an overlap is put down to digitising.
    """
    plane = project_polygons(polygons)
    first, second = shapely.STRtree(plane).query(plane, predicate="intersects")
    new = np.asarray(fresh, dtype=bool)
    wanted = (first < second) & (new[first] | new[second])
    first, second = first[wanted], second[wanted]
    shared = shapely.intersection(plane[first], plane[second])
    found = []
    for index in np.flatnonzero(shapely.area(shared) > 0).tolist():
        scale = ground_scale(shapely.centroid(polygons[first[index]]).y)
        # What remains when half the tolerance is taken off each side is wider than the tolerance.
        if not shared[index].buffer(-tolerance_m / 2 / scale).is_empty:
            found.append(Overlap(int(first[index]), int(second[index]), shared[index].area * scale * scale))
    return found
