"""JSON in and out: the base of all request schemas, paging parameters, and quick answers for hot lists."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate

from wxapi.kernel.paging import DEFAULT_LIMIT, MAX_LIMIT, Page
from wxapi.platform import sentences

# Before any schema is made: a field takes its sentences when it is built.
sentences.install()

Row = TypeVar("Row")

# Characters that show nothing, turn text around or break lines of logs; newline and tab are let through.
_CONTROL = {*range(0x20), 0x7F, *range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)} - {
    0x09,
    0x0A,
}


# 4 digits of a city, 6 of a county, 9 of a township, 12 of a village, 15 of a grid; ASCII digits only.
# Written so that it means the same in the OpenAPI document, which knows JavaScript's patterns.
REGION_CODE = validate.Regexp(
    r"^[0-9]{4}([0-9]{2}([0-9]{3}([0-9]{3}([0-9]{3})?)?)?)?$(?!\n)", error="不是有效的区划代码。"
)

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")


class WireSchema(Schema):
    """Base of all schemas: unknown fields are refused (marshmallow's default, said aloud), order is kept."""

    class Meta:
        unknown = "raise"
        ordered = True


class Text(fields.String):
    """Text a person typed: trimmed, without control or direction characters, of limited length in characters."""

    def __init__(self, *, max_length: int, min_length: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = [*self.validators, validate.Length(min=min_length or None, max=max_length)]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs).strip()
        if any(ord(character) in _CONTROL or 0xD800 <= ord(character) <= 0xDFFF for character in text):
            raise ValidationError("不能包含控制字符。")
        return text


class Number(fields.Float):
    """A number in JSON: not a text that looks like one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Boolean(fields.Boolean):
    """`true` or `false` in JSON: not a number or a text that reads like one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class QueryNumber(fields.Float):
    """A number in a query: plain decimal digits, none of what else Python reads as one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class QueryInteger(fields.Integer):
    """A whole number in a query: plain decimal digits."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not _WHOLE.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class PageQuery(WireSchema):
    """`?limit=&cursor=` of every list."""

    limit = QueryInteger(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.String(load_default=None, validate=validate.Length(max=500))


def dumps(value: Any) -> bytes:
    """JSON as bytes, Chinese unescaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half a character, echoed from a request, has no UTF-8; what stands for it here is JSON's own escape of it.
    return text.encode(errors="backslashreplace")


def json_response(value: Any, status: int = 200) -> Response:
    """Send a plain value as JSON."""
    return Response(dumps(value), status=status, content_type="application/json")


def page_response(page: Page[Row], shape: Callable[[Row], dict[str, Any]]) -> Response:
    """Send one page of a list, each row shaped by a plain function."""
    return json_response({"items": [shape(row) for row in page.items], "next_cursor": page.next_cursor})


def items_response(items: Iterable[dict[str, Any]]) -> Response:
    """Send a short list that has no further page."""
    return json_response({"items": list(items), "next_cursor": None})
