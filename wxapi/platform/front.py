"""The API for `granian --interface rsgi wsgi:front`: a body is read before a thread is taken.

A WSGI server gives every request a thread and lets the thread wait for the body, so a few connections that send
nothing stop everybody. Here an event loop reads each body within its time; the threads get whole requests only.
"""

import asyncio
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol

from wxapi.platform.front_body import BODY_BROKEN, BODY_LATE, BODY_NOT_KEPT, JSON_SECONDS, MAX_JSON, Body, read_body

# As many as a process may hold connections without going over its pool: most for all, a few for each lane.
_THREADS = 8
_LANE_THREADS = 4
# In the WSGI environment, the request's `Idempotency-Key`.
KEY = "HTTP_IDEMPOTENCY_KEY"
# In the WSGI environment, where a route was found: what the treatment brought of it, for the app not to look again.
ROUTED = "wxapi.routed"

Headers = list[tuple[str, str]]
FrontAnswer = tuple[int, Headers, bytes]
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a request is received: on which lane it runs ("" for the common one), bytes and seconds of its body."""

    lane: str = ""
    longest: int = MAX_JSON
    seconds: float = JSON_SECONDS


class Scope(Protocol):
    """What RSGI tells of a request; `path` is decoded."""

    http_version: str
    client: str
    server: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: Any


class Front:
    """Speaks RSGI to the server and WSGI to the app.

    Args:
        app: a WSGI app; it answers 408 where the environment holds `BODY_LATE`, 400 where it holds `BODY_BROKEN`, 503
            where it holds `BODY_NOT_KEPT`, and refuses by length what is too long.
        treatment: by method and path; with the route and what the path names where they were found on the way, for
            the app.
        at_start: called when the server's process begins.
        at_end: called when the server's process ends.
    """

    def __init__(
        self,
        app: WsgiApp,
        treatment: Callable[[str, str], tuple[Treatment, Any]],
        *,
        at_start: Callable[[], object] = lambda: None,
        at_end: Callable[[], object] = lambda: None,
    ) -> None:
        self._app = app
        self._treatment = treatment
        self._at_start, self._at_end = at_start, at_end
        self._lanes: dict[str, _Lane] = {}

    def __rsgi_init__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Called by the server at the beginning of each of its processes."""
        self._at_start()

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Called by the server at the end of each of its processes."""
        for lane in self._lanes.values():
            lane.end()
        self._at_end()

    async def __rsgi__(self, scope: Scope, protocol: Any) -> None:
        """Answer one request."""
        treatment, routed = self._treatment(scope.method, scope.path)
        body = await read_body(scope.headers, protocol, longest=treatment.longest, seconds=treatment.seconds)
        environ = environ_of(scope, body)
        if routed is not None:
            environ[ROUTED] = routed
        try:
            status, headers, content = await self._lane(treatment.lane).run(environ)
        finally:
            body.content.close()
        protocol.response_bytes(status, headers, content)

    def _lane(self, name: str) -> "_Lane":
        """A lane, made in the process that runs it."""
        if name not in self._lanes:
            self._lanes[name] = _Lane(self._app, name or "request", _LANE_THREADS if name else _THREADS)
        return self._lanes[name]


class _Lane:
    """Threads that answer requests, in the order in which they came.

    An executor of the library makes two futures and takes four locks a request: a tenth of a small one.
    """

    def __init__(self, app: WsgiApp, name: str, threads: int) -> None:
        self._app = app
        self._waiting: SimpleQueue[tuple[dict[str, Any], asyncio.Future[FrontAnswer]] | None] = SimpleQueue()
        self._threads = [Thread(target=self._work, name=f"{name}_{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def run(self, environ: dict[str, Any]) -> "asyncio.Future[FrontAnswer]":
        """Have a request answered."""
        answered: asyncio.Future[FrontAnswer] = asyncio.get_running_loop().create_future()
        self._waiting.put((environ, answered))
        return answered

    def end(self) -> None:
        """Answer what waits, and stop."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (request := self._waiting.get()) is not None:
            environ, answered = request
            result: FrontAnswer | BaseException
            try:
                result = _answer(self._app, environ)
            except BaseException as error:  # noqa: BLE001 - whoever waits for the answer gets it
                result = error
            with suppress(RuntimeError):  # the loop has ended: nobody waits
                answered.get_loop().call_soon_threadsafe(_tell, answered, result)


def _tell(answered: "asyncio.Future[FrontAnswer]", result: "FrontAnswer | BaseException") -> None:
    if answered.done():  # given up meanwhile
        return
    if isinstance(result, BaseException):
        answered.set_exception(result)
    else:
        answered.set_result(result)


def environ_of(scope: Scope, body: Body) -> dict[str, Any]:
    """What WSGI tells an app of a request."""
    client, _, _ = scope.client.rpartition(":")
    host, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        # A sender may leave Chinese as it is instead of writing it in per cents: bytes, as WSGI takes them.
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client.strip("[]"),
        "CONTENT_LENGTH": str(body.length),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body.content,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    _add_headers(environ, scope.headers)
    if body.late:
        environ[BODY_LATE] = True
    if body.broken:
        environ[BODY_BROKEN] = True
    if body.not_kept:
        environ[BODY_NOT_KEPT] = body.not_kept
    return environ


@lru_cache(maxsize=256)
def _key_of(name: str) -> str:
    """Under which key a header stands in the environment; "" where it stands nowhere."""
    if name == "content-type":
        return "CONTENT_TYPE"
    if "_" in name or name in {"content-length", "transfer-encoding"}:  # `X_Y` would pass for `X-Y`
        return ""
    return "HTTP_" + name.upper().replace("-", "_")


def _add_headers(environ: dict[str, Any], headers: Any) -> None:
    for name, value in headers.items():
        key = _key_of(name)
        if key in environ and key != "CONTENT_TYPE":
            joint = "; " if key == "HTTP_COOKIE" else ","
            environ[key] = f"{environ[key]}{joint}{value}"
        elif key:
            environ[key] = value
    if KEY not in environ and "idempotency-key" in headers:
        # The server leaves a value out that is no ASCII. As none at all it would be passed over, not refused.
        environ[KEY] = "\x7f"


def _answer(app: WsgiApp, environ: dict[str, Any]) -> FrontAnswer:
    """Run the app to its end."""
    begun: list[Any] = []

    def start(status: str, headers: Headers, _error: Any = None) -> None:
        begun[:] = [int(status.split(" ", 1)[0]), headers]

    parts = app(environ, start)
    try:
        content = b"".join(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    status, headers = begun
    return status, headers, content
