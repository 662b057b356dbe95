"""The index on polygons small enough to know every answer by heart."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from wxapi.kernel.coordinates import Point, metres_per_degree
from wxapi.regions.rules.index import Location, SpatialIndex
from wxapi.regions.rules.plane import Polygonal, ground_scale, project
from wxapi.regions.rules.tree import Tree

GROUPS = {"4210": "市", "421002": "县", "421002001": "镇一", "421002002": "镇二"}
A, B, C, D = "421002001001", "421002001002", "421002002001", "421002002002"
EAST, NORTH = metres_per_degree(30.3)
ORIGIN = Point(112.2, 30.3)


def at(east: float, north: float) -> Point:
    """A point so many metres from the origin."""
    return Point(ORIGIN.longitude + east / EAST, ORIGIN.latitude + north / NORTH)


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(*at(west, south), *at(east, north))


def spoilt(longitude: float) -> shapely.Polygon:
    """A box of which one corner is nowhere."""

    def spoil(corners: Any) -> Any:
        corners[1, 0] = longitude
        return corners

    spoilt_box: shapely.Polygon = shapely.transform(box(0, 0, 10, 10), spoil)
    return spoilt_box


def index_of(boundaries: Mapping[str, Polygonal | None]) -> SpatialIndex:
    names = GROUPS | {code: f"第{code[-3:]}" for code in boundaries if code not in GROUPS}
    return SpatialIndex(Tree(1, names.items()), boundaries)


def found(index: SpatialIndex, point: Point, accuracy: float = 0) -> Location:
    location = index.locate(point, accuracy)
    assert location is not None
    return location


def candidates(location: Location) -> dict[str, float]:
    return {candidate.region.code: candidate.distance_m for candidate in location.candidates}


def test_inside_one_village() -> None:
    location = found(index_of({A: box(0, 0, 1000, 1000)}), at(300, 400))
    assert (location.village.code, location.township.code, location.county.code) == (A, "421002001", "421002")
    assert location.grid is None
    assert location.candidates == ()
    assert location.distance_to_border_m == pytest.approx(300, abs=0.02)


def test_outside_everything() -> None:
    index = index_of({A: box(0, 0, 1000, 1000)})
    assert index.locate(at(-1, 500), 0) is None
    assert index.locate(at(-1, 500), 500) is None


def test_an_empty_index_answers() -> None:
    assert index_of({}).locate(ORIGIN, 50) is None


BROKEN: dict[str, Any] = {
    "unreadable": None,
    "a point": shapely.Point(112.2, 30.3),
    "a line": shapely.LineString([(112.2, 30.3), (112.3, 30.3)]),
    "a collection": shapely.GeometryCollection([box(0, 0, 10, 10)]),
    "empty": shapely.Polygon(),
    "empty parts": shapely.MultiPolygon(),
    "no number": spoilt(math.nan),
    "no end": spoilt(math.inf),
    "over the pole": shapely.Polygon([(112.2, 30.3), (112.3, 90.0), (112.3, 30.4)]),
    "metres": shapely.Polygon([(3e6, 4e6), (3.1e6, 4e6), (3.1e6, 4.1e6)]),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("code", ["4210", "421002", "421002001", C, "421002001002001"])
def test_a_broken_boundary_is_left_out_and_stops_no_other(code: str, broken: Any) -> None:
    index = index_of({A: box(0, 0, 1000, 1000), B: box(1000, 0, 2000, 1000), code: broken})
    assert index.left_out == (code,)
    assert found(index, at(500, 500)).village.code == A
    assert candidates(found(index, at(995, 500), 50)) == {B: pytest.approx(5, abs=0.02)}
    assert index.locate(at(5000, 5000), 50) is None


def test_a_village_without_what_is_above_it_is_left_out() -> None:
    lost = "429999001001"
    index = index_of({A: box(0, 0, 1000, 1000), lost: box(1000, 0, 2000, 1000)})
    assert index.left_out == (lost,)
    assert found(index, at(500, 500)).village.code == A


def test_a_boundary_that_crosses_itself_can_be_used() -> None:
    bow_tie = shapely.Polygon([at(0, 0), at(1000, 1000), at(1000, 0), at(0, 1000)])
    index = index_of({A: bow_tie})
    assert index.left_out == ()
    assert found(index, at(100, 500)).village.code == A


@pytest.mark.parametrize("offset", [-3.0, -0.1, -0.01, 0.01, 0.1, 3.0])
def test_sides_of_a_border_are_told_apart_to_the_centimetre(offset: float) -> None:
    index = index_of({A: box(0, 0, 1000, 1000), B: box(1000, 0, 2000, 1000)})
    location = found(index, at(1000 + offset, 500))
    assert location.village.code == (A if offset < 0 else B)
    assert location.distance_to_border_m == pytest.approx(abs(offset), abs=0.005)
    assert candidates(location) == {(B if offset < 0 else A): pytest.approx(abs(offset), abs=0.005)}


def test_a_point_on_a_shared_border_always_gives_the_lower_code_and_lists_the_other() -> None:
    west, east = box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000)
    for boundaries in ({A: west, B: east}, {B: east, A: west}):
        for point in (at(1000, 0), at(1000, 1000), at(1000, 500)):
            location = found(index_of(boundaries), point)
            assert location.village.code == A
            assert candidates(location) == {B: pytest.approx(0, abs=1e-6)}
            assert location.distance_to_border_m == pytest.approx(0, abs=1e-6)


def test_where_four_villages_meet() -> None:
    index = index_of(
        {
            A: box(0, 0, 100, 100),
            B: box(100, 0, 200, 100),
            C: box(0, 100, 100, 200),
            D: box(100, 100, 200, 200),
        }
    )
    location = found(index, at(100, 100))
    assert location.village.code == A
    assert list(candidates(location)) == [B, C, D]


def test_accuracy_widens_the_circle_to_a_limit() -> None:
    index = index_of({A: box(0, 0, 1000, 1000), B: box(1000, 0, 2000, 1000), C: box(0, 1000, 1000, 2000)})
    point = at(940, 400)
    assert candidates(found(index, point)) == {}
    assert candidates(found(index, point, 59.5)) == {}
    assert candidates(found(index, point, 60.5)) == {B: pytest.approx(60, abs=0.01)}
    assert candidates(found(index, point, 100_000)) == {B: pytest.approx(60, abs=0.01)}
    assert list(candidates(found(index, at(900, 700), 400))) == [B, C]


def test_a_hole_belongs_to_the_village_that_fills_it() -> None:
    ring = shapely.difference(box(0, 0, 1000, 1000), box(400, 400, 600, 600))
    index = index_of({A: ring, B: box(400, 400, 600, 600)})
    assert found(index, at(500, 500)).village.code == B
    assert found(index, at(395, 500)).village.code == A
    assert candidates(found(index, at(395, 500))) == {B: pytest.approx(5, abs=0.01)}
    assert found(index, at(300, 500)).distance_to_border_m == pytest.approx(100, abs=0.02)


def test_an_empty_hole_is_outside() -> None:
    ring = shapely.difference(box(0, 0, 1000, 1000), box(400, 400, 600, 600))
    index = index_of({A: ring, "421002001": ring})
    assert index.locate(at(500, 500), 0) is None
    assert index.locate(at(402, 500), 0) is None


def test_a_village_in_two_parts() -> None:
    parts = shapely.MultiPolygon([box(0, 0, 100, 100), box(500, 0, 600, 100)])
    index = index_of({A: parts, B: box(100, 0, 500, 100)})
    assert found(index, at(50, 50)).village.code == A
    assert found(index, at(550, 50)).village.code == A
    assert found(index, at(495, 50)).village.code == B
    assert candidates(found(index, at(495, 50))) == {A: pytest.approx(5, abs=0.01)}


def test_grids_of_the_village_only() -> None:
    west_grid, east_grid = A + "001", B + "001"
    index = index_of(
        {
            A: box(0, 0, 1000, 1000),
            B: box(1000, 0, 2000, 1000),
            C: box(0, 1000, 1000, 2000),
            west_grid: box(500, 0, 1000, 1000),
            east_grid: box(1000, 0, 2000, 1000),
        }
    )
    assert found(index, at(250, 500)).grid is None
    assert found(index, at(500, 1500)).grid is None
    for point, grid in ((at(750, 500), west_grid), (at(1500, 500), east_grid), (at(1000, 500), west_grid)):
        location = found(index, point)
        assert location.grid is not None
        assert location.grid.code == grid
        assert location.grid.parent_code == location.village.code


def test_a_gap_inside_a_township_goes_to_the_nearest_village() -> None:
    index = index_of({A: box(0, 0, 1000, 1000), B: box(1008, 0, 2000, 1000), "421002001": box(0, 0, 2000, 1000)})
    location = found(index, at(1003, 500))
    assert location.village.code == A
    assert location.distance_to_border_m == pytest.approx(3, abs=0.01)
    assert candidates(location) == {B: pytest.approx(5, abs=0.01)}
    assert found(index, at(1006, 500)).village.code == B


def test_a_gap_between_townships_is_closed_by_the_county() -> None:
    index = index_of({A: box(0, 0, 1000, 1000), C: box(1004, 0, 2000, 1000), "421002": box(0, 0, 2000, 1000)})
    assert found(index, at(1001, 500)).village.code == A
    assert found(index, at(1003, 500)).village.code == C


def test_a_wide_gap_and_the_ground_beyond_the_outer_border_stay_outside() -> None:
    index = index_of({A: box(0, 0, 1000, 1000), B: box(1020, 0, 2000, 1000), "421002001": box(0, 0, 2000, 1000)})
    assert index.locate(at(1010, 500), 0) is None
    assert index.locate(at(500, -1), 0) is None


def test_overlapping_outlines_give_the_lower_code_and_list_the_other() -> None:
    index = index_of({A: box(0, 0, 1001, 1000), B: box(1000, 0, 2000, 1000)})
    location = found(index, at(1000.5, 500))
    assert location.village.code == A
    assert candidates(location) == {B: 0.0}


@given(st.floats(111.2, 114.0), st.floats(29.3, 30.9), st.floats(0, 2 * math.pi), st.floats(0.5, 200))
def test_the_plane_measures_the_ground(longitude: float, latitude: float, direction: float, metres: float) -> None:
    per_longitude, per_latitude = metres_per_degree(latitude)
    here = Point(longitude, latitude)
    there = Point(
        longitude + metres * math.cos(direction) / per_longitude,
        latitude + metres * math.sin(direction) / per_latitude,
    )
    (x, y), (other_x, other_y) = project(here), project(there)
    measured = math.hypot(other_x - x, other_y - y) * ground_scale(latitude)
    assert measured == pytest.approx(metres, abs=0.005)
