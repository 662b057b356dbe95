"""What the server tells of a request, as WSGI has it."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wxapi.platform.front import environ_of
from wxapi.platform.front_body import Body, read_body


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


def test_a_body_that_does_not_come_is_given_up_and_its_request_goes_on() -> None:
    async def read(seconds: float, after: float) -> Body:
        coming: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(after, lambda: coming.done() or coming.set_result(b"ab"))
        headers = Headers({"content-length": "2"})
        body = await read_body(headers, lambda: coming, longest=9, seconds=seconds)
        await asyncio.sleep(0.03)  # whoever asked is not cancelled, then or later
        return body

    async def stopped() -> str:
        task = asyncio.create_task(read(9.0, 9.0))
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            return str(await task)
        return "stopped"

    with ThreadPoolExecutor(1) as apart:  # a browser of earlier tests has a loop that runs in this thread
        late, whole, end = apart.map(asyncio.run, [read(0.01, 9.0), read(0.02, 0.0), stopped()])
    assert (late.late, late.content.read()) == (True, b"")
    assert (whole.late, whole.content.read()) == (False, b"ab")
    assert end == "stopped", "somebody else's end of it is no late body"
