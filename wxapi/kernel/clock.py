"""Time is passed in: services take `now`, tests turn a `FixedClock` instead of sleeping."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
_TWO_DIGITS = [f"{number:02}" for number in range(60)]
_THREE_DIGITS = [f"{number:03}" for number in range(1000)]


class Clock(Protocol):
    """Anything that tells the time, in UTC."""

    def now(self) -> datetime: ...

    def ahead(self) -> timedelta:
        """How far it is ahead of the machine's clock, by which the database counts; zero except in a demo."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def ahead(self) -> timedelta:
        return timedelta()


class FixedClock:
    """A clock that moves only when told to."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def ahead(self) -> timedelta:
        return timedelta()

    def advance(self, **delta: float) -> datetime:
        """Move on by `timedelta(**delta)` and return the new time."""
        self.at += timedelta(**delta)
        return self.at


def to_wire(at: datetime) -> str:
    """RFC 3339 in UTC with `Z`, milliseconds.

    Put together of parts that are kept: to have the library write each anew took an eighth of a desk's list.
    """
    at = at.astimezone(UTC)
    return f"{_to_the_second(at)}.{_THREE_DIGITS[at.microsecond // 1000]}Z"


def to_the_microsecond(at: datetime) -> str:
    """What `isoformat(timespec="microseconds")` makes of the instant in UTC, in a third of its time."""
    at = at.astimezone(UTC)
    return f"{_to_the_second(at)}.{at.microsecond:06}+00:00"


def _to_the_second(at: datetime) -> str:
    time_of_day = f"{_TWO_DIGITS[at.hour]}:{_TWO_DIGITS[at.minute]}:{_TWO_DIGITS[at.second]}"
    return f"{_written_day(at.toordinal())}T{time_of_day}"


@lru_cache(maxsize=4096)
def _written_day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def local_day(at: datetime) -> date:
    """The Asia/Shanghai calendar day of an instant."""
    return at.astimezone(SHANGHAI).date()


def day_in_words(day: date, today: date) -> str:
    """A day as people say it: `12月10日`, in another year than today's `2027年1月4日`."""
    name = f"{day.month}月{day.day}日"
    return name if day.year == today.year else f"{day.year}年{name}"


def day_begins(day: date) -> datetime:
    """The instant an Asia/Shanghai day begins."""
    return datetime.combine(day, time(), SHANGHAI)


def to_wire_or_none(at: datetime | None) -> str | None:
    """As `to_wire`, for an instant that may not be there."""
    return to_wire(at) if at else None
