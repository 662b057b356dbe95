"""The request and its app themselves: each use of Flask's proxies looks for them anew, in four calls."""

from contextvars import ContextVar
from typing import IO, Any

import flask
from flask import Flask
from werkzeug.datastructures import EnvironHeaders
from werkzeug.utils import cached_property
from werkzeug.wsgi import _get_server

from wxapi.kernel.actor import Actor
from wxapi.platform.form_parser import StrictFormParser
from wxapi.platform.front import ROUTED


class Request(flask.Request):
    """A request, with what the hooks find out about it."""

    form_data_parser_class = StrictFormParser
    # Set beside `url_rule`: as a property it was looked for ten times a request.
    endpoint: str | None = None
    # When it began, by `perf_counter`, and its ids; `http` sets them.
    began: float | None = None
    request_id = ""
    own_request_id: str | None = None
    # Who asks, and whether their key was used before; `guard` sets them.
    actor: Actor | None = None
    key_was_used: bool | None = None
    # Under which names it has been counted; `limits` sets it.
    counted: tuple[str, ...] = ()
    # The code by which it was refused; `problems` sets it.
    refused_code = "refused"

    def __init__(self, environ: dict[str, Any], populate_request: bool = True, shallow: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        # As werkzeug's own, which checks and copies part by part; the environment needs no reference to its request.
        self.method = environ.get("REQUEST_METHOD", "GET").upper()
        self.scheme = environ.get("wsgi.url_scheme", "http")
        self.root_path = (environ.get("SCRIPT_NAME") or "").encode("latin1").decode(errors="replace").rstrip("/")
        self.path = "/" + (environ.get("PATH_INFO") or "").encode("latin1").decode(errors="replace").lstrip("/")
        self.query_string = environ.get("QUERY_STRING", "").encode("latin1")
        self.remote_addr = environ.get("REMOTE_ADDR")
        self.environ = environ
        self.shallow = shallow

    @cached_property
    def headers(self) -> EnvironHeaders:  # type: ignore[override]
        return EnvironHeaders(self.environ)

    @cached_property
    def server(self) -> tuple[str, int | None] | None:
        return _get_server(self.environ)

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body. What the front has read is whole and no longer than it says: nothing has to stand guard over it."""
        return self.environ["wsgi.input"] if ROUTED in self.environ else super().stream

    def close(self) -> None:
        if "files" in vars(self):
            super().close()


# Set by the contexts of `flask_app.App`.
REQUEST: ContextVar[Request] = ContextVar("wxapi.request")
APP: ContextVar[Flask] = ContextVar("wxapi.app")
# Each raises `LookupError` where there is none; `this_request(None)` asks whether there is one.
this_request = REQUEST.get
this_app = APP.get
