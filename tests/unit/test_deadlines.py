"""Due times, pauses, extensions, reminders and cards."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.kernel.clock import SHANGHAI
from wxapi.kernel.deadlines import (
    Limits,
    after_pause,
    card_at,
    due_times,
    extended,
    may_ask_extension,
    red_at,
    reminder_at,
)
from wxapi.kernel.working_time import OFFICE

HOUR = timedelta(hours=1)
INSTANTS = st.integers(0, int(timedelta(days=730).total_seconds())).map(
    lambda seconds: datetime(2025, 6, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
PAUSES = st.integers(0, 60 * 24 * 40).map(lambda minutes: timedelta(minutes=minutes))


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


def test_both_clocks_start_when_the_report_is_routed() -> None:
    due = due_times(Limits(2 * HOUR, 8 * HOUR, urgent=False), local(2026, 11, 20, 16, 30))
    assert due.respond_due_at == local(2026, 11, 23, 9, 30)
    assert due.resolve_due_at == local(2026, 11, 24, 9)


def test_an_urgent_report_filed_at_night_is_due_at_night() -> None:
    due = due_times(Limits(HOUR, 4 * HOUR, urgent=True), local(2026, 11, 21, 23))
    assert (due.respond_due_at, due.resolve_due_at) == (local(2026, 11, 22), local(2026, 11, 22, 3))


@given(INSTANTS, PAUSES, PAUSES)
def test_a_pause_keeps_what_is_left(due: datetime, before: timedelta, pause: timedelta) -> None:
    stopped = due - before
    later = after_pause(due, stopped, stopped + pause, urgent=False)
    assert OFFICE.between(stopped + pause, later) == OFFICE.between(stopped, due)
    assert after_pause(due, stopped, stopped + pause, urgent=True) == due + pause


@given(INSTANTS, PAUSES, PAUSES)
def test_a_pause_keeps_how_late_it_was(due: datetime, late: timedelta, pause: timedelta) -> None:
    stopped = due + late
    later = after_pause(due, stopped, stopped + pause, urgent=False)
    assert OFFICE.between(later, stopped + pause) == OFFICE.between(due, stopped)


def test_a_hold_over_a_weekend_moves_nothing_but_its_working_hours() -> None:
    due = local(2026, 11, 24, 10)
    assert after_pause(due, local(2026, 11, 20, 17, 30), local(2026, 11, 23, 8, 30), urgent=False) == due


def test_an_extension_counts_working_days() -> None:
    assert extended(local(2026, 9, 30, 10), 2) == local(2026, 10, 9, 10)


@pytest.mark.parametrize(
    ("now", "may"),
    [
        (local(2026, 11, 20, 10), True),
        (local(2026, 11, 20, 10, 1), False),
        (local(2026, 11, 21, 9), False),
        (local(2026, 11, 23, 11), False),
    ],
)
def test_an_extension_is_asked_for_a_working_day_before(now: datetime, may: bool) -> None:
    assert may_ask_extension(local(2026, 11, 23, 10), now) is may


def test_the_blue_reminder_comes_at_80_percent() -> None:
    routed = local(2026, 11, 23, 8, 30)
    assert reminder_at(OFFICE.add(routed, 5 * HOUR), 5 * HOUR, urgent=False) == local(2026, 11, 23, 15)
    assert reminder_at(routed + 10 * HOUR, 10 * HOUR, urgent=True) == routed + 8 * HOUR


@pytest.mark.parametrize(
    ("now", "card"),
    [
        (local(2026, 11, 23, 10), None),
        (local(2026, 11, 23, 10, 1), "yellow"),
        (local(2026, 11, 28, 12), "yellow"),  # a Saturday
        (local(2026, 11, 30, 10), "yellow"),
        (local(2026, 11, 30, 10, 1), "red"),
    ],
)
def test_yellow_past_due_red_five_working_days_later(now: datetime, card: str | None) -> None:
    due = local(2026, 11, 23, 10)
    assert red_at(due) == local(2026, 11, 30, 10)
    assert card_at(due, now) == card


def test_a_second_yellow_is_red_and_a_stopped_clock_bears_no_card() -> None:
    due = local(2026, 11, 23, 10)
    assert card_at(due, due + HOUR, yellow_before=True) == "red"
    assert card_at(due, due, yellow_before=True) is None
    assert card_at(None, due) is None
