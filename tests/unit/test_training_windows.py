"""Windows, proofs of time, geofence, audience."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.kernel.actor import Appointment
from wxapi.kernel.coordinates import Point
from wxapi.kernel.errors import DomainError, InvalidError
from wxapi.kernel.permissions import Role
from wxapi.training.rules import audience, codes, geofence, windows
from wxapi.training.rules.geofence import Doubt, Fence, Fix

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
END = START + timedelta(hours=2)


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def window(offline_hours: int = 24) -> windows.Window:
    return windows.Window.of(START, END, opens_min=30, late_after_min=10, offline_hours=offline_hours)


def scan_at(at: datetime, *, typed: bool = False) -> codes.Scan:
    return codes.Scan(codes.step_at(at), typed)


class TestProofOfCode:
    @pytest.mark.parametrize("client_time", [None, datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)])
    def test_a_fresh_code_counts_at_server_time_whatever_the_phone_says(self, client_time):
        proof = windows.proof_of_code(scan_at(START), window(), client_time=client_time, now=START)
        assert (proof.at, proof.late_upload) == (START, False)

    @pytest.mark.parametrize("seconds", [-1, 0, 7, 29, 31])
    def test_an_old_code_counts_at_the_time_it_proves(self, seconds):
        scanned = START + timedelta(seconds=seconds)
        proof = windows.proof_of_code(scan_at(START), window(), client_time=scanned, now=END + minutes(60))
        assert proof.late_upload
        assert START <= proof.at <= START + timedelta(seconds=30)

    @pytest.mark.parametrize(("off_s", "late_upload"), [(0, True), (-3, True), (1, False), (-3600, False)], ids=str)
    def test_a_fresh_code_that_comes_after_the_end_counts_at_its_scan_before_it(self, off_s, late_upload):
        """As it would an hour later: a request that took seconds is no worse than one kept for hours."""
        scanned, now = END + timedelta(seconds=off_s), END + timedelta(seconds=10)
        proof = windows.proof_of_code(scan_at(END - timedelta(seconds=5)), window(), client_time=scanned, now=now)
        assert (proof.at, proof.late_upload) == ((scanned, True) if late_upload else (now, False))

    @pytest.mark.parametrize("seconds", [-3, 33, 3600])
    def test_a_client_time_outside_the_codes_window_is_refused(self, seconds):
        with pytest.raises(DomainError) as refusal:
            windows.proof_of_code(
                scan_at(START), window(), client_time=START + timedelta(seconds=seconds), now=START + minutes(30)
            )
        assert refusal.value.code == "code_expired"

    @pytest.mark.parametrize(
        ("hours", "typed", "client_time", "now"),
        [
            (24, False, None, START + minutes(1)),
            (24, True, START, START + minutes(1)),
            (0, False, START, START + minutes(1)),
            (24, False, START, END + timedelta(hours=24, seconds=1)),
        ],
        ids=["no client_time", "typed", "session takes none", "after the last upload"],
    )
    def test_an_old_code_is_expired(self, hours, typed, client_time, now):
        with pytest.raises(DomainError) as refusal:
            windows.proof_of_code(scan_at(START, typed=typed), window(hours), client_time=client_time, now=now)
        assert refusal.value.code == "code_expired"


def test_a_ticket_counts_at_its_issue_and_dies_after_ten_minutes():
    ticket = codes.Ticket(START, codes.step_at(START))
    assert windows.proof_of_ticket(ticket, now=START + minutes(10)).at == START
    with pytest.raises(DomainError) as refusal:
        windows.proof_of_ticket(ticket, now=START + minutes(10.1))
    assert refusal.value.code == "code_expired"


def test_a_tick_counts_at_the_stewards_time_but_never_in_the_future():
    late = windows.proof_of_tick(window(), client_time=START, now=START + minutes(90))
    assert (late.at, late.late_upload, late.step, late.doubts) == (START, True, None, ())
    early = windows.proof_of_tick(window(), client_time=START + minutes(4), now=START)
    assert (early.at, early.late_upload, early.doubts) == (START, False, ())
    with pytest.raises(DomainError) as refusal:
        windows.proof_of_tick(window(0), client_time=START, now=END + minutes(1))
    assert refusal.value.code == "sign_in_closed"


INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - of st


@given(INSTANTS | st.timedeltas(-minutes(600), minutes(600)).map(START.__add__), st.floats(-60, 60 * 26))
def test_a_tick_of_an_open_session_is_refused_for_no_clock_before_it(client_time, sent_min):
    now = START + minutes(sent_min)
    try:
        proof = windows.proof_of_tick(window(), client_time=client_time, now=now)
        windows.check_open(window(), proof.at)
    except DomainError:
        too_early, too_late = now < window().opens_at, now > window().offline_until
        assert too_early or too_late or END < client_time <= now + windows.CLOCK_AHEAD
        return
    assert window().opens_at <= proof.at <= min(now, END)
    plausible = window().opens_at <= client_time <= now + windows.CLOCK_AHEAD
    assert proof.doubts == (() if plausible else (Doubt.CLOCK_OFF,))


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (START - minutes(31), "sign_in_not_open"),
        (START - minutes(30), None),
        (END, None),
        (END + minutes(0.1), "sign_in_closed"),
    ],
)
def test_the_window(at, code):
    if code is None:
        windows.check_open(window(), at)
        return
    with pytest.raises(DomainError) as refusal:
        windows.check_open(window(), at)
    assert refusal.value.code == code


def test_late_and_early():
    assert not window().is_late(START + minutes(10))
    assert window().is_late(START + minutes(10.1))
    assert window().is_early_leave(END - minutes(10.1))
    assert not window().is_early_leave(END - minutes(10))


HALL = Point(112.2400, 30.3300)
NORTH_500_M = Point(112.2400, 30.3345)
FENCE = Fence(HALL, 200)


@pytest.mark.parametrize(
    ("fence", "fix", "doubts"),
    [
        (None, None, ()),
        (FENCE, Fix(HALL, 12), ()),
        (FENCE, Fix(NORTH_500_M, 12), (Doubt.OUTSIDE_RADIUS,)),
        (Fence(HALL, 400), Fix(NORTH_500_M, 120), ()),
        (FENCE, Fix(HALL, 201), (Doubt.INACCURATE_LOCATION,)),
        (Fence(HALL, 50), Fix(HALL, 90), ()),
        (FENCE, Fix(Point(112.24, 31.33), 10), (Doubt.OUTSIDE_RADIUS, Doubt.IMPOSSIBLE_DISTANCE)),
        (FENCE, None, (Doubt.NO_LOCATION,)),
    ],
)
def test_geofence(fence, fix, doubts):
    assert geofence.judge(fence, fix).doubts == doubts


SAID = {"longitude": HALL.longitude, "latitude": HALL.latitude, "coord_type": "gcj02", "accuracy": 18}


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        [],
        "here",
        {**SAID, "accuracy": -1},
        {**SAID, "accuracy": 1e9},
        {**SAID, "accuracy": float("nan")},
        {**SAID, "accuracy": "18"},
        {**SAID, "longitude": None},
        {name: SAID[name] for name in ("longitude", "coord_type")},
        {**SAID, "longitude": 0, "latitude": 0.0},
        {**SAID, "longitude": HALL.latitude, "latitude": HALL.longitude},
        {**SAID, "longitude": 10**400},
        {**SAID, "longitude": True},
        {**SAID, "coord_type": "cgcs2000"},
        {**SAID, "coord_type": ["gcj02"]},
        {"longitude": HALL.longitude, "latitude": HALL.latitude, "accuracy": 30},
        {**SAID, "speed": -1, "altitude": 31.0, "verticalAccuracy": 4, "horizontalAccuracy": 18},
    ],
)
def test_what_is_no_position_is_none(said):
    assert geofence.fix_of(said) is None
    assert geofence.judge(FENCE, geofence.fix_of(said)).doubts == (Doubt.NO_LOCATION,)


@pytest.mark.parametrize(
    ("changes", "doubts"),
    [
        ({}, ()),
        ({"accuracy": None}, ()),
        ({"picked_by": "gps"}, ()),
        ({"accuracy": 0}, ()),
        ({"accuracy": 2_000_000}, (Doubt.INACCURATE_LOCATION,)),
        ({"coord_type": "wgs84"}, (Doubt.OUTSIDE_RADIUS,)),
        ({"longitude": -70.5, "coord_type": "wgs84"}, (Doubt.OUTSIDE_RADIUS, Doubt.IMPOSSIBLE_DISTANCE)),
    ],
)
def test_what_is_a_position_is_judged(changes, doubts):
    assert geofence.judge(FENCE, geofence.fix_of({**SAID, **changes})).doubts == doubts


WORKER = Appointment(Role.COMMUNITY_WORKER, "421002001001")
SOMEONE = uuid.uuid4()


@pytest.mark.parametrize(
    ("meant", "admitted"),
    [
        (audience.Audience(), True),
        (audience.Audience(region_codes=("421002",)), True),
        (audience.Audience(region_codes=("421003", "421002001")), True),
        (audience.Audience(region_codes=("421003",)), False),
        (audience.Audience(roles=frozenset({Role.COMMUNITY_WORKER})), True),
        (audience.Audience(roles=frozenset({Role.STREET_CHIEF})), False),
        (audience.Audience(region_codes=("421002",), roles=frozenset({Role.STREET_CHIEF})), False),
        (audience.Audience(user_ids=frozenset({SOMEONE})), True),
        (audience.Audience(region_codes=("421003",), user_ids=frozenset({SOMEONE})), True),
        (audience.Audience(user_ids=frozenset({uuid.uuid4()})), False),
    ],
)
def test_audience(meant, admitted):
    assert meant.admits(SOMEONE, [WORKER]) is admitted


def test_a_hundred_thousand_names_are_refused_with_a_sentence():
    with pytest.raises(InvalidError) as refusal:
        audience.check_size([SOMEONE] * 100_000, [])
    assert refusal.value.code == "audience_too_large"
