"""The kernel's plain values: ids, times, cursors, actors, errors."""

import json
import uuid
from base64 import urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.kernel import errors, ids, paging, text
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.clock import SHANGHAI, FixedClock, local_day, to_the_microsecond, to_wire
from wxapi.kernel.permissions import ROLES_OF, Permission, Role


def test_ids_are_random_version_4() -> None:
    made = {ids.new_id() for _ in range(100)}
    assert len(made) == 100
    assert {(one.version, one.variant) for one in made} == {(4, RFC_4122)}
    assert made == {UUID(str(one)) for one in made}


def test_report_numbers_use_crockford_letters_only() -> None:
    numbers = [ids.new_report_number("JZ") for _ in range(500)]
    assert len(set(numbers)) == 500
    assert all(n.startswith("JZ-") and len(n) == 11 and not set(n[3:]) & set("ILOU") for n in numbers)


def test_tokens_carry_256_bits() -> None:
    assert len(ids.new_token()) == 43
    assert ids.new_token() != ids.new_token()


def test_times_on_the_wire_are_utc_with_z() -> None:
    at = datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=SHANGHAI)
    assert to_wire(at) == "2026-11-23T02:00:00.123Z"


@given(st.datetimes(timezones=st.timezones()).filter(lambda at: 1 < at.year < 9999))
def test_every_instant_is_written_as_the_library_writes_it(at: datetime) -> None:
    assert to_wire(at) == at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert to_the_microsecond(at) == at.astimezone(UTC).isoformat(timespec="microseconds")


def test_days_are_shanghai_days() -> None:
    assert local_day(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)).isoformat() == "2027-01-01"


def test_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    assert clock.now() == clock.now()
    assert clock.advance(hours=2) - datetime(2026, 1, 1, tzinfo=UTC) == timedelta(hours=2)


STORABLE = st.text(max_size=20).filter(text.fits_in_url)


@given(st.tuples(STORABLE, st.datetimes(timezones=st.timezones()), st.uuids()))
def test_cursors_come_back_as_they_were(values: tuple[str, datetime, UUID]) -> None:
    try:
        expected = values[1].astimezone(UTC)
    except OverflowError:
        return
    name, at, row_id = paging.decode_cursor(paging.encode_cursor(values), str, datetime, UUID)
    assert (name, at, row_id) == (values[0], expected, values[2])


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.dates())
def test_cursors_of_numbers_and_days(number: int, day: date) -> None:
    assert paging.decode_cursor(paging.encode_cursor([number, day]), int, date) == (number, day)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@given(
    st.text(max_size=60) | JSON.map(lambda value: urlsafe_b64encode(json.dumps(value).encode()).decode()),
    st.sampled_from([str, int, datetime, date, UUID]),
)
def test_any_text_as_cursor_is_read_as_its_type_or_refused(cursor: str, kind: type[Any]) -> None:
    try:
        (value,) = paging.decode_cursor(cursor, kind)
    except errors.MalformedError:
        return
    assert isinstance(value, kind)
    assert "\0" not in str(value)
    str(value).encode()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a\0"], str),
        (["\ud800"], str),
        ([7], str),
        ([True], int),
        ([2**63], int),
        (["2026-11-23T02:00:00"], datetime),
        (["9999-12-31T23:59:59-10:00"], datetime),
        (["soon"], date),
        (["1' OR '1'='1"], UUID),
        ([7], UUID),
        ([], str),
        (["a", "b"], str),
        (7, str),
    ],
)
def test_cursors_of_other_types_are_refused(values: object, kind: type[Any]) -> None:
    with pytest.raises(errors.MalformedError):
        paging.decode_cursor(urlsafe_b64encode(json.dumps(values).encode()).decode(), kind)


def test_a_page_has_a_next_cursor_only_when_there_is_more() -> None:
    full = paging.page_of([1, 2, 3], 2, lambda n: (n,))
    assert (list(full.items), full.next_cursor) == ([1, 2], paging.encode_cursor([2]))
    assert paging.page_of([1, 2], 2, lambda n: (n,)).next_cursor is None


def test_an_appointment_covers_its_region_and_all_below() -> None:
    actor = Actor(
        uuid.uuid4(),
        (Appointment(Role.TOWNSHIP_OFFICER, "421002006"), Appointment(Role.COMMUNITY_WORKER, "421002006001")),
    )
    assert actor.covers("421002006001", {Role.TOWNSHIP_OFFICER})
    assert not actor.covers("421002", {Role.TOWNSHIP_OFFICER})
    assert not actor.covers("421002006002", {Role.COMMUNITY_WORKER})
    assert actor.regions({Role.TOWNSHIP_OFFICER, Role.COMMUNITY_WORKER}) == ("421002006",)
    assert actor.regions({Role.ADMIN}) == ()


def test_permissions_ask_for_a_role_or_for_a_login() -> None:
    nobody = Actor(uuid.uuid4())
    assert nobody.may(Permission.SIGNED_IN)
    assert not any(nobody.may(permission) for permission in ROLES_OF)
    assert {*ROLES_OF, Permission.PUBLIC, Permission.SIGNED_IN} == set(Permission)
    assert Actor(uuid.uuid4(), (Appointment(Role.ADMIN, "4210"),)).may(Permission.APPOINT)


def test_errors_carry_code_sentence_and_fields() -> None:
    error = errors.version_conflict(version=3, state="routed")
    assert (error.code, error.extra) == ("version_conflict", {"version": 3, "state": "routed"})
    with pytest.raises(errors.NotFoundError) as caught:
        raise errors.not_found()
    assert caught.value.code == "not_found"
