"""Working hours in the Chinese calendar: the working time between two instants, and when some is used up.

Working time is counted as "working days before today × length of a day + what has passed of this day". Both
directions are look-ups in a year's list of working days, so that no call steps through hours or days.
"""

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Protocol

import chinese_calendar

from wxapi.kernel.city import city
from wxapi.kernel.city_rules import CityRules, Season, Span
from wxapi.kernel.clock import SHANGHAI, day_begins

log = logging.getLogger(__name__)

_FIXED_HOLIDAYS = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))
_SATURDAY = 5
_ZERO = timedelta(0)


class WorkTime(Protocol):
    """A way to count time: office hours, or round the clock."""

    def add(self, start: datetime, amount: timedelta) -> datetime: ...

    def subtract(self, end: datetime, amount: timedelta) -> datetime: ...

    def between(self, start: datetime, end: datetime) -> timedelta: ...


def is_workday(day: date) -> bool:
    """Whether offices in China work on `day`: weekends, public holidays and make-up days.

    The State Council names a year's holidays in the November before, so chinesecalendar knows none further
    ahead. For those years weekends and the holidays that can be computed stand in; the log says so once for
    each year.
    """
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < _SATURDAY and day not in fixed_holidays(day.year)


@cache
def fixed_holidays(year: int) -> frozenset[date]:
    """The public holidays of a year nobody has published yet, as far as they can be computed.

    By the State Council's regulation as revised on 2024-11-10: New Year 1 day, Qingming 1 (a solar term),
    Labour Day 2, National Day 3. Spring Festival, Dragon Boat and Mid-Autumn follow the moon and are left
    out, as are the days moved around them: due times over those are some days early until chinesecalendar
    has the year.
    """
    log.warning("no published holidays for %d: counting weekends and fixed holidays only", year)
    fixed = {date(year, month, day) for month, day in _FIXED_HOLIDAYS}
    return frozenset(fixed | {_qingming(year)})


def _qingming(year: int) -> date:
    try:
        terms = chinese_calendar.get_solar_terms(date(year, 4, 1), date(year, 4, 30))
    except NotImplementedError:  # its formula holds from 1900 to 2100; the day is the 4th or the 5th
        return date(year, 4, 5)
    days: dict[str, date] = {name: day for day, name in terms}
    return days["清明"]


