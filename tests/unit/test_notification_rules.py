import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.kernel.clock import SHANGHAI
from wxapi.notifications.rules.notices import Notice, confidential_delay, cut, not_at_night
from wxapi.reports.rules.messages import DESK_TASK


@pytest.mark.parametrize(
    ("local", "allowed"),
    [
        ("2026-11-23 07:29:59", "2026-11-23 07:30:00"),
        ("2026-11-23 07:30:00", "2026-11-23 07:30:00"),
        ("2026-11-23 12:00:00", "2026-11-23 12:00:00"),
        ("2026-11-23 21:59:59", "2026-11-23 21:59:59"),
        ("2026-11-23 22:00:00", "2026-11-24 07:30:00"),
        ("2026-12-31 23:59:59", "2027-01-01 07:30:00"),
        ("2026-11-24 00:00:00", "2026-11-24 07:30:00"),
    ],
)
def test_no_phone_rings_at_night(local: str, allowed: str) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).astimezone(UTC)
    moved = not_at_night(at)
    assert moved.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S") == allowed
    assert moved.tzinfo is UTC


FIRST, LAST = datetime(2020, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001 - hypothesis wants its bounds without a zone


@given(st.datetimes(FIRST, LAST, timezones=st.just(UTC)))
def test_the_morning_is_allowed_and_near(at: datetime) -> None:
    moved = not_at_night(at)
    assert timedelta(0) <= moved - at <= timedelta(hours=9, minutes=30)
    assert not_at_night(moved) == moved


def test_confidential_notices_wait_two_to_twenty_four_hours() -> None:
    source = random.Random(1)
    waits = [confidential_delay(source) for _ in range(500)]
    assert timedelta(hours=2) <= min(waits) < timedelta(hours=3)
    assert timedelta(hours=23) < max(waits) <= timedelta(hours=24)
    assert confidential_delay() != confidential_delay()


def test_cutting_counts_characters_and_shows_that_something_is_missing() -> None:
    assert cut("十" * 20, 20) == "十" * 20
    assert cut("十" * 21, 20) == "十" * 19 + "…"
    assert len(cut("𠀀" * 30, 20)) == 20


def test_a_value_nobody_can_map_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="openid"):
        Notice(DESK_TASK, "report:1", "routed", "t", "b", {"openid": "x"})
