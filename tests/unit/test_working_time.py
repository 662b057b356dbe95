"""The working-hours clock: known days of the Chinese calendar, and laws that hold for all instants."""

import logging
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.kernel.city import shipped
from wxapi.kernel.clock import SHANGHAI
from wxapi.kernel.working_time import (
    OFFICE,
    ROUND_THE_CLOCK,
    WorkCalendar,
    calendar_of,
    fixed_holidays,
    is_workday,
)

HOUR = timedelta(hours=1)
# Years with published holidays and years without, so that the fallback and the change over obey the same laws.
INSTANTS = st.integers(0, int(timedelta(days=1461).total_seconds())).map(
    lambda seconds: datetime(2024, 6, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
AMOUNTS = st.integers(0, 400 * 3600).map(lambda seconds: timedelta(seconds=seconds))


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2025, 1, 26), True),  # a Sunday made up before Spring Festival
        (date(2025, 1, 28), False),
        (date(2025, 2, 8), True),  # a Saturday made up after it
        (date(2025, 10, 8), False),  # Mid-Autumn beside National Day
        (date(2025, 10, 11), True),
        (date(2026, 1, 2), False),
        (date(2026, 1, 4), True),
        (date(2026, 2, 14), True),
        (date(2026, 2, 23), False),
        (date(2026, 2, 28), True),
        (date(2026, 5, 9), True),
        (date(2026, 6, 19), False),
        (date(2026, 9, 20), True),
        (date(2026, 10, 7), False),
        (date(2026, 10, 8), True),
        (date(2026, 10, 10), True),
        (date(2026, 11, 21), False),  # a plain Saturday
        (date(2026, 11, 23), True),  # a plain Monday
    ],
)
def test_published_days(day: date, works: bool) -> None:
    assert is_workday(day) is works


def test_unpublished_years_fall_back_to_weekends_and_fixed_holidays() -> None:
    off = [
        date(2031, 1, 1),
        date(2031, 4, 5),
        date(2031, 5, 1),
        date(2031, 5, 2),
        date(2031, 10, 3),
        date(2031, 11, 22),
    ]
    assert not any(is_workday(day) for day in off)
    assert all(is_workday(day) for day in [date(2031, 1, 2), date(2031, 4, 4), date(2031, 5, 5), date(2031, 10, 6)])


def test_the_fallback_warns_once_a_year_and_never_fails(caplog: pytest.LogCaptureFixture) -> None:
    fixed_holidays.cache_clear()
    calendar = calendar_of(shipped())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            calendar.add(local(2033, 12, 30, 16), 200 * HOUR)
    assert sorted(record.args for record in caplog.records) == [(2033,), (2034,)]
    assert date(2150, 4, 5) in fixed_holidays(2150)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        (local(2026, 11, 23, 9), 2, local(2026, 11, 23, 11)),
        (local(2026, 11, 23, 11), 2, local(2026, 11, 23, 15, 30)),  # over lunch
        (local(2026, 11, 23, 11), 1, local(2026, 11, 23, 12)),  # ends with the morning, not after lunch
        (local(2026, 11, 23, 13), 1, local(2026, 11, 23, 15, 30)),  # filed at lunch
        (local(2026, 11, 23, 16, 30), 1, local(2026, 11, 23, 17, 30)),
        (local(2026, 11, 23, 22), 2, local(2026, 11, 24, 10, 30)),  # filed at night
        (local(2026, 11, 23, 7), 2, local(2026, 11, 23, 10, 30)),  # before the office opens
        (local(2026, 11, 20, 17), 2, local(2026, 11, 23, 10)),  # over a weekend
        (local(2026, 9, 30, 17), 2, local(2026, 10, 8, 10)),  # over National Day
        (local(2026, 10, 9, 17), 2, local(2026, 10, 10, 10)),  # into a Saturday that is made up
        (local(2026, 2, 13, 17, 30), 6.5, local(2026, 2, 14, 17, 30)),
        (local(2026, 2, 14, 17, 30), 6.5, local(2026, 2, 24, 17, 30)),  # over Spring Festival
        (local(2026, 12, 31, 17), 1, local(2027, 1, 4, 9)),  # into a year not yet published
        (local(2026, 11, 23, 8, 30), 40, local(2026, 12, 1, 9, 30)),
    ],
)
def test_adding_working_hours(start: datetime, hours: float, due: datetime) -> None:
    assert OFFICE.add(start, hours * HOUR) == due
    assert OFFICE.add(start, hours * HOUR).tzinfo is UTC


def test_between_known_instants() -> None:
    assert OFFICE.day == 6.5 * HOUR
    assert OFFICE.between(local(2026, 11, 20, 17), local(2026, 11, 23, 9)) == HOUR
    assert OFFICE.between(local(2026, 11, 21), local(2026, 11, 22, 23, 59)) == timedelta(0)
    assert OFFICE.between(local(2025, 1, 1), local(2026, 1, 1)) == 248 * OFFICE.day  # working days of 2025


