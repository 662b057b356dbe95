"""What every request has: an id, a size limit, plain headers, one log line."""

import errno
import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from os import urandom
from time import perf_counter
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, RequestTimeout
from werkzeug.routing import RequestRedirect
from werkzeug.wsgi import get_content_length

from wxapi.kernel.errors import InvalidError
from wxapi.kernel.text import fits_in_url
from wxapi.platform import logs
from wxapi.platform.front import ROUTED
from wxapi.platform.front_body import BODY_BROKEN, BODY_LATE, BODY_NOT_KEPT, MAX_JSON
from wxapi.platform.present import Request, this_app, this_request
from wxapi.platform.request_meter import meter_of

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET = "__quiet__"
# Any word may stand for a method; a label of the metrics is one of these or "other".
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
ViewT = TypeVar("ViewT", bound=Callable[..., Any])
log = structlog.get_logger(__name__)


def install(app: Flask, *, upload_limits: dict[str, int]) -> None:
    """Install the hooks; they come before the guard's.

    Args:
        app: the API.
        upload_limits: endpoint → bytes, for the few routes that take more than `MAX_JSON`.
    """
    app.json = _Json(app)
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_JSON
    app.config["MAX_FORM_PARTS"] = 20

    @app.before_request
    def begin() -> None:
        asked = this_request()
        _name(asked)
        _refuse_what_did_not_come(asked)
        _refuse_what_no_text_holds(asked)
        _limit_size(asked, upload_limits.get(asked.endpoint or "", MAX_JSON))

    @app.after_request
    def finish(response: Response) -> Response:
        asked = this_request()
        if asked.endpoint is None and isinstance(asked.routing_exception, RequestRedirect):
            _keep_on_this_site(asked.routing_exception, response)
        if response.status_code == HTTPStatus.NO_CONTENT or asked.method == "OPTIONS":
            _drop_type_of_nothing(response)
        # Straight into their list: all that is added is known to be a header, and of this hook alone.
        headers = response.headers._list  # noqa: SLF001
        there = dict(headers)
        headers.append(("X-Request-ID", asked.request_id))
        if "Cache-Control" not in there:
            headers.append(("Cache-Control", "no-store"))
        if "X-Content-Type-Options" not in there:
            headers.append(("X-Content-Type-Options", "nosniff"))
        _count_and_log(asked, response)
        return response


def _name(asked: Request) -> None:
    """Give the request its ids, the client's if it can be used, and begin to count its time."""
    asked.began = perf_counter()
    given = asked.environ.get("HTTP_X_REQUEST_ID")
    # Its own, which nobody chose: the audit names it, and the log, too, where the client chose another.
    asked.own_request_id = own = urandom(16).hex()
    asked.request_id = own if given is None or not _REQUEST_ID.fullmatch(given) else given
    logs.name_request((asked.request_id, own))


def _limit_size(asked: Request, limit: int) -> None:
    """Refuse a body that is longer than its route takes, by its declared length before a byte is read."""
    asked.max_content_length = limit
    environ = asked.environ
    # The front has counted what it read.
    declared = int(environ.get("CONTENT_LENGTH", 0)) if ROUTED in environ else get_content_length(environ)
    if declared is None:
        if asked.mimetype != "multipart/form-data":
            _refuse_long_stream(asked, limit)
    elif declared > limit:
        raise RequestEntityTooLarge


def _count_and_log(asked: Request, response: Response) -> None:
    seconds = 0.0 if asked.began is None else perf_counter() - asked.began
    endpoint = asked.endpoint or "none"
    method = asked.method if asked.method in _METHODS else "other"
    meter_of(endpoint, method, response.status_code).count(seconds)
    if not log.isEnabledFor(logging.INFO) or is_quiet(endpoint):
        return
    log.info(
        "request",
        method=method,
        endpoint=endpoint,
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
        actor_id=str(asked.actor.user_id) if asked.actor else None,
    )


def quiet(view: ViewT) -> ViewT:
    """Mark a view that screens and probes ask every few seconds: its requests are counted, not logged."""
    setattr(view, _QUIET, True)
    return view


def is_quiet(endpoint: str) -> bool:
    """Whether a view is so marked."""
    return bool(getattr(this_app().view_functions.get(endpoint), _QUIET, False))


class _Json(DefaultJSONProvider):
    """Reads JSON as Flask does; a nesting too deep for Python is no JSON of ours either."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def _refuse_what_did_not_come(asked: Request) -> None:
    """The body is not here, or not all of it."""
    if BODY_LATE in asked.environ:
        raise RequestTimeout
    if BODY_BROKEN in asked.environ:
        raise BadRequest
    if BODY_NOT_KEPT in asked.environ:
        raise OSError(errno.ENOSPC, asked.environ[BODY_NOT_KEPT])


def _refuse_what_no_text_holds(asked: Request) -> None:
    """Path and query are looked up in the database, which takes no NUL; a body is judged by its fields."""
    given = asked.args.items(multi=True) if asked.query_string else ()
    unfit = {name for name, value in given if not fits_in_url(name + value)}
    if unfit or not fits_in_url(asked.path):
        fields = {name: ["不能包含控制字符或无效字符。"] for name in sorted(unfit)}
        raise InvalidError("validation_failed", "地址中含有控制字符或无效字符。", fields=fields)


def _keep_on_this_site(redirect: RequestRedirect, response: Response) -> None:
    """The router's redirect names the site by the request's `Host`, where anybody may write anything."""
    target = urlsplit(redirect.new_url)
    response.headers["Location"] = "/" + target.path.lstrip("/") + (f"?{target.query}" if target.query else "")
    response.set_data(b"")  # it names the site, too
    response.headers.remove("Content-Type")


def _drop_type_of_nothing(response: Response) -> None:
    """The framework names a content type even where there is no content."""
    if response.status_code in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
        response.headers.remove("Content-Type")


def _refuse_long_stream(asked: Request, limit: int) -> None:
    """A body sent in chunks names no length, and werkzeug would cut it at the limit and say nothing."""
    asked.max_content_length = limit + 1
    if len(asked.get_data()) > limit:
        raise RequestEntityTooLarge
