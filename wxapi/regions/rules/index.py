"""Where a point lies: villages and grids in an R-tree, and the distances around the point.

Pure: built from polygons, asked with points, changed never. Asking is safe from any number of threads.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from shapely.strtree import BinaryPredicate

from wxapi.kernel.coordinates import Point
from wxapi.regions.rules.levels import Level, reach_m, within
from wxapi.regions.rules.plane import Polygonal, ground_scale, is_usable, project, project_polygons
from wxapi.regions.rules.tree import RegionInfo, Tree

# Neighbours that share an edge but not its vertices part by this much at most once the edge is bent and rounded.
_ROUNDING_M = 0.05
# Inside a township's outline, a strip between villages that is narrower than twice this is a flaw of the drawing.
GAP_M = 5.0

_INTERSECTS = int(BinaryPredicate.intersects)
# A point in the plane, as an array of one: STRtree answers that in half the time a lone point takes.
_At = npt.NDArray[Any]


class Candidate(NamedTuple):
    """Another village near the point, and how far away its nearest ground is."""

    region: RegionInfo
    distance_m: float


class Location(NamedTuple):
    """Where a point lies. `distance_to_border_m` is to the nearest border of its village."""

    village: RegionInfo
    grid: RegionInfo | None
    township: RegionInfo
    county: RegionInfo
    candidates: tuple[Candidate, ...]
    distance_to_border_m: float


class _Layer:
    """The polygons of one level, ordered by code, in the plane."""

    def __init__(self, regions: Iterable[tuple[RegionInfo, Polygonal]]) -> None:
        ordered = sorted(regions, key=lambda pair: pair[0].code)
        self.regions = [region for region, _ in ordered]
        plane = project_polygons(np.array([polygon for _, polygon in ordered], dtype=object))
        self.polygons: list[Polygonal] = plane.tolist()
        # What lies around the tree looks at the question anew each time, for as long as the tree takes to answer it.
        self._tree = shapely.STRtree(plane)._tree  # type: ignore[attr-defined]  # noqa: SLF001

    def holding(self, at: _At) -> list[int]:
        """Places of the polygons that hold the point inside or on their border, by code."""
        hits: list[int] = self._tree.query(at, _INTERSECTS)[1].tolist()
        if len(hits) > 1:
            hits.sort()
        return hits

    def near(self, at: _At, reach: float) -> list[tuple[float, int]]:
        """(distance, place) of the polygons within reach, nearest first, ties by code."""
        hits: list[int] = self._tree.dwithin(at, np.array([reach]))[1].tolist()
        return sorted((self.polygons[hit].distance(at[0]), hit) for hit in hits)


class SpatialIndex:
    """All boundaries of one version.

    Attributes:
        left_out: codes of what stands and has a boundary in which nothing can be looked for, or hangs in the air. A
            point there is in no region of that level.
    """

    def __init__(self, tree: Tree, boundaries: Mapping[str, Polygonal | None]) -> None:
        """Build from polygons in GCJ-02 degrees by code; codes that the tree lacks or that were closed are passed."""
        layers: dict[Level, list[tuple[RegionInfo, Polygonal]]] = {level: [] for level in Level}
        left_out = []
        for code, polygon in sorted(boundaries.items()):
            if (region := tree.get(code)) is None or region.closure is not None:
                continue
            if is_usable(polygon) and all(above in tree for above in region.path[1:]):
                layers[region.level].append((region, polygon))
            else:
                left_out.append(code)
        self.left_out = tuple(left_out)
        self._villages = _Layer(layers[Level.VILLAGE])
        self._borders = [polygon.boundary for polygon in self._villages.polygons]
        self._above = [
            tuple(tree[within(region.code, level)] for level in (Level.TOWNSHIP, Level.COUNTY))
            for region in self._villages.regions
        ]
        self._grids = _Layer(layers[Level.GRID])
        self._gridded = {region.parent_code for region in self._grids.regions}
        # Narrowest first: what encloses a point that lies in no village.
        self._outlines = [_Layer(layers[level]) for level in (Level.TOWNSHIP, Level.COUNTY, Level.CITY)]

    def locate(self, point: Point, accuracy: float) -> Location | None:
        """Say where a GCJ-02 point lies, None outside every village; accuracy in metres."""
        at = shapely.points([project(point)])
        scale = ground_scale(point.latitude)
        reach = reach_m(accuracy) / scale
        holding = self._villages.holding(at)
        if not holding:
            return self._across_gap(at, reach, scale)
        place = holding[0]
        to_border = self._borders[place].distance(at[0])
        # Deep inside a village no other one can be within reach: most points are spared the second question.
        alone = to_border > reach and len(holding) == 1
        return self._location(at, place, to_border, [] if alone else self._villages.near(at, reach), scale)

    def _location(self, at: _At, place: int, to_border: float, near: list[tuple[float, int]], scale: float) -> Location:
        regions = self._villages.regions
        village = regions[place]
        township, county = self._above[place]
        grid = self._grid(at, village, _ROUNDING_M / scale) if village.code in self._gridded else None
        candidates = tuple(self._candidates(near, place, scale)) if near else ()
        return Location(village, grid, township, county, candidates, to_border * scale)

    def _candidates(self, near: list[tuple[float, int]], place: int, scale: float) -> Iterable[Candidate]:
        regions = self._villages.regions
        return (Candidate(regions[other], distance * scale) for distance, other in near if other != place)

    def _grid(self, at: _At, village: RegionInfo, rounding: float) -> RegionInfo | None:
        """The village's own grid at the point, also where the grid's outline misses the village's by a rounding."""
        regions = self._grids.regions
        for place in self._grids.holding(at) or [place for _, place in self._grids.near(at, rounding)]:
            if regions[place].parent_code == village.code:
                return regions[place]
        return None

    def _across_gap(self, at: _At, reach: float, scale: float) -> Location | None:
        """The nearest village, for a point that lies in none only because two borders do not quite meet."""
        near = self._villages.near(at, reach)
        if not near:
            return None
        distance, place = near[0]
        rounding = distance * scale <= _ROUNDING_M
        gap = distance * scale <= GAP_M and self._enclosed(at, self._villages.regions[place])
        return self._location(at, place, distance, near, scale) if rounding or gap else None

    def _enclosed(self, at: _At, village: RegionInfo) -> bool:
        """Whether the smallest outline around the point is one of those above the village."""
        for layer in self._outlines:
            if holding := layer.holding(at):
                return any(layer.regions[place].covers(village.code) for place in holding)
        return False
