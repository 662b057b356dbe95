"""A sign-in is refused for its code, never for where its phone says it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from wxapi.training.rules.geofence import fix_of
from wxapi.training.wire.requests import SignInBody

ODD = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]))
PLACES = st.fixed_dictionaries(
    {"longitude": st.floats(-181, 181) | ODD, "latitude": st.integers(-91, 91) | ODD},
    optional={
        "coord_type": st.sampled_from(["gcj02", "wgs84", "gcj02", "cgcs2000", "GCJ02"]) | ODD,
        "accuracy": st.floats(-1, 10) | ODD,
        "picked_by": st.just("gps"),
        "other": ODD,
    },
)
# More than any phone says, and numbers no float holds.
NUMBERS = st.floats() | st.integers() | st.just(10**400)


@given(PLACES | st.dictionaries(st.sampled_from(["longitude", "latitude", "accuracy"]), NUMBERS | ODD) | ODD)
def test_no_location_refuses_a_sign_in(place: Any) -> None:
    assert SignInBody().load({"code": "a", "location": place})["location"] == fix_of(place)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"code": ""},
        {"code": "a", "ticket": "b"},
        {"code": "a", "x": 1},
        {"code": "a", "client_time": "2026-12-01T00:55:03"},
        {"code": "a", "client_time": "2026-02-30T00:00:00Z"},
        {"code": "a", "device_id": "d" * 129},
    ],
)
def test_what_is_wrong_is_refused(body: Any) -> None:
    with pytest.raises(ValidationError):
        SignInBody().load(body)
