"""Keyset paging: a cursor names the last row seen, so that inserts never shift a page.

The cursor is opaque to clients: base64url of the JSON list of the sort key's values. It comes back from outside, so
every value is read as the type its column has.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

from wxapi.kernel.errors import MalformedError
from wxapi.kernel.json_text import encoder
from wxapi.kernel.text import fits_in_url

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
_LARGEST = 2**63 - 1
_compact = encoder(ensure_ascii=False, separators=(",", ":"), default=str)

RowT = TypeVar("RowT")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
Key = Sequence[str | int | datetime | date | UUID]


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """One page: at most `limit` rows, and the cursor of the next page or None."""

    items: Sequence[RowT]
    next_cursor: str | None


def encode_cursor(values: Key) -> str:
    """Make a cursor of the last row's sort key."""
    plain = [value.isoformat() if isinstance(value, date) else value for value in values]
    raw = _compact(plain).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@overload
def decode_cursor(cursor: str, first: type[A], /) -> tuple[A]: ...
@overload
def decode_cursor(cursor: str, first: type[A], second: type[B], /) -> tuple[A, B]: ...
@overload
def decode_cursor(cursor: str, first: type[A], second: type[B], third: type[C], /) -> tuple[A, B, C]: ...
def decode_cursor(cursor: str, *kinds: type[Any]) -> tuple[Any, ...]:
    """Read a cursor back as values of these types: str, int, datetime (with a zone), date or UUID.

    Raises:
        MalformedError: `cursor_invalid`, it is not a list of just such values.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        values = json.loads(raw)
        if not isinstance(values, list) or len(values) != len(kinds):
            raise bad_cursor()
        return tuple(_READ[kind](value) for kind, value in zip(kinds, values, strict=True))
    except (TypeError, ValueError, OverflowError, RecursionError, binascii.Error) as error:
        raise bad_cursor() from error


def page_of(rows: Sequence[RowT], limit: int, key: Callable[[RowT], Key]) -> Page[RowT]:
    """Cut `limit + 1` fetched rows to a page; the extra row only tells that there is more."""
    if len(rows) <= limit:
        return Page(rows, None)
    items = rows[:limit]
    return Page(items, encode_cursor(key(items[-1])))


def bad_cursor() -> MalformedError:
    """The refusal of a cursor that no page of the list gave."""
    return MalformedError("cursor_invalid", "分页参数无效，请从第一页重新加载。")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not fits_in_url(value):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) > _LARGEST:
        raise TypeError
    return value


def _instant(value: Any) -> datetime:
    at = datetime.fromisoformat(_text(value))
    if at.tzinfo is None:
        raise ValueError
    return at.astimezone(UTC)


_READ: Mapping[type[Any], Callable[[Any], Any]] = {
    str: _text,
    int: _whole,
    datetime: _instant,
    date: lambda value: date.fromisoformat(_text(value)),
    UUID: lambda value: UUID(_text(value)),
}
