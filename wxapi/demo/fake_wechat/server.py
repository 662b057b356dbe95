"""The HTTP server: real sockets, a thread per connection, this machine only."""

import socket
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from wxapi.demo.fake_wechat import content_apis, control, identity_apis, message_apis
from wxapi.demo.fake_wechat.exchange import JSON, PLAIN, Answer, Call, Handler, RefusedError, read_body, refusal
from wxapi.demo.fake_wechat.faults import FakeFault, take
from wxapi.demo.fake_wechat.pusher import start_postman
from wxapi.demo.fake_wechat.world import World

_LARGEST_BODY = 1024 * 1024
_IDLE_SECONDS = 60
_HTML = b"<html><head><title>\xe7\xb3\xbb\xe7\xbb\x9f\xe7\xb9\x81\xe5\xbf\x99</title></head></html>"

# Path → (method, whether an access token is wanted, handler).
APIS: dict[str, tuple[str, bool, Handler]] = {
    "/sns/jscode2session": ("GET", False, identity_apis.jscode2session),
    "/cgi-bin/stable_token": ("POST", False, identity_apis.stable_token),
    "/cgi-bin/token": ("GET", False, identity_apis.classic_token),
    "/wxa/business/getuserphonenumber": ("POST", True, identity_apis.phone_number),
    "/wxa/checksession": ("GET", True, identity_apis.check_session),
    "/wxa/msg_sec_check": ("POST", True, content_apis.msg_sec_check),
    "/wxa/media_check_async": ("POST", True, content_apis.media_check_async),
    "/wxa/getwxacodeunlimit": ("POST", True, content_apis.wxa_code),
    "/cgi-bin/message/subscribe/send": ("POST", True, message_apis.subscribe_send),
}
# Where even an error comes under the content type of success.
_ERROR_TYPES = {"/sns/jscode2session": PLAIN, "/wxa/getwxacodeunlimit": "image/jpeg"}
# Calls a minute, and the code that says so.
_MINUTE_LIMITS = {
    "/cgi-bin/stable_token": (10_000, 45011),
    "/wxa/msg_sec_check": (4_000, 45011),
    "/wxa/media_check_async": (2_000, 45011),
    "/wxa/getwxacodeunlimit": (5_000, 45009),
}


class FakeServer(ThreadingHTTPServer):
    """One fake WeChat on a port (0: any free one), of loopback unless told otherwise."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, world: World, port: int, host: str = "127.0.0.1") -> None:
        super().__init__((host, port), _Connection)
        self.world = world
        start_postman(world)

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A phone or client that hangs up is daily life here; nothing is printed (URLs hold secrets)."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "FakeWeChat"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: FakeServer

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the request line holds secrets, codes and tokens."""

    def _handle(self, method: str) -> None:
        call = self._read()
        world = self.server.world
        if call.path.startswith("/_fake"):
            self._send(control.obey(world, method, call))
            return
        with world.lock:
            world.calls[call.path] += 1
            fault = take(world.faults, call, _who(world, call))
        if fault is None:
            self._send(_work(world, method, call))
        else:
            self._misbehave(fault, world, method, call)

    def _read(self) -> Call:
        parts = urlsplit(self.path)
        length = min(int(self.headers.get("Content-Length") or 0), _LARGEST_BODY)
        raw = self.rfile.read(length)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Call(parts.path, query, raw, read_body(raw) if raw else None)

    def _misbehave(self, fault: FakeFault, world: World, method: str, call: Call) -> None:
        time.sleep(fault.delay)
        if fault.drop == "before":
            self._cut()
            return
        answer = fault.instead() or _work(world, method, call)
        if fault.drop == "after":
            self._cut()
        elif fault.html:
            self._send(Answer(_HTML, "text/html"))
        else:
            self._send(answer, cut_short=fault.truncate)

    def _send(self, answer: Answer, *, cut_short: bool = False) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content[: len(answer.content) // 2] if cut_short else answer.content)
        if cut_short:
            self.wfile.flush()
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _who(world: World, call: Call) -> str:
    """The person a call is about, by openid or by whose code it carries."""
    given = {**call.query, **(call.body or {})}
    code = world.codes.get(str(given.get("js_code") or given.get("code") or ""))
    return code.openid if code else str(given.get("openid") or given.get("touser") or "")


def _work(world: World, method: str, call: Call) -> Answer:
    with world.lock:
        try:
            answer = _admitted(world, method, call)(world, call)
            errcode: int | str = 0
        except RefusedError as error:
            content_type = _ERROR_TYPES.get(call.path, JSON)
            answer, errcode = refusal(error.errcode, error.about, content_type=content_type), error.errcode
        world.answers[f"{call.path} {errcode}"] += 1
    return answer


def _admitted(world: World, method: str, call: Call) -> Handler:
    """The handler of a call that is well-formed, within the limits and carries a good token where one is wanted."""
    if call.path not in APIS:
        raise RefusedError(40066, "invalid url")
    wanted_method, wants_token, handler = APIS[call.path]
    if method != wanted_method:
        raise RefusedError(43002 if wanted_method == "POST" else 43001, f"require {wanted_method} method")
    _count_minute(world, call.path)
    if wants_token:
        world.tokens.check(call.query.get("access_token"), world.now())
    if method == "POST" and call.body is None:
        raise RefusedError(47001, "data format error")
    return handler


def _count_minute(world: World, path: str) -> None:
    limit, errcode = _MINUTE_LIMITS.get(path, (0, 0))
    minute = (path, int(world.now() // 60))
    world.in_minute[minute] += 1
    if limit and world.in_minute[minute] > limit:
        raise RefusedError(errcode, "api minute-quota reach limit")
