"""One call to the fake and its answer."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

JSON = "application/json; charset=utf-8"
PLAIN = "text/plain"  # as some real answers are: JSON, and no charset


@dataclass(frozen=True, slots=True)
class Call:
    """A request: `body` is the JSON object in `raw`, or None where there is none."""

    path: str
    query: Mapping[str, str]
    raw: bytes
    body: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Answer:
    content: bytes
    content_type: str = JSON
    status: int = 200


@dataclass(slots=True)
class RefusedError(Exception):
    """The API answers an error code; `about` goes in front of the errmsg's rid."""

    errcode: int | str
    about: str


Handler = Callable[..., Answer]


def json_answer(fields: Mapping[str, Any], *, content_type: str = JSON, status: int = 200) -> Answer:
    """An answer as JSON, Chinese unescaped as the real one writes it."""
    return Answer(json.dumps(fields, ensure_ascii=False).encode(), content_type, status)


def done(**fields: Any) -> Answer:
    """Success with `errcode` 0."""
    return json_answer({"errcode": 0, "errmsg": "ok", **fields})


def refusal(errcode: int | str, about: str, *, content_type: str = JSON) -> Answer:
    """An error as the real one words it, HTTP 200 and with a rid; not always under the right content type."""
    rid = f"{secrets.token_hex(4)}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    return json_answer({"errcode": errcode, "errmsg": f"{about} rid: {rid}"}, content_type=content_type)


def read_body(raw: bytes) -> dict[str, Any] | None:
    """The JSON object of a request, or None."""
    try:
        body = json.loads(raw.decode("utf-8"))
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
