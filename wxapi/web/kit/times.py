"""Times as people say them. Pure: the present is passed in. All in Asia/Shanghai."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from wxapi.kernel.clock import SHANGHAI, day_in_words, local_day

_DAY_NAMES = {-1: "昨天", 0: "今天", 1: "明天"}
_HOUR = timedelta(hours=1)
_TWO_DAYS = timedelta(days=2)


class Urgency(StrEnum):
    """How near a due time is; also the name of its colour."""

    LATE = "late"
    SOON = "soon"
    EASY = "easy"


def spoken(at: datetime, now: datetime) -> str:
    """`今天 10:32`, `昨天 18:05`, `11月3日 09:00`, `2025年12月31日 09:00`."""
    local, today = at.astimezone(SHANGHAI), local_day(now)
    name = _DAY_NAMES.get((local.date() - today).days) or calendar_day(local.date(), now)
    return f"{name} {local.time().isoformat('minutes')}"


def spoken_end(ends_at: datetime, starts_at: datetime, now: datetime) -> str:
    """Where something ends that began then: `12:30` on the same day, else as `spoken`."""
    same = ends_at.astimezone(SHANGHAI).date() == starts_at.astimezone(SHANGHAI).date()
    return ends_at.astimezone(SHANGHAI).time().isoformat("minutes") if same else spoken(ends_at, now)


def wait(seconds: int) -> str:
    """`40 秒`, `3 分钟`, `2 小时`: never less than it is."""
    for unit, length in (("小时", 3600), ("分钟", 60)):
        if seconds > length:
            return f"{-(-seconds // length)} {unit}"
    return f"{max(1, seconds)} 秒"


def calendar_day(day: date, now: datetime) -> str:
    """`12月10日`, `2027年1月4日`."""
    return day_in_words(day, local_day(now))


def iso_day(text: str) -> str:
    """`2026年12月10日` for `2026-12-10`, `2026年12月` for `2026-12`, any other text as it is."""
    is_month = len(text) == len("2026-12")
    try:
        day = date.fromisoformat(f"{text}-01" if is_month else text)
    except ValueError:
        return text
    return f"{day.year}年{day.month}月" + ("" if is_month else f"{day.day}日")


def dated(at: datetime) -> str:
    """`2026年11月23日 10:32`, for paper that is read on another day."""
    return exact(at)[:-3]


def exact(at: datetime) -> str:
    """`2026年11月23日 10:32:05`."""
    local = at.astimezone(SHANGHAI)
    return f"{local.year}年{local.month}月{local.day}日 {local.time().isoformat('seconds')}"


def remaining(due: datetime, now: datetime) -> str:
    """`剩 2 小时` before a due time, `超期 3 小时` after it; whole minutes, hours, or from two days on days."""
    word, span = ("剩", due - now) if due > now else ("超期", now - due)
    return f"{word} {_span(span)}"


def urgency(due: datetime, now: datetime) -> Urgency:
    """Past due, due within four hours, or later."""
    if due <= now:
        return Urgency.LATE
    return Urgency.SOON if due - now <= 4 * _HOUR else Urgency.EASY


def _span(span: timedelta) -> str:
    if span < _HOUR:
        return f"{max(1, int(span.total_seconds() // 60))} 分钟"
    if span < _TWO_DAYS:
        return f"{int(span / _HOUR)} 小时"
    return f"{span.days} 天"
