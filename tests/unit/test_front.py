"""What the server tells of a request, as WSGI has it."""

import io
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wxapi.platform.front import environ_of
from wxapi.platform.front_body import Body


class Headers(dict[str, str | bytes]):
    """As the server has them: a value that is no text is there by name only."""

    def items(self) -> Any:
        return [(name, value) for name, value in super().items() if isinstance(value, str)]


@dataclass
class Told:
    """A request as RSGI tells of it."""

    path: str
    query_string: str
    http_version: str = "1.1"
    client: str = "127.0.0.1:5000"
    server: str = "127.0.0.1:8000"
    scheme: str = "http"
    method: str = "GET"
    authority: str | None = None
    headers: Headers = field(default_factory=Headers)


TEXT = st.text(st.characters(codec="utf-8"))


@given(TEXT, TEXT)
def test_an_address_that_is_not_in_per_cents_is_taken_as_it_came(path: str, query: str) -> None:
    environ = environ_of(Told(path, query), Body(io.BytesIO(), 0))
    assert environ["PATH_INFO"].encode("latin-1") == path.encode()
    assert environ["QUERY_STRING"].encode("latin-1") == query.encode()


def test_a_key_that_is_no_text_is_a_wrong_key_and_not_none() -> None:
    none, right, wrong = (
        environ_of(Told("/", "", headers=headers), Body(io.BytesIO(), 0)).get("HTTP_IDEMPOTENCY_KEY")
        for headers in (Headers(), Headers({"idempotency-key": "a-1"}), Headers({"idempotency-key": "键".encode()}))
    )
    assert (none, right) == (None, "a-1")
    assert wrong is not None
    assert not wrong.isprintable()
