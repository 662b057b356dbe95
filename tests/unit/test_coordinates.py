"""Datum conversion against the published check values and by properties."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.kernel.coordinates import (
    Datum,
    Point,
    degrees_box,
    distance_m,
    gcj02_to_wgs84,
    in_rough_china,
    metres_per_degree,
    to_gcj02,
    wgs84_to_gcj02,
)
from wxapi.kernel.errors import InvalidError

CHECK_WGS84 = Point(112.24, 30.33)
CHECK_GCJ02 = Point(112.24570977605416, 30.32744255743769)

in_china = st.builds(Point, st.floats(72.1, 137.7), st.floats(0.9, 55.7))
near_jingzhou = st.builds(Point, st.floats(111.0, 114.2), st.floats(29.2, 31.0))


def test_published_check_value() -> None:
    found = wgs84_to_gcj02(CHECK_WGS84)
    assert found == pytest.approx(CHECK_GCJ02, abs=1e-13)


@given(in_china)
def test_there_and_back(wgs84: Point) -> None:
    assert gcj02_to_wgs84(wgs84_to_gcj02(wgs84)) == pytest.approx(wgs84, abs=1e-8)


@given(in_china)
def test_back_and_there(gcj02: Point) -> None:
    assert wgs84_to_gcj02(gcj02_to_wgs84(gcj02)) == pytest.approx(gcj02, abs=1e-8)


@given(near_jingzhou)
def test_the_shift_around_jingzhou_is_about_600_metres(wgs84: Point) -> None:
    assert 550 < distance_m(wgs84, wgs84_to_gcj02(wgs84)) < 670


def test_gcj02_is_taken_as_it_is() -> None:
    assert to_gcj02(CHECK_GCJ02, Datum.GCJ02) == CHECK_GCJ02


def test_cgcs2000_is_taken_for_wgs84() -> None:
    assert to_gcj02(CHECK_WGS84, Datum.CGCS2000) == to_gcj02(CHECK_WGS84, Datum.WGS84)


@pytest.mark.parametrize(
    "position",
    [(0, 0), (30.33, 112.24), (112.2, -30.33), (-112.2, 30.33), (71.9, 30), (138, 30), (110, 56), (math.nan, 30)],
)
@pytest.mark.parametrize("datum", list(Datum))
def test_outside_china_is_refused(position: tuple[float, float], datum: Datum) -> None:
    assert not in_rough_china(Point(*position))
    with pytest.raises(InvalidError) as refused:
        to_gcj02(Point(*position), datum)
    assert refused.value.code == "outside_service_area"


@given(near_jingzhou, st.floats(-300, 300), st.floats(-300, 300))
def test_distance_agrees_with_the_plane(a: Point, east: float, north: float) -> None:
    per_longitude, per_latitude = metres_per_degree(a.latitude)
    b = Point(a.longitude + east / per_longitude, a.latitude + north / per_latitude)
    assert distance_m(a, b) == pytest.approx(math.hypot(east, north), rel=0.004, abs=0.01)


@given(near_jingzhou, st.floats(1, 500), st.floats(0, 2 * math.pi))
def test_no_point_within_reach_falls_out_of_the_box(middle: Point, metres: float, direction: float) -> None:
    west, south, east, north = degrees_box(middle, metres)
    per_longitude, per_latitude = metres_per_degree(middle.latitude)
    other = Point(
        middle.longitude + metres * math.cos(direction) / per_longitude,
        middle.latitude + metres * math.sin(direction) / per_latitude,
    )
    assert west <= other.longitude <= east
    assert south <= other.latitude <= north
