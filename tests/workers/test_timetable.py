"""When tasks are next due, in Shanghai's time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.timetable import Daily, Every
from wxapi.kernel.clock import SHANGHAI


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("rhythm", "at", "after"),
    [
        (Every(minutes=10), "2026-11-23 10:00", "2026-11-23 10:10"),
        (Every(minutes=10), "2026-11-23 10:09:59.9", "2026-11-23 10:10"),
        (Every(hours=1), "2026-12-31 23:30", "2027-01-01 00:00"),
        (Daily(hour=3, minute=20), "2026-11-23 03:19:59", "2026-11-23 03:20"),
        (Daily(hour=3, minute=20), "2026-11-23 03:20", "2026-11-24 03:20"),
        (Daily(hour=0), "2028-02-28 12:00", "2028-02-29 00:00"),
    ],
)
def test_next_time(rhythm: Every | Daily, at: str, after: str) -> None:
    assert rhythm.after(shanghai(at)) == shanghai(after)


def test_daily_means_the_day_in_shanghai() -> None:
    # 18:00 UTC is 02:00 of the next day there.
    assert Daily(hour=3).after(datetime(2026, 11, 23, 18, 0, tzinfo=UTC)) == shanghai("2026-11-24 03:00")


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    rhythm=st.sampled_from([Every(seconds=1), Every(minutes=7), Every(hours=24), Daily(hour=7, minute=30)]),
)
def test_always_later_and_within_a_day(at: datetime, rhythm: Every | Daily) -> None:
    assert timedelta() < rhythm.after(at) - at <= timedelta(days=1)
