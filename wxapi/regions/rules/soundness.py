"""Whether the boundaries that stand cover the ground once: what an import cannot see, or what changed since.

An import refuses what it brings; it does not see a region that never got a boundary, ground that nobody has, or what
was written into the database by other hands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import shapely

from wxapi.regions.rules.checking import OVERLAP_TOLERANCE_M
from wxapi.regions.rules.index import GAP_M
from wxapi.regions.rules.levels import Level
from wxapi.regions.rules.overlaps import find_overlaps
from wxapi.regions.rules.plane import Polygonal, Polygons, ground_scale, is_sound, project_polygons
from wxapi.regions.rules.tree import RegionInfo, Tree

# A point so far outside a border still belongs to the nearest village: a gap of twice that is closed by both.
_BRIDGED_M = 2 * GAP_M
# Ground without a village below this is borders that do not meet; above, it is often a lake, or another authority's.
_SMALL_HOLE_M2 = 500_000


@dataclass(frozen=True, slots=True)
class Hole:
    """Ground within the city that is no village's: its area in m², and the villages around it."""

    area_m2: float
    around: tuple[RegionInfo, ...]


@dataclass(frozen=True, slots=True)
class Soundness:
    """What was found; all empty where the boundaries are sound.

    Args:
        missing: the lowest regions that stand and have no boundary.
        broken: regions whose boundary is no valid polygon; they are left out of what follows.
        overlapping: pairs of one level that share a patch wider than the import's own tolerance, with its area in m².
        gaps: holes that somebody left by mistake; a phone there is in no village.
        open_ground: holes too large for that.
    """

    missing: tuple[RegionInfo, ...]
    broken: tuple[RegionInfo, ...]
    overlapping: tuple[tuple[RegionInfo, RegionInfo, float], ...]
    gaps: tuple[Hole, ...]
    open_ground: tuple[Hole, ...]


def soundness_of(tree: Tree, boundaries: Mapping[str, Polygonal | None]) -> Soundness:
    """Look through all boundaries.

    Args:
        tree: the regions.
        boundaries: by code, in degrees, of regions that stand; None where what is kept cannot be read.
    """
    sound = {code: polygon for code, polygon in boundaries.items() if is_sound(polygon)}
    standing = [tree[code] for code in sorted(tree.standing)]
    holes = _holes([region for region in standing if region.level is Level.VILLAGE and region.code in sound], sound)
    return Soundness(
        missing=tuple(
            region for region in standing if region.code not in boundaries and not tree.children(region.code)
        ),
        broken=tuple(tree[code] for code in sorted(boundaries.keys() - sound.keys())),
        overlapping=tuple(_overlapping(standing, sound)),
        gaps=tuple(hole for hole in holes if hole.area_m2 < _SMALL_HOLE_M2),
        open_ground=tuple(hole for hole in holes if hole.area_m2 >= _SMALL_HOLE_M2),
    )


def _overlapping(
    standing: Iterable[RegionInfo], sound: Mapping[str, Polygonal | None]
) -> Iterable[tuple[RegionInfo, RegionInfo, float]]:
    drawn = [region for region in standing if region.code in sound]
    for level in Level:
        regions = [region for region in drawn if region.level is level]
        if regions:
            for overlap in find_overlaps(_array(regions, sound), [True] * len(regions), OVERLAP_TOLERANCE_M):
                yield regions[overlap.first], regions[overlap.second], overlap.area_m2


def _holes(villages: list[RegionInfo], sound: Mapping[str, Polygonal | None]) -> list[Hole]:
    """What the villages enclose together and none of them has, the largest first."""
    if not villages:
        return []
    polygons = _array(villages, sound)
    plane = project_polygons(polygons)
    scale = ground_scale(shapely.centroid(polygons[0]).y)
    near = shapely.STRtree(plane)
    found = []
    for part in shapely.get_parts(shapely.union_all(plane)):
        for ring in part.interiors:
            hole = shapely.Polygon(ring)
            if not hole.buffer(-_BRIDGED_M / 2 / scale).is_empty:
                around = sorted(near.query(hole.buffer(1 / scale), predicate="intersects"))
                found.append(Hole(hole.area * scale * scale, tuple(villages[place] for place in around)))
    return sorted(found, key=lambda hole: -hole.area_m2)


def _array(regions: Iterable[RegionInfo], sound: Mapping[str, Polygonal | None]) -> Polygons:
    return np.array([sound[region.code] for region in regions], dtype=object)
