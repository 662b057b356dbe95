"""Logs: one JSON line an event, with request and actor id, without secrets.

Two nets: known names are masked by `redact`, and tracebacks show types and places but no messages, since messages of
foreign exceptions hold URLs, and URLs hold secrets.
"""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import structlog

from wxapi.kernel.json_text import encoder

_HIDDEN = re.compile(
    r"secret|token|openid|unionid|phone|session_key|authorization|password|js_code|^code$|cookie|signature",
    re.IGNORECASE,
)
# In free text: mobile numbers, 18-digit ids, bearer tokens, WeChat's query parameters.
_PATTERNS = (
    (re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"), "1**********"),
    (re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"), "******"),
    (re.compile(r"(?i)(bearer\s+)\S+"), r"\1***"),
    (re.compile(r"(?i)((?:access_token|secret|js_code|code|openid|signature)=)[^&\s\"']+"), r"\1***"),
)
_DIGITS = re.compile(r"\d{11}")
LogEvent = MutableMapping[str, Any]
_to_line = encoder(ensure_ascii=False, default=repr)
# Of the request that this thread answers, or answered last: its id, and the one that nobody chose.
_of_request: ContextVar[tuple[str, str] | None] = ContextVar("wxapi.ids", default=None)
name_request = _of_request.set


def configure(level: str) -> None:
    """Set up structlog and route the standard library's loggers through it, once per process."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _bare_traceback,
        redact,
        add_request_ids,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        # What the level drops is dropped before it is worked on.
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Formatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                lambda _logger, _method, event: _to_line(event),
            ],
            foreign_pre_chain=shared,
        )
    )
    # No line says from where in the code it comes, or of which thread: finding out for each is a third of its cost.
    logging._srcfile = None  # noqa: SLF001 - as Python's own guide to logging has it
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # These print whole URLs, secrets included, at DEBUG.
    for name in ("urllib3", "requests", "obstore"):
        logging.getLogger(name).setLevel(logging.WARNING)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Writes what comes by structlog and has been through everything as it is; what does not is worked on first."""

    def format(self, record: logging.LogRecord) -> str:
        return _to_line(record.msg) if hasattr(record, "_logger") else super().format(record)


def add_request_ids(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
    """Name the request, and its own id where the client chose another, who may have chosen a number of somebody's.

    Its own has such a number in it by chance, one of 560, and is what people and the audit name: it stays as it is.
    """
    ids = _of_request.get()
    if ids is not None:
        chosen, own = ids
        event.setdefault("request_id", own if chosen == own else _mask(chosen))
        if chosen != own:
            event.setdefault("own_request_id", own)
    return event


def redact(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
    """Mask values by their names, and what looks like a secret in any text."""
    return {name: "***" if _is_hidden(name) else _mask(value) for name, value in event.items()}


@lru_cache(maxsize=1024)
def _is_hidden(name: str) -> bool:
    return _HIDDEN.search(name) is not None


def _is_suspect(text: str) -> bool:
    """Whether it holds what every one of the patterns needs: most texts do not, and looking for these is quicker."""
    return "=" in text or "bearer" in text.lower() or _DIGITS.search(text) is not None


def _mask(value: Any) -> Any:
    if isinstance(value, str):
        if _is_suspect(value):
            for pattern, instead in _PATTERNS:
                value = pattern.sub(instead, value)
        return value
    if isinstance(value, dict):
        return {k: "***" if _is_hidden(str(k)) else _mask(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_mask(item) for item in value]
    return value


def _bare_traceback(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["exception"] = type(error).__qualname__
        event["traceback"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event
