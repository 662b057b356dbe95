"""Flask, without what no request of ours uses: its signals, its session cookie, `after_this_request`, coroutines.

Each is looked for several times a request. What is made anew here does what Flask does, and a test holds it to that.
"""

import sys
from collections.abc import Callable
from contextvars import Token
from functools import cache, lru_cache
from typing import Any, TypeVar

import flask
from flask import Flask, Response
from flask.ctx import AppContext, RequestContext, _sentinel
from flask.globals import _cv_app, _cv_request
from flask.sessions import NullSession, SessionMixin
from werkzeug.routing import Map, MapAdapter

from wxapi.platform.front import ROUTED
from wxapi.platform.present import APP, REQUEST, Request, this_request

HookT = TypeVar("HookT", bound=Callable[..., Any])
# Whether the requests of an endpoint pass a hook; None is the endpoint of what no route was found for.
_Passes = Callable[[Flask, str | None], bool]
_WHERE = "__where__"
# What addresses are built from.
_OF_HOST = ("wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "REQUEST_METHOD")
# Writing to it fails: pages have sessions of their own.
_NO_SESSION = NullSession()


def where(passes: _Passes) -> Callable[[HookT], HookT]:
    """Mark a hook that only some requests pass; `passes` is asked once of each endpoint."""

    def mark(hook: HookT) -> HookT:
        setattr(hook, _WHERE, passes)
        return hook

    return mark


@lru_cache(maxsize=256)
def _adapter_of_host(routes: Map, *of_host: str) -> MapAdapter:
    """What builds addresses, alike for all requests to a host; raises `BadHost` where its name can be none."""
    return routes.bind_to_environ(dict(zip(_OF_HOST, of_host, strict=True)), subdomain="")


class _AppContext(AppContext):
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.url_adapter = None
        self.g = app.app_ctx_globals_class()
        self._cv_tokens = []
        self._app_tokens: list[Token[Flask]] = []

    def push(self) -> None:
        self._cv_tokens.append(_cv_app.set(self))
        self._app_tokens.append(APP.set(self.app))

    def pop(self, exc: BaseException | None = _sentinel) -> None:  # type: ignore[assignment]
        try:
            if len(self._cv_tokens) == 1:
                self.app.do_teardown_appcontext(sys.exc_info()[1] if exc is _sentinel else exc)
        finally:
            current = _cv_app.get()
            _cv_app.reset(self._cv_tokens.pop())
            APP.reset(self._app_tokens.pop())
        if current is not self:
            raise AssertionError(f"Popped wrong app context. ({current!r} instead of {self!r})")


class _RequestContext(RequestContext):
    request: Request

    def __init__(
        self,
        app: Flask,
        environ: dict[str, Any],
        request: flask.Request | None = None,
        session: SessionMixin | None = None,
    ) -> None:
        super().__init__(app, environ, request, _NO_SESSION if session is None else session)
        self._after_request_functions = ()  # type: ignore[assignment]  # nobody calls what would be appended
        self._request_tokens: list[Token[Request]] = []

    def push(self) -> None:
        app_ctx = _cv_app.get(None)
        if app_ctx is None or app_ctx.app is not self.app:
            app_ctx = self.app.app_context()
            app_ctx.push()
        else:
            app_ctx = None
        self._cv_tokens.append((_cv_request.set(self), app_ctx))
        self._request_tokens.append(REQUEST.set(self.request))
        if self.url_adapter is not None:
            self.match_request()

    def match_request(self) -> None:
        """Take the route that the front has found, which must know it to read the body; else find it."""
        asked = self.request
        routed = asked.environ.get(ROUTED)
        if routed is None:
            super().match_request()
        else:
            asked.url_rule, asked.view_args = routed
        if asked.url_rule is not None:
            asked.endpoint = asked.url_rule.endpoint

    def pop(self, exc: BaseException | None = _sentinel) -> None:  # type: ignore[assignment]
        ends = len(self._cv_tokens) == 1
        try:
            if ends:
                if exc is _sentinel:
                    exc = sys.exc_info()[1]
                if self.app.teardown_request_funcs:
                    self.app.do_teardown_request(exc)
                self.request.close()
        finally:
            current = _cv_request.get()
            token, app_ctx = self._cv_tokens.pop()
            _cv_request.reset(token)
            REQUEST.reset(self._request_tokens.pop())
            if app_ctx is not None:
                app_ctx.pop(exc)
            if current is not self:
                raise AssertionError(f"Popped wrong request context. ({current!r} instead of {self!r})")


class App(Flask):
    """Flask, whose hooks of a request are looked for once an endpoint."""

    request_class = Request

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        # Nothing is added to them after the first request: Flask refuses it.
        self._hooks_before, self._hooks_after = cache(self._find_before), cache(self._find_after)

    def app_context(self) -> AppContext:
        return _AppContext(self)

    def request_context(self, environ: dict[str, Any]) -> RequestContext:
        return _RequestContext(self, environ)

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """What finds a route and builds addresses. Where the front has found it already, only the host is of interest.

        The answer to OPTIONS asks it for the methods of a path, too.
        """
        if request is None or ROUTED not in request.environ or request.method == "OPTIONS":
            return super().create_url_adapter(request)
        return _adapter_of_host(self.url_map, *map(request.environ.get, _OF_HOST))

    def full_dispatch_request(self) -> Response:
        self._got_first_request = True
        try:
            answer = self.preprocess_request()
            if answer is None:
                answer = self.dispatch_request()
        except Exception as error:  # noqa: BLE001 - as Flask does
            answer = self.handle_user_exception(error)
        return self.finalize_request(answer)

    def preprocess_request(self) -> Any:
        if self.url_value_preprocessors:
            return super().preprocess_request()
        for hook in self._hooks_before(this_request().endpoint):
            answer = hook()
            if answer is not None:
                return answer
        return None

    def dispatch_request(self) -> Any:
        asked = this_request()
        rule = asked.url_rule
        if asked.routing_exception is not None or rule is None or asked.method == "OPTIONS":
            return super().dispatch_request()
        return self.view_functions[rule.endpoint](**asked.view_args)  # type: ignore[arg-type]

    def finalize_request(self, rv: Any, from_error_handler: bool = False) -> Response:  # noqa: FBT001, FBT002 - Flask's
        answer = rv if isinstance(rv, Response) else self.make_response(rv)
        try:
            return self.process_response(answer)
        except Exception:
            if not from_error_handler:
                raise
            self.logger.exception("Request finalizing failed with an error while handling an error")
        return answer

    def process_response(self, response: Response) -> Response:
        for hook in self._hooks_after(this_request().endpoint):
            response = hook(response)
        return response

    def do_teardown_appcontext(self, exc: BaseException | None = _sentinel) -> None:  # type: ignore[assignment]
        if exc is _sentinel:
            exc = sys.exc_info()[1]
        for hook in reversed(self.teardown_appcontext_funcs):
            hook(exc)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: none is a coroutine."""
        return func

    def _find_before(self, endpoint: str | None) -> tuple[Callable[..., Any], ...]:
        names = (None, *reversed(this_request().blueprints))
        return self._of_endpoint(endpoint, [hook for name in names for hook in self.before_request_funcs.get(name, ())])

    def _find_after(self, endpoint: str | None) -> tuple[Callable[..., Any], ...]:
        names, hooks = (*this_request().blueprints, None), self.after_request_funcs
        return self._of_endpoint(endpoint, [hook for name in names for hook in reversed(hooks.get(name, ()))])

    def _of_endpoint(self, endpoint: str | None, hooks: list[Callable[..., Any]]) -> tuple[Callable[..., Any], ...]:
        return tuple(hook for hook in hooks if getattr(hook, _WHERE, _everywhere)(self, endpoint))


def _everywhere(_app: Flask, _endpoint: str | None) -> bool:
    return True
