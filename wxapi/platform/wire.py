"""JSON in and out: the base of all request schemas, paging parameters, and quick answers for hot lists."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cache
from math import isfinite
from typing import Any, TypeVar

import orjson
from flask import Response, request
from marshmallow import Schema, ValidationError, fields, missing, validate
from marshmallow.decorators import VALIDATES_SCHEMA
from marshmallow.types import UnknownOption
from werkzeug.datastructures import Headers

from wxapi.kernel.json_text import encoder
from wxapi.kernel.paging import DEFAULT_LIMIT, MAX_LIMIT, Page
from wxapi.kernel.text import TextError, clean_text, is_word
from wxapi.platform import sentences

# Before any schema is made: a field takes its sentences when it is built.
sentences.install()

RowT = TypeVar("RowT")

# Marks a field of the OpenAPI document until it is complete: of which group its codes are.
CODES_OF = "x-codes-of"

# 4 digits of a city, 6 of a county, 9 of a township, 12 of a village, 15 of a grid; ASCII digits only.
# Written so that it means the same in the OpenAPI document, which knows JavaScript's patterns.
_REGION_CODE = validate.Regexp(r"^[0-9]{4}([0-9]{2}([0-9]{3}([0-9]{3}([0-9]{3})?)?)?)?$(?!\n)", error="区划代码无效。")

_WHOLE = re.compile(r"-?[0-9]{1,18}")
# What is no JSON is a mistake of ours: whoever shapes an answer says how a date is written.
_ONLY_JSON = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_compact = encoder(ensure_ascii=False, separators=(",", ":"))
# Statuses of an answer that has its content with it, and no address that werkzeug would have to write in per cents.
_WITH_CONTENT = frozenset({200, 201, 202})
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")

# Of a field: what it is kept as, whether null is taken, what reads it, and what that has to be content with.
_Taker = tuple[str, bool, Callable[..., Any], tuple[Callable[[Any], Any], ...]]


class WireSchema(Schema):
    """Base of all schemas: unknown fields are refused (marshmallow's default, said aloud)."""

    class Meta:
        unknown = "raise"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._by_key: dict[str, _Taker] = {}
        self._defaults: dict[str, Any] = {}
        self._made_defaults: list[tuple[str, Callable[[], Any]]] = []
        required = set()
        for name, field in self.load_fields.items():
            key, kept_as, default = field.data_key or name, field.attribute or name, field.load_default
            self._by_key[key] = kept_as, field.allow_none, field._deserialize, (*field.validators,)  # noqa: SLF001
            if field.required:
                required.add(key)
            elif callable(default):
                self._made_defaults.append((kept_as, default))
            elif default is not missing:
                self._defaults[kept_as] = default
        self._required = frozenset(required)
        hooks: dict[str, list[tuple[str, bool, Any]]] = {kind: found for kind, found in self._hooks.items() if found}
        checks = hooks.pop(VALIDATES_SCHEMA, [])
        self._checks = [getattr(self, name) for name, _, _ in checks]
        special = any(of_many or how.get("pass_original") for _, of_many, how in checks)
        special |= any(field.pre_load or field.post_load for field in self.load_fields.values())
        self._is_plain = not (hooks or special or self.many or self.partial)

    def load(
        self, data: Any, *, many: bool | None = None, partial: Any = None, unknown: UnknownOption | None = None
    ) -> Any:
        """Take what was sent, key by key; where any is not right, marshmallow's own way finds all that is wrong.

        That way makes a function and a place for errors for each field, which costs more than to take it.
        """
        if not self._is_plain or many or partial or not isinstance(data, Mapping):
            return super().load(data, many=many, partial=partial, unknown=unknown)
        given = {key: data[key] for key in self._by_key if key in data} if unknown == "exclude" else data
        if self._by_key.keys() >= given.keys() >= self._required:
            with suppress(ValidationError):
                return self._taken(given, unknown)
        return super().load(data, unknown=unknown)

    def _taken(self, data: Mapping[str, Any], unknown: UnknownOption | None) -> dict[str, Any]:
        taken, by_key = self._defaults.copy(), self._by_key
        for name, make in self._made_defaults:
            taken[name] = make()
        for key, given in data.items():
            name, may_be_none, deserialize, validators = by_key[key]
            if given is None:
                if not may_be_none:
                    raise ValidationError("null")
                taken[name] = None
            else:
                taken[name] = value = deserialize(given, key, data)
                for validated in validators:
                    validated(value)
        for check in self._checks:
            check(taken, many=False, partial=None, unknown=unknown)
        return taken


class _OneSentence(fields.Field[Any]):
    """Says one thing of one slip: the first of its validators that is not content; the narrowest stands first."""

    def _validate(self, value: Any) -> None:
        for validator in self.validators:
            validator(value)


class Text(_OneSentence, fields.String):
    """Text a person typed, of one line or several; see `kernel.text.clean_text`. Its length counts as it is kept."""

    lines = True

    def __init__(self, *, max_length: int, min_length: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = [*self.validators, sentences.Characters(min=min_length or None, max=max_length)]

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            return clean_text(value, lines=self.lines)
        except TextError as error:
            raise ValidationError(error.sentence) from error


class Line(Text):
    """Text a person typed, of one line: a name, a title, a search."""

    lines = False


class PlainWord(_OneSentence, fields.String):
    """Text a program made: a code, a token, a key. Taken as it is, or refused."""

    def __init__(self, *, max_length: int, min_length: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = [*self.validators, sentences.Characters(min=min_length or None, max=max_length)]

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not is_word(value):
            raise ValidationError("不能包含控制字符或无效字符。")
        return value


class RegionCode(PlainWord):
    """The code of a region, from a city's to a grid's."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=15, validate=_REGION_CODE, **kwargs)


class Choice(PlainWord):
    """One of a few words; for those that have no enumeration.

    Args:
        choices: what is read.
        offered: those of them that the OpenAPI document and a refusal name, where the others are for nobody to send.
    """

    def __init__(self, choices: Sequence[str], *, offered: Sequence[str] | None = None, **kwargs: Any) -> None:
        one_of = validate.OneOf(choices)
        if offered is not None:
            one_of = validate.OneOf(choices, error=one_of.error.replace("{choices}", ", ".join(offered)))
            kwargs["metadata"] = {"enum": list(offered)}
        super().__init__(max_length=max(map(len, choices)), validate=one_of, **kwargs)


class ListedCode(fields.String):
    """A code of an answer that features bring; `wxapi.app` tells the OpenAPI document which there are of a group."""

    def __init__(self, group: str, **kwargs: Any) -> None:
        super().__init__(metadata={CODES_OF: group}, **kwargs)


class Number(_OneSentence, fields.Float):
    """A number in JSON: not a text that looks like one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if isinstance(value, float) and isfinite(value):  # as most are: the library asks it six things more
            return value
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


class Day(fields.Date):
    """A date that is asked for or set: of this and the last century and the next, so that days may be added to it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(date(1900, 1, 1), date(2199, 12, 31)), **kwargs)


class PageQuery(WireSchema):
    """`?limit=&cursor=` of every list."""

    limit = QueryInteger(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    cursor = PlainWord(load_default=None, max_length=500)


def dumps(value: Any) -> bytes:
    """JSON as bytes, Chinese unescaped.

    Raises:
        TypeError: there is something in it that no JSON is made of, such as a date.
    """
    try:
        return orjson.dumps(value, option=_ONLY_JSON)
    except orjson.JSONEncodeError:
        # What the library refuses and Python writes: keys that are numbers, integers beyond 64 bits, named tuples, and
        # a lone surrogate, echoed from a request, which UTF-8 has nothing for: it is written as a JSON escape.
        return _compact(value).encode(errors="backslashreplace")


class _Whole(Response):
    """JSON that is there as a whole and knows its length: nothing is looked for as it is made, or as it is sent.

    What it holds is what Flask's own holds of the same content.
    """

    def __init__(self, content: bytes, status: int) -> None:
        self.headers = Headers()
        self.headers._list += (("Content-Type", "application/json"), ("Content-Length", str(len(content))))  # noqa: SLF001
        self._status, self._status_code = _status_line(status)
        self.direct_passthrough = False
        self.response = [content]
        self._on_close = []

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        content = self.response
        usual = self._status_code in _WITH_CONTENT and type(content) is list and not self._on_close
        if not usual or environ["REQUEST_METHOD"] == "HEAD":
            return super().__call__(environ, start_response)
        start_response(self._status, [*self.headers])
        return content  # type: ignore[return-value]


@cache
def _status_line(status: int) -> tuple[str, int]:
    made = Response(status=status)
    return made.status, made.status_code


def json_response(value: Any, status: int = 200) -> Response:
    """Send a plain value as JSON."""
    return _Whole(dumps(value), status)


def conditional(answer: Response, *, shows: Any = None) -> Response:
    """Give an answer its ETag; who has it already gets a 304.

    Args:
        answer: what would be sent.
        shows: what of it has to be the same, where the rest tells only when it was asked.
    """
    if shows is None:
        answer.add_etag()
    else:
        answer.set_etag(hashlib.sha256(dumps(shows)).hexdigest()[:40], weak=True)
    answer.make_conditional(request)
    return answer


def page_response(page: Page[RowT], shape: Callable[[RowT], dict[str, Any]]) -> Response:
    """Send one page of a list, each row shaped by a plain function."""
    return json_response({"items": [shape(row) for row in page.items], "next_cursor": page.next_cursor})


def items_response(items: Iterable[dict[str, Any]]) -> Response:
    """Send a short list that has no further page."""
    return json_response({"items": list(items), "next_cursor": None})
