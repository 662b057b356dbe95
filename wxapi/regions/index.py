"""Where a point lies: villages and grids in an R-tree, and the distances around the point.

Pure: built from polygons, asked with points, changed never. Asking is safe from any number of threads.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import shapely

from wxapi.kernel.coordinates import Point
from wxapi.regions.plane import Polygonal, ground_scale, project, project_polygons
from wxapi.regions.rules import Level, reach_m
from wxapi.regions.tree import RegionInfo, Tree

# Neighbours that share an edge but not its vertices part by this much at most once the edge is bent and rounded.
_ROUNDING_M = 0.05
# Inside a township's outline, a strip between villages that is narrower than twice this is a flaw of the drawing.
_GAP_M = 5.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another village near the point, and how far away its nearest ground is."""

    region: RegionInfo
    distance_m: float


@dataclass(frozen=True, slots=True)
class Location:
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
        self._tree = shapely.STRtree(plane)

    def holding(self, point: shapely.Point) -> RegionInfo | None:
        """The region whose polygon or border holds the point; of several the one with the lowest code."""
        hits = self._tree.query(point, predicate="intersects").tolist()
        return self.regions[min(hits)] if hits else None

    def near(self, point: shapely.Point, reach: float) -> list[tuple[float, int]]:
        """(distance, place) of each polygon within reach, nearest first, ties by code; 0.0 holds the point."""
        hits: list[int] = self._tree.query(point, predicate="dwithin", distance=reach).tolist()
        if len(hits) == 1:
            return [(self.polygons[hits[0]].distance(point), hits[0])]
        return sorted((self.polygons[hit].distance(point), hit) for hit in hits)


class SpatialIndex:
    """All boundaries of one version."""

    def __init__(self, tree: Tree, boundaries: Mapping[str, Polygonal]) -> None:
        """Build from polygons in GCJ-02 degrees by code; codes that the tree lacks are left out."""
        layers: dict[Level, list[tuple[RegionInfo, Polygonal]]] = {level: [] for level in Level}
        for code, polygon in boundaries.items():
            if (region := tree.get(code)) is not None:
                layers[region.level].append((region, polygon))
        self._villages = _Layer(layers[Level.VILLAGE])
        self._borders = [polygon.boundary for polygon in self._villages.polygons]
        self._above = [(tree[r.code[:9]], tree[r.code[:6]]) for r in self._villages.regions]
        self._grids = _Layer(layers[Level.GRID])
        self._gridded = {region.parent_code for region in self._grids.regions}
        # Narrowest first: what encloses a point that lies in no village.
        self._outlines = [_Layer(layers[level]) for level in (Level.TOWNSHIP, Level.COUNTY, Level.CITY)]

    def locate(self, point: Point, accuracy: float) -> Location | None:
        """Say where a GCJ-02 point lies, None outside every village; accuracy in metres."""
        x, y = project(point)
        at = shapely.Point(x, y)
        scale = ground_scale(point.latitude)
        near = self._villages.near(at, reach_m(accuracy) / scale)
        if not near or near[0][0] > 0:
            place = self._across_gap(at, near, scale)
            if place is None:
                return None
        else:
            place = near[0][1]
        village = self._villages.regions[place]
        township, county = self._above[place]
        return Location(
            village=village,
            grid=self._grid(at, village),
            township=township,
            county=county,
            candidates=tuple(self._candidates(near, place, scale)) if len(near) > 1 else (),
            distance_to_border_m=self._borders[place].distance(at) * scale,
        )

    def _candidates(self, near: list[tuple[float, int]], place: int, scale: float) -> Iterable[Candidate]:
        regions = self._villages.regions
        return (Candidate(regions[other], distance * scale) for distance, other in near if other != place)

    def _grid(self, at: shapely.Point, village: RegionInfo) -> RegionInfo | None:
        """The grid of this village that holds the point: a village without grids is not asked twice."""
        if village.code not in self._gridded:
            return None
        return self._grids.holding(at)

    def _across_gap(self, at: shapely.Point, near: list[tuple[float, int]], scale: float) -> int | None:
        """The nearest village, for a point that lies in none only because two borders do not quite meet."""
        if not near:
            return None
        distance, place = near[0]
        if distance * scale <= _ROUNDING_M:
            return place
        enclosing = next(filter(None, (layer.holding(at) for layer in self._outlines)), None)
        inside = enclosing is not None and enclosing.covers(self._villages.regions[place].code)
        return place if inside and distance * scale <= _GAP_M else None
