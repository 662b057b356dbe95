"""One HTTP exchange with WeChat: bytes there, bytes back, nothing secret left behind.

The query string carries the AppSecret, login codes and tokens, so no URL, header or text of a `requests`
exception is ever logged or chained: an exception is replaced outside its `except` block by our own.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NameResolutionError, NewConnectionError

from wxapi.kernel.addresses import is_loopback, require_safe_base_url
from wxapi.platform.wechat.codes import ErrorClass
from wxapi.platform.wechat.errors import WeChatError

_CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (NameResolutionError, "dns"),
    (requests.exceptions.SSLError, "tls"),
    (requests.exceptions.ProxyError, "proxy"),
    (requests.Timeout, "timeout"),
    (NewConnectionError, "refused"),
)
TIMEOUT = (3.05, 8)  # seconds to connect, and between two reads


class _NoUrls(logging.Filter):
    """urllib3 writes every URL at DEBUG: those lines are dropped, whatever level an operator sets."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


logging.getLogger("urllib3.connectionpool").addFilter(_NoUrls())


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the body as bytes, and how long it took in seconds."""

    content: bytes
    seconds: float


class Transport:
    """Speaks HTTP to one base address; safe to share between threads and across a fork."""

    def __init__(self, base_url: str, *, timeout: tuple[float, float] = TIMEOUT) -> None:
        self._base_url = require_safe_base_url(base_url)
        self._timeout = timeout
        self._local = threading.local()
        # A proxy from the environment may be needed to leave the building, never to reach this machine.
        self._trust_env = not is_loopback(urlsplit(self._base_url).hostname or "")

    def get(self, path: str, query: Mapping[str, str]) -> Reply:
        """GET with a query. Raises `WeChatError` (BUSY) when no HTTP 200 came back."""
        return self._exchange("GET", path, query, None, self._timeout)

    def post(
        self, path: str, query: Mapping[str, str], body: Mapping[str, Any], *, read_s: float | None = None
    ) -> Reply:
        r"""POST a JSON body in plain UTF-8. Raises `WeChatError` (BUSY) when no HTTP 200 came back.

        Chinese is not escaped to `\uXXXX`: so escaped, WeChat's text check passes everything.
        `read_s`: seconds between two reads, where somebody waits who has another way.
        """
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        timeout = self._timeout if read_s is None else (min(self._timeout[0], read_s), read_s)
        return self._exchange("POST", path, query, data, timeout)

    def _exchange(
        self, method: str, path: str, query: Mapping[str, str], data: bytes | None, timeout: tuple[float, float]
    ) -> Reply:
        started = time.monotonic()
        headers = {"Content-Type": "application/json; charset=utf-8"} if data is not None else None
        try:
            response = self._session().request(
                method,
                self._base_url + path,
                params=query,
                data=data,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            )
            status, content = response.status_code, response.content
        except requests.RequestException as error:
            failure = WeChatError(path, ErrorClass.BUSY, cause=_cause(error), maybe_done=not _never_sent(error))
        else:
            if status == requests.codes.ok:
                return Reply(content, time.monotonic() - started)
            failure = WeChatError(path, ErrorClass.BUSY, cause="status", maybe_done=True)
        raise failure

    def _session(self) -> requests.Session:
        """This thread's session in this process: sockets are never shared with a parent."""
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.pid = os.getpid()
            self._local.session = requests.Session()
            self._local.session.trust_env = self._trust_env
        session: requests.Session = self._local.session
        return session


def _cause(error: requests.RequestException) -> str:
    """Why there was no answer, for the operator: each is mended somewhere else."""
    inner = getattr(error.args[0] if error.args else None, "reason", None)
    for kind, cause in _CAUSES:
        if isinstance(error, kind) or isinstance(inner, kind):
            return cause
    return "connection"


def _never_sent(error: requests.RequestException) -> bool:
    """Whether the request certainly did not reach WeChat: no connection was made."""
    cause = error.args[0] if error.args else None
    refused = isinstance(getattr(cause, "reason", None), NewConnectionError)
    return refused or isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError)
