"""Keyset paging: a cursor names the last row seen, so that inserts never shift a page.

The cursor is opaque to clients: base64url of the JSON list of the sort key's values.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from wxapi.kernel.errors import MalformedError

DEFAULT_LIMIT = 20
MAX_LIMIT = 100

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page: at most `limit` rows, and the cursor of the next page or None."""

    items: Sequence[Row]
    next_cursor: str | None


def encode_cursor(values: Sequence[str | int | float | None]) -> str:
    """Make a cursor of the last row's sort key."""
    raw = json.dumps(list(values), ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_cursor(cursor: str, *, length: int) -> list[Any]:
    """Read a cursor back; anything else than a list of `length` plain values is malformed."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        values = json.loads(raw)
    except (ValueError, binascii.Error) as error:
        raise bad_cursor() from error
    if not isinstance(values, list) or len(values) != length or any(isinstance(v, dict | list) for v in values):
        raise bad_cursor()
    return values


def page_of(rows: Sequence[Row], limit: int, key: Callable[[Row], Sequence[str | int | float | None]]) -> Page[Row]:
    """Cut `limit + 1` fetched rows to a page; the extra row only tells that there is more."""
    if len(rows) <= limit:
        return Page(rows, None)
    items = rows[:limit]
    return Page(items, encode_cursor(key(items[-1])))


def bad_cursor() -> MalformedError:
    """The refusal of a cursor that no page of the list gave."""
    return MalformedError("cursor_invalid", "分页参数无效,请从第一页重新加载。")
