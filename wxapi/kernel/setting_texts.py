"""What the text of a setting means. Each function raises `ValueError` for what it cannot take. Pure."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from wxapi.kernel.permissions import Role

# A hundred years: every date stays one that databases and calendars take.
LARGEST_OFFSET_S = 100 * 366 * 86400


def require(condition: bool) -> None:  # noqa: FBT001 - reads as a sentence at each call
    """Refuse the text unless something holds."""
    if not condition:
        raise ValueError


def plain(text: str) -> str:
    """Text without control characters."""
    require(text.isprintable())
    return text


def database_url(text: str) -> str:
    """The address of a PostgreSQL, as SQLAlchemy names its driver."""
    scheme, _, rest = text.partition("://")
    require(scheme in {"postgresql", "postgres", "postgresql+psycopg"} and bool(rest))
    return f"postgresql+psycopg://{rest}"


def driver_url(text: str) -> str:
    """An address that `database_url` made, as psycopg itself reads it: without the driver's name in its scheme."""
    return text.replace("postgresql+psycopg://", "postgresql://", 1)


def redis_url(text: str) -> str:
    """The address of a Redis."""
    require(urlsplit(text).scheme in {"redis", "rediss", "unix"})
    return text


def storage_url(text: str) -> str:
    """The address of the file store: `file:///folder` or `s3://bucket/prefix`."""
    parts = urlsplit(text)
    require((parts.scheme == "file" and parts.path.startswith("/")) or (parts.scheme == "s3" and bool(parts.netloc)))
    return text


def web_url(text: str) -> str:
    """An http address without a query, no slash at its end."""
    parts = urlsplit(text)
    require(parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query)
    return text.rstrip("/")


def folder(text: str) -> Path | None:
    """The path of a folder; None for `none`."""
    return None if text == "none" else Path(text)


def log_level(text: str) -> str:
    """The lowest level that is logged."""
    require(text in {"DEBUG", "INFO", "WARNING", "ERROR"})
    return text


def whole(least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers within bounds."""

    def parse(text: str) -> int:
        number = int(text)
        require(least <= number <= most)
        return number

    return parse


def clock_offset(text: str) -> float | None:
    """Seconds the clock is ahead, or `none`."""
    if text == "none":
        return None
    seconds = float(text)
    require(math.isfinite(seconds) and abs(seconds) <= LARGEST_OFFSET_S)
    return seconds


def training_goals(text: str) -> Mapping[str, int]:
    """Credit hours a year by role, from `default=32,street_chief=56`; `default` is required."""
    goals = {name: int(hours) for name, hours in _pairs(text)}
    require(
        "default" in goals
        and goals.keys() <= {"default", *Role}
        and all(0 <= hours <= 1000 for hours in goals.values())
    )
    return goals


def days_by_category(text: str) -> Mapping[str, int]:
    """Days by category from `photos=730,people=365`; an empty text gives none."""
    return {name: int(days) for name, days in _pairs(text)}


def switch(text: str) -> bool:
    """Whether the text says `on`; `off` is the only other one."""
    require(text in {"on", "off"})
    return text == "on"


def _pairs(text: str) -> list[tuple[str, str]]:
    found = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    return [(name, value) for name, _, value in found]
