"""From a GeoJSON geometry to a sound polygon in GCJ-02, or a sentence that says what is wrong with it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from wxapi.kernel.coordinates import Datum, Point, gcj02_shift, in_rough_china
from wxapi.kernel.errors import InvalidError
from wxapi.regions.rules.plane import Polygonal

Coordinates = npt.NDArray[np.float64]

# GCJ-02 bends straight lines: 15 mm in the middle of an edge of 500 m, 4 mm of 250 m. Longer edges are cut.
_LONGEST_EDGE_M = 250.0
_LONGEST_EDGE_DEGREES = _LONGEST_EDGE_M / 111_700  # no degree on Earth is longer, along any direction
_FEWEST_POSITIONS = 4  # of a closed ring

# The first digits of an easting of 8 digits name the zone (reference: the wide and narrow zones of Jingzhou).
_EPSG_OF_ZONE = {37: "EPSG:4525", 38: "EPSG:4526", 19: "EPSG:4497"}
_EPSG_WITHOUT_ZONE = "EPSG:4546（112.5°E 以西）、EPSG:4547（112.5°E 以东）或 EPSG:4508（6 度带）"
_WEB_MERCATOR_EASTING = (8_000_000, 15_400_000)


def read_polygon(geometry: object) -> Polygonal:
    """Make a polygon in degrees of a GeoJSON geometry, in the datum it came in.

    Raises:
        InvalidError: `bad_geometry`, `projected_coordinates`, `swapped_coordinates`, `outside_china` or
            `invalid_polygon`.
    """
    polygons = [_polygon(rings) for rings in _rings_of_parts(geometry)]
    polygon = polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
    if not polygon.is_valid:
        reason = shapely.is_valid_reason(polygon)
        raise InvalidError("invalid_polygon", f"多边形无效（{reason}），请在制图软件中修复后重新导出。")
    return polygon


def to_stored(polygon: Polygonal, datum: Datum) -> Polygonal:
    """Cut long edges and convert to GCJ-02: the form in which boundaries are kept."""
    cut = shapely.segmentize(polygon, _LONGEST_EDGE_DEGREES)
    if datum is Datum.GCJ02:
        return cut
    moved: Polygonal = shapely.transform(cut, _moved)
    # A hole that touches a long edge from inside may cross it by a hair once the edge is bent.
    return moved if moved.is_valid else moved.buffer(0)


def check_degrees(coordinates: Coordinates) -> None:
    """Check that positions (n × 2) are degrees in China, longitude first.

    Raises:
        InvalidError: `projected_coordinates`, `swapped_coordinates` or `outside_china`.
    """
    corners = coordinates.min(axis=0), coordinates.max(axis=0)
    if all(in_rough_china(Point(*corner.tolist())) for corner in corners):
        return
    x, y = next(pair for pair in coordinates.tolist() if not in_rough_china(Point(*pair)))
    if abs(x) > 180 or abs(y) > 180:
        raise InvalidError("projected_coordinates", _projected_hint(x, y))
    if in_rough_china(Point(y, x)):
        raise InvalidError("swapped_coordinates", f"坐标 [{x}, {y}] 的经纬度顺序颠倒：GeoJSON 应先经度、后纬度。")
    raise InvalidError("outside_china", f"坐标 [{x}, {y}] 不在中国境内。")


def _projected_hint(x: float, y: float) -> str:
    """Say which projection metres probably come from. Jingzhou's northings lie near 3.3 million."""
    easting = y if 2_000_000 < x < 6_000_000 and not 2_000_000 < y < 6_000_000 else x
    epsg = _EPSG_OF_ZONE.get(int(easting // 1_000_000))
    if epsg is None:
        west, east = _WEB_MERCATOR_EASTING
        epsg = "EPSG:3857" if west < easting < east else _EPSG_WITHOUT_ZONE
    return f"坐标 [{x}, {y}] 是以米为单位的投影坐标，可能是 {epsg}：请先转换为经纬度（EPSG:4490）再导入。"


def _moved(degrees: Coordinates) -> Coordinates:
    moved: Coordinates = degrees + np.column_stack(gcj02_shift(degrees[:, 0], degrees[:, 1], np))
    return moved


def _rings_of_parts(geometry: object) -> list[Any]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    parts = {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(str(kind))
    if not isinstance(parts, list) or not parts or not all(isinstance(part, list) and part for part in parts):
        raise InvalidError("bad_geometry", f"几何类型应为 Polygon 或 MultiPolygon 且不为空，现为“{str(kind)[:40]}”。")
    return parts


def _polygon(rings: Sequence[object]) -> shapely.Polygon:
    shell, *holes = [_ring(ring) for ring in rings]
    return shapely.Polygon(shell, holes)


def _ring(positions: object) -> Coordinates:
    try:
        ring = np.array(positions, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidError("bad_geometry", "坐标不是由 [经度，纬度] 组成的数组。") from error
    if ring.ndim != 2 or ring.shape[1] not in (2, 3) or not np.isfinite(ring).all():
        raise InvalidError("bad_geometry", "坐标不是由 [经度，纬度] 组成的数组。")
    ring = ring[:, :2]
    check_degrees(ring)
    if len(ring) < _FEWEST_POSITIONS or (ring[0] != ring[-1]).any():
        raise InvalidError("bad_geometry", f"环未闭合或少于 {_FEWEST_POSITIONS} 个点。")
    return ring
