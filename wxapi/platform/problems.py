"""Errors on the wire: RFC 9457 problem documents, and the one place that chooses status codes."""

import errno
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from flask import Flask, Response
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from wxapi.kernel import errors
from wxapi.platform.keys import KeysMissingError
from wxapi.platform.present import this_request
from wxapi.platform.wire import dumps

log = structlog.get_logger(__name__)

STATUS: dict[type[errors.DomainError], HTTPStatus] = {
    errors.MalformedError: HTTPStatus.BAD_REQUEST,
    errors.UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    errors.ForbiddenError: HTTPStatus.FORBIDDEN,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.GoneError: HTTPStatus.GONE,
    errors.TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.InvalidError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyRequestsError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}

# A statement that waited or ran too long, or lost against another.
_BUSY = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    PoolTimeoutError,
)
# What a database that is away, cut off or too busy raises.
LOST = (OperationalError, InterfaceError, PoolTimeoutError, psycopg.OperationalError, psycopg.InterfaceError)
# Of writing a file: no room, a quota, a limit of the process, nothing may be written.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
# What the framework itself refuses: status → our error, so that every answer speaks the same language.
FRAMEWORK: dict[int, tuple[str, str]] = {
    400: ("malformed_request", "请求格式不正确。"),
    404: ("not_found", "没有找到该地址。"),
    405: ("method_not_allowed", "该地址不支持这种请求方式。"),
    408: ("request_timeout", "请求超时，请重试。"),
    413: ("body_too_large", "提交的内容过大。"),
    415: ("unsupported_media_type", "请求的内容类型不受支持。"),
    422: ("validation_failed", "提交的内容有误，请检查后再试。"),
    429: ("too_many_requests", "操作过于频繁，请稍后再试。"),
}


def install(app: Flask) -> None:
    """Answer every error of the app with a problem document."""
    app.register_error_handler(errors.DomainError, _domain)
    app.register_error_handler(HTTPException, _framework)
    app.register_error_handler(KeysMissingError, _keys_missing)
    for lost in LOST:
        app.register_error_handler(lost, _database_away)
    for unfit in (DataError, psycopg.DataError, UnicodeEncodeError):
        app.register_error_handler(unfit, _not_storable)
    app.register_error_handler(OSError, _no_room)
    app.register_error_handler(Exception, _unexpected)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    fields: dict[str, Any] | None = None,
    extra: dict[str, Any] | None = None,
) -> Response:
    """Build a problem document as a response; a problem without a type of its own has its status' words as title."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
        "errors": fields or {},
        "request_id": this_request().request_id,
        **(extra or {}),
    }
    return Response(dumps(body), status=int(status), content_type="application/problem+json")


def problem_of(error: errors.DomainError) -> dict[str, Any]:
    """The parts of a problem that also stand inside batch answers."""
    return {
        "status": int(status_of(error)),
        "code": error.code,
        "detail": error.detail,
        "errors": error.fields,
    }


def validation_failed(messages: dict[Any, Any]) -> errors.InvalidError:
    """The refusal of one part of a body by a schema of its own, for batch answers; `messages`: marshmallow's."""
    code, detail = FRAMEWORK[HTTPStatus.UNPROCESSABLE_ENTITY]
    found: dict[str, list[str]] = {}
    _collect(messages, "", found)
    return errors.InvalidError(code, detail, fields=found)


def status_of(error: errors.DomainError) -> HTTPStatus:
    """The status of an error: that of its class or the nearest base."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    raise LookupError(type(error).__name__)


def _domain(error: errors.DomainError) -> Response:
    this_request().refused_code = error.code
    response = problem(status_of(error), error.code, error.detail, fields=error.fields, extra=error.extra)
    if isinstance(error, errors.TooManyRequestsError | errors.UnavailableError):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.UnauthenticatedError):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _framework(error: HTTPException) -> Response:
    status = error.code or 500
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unexpected(error)
    code, detail = FRAMEWORK.get(status, ("request_refused", "请求无法处理。"))
    messages = getattr(error, "data", {}).get("messages", {})  # where webargs leaves its findings
    response = problem(status, code, detail, fields=_flatten(messages))
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers.setdefault("Retry-After", "60")
    return response


def _flatten(messages: Any) -> dict[str, list[str]]:
    """Turn webargs' nested findings into `field.path` → sentences; the outer level (json, query, …) is dropped."""
    if not isinstance(messages, dict):
        return {}
    found: dict[str, list[str]] = {}
    for location in messages.values():
        if isinstance(location, dict):
            _collect(location, "", found)
        else:
            found["_schema"] = [str(sentence) for sentence in location]
    return found


def _collect(messages: dict[Any, Any], prefix: str, found: dict[str, list[str]]) -> None:
    for name, value in messages.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            _collect(value, f"{path}.", found)
        else:
            found[path] = [str(sentence) for sentence in (value if isinstance(value, list) else [value])]


def _database_away(error: Exception) -> Response:
    cause = getattr(error, "orig", None) or error
    # Away, or there and too busy: the phone does the same, the operator does not.
    event = "database_busy" if isinstance(cause, _BUSY) else "database_unavailable"
    log.error(event, error=type(cause).__name__, sqlstate=getattr(cause, "sqlstate", None))
    return _domain(errors.UnavailableError("database_unavailable", "服务暂时不可用，请稍后重试。"))


def _no_room(error: OSError) -> Response:
    """A file of the machine's own, such as an upload on its way, could not be written."""
    if error.errno not in _NO_ROOM:
        return _unexpected(error)
    log.error("storage_refused", reason=str(error))
    return _domain(errors.storage_unavailable())


def _keys_missing(error: KeysMissingError) -> Response:
    log.error("keys_missing", detail=str(error))
    return _domain(errors.UnavailableError("keys_missing", "服务暂时不可用，请稍后重试。"))


def _not_storable(error: Exception) -> Response:
    """The last net: the database refused a value as none of its type. A field should have refused it before."""
    log.error("input_not_storable", error=type(error).__name__, exc_info=error)
    code, detail = FRAMEWORK[HTTPStatus.UNPROCESSABLE_ENTITY]
    return _domain(errors.InvalidError(code, detail))


def _unexpected(error: Exception) -> Response:
    # The type and place are logged, not the text: texts of foreign exceptions may hold secrets.
    log.error("unexpected_error", error=type(error).__name__, exc_info=error)
    return problem(500, "internal_error", "系统出错了，我们已记录，请稍后重试。")
