"""What the server tells of a request, as WSGI has it."""

import io
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from wxapi.platform.front import Body, environ_of


@dataclass(frozen=True)
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
    headers: dict[str, str] = field(default_factory=dict)


TEXT = st.text(st.characters(codec="utf-8"))


@given(TEXT, TEXT)
def test_an_address_that_is_not_in_per_cents_is_taken_as_it_came(path: str, query: str) -> None:
    environ = environ_of(Told(path, query), Body(io.BytesIO(), 0))
    assert environ["PATH_INFO"].encode("latin-1") == path.encode()
    assert environ["QUERY_STRING"].encode("latin-1") == query.encode()
