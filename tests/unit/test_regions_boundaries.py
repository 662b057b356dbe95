"""What a GeoJSON geometry may be, and what is said about one that may not."""

import itertools
from typing import Any

import numpy as np
import pytest
import shapely

from tests.places import square
from wxapi.kernel.coordinates import Datum, Point, distance_m, wgs84_to_gcj02
from wxapi.kernel.errors import InvalidError
from wxapi.regions.rules.boundaries import read_polygon, to_stored

GOOD = square(112.2, 30.3, 112.21, 30.31)


def polygon(*ring: list[float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [list(ring)]}


def refusal(geometry: object) -> InvalidError:
    with pytest.raises(InvalidError) as refused:
        read_polygon(geometry)
    return refused.value


def test_polygons_and_multipolygons_are_read() -> None:
    assert read_polygon(GOOD).area == pytest.approx(1e-4)
    other = square(112.3, 30.3, 112.31, 30.31)
    multi = {"type": "MultiPolygon", "coordinates": [GOOD["coordinates"], other["coordinates"]]}
    assert read_polygon(multi).area == pytest.approx(2e-4)


def test_a_hole_is_kept_and_heights_are_dropped() -> None:
    shell = [[*pair, 33.0] for pair in GOOD["coordinates"][0]]
    hole = square(112.202, 30.302, 112.204, 30.304)["coordinates"][0]
    found = read_polygon({"type": "Polygon", "coordinates": [shell, hole]})
    assert found.area == pytest.approx(1e-4 - 4e-6)
    assert not found.has_z


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        {},
        "Polygon",
        {"type": "Point", "coordinates": [112.2, 30.3]},
        {"type": "Polygon", "coordinates": None},
        {"type": "Polygon", "coordinates": []},
        {"type": "MultiPolygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": [112.2, 30.3]},
        polygon([112.2, 30.3], [112.21, 30.3], [112.2, 30.3]),
        polygon([112.2, 30.3], [112.21, 30.3], [112.21, 30.31], [112.2, 30.31]),
        polygon([112.2], [112.21], [112.21], [112.2]),
        polygon([10**400, 30.3], [112.21, 30.3], [112.21, 30.31], [10**400, 30.3]),
        {"type": "Polygon", "coordinates": [[["112.2", "x"], [1, 2], [3, 4], ["112.2", "x"]]]},
        {"type": "Polygon", "coordinates": [[[112.2, 30.3], [112.21, 30.3, 1], [112.21, 30.31], [112.2, 30.3]]]},
        polygon([float("nan"), 30.3], [112.21, 30.3], [112.21, 30.31], [float("nan"), 30.3]),
    ],
)
def test_what_is_no_polygon(geometry: object) -> None:
    assert refusal(geometry).code == "bad_geometry"


def test_a_bow_tie_is_invalid_and_its_knot_is_named() -> None:
    error = refusal(polygon([112.2, 30.3], [112.21, 30.31], [112.21, 30.3], [112.2, 30.31], [112.2, 30.3]))
    assert error.code == "invalid_polygon"
    assert "112.205 30.305" in error.detail


def test_swapped_coordinates() -> None:
    assert refusal(square(30.3, 112.2, 30.31, 112.21)).code == "swapped_coordinates"


@pytest.mark.parametrize("corner", [(0, 0), (2.3, 48.8), (112.2, -30.3), (140, 35)])
def test_outside_china(corner: tuple[float, float]) -> None:
    x, y = corner
    assert refusal(square(x, y, x + 0.01, y + 0.01)).code == "outside_china"


@pytest.mark.parametrize(
    ("x", "y", "epsg"),
    [
        (37_600_000, 3_360_000, "EPSG:4525"),
        (38_420_000, 3_360_000, "EPSG:4526"),
        (19_620_000, 3_360_000, "EPSG:4497"),
        (3_360_000, 37_600_000, "EPSG:4525"),
        (617_000, 3_360_000, "EPSG:4546"),
        (3_360_000, 400_000, "EPSG:4547"),
        (12_490_000, 3_540_000, "EPSG:3857"),
    ],
)
def test_metres_are_recognised(x: float, y: float, epsg: str) -> None:
    error = refusal(square(x, y, x + 100, y + 100))
    assert error.code == "projected_coordinates"
    assert epsg in error.detail


def test_gcj02_is_stored_as_it_is() -> None:
    assert to_stored(read_polygon(GOOD), Datum.GCJ02).equals(read_polygon(GOOD))


@pytest.mark.parametrize("datum", [Datum.WGS84, Datum.CGCS2000])
def test_corners_move_with_the_datum(datum: Datum) -> None:
    stored = to_stored(read_polygon(GOOD), datum)
    for corner in GOOD["coordinates"][0]:
        expected = shapely.Point(wgs84_to_gcj02(Point(*corner)))
        assert shapely.points(shapely.get_coordinates(stored)).tolist().count(expected) >= 1


def test_no_edge_is_longer_than_500_metres_and_bends_are_followed_to_the_centimetre() -> None:
    stored = to_stored(read_polygon(square(112.2, 30.3, 112.24, 30.34)), Datum.WGS84)
    ring = [Point(*pair) for pair in shapely.get_coordinates(stored).tolist()]
    assert max(distance_m(a, b) for a, b in itertools.pairwise(ring)) <= 500
    for share in np.linspace(0, 1, 401).tolist():
        on_edge = shapely.Point(wgs84_to_gcj02(Point(112.2 + 0.04 * share, 30.3)))
        assert stored.boundary.distance(on_edge) * 111_000 < 0.01


def test_a_hole_touching_the_shell_stays_valid_when_bent() -> None:
    shell = GOOD["coordinates"][0]
    hole = [[112.2033, 30.305], [112.205, 30.31], [112.2067, 30.305], [112.2033, 30.305]]
    stored = to_stored(read_polygon({"type": "Polygon", "coordinates": [shell, hole]}), Datum.WGS84)
    assert stored.is_valid
    assert stored.area == pytest.approx(1e-4 - 8.5e-6, rel=0.01)
