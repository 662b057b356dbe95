"""The quick reader of a sign-in and the schema give the same, whatever is sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from wxapi.training.wire.quick import quick_sign_in
from wxapi.training.wire.requests import SignInBody

WORD = st.text(max_size=128).filter(str.isprintable)
ODD = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]))
TIMES = st.one_of(
    st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()),
    st.sampled_from(
        ["2026-12-01T00:55:03Z", "2026-12-01T00:55:03", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00"]
    ),
)
PLACES = st.fixed_dictionaries(
    {"longitude": st.floats(-181, 181) | ODD, "latitude": st.integers(-91, 91) | ODD},
    optional={
        "coord_type": st.sampled_from(["gcj02", "wgs84", "gcj02", "cgcs2000", "GCJ02"]) | ODD,
        "accuracy": st.floats(-1, 10) | ODD,
        "picked_by": st.just("gps"),
        "other": ODD,
    },
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "code": st.text(max_size=250) | ODD,
        "ticket": st.text(min_size=1, max_size=5) | ODD,
        "client_time": TIMES | ODD,
        "location": PLACES | ODD,
        "device_id": st.text(max_size=130) | ODD,
        "other": ODD,
    },
)


# More than any phone says, and numbers no float holds.
NUMBERS = st.floats() | st.integers() | st.just(10**400)


def by_the_schema(data: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = SignInBody().load(data)
    return loaded


@given(BODIES | ODD)
def test_what_is_read_quickly_is_read_alike(data):
    quick = quick_sign_in(data)
    if quick is not None:
        assert quick == by_the_schema(data)


@given(PLACES | st.dictionaries(st.sampled_from(["longitude", "latitude", "accuracy"]), NUMBERS | ODD) | ODD)
def test_no_location_refuses_a_sign_in(place):
    body = {"code": "a", "location": place}
    quick = quick_sign_in(body)
    assert quick == by_the_schema(body)
    assert quick is not None


@given(WORD.filter(bool), st.none() | WORD.filter(bool))
def test_an_ordinary_body_takes_the_quick_way(code, device_id):
    place = {"longitude": 112.2, "latitude": 30, "coord_type": "gcj02", "accuracy": 18.5}
    body = {"code": code, "client_time": "2026-12-01T00:55:03.123Z", "location": place, "device_id": device_id}
    assert quick_sign_in(body) == by_the_schema(body)


@pytest.mark.parametrize("body", [None, [], {}, {"code": ""}, {"code": "a", "ticket": "b"}, {"code": "a", "x": 1}])
def test_what_is_wrong_is_left_to_the_schema(body):
    assert quick_sign_in(body) is None
    with pytest.raises(ValidationError):
        SignInBody().load(body)