def test_subtracting_goes_back_over_days_off() -> None:
    assert OFFICE.subtract(local(2026, 11, 23, 9), HOUR) == local(2026, 11, 20, 17)
    assert OFFICE.subtract(local(2026, 10, 8, 8, 30), OFFICE.day) == local(2026, 9, 30, 8, 30)


@given(INSTANTS, AMOUNTS)
def test_between_undoes_add(start: datetime, amount: timedelta) -> None:
    assert OFFICE.between(start, OFFICE.add(start, amount)) == amount


@given(INSTANTS, AMOUNTS)
def test_between_undoes_subtract(end: datetime, amount: timedelta) -> None:
    assert OFFICE.between(OFFICE.subtract(end, amount), end) == amount


@given(INSTANTS, AMOUNTS)
def test_add_is_the_first_and_subtract_the_last_instant(at: datetime, amount: timedelta) -> None:
    moment = timedelta(seconds=1)
    if amount:
        assert OFFICE.between(at, OFFICE.add(at, amount) - moment) < amount
        assert OFFICE.between(OFFICE.subtract(at, amount) + moment, at) < amount


@given(INSTANTS, AMOUNTS, AMOUNTS)
def test_adding_in_steps_is_adding_at_once(start: datetime, one: timedelta, other: timedelta) -> None:
    assert OFFICE.add(OFFICE.add(start, one), other) == OFFICE.add(start, one + other)


@given(INSTANTS, INSTANTS, AMOUNTS)
def test_a_later_start_is_never_due_earlier(one: datetime, other: datetime, amount: timedelta) -> None:
    early, late = sorted((one, other))
    assert OFFICE.add(early, amount) <= OFFICE.add(late, amount)


@given(INSTANTS, INSTANTS, INSTANTS)
def test_between_adds_up(one: datetime, two: datetime, three: datetime) -> None:
    assert OFFICE.between(one, two) + OFFICE.between(two, three) == OFFICE.between(one, three)


@given(INSTANTS, AMOUNTS.filter(bool))
def test_due_times_fall_into_office_hours(start: datetime, amount: timedelta) -> None:
    due = OFFICE.add(start, amount).astimezone(SHANGHAI)
    assert is_workday(due.date())
    assert time(8, 30) <= due.time() <= time(12) or time(14, 30) <= due.time() <= time(17, 30)


@given(INSTANTS, st.integers(0, 72))
def test_it_agrees_with_counting_minutes(start: datetime, hours: int) -> None:
    """The same answer as an oracle that walks minute by minute."""
    start = start.replace(second=0, microsecond=0)
    minutes = 0
    for step in range(hours * 60):
        at = (start + timedelta(minutes=step)).astimezone(SHANGHAI)
        open_now = time(8, 30) <= at.time() < time(12) or time(14, 30) <= at.time() < time(17, 30)
        minutes += open_now and is_workday_of_tables(at.date())
    assert OFFICE.between(start, start + timedelta(hours=hours)) == timedelta(minutes=minutes)


WORKDAYS: dict[date, bool] = {}


def is_workday_of_tables(day: date) -> bool:
    """`is_workday`, remembered: the library takes 20 µs a call and the oracle asks for every minute."""
    if day not in WORKDAYS:
        WORKDAYS[day] = is_workday(day)
    return WORKDAYS[day]


@given(INSTANTS, AMOUNTS)
def test_urgent_classes_run_round_the_clock(start: datetime, amount: timedelta) -> None:
    assert ROUND_THE_CLOCK.add(start, amount) == start + amount
    assert ROUND_THE_CLOCK.subtract(start, amount) == start - amount
    assert ROUND_THE_CLOCK.between(start, start + amount) == amount


def test_a_city_with_other_hours_and_days() -> None:
    saturdays = WorkCalendar([(time(9), time(10))], lambda day: day.weekday() == 5)
    assert saturdays.add(local(2026, 11, 23), 2 * HOUR) == local(2026, 12, 5, 10)
    assert saturdays.subtract(local(2026, 11, 23), 2 * HOUR) == local(2026, 11, 14, 9)


@pytest.mark.parametrize("spans", [[], [(time(9), time(9))], [(time(9), time(12)), (time(11), time(13))]])
def test_silly_hours_are_refused(spans: list[tuple[time, time]]) -> None:
    with pytest.raises(ValueError, match="spans in order"):
        WorkCalendar(spans)


def test_thousands_of_due_times_ask_once_whether_a_day_is_worked() -> None:
    asked: Counter[date] = Counter()

    def weekday(day: date) -> bool:
        asked[day] += 1
        return day.weekday() < 5

    office = WorkCalendar([(time(8, 30), time(12)), (time(14), time(17, 30))], weekday)
    start = local(2026, 11, 23, 9)
    for minute in range(10_000):
        office.add(start + timedelta(minutes=minute), 120 * HOUR)
    assert set(asked.values()) == {1}