class WorkCalendar:
    """Office hours: some spans of each working day, Asia/Shanghai.

    Args:
        spans: (from, to) of one day in order, not overlapping; from 1 January.
        workday: tells a working day from a day off.
        later: seasons that begin later in the year, in order; their days are as long.
    """

    def __init__(
        self,
        spans: Sequence[Span],
        workday: Callable[[date], bool] = is_workday,
        later: Sequence[Season] = (),
    ) -> None:
        self._begins = [season.begins for season in later]
        self._seasons = tuple(_spans(each) for each in (spans, *(season.spans for season in later)))
        lengths = {sum((end - start for start, end in each), _ZERO) for each in self._seasons}
        if len(lengths) > 1:
            raise ValueError("a working day needs one length in all seasons")
        self.day = lengths.pop()
        # Bound to this calendar; a few years of 250 numbers each.
        self._year = cache(lambda year: _working_days(year, workday))

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end`; negative when `end` is earlier."""
        if end < start:
            return -self.between(end, start)
        first, last = start.astimezone(SHANGHAI), end.astimezone(SHANGHAI)
        days = self._days_before(last.date()) - self._days_before(first.date())
        for year in range(first.year, last.year):
            days += len(self._year(year))
        return days * self.day + self._passed(last) - self._passed(first)

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """The first instant (UTC) at which `amount` of working time has passed since `start`."""
        if amount <= _ZERO:
            return start if amount == _ZERO else self.subtract(start, -amount)
        local = start.astimezone(SHANGHAI)
        days, rest = divmod(self._passed(local) + amount, self.day)
        if rest == _ZERO:  # the end of a day comes before the start of the next
            days, rest = days - 1, self.day
        day = self._workday_at(local.year, self._days_before(local.date()) + days)
        for opens, closes in self._on(day):
            if rest <= closes - opens:
                return _instant(day, opens + rest)
            rest -= closes - opens
        raise AssertionError("a day's rest is never longer than the day")

    def subtract(self, end: datetime, amount: timedelta) -> datetime:
        """The last instant (UTC) from which `amount` of working time is left until `end`."""
        if amount <= _ZERO:
            return end if amount == _ZERO else self.add(end, -amount)
        local = end.astimezone(SHANGHAI)
        days, rest = divmod(self._passed(local) - amount, self.day)
        day = self._workday_at(local.year, self._days_before(local.date()) + days)
        for opens, closes in self._on(day):
            if rest < closes - opens:
                return _instant(day, opens + rest)
            rest -= closes - opens
        raise AssertionError("a day's rest is always shorter than the day")

    def _passed(self, local: datetime) -> timedelta:
        """Working time of the local day that has passed."""
        if not self._is_workday(local.date()):
            return _ZERO
        now = _since_midnight(local.time())
        return sum((min(now, closes) - opens for opens, closes in self._on(local.date()) if now > opens), _ZERO)

    def closes_at(self, day: date) -> datetime:
        """The end of office (UTC) on a day, were it a working day."""
        return _instant(day, self._on(day)[-1][1])

    def _on(self, day: date) -> tuple[tuple[timedelta, timedelta], ...]:
        """The spans of a day, since midnight."""
        return self._seasons[bisect_right(self._begins, (day.month, day.day))]

    def _is_workday(self, day: date) -> bool:
        days, at = self._year(day.year), self._days_before(day)
        return at < len(days) and days[at] == day.toordinal()

    def _days_before(self, day: date) -> int:
        """Working days of the year that come before `day`: its place in the year's list."""
        return bisect_left(self._year(day.year), day.toordinal())

    def _workday_at(self, year: int, at: int) -> date:
        """The working day at a place in the year's list; places outside belong to years before or after."""
        while at < 0:
            year -= 1
            at += len(self._year(year))
        while at >= len(self._year(year)):
            at -= len(self._year(year))
            year += 1
        return date.fromordinal(self._year(year)[at])


@dataclass(frozen=True, slots=True)
class RoundTheClock:
    """For urgent classes: every hour counts."""

    def add(self, start: datetime, amount: timedelta) -> datetime:
        return start + amount

    def subtract(self, end: datetime, amount: timedelta) -> datetime:
        return end - amount

    def between(self, start: datetime, end: datetime) -> timedelta:
        return end - start


class CityOffice:
    """The office hours of the city this process serves."""

    @property
    def day(self) -> timedelta:
        """The length of a working day."""
        return calendar_of(city()).day

    def add(self, start: datetime, amount: timedelta) -> datetime:
        return calendar_of(city()).add(start, amount)

    def subtract(self, end: datetime, amount: timedelta) -> datetime:
        return calendar_of(city()).subtract(end, amount)

    def between(self, start: datetime, end: datetime) -> timedelta:
        return calendar_of(city()).between(start, end)

    def closes_at(self, day: date) -> datetime:
        return calendar_of(city()).closes_at(day)


@cache
def calendar_of(rules: CityRules) -> WorkCalendar:
    """The office hours of a city: its seasons, and its own days on top of the public ones."""
    office = rules.office

    def works(day: date) -> bool:
        return day in office.workdays or (day not in office.holidays and is_workday(day))

    seasons = list(office.seasons)
    if seasons[0].begins == (1, 1):
        return WorkCalendar(seasons[0].spans, works, seasons[1:])
    # Until the first season of a year begins, the last of the year before goes on.
    return WorkCalendar(seasons[-1].spans, works, seasons)


def _spans(spans: Sequence[Span]) -> tuple[tuple[timedelta, timedelta], ...]:
    found = tuple((_since_midnight(start), _since_midnight(end)) for start, end in spans)
    edges = [edge for span in found for edge in span]
    if not edges or any(early >= late for early, late in pairwise(edges)):
        raise ValueError("working hours need spans in order that do not overlap")
    return found


def _working_days(year: int, workday: Callable[[date], bool]) -> list[int]:
    """The ordinals of the year's working days, ascending."""
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    return [day for day in range(first, last + 1) if workday(date.fromordinal(day))]


def _since_midnight(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond)


def _instant(day: date, since_midnight: timedelta) -> datetime:
    # China has kept one offset since 1991, so local midnight plus some hours is that wall time.
    return (day_begins(day) + since_midnight).astimezone(UTC)


OFFICE = CityOffice()
ROUND_THE_CLOCK = RoundTheClock()
