"""One access token for all processes, fetched by one of them.

`stable_token` answers the same token until shortly before its end, so fetching twice does no harm but costs
quota; the lock in Redis keeps it to one. A token that WeChat refuses is deleted only if it is still the
shared one: another process may have fetched a new one meanwhile. Without Redis the process keeps a token for
itself, for a minute.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from wxapi.platform.turns import Turn, turn
from wxapi.platform.wechat.codes import TOKEN_PATH, ErrorClass
from wxapi.platform.wechat.errors import WeChatError
from wxapi.platform.wechat.shared import Shared

_LOCK_SECONDS = 8.0
_WAIT_SECONDS = 5.0
_MARGIN_SECONDS = 300  # WeChat renews by itself this long before the end
_LEAST_TTL_SECONDS = 30
_ALONE_SECONDS = 60.0

# KEYS: name; ARGV: the value it must still have.
_DELETE_IF_EQUAL = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token and the seconds WeChat says it has left."""

    value: str = field(repr=False)
    expires_in: int


class Tokens:
    """Gives the present token; `fetch` asks WeChat for one."""

    def __init__(self, shared: Shared, fetch: Callable[[], AccessToken]) -> None:
        self._shared = shared
        self._fetch = fetch
        self._token_key = shared.name("token")
        self._lock_key = shared.name("token-lock")
        self._delete_if_equal = shared.redis.register_script(_DELETE_IF_EQUAL)
        self._alone = threading.Lock()
        self._own = ""
        self._own_until = 0.0

    def get(self) -> str:
        """The present token.

        Raises:
            WeChatError: none could be had; BUSY when another process fetches one and takes too long.
        """
        return self._shared.attempt(self._get_shared, self._get_alone)

    def discard(self, token: str) -> None:
        """Forget a token WeChat has refused, unless it has been replaced already."""
        self._forget_own(token)
        self._shared.attempt(lambda: self._delete_if_equal(keys=[self._token_key], args=[token]), lambda: None)

    def _get_shared(self) -> str:
        token = self._read()
        if token:
            return token
        with turn(self._shared.redis, self._lock_key, lease_s=_LOCK_SECONDS, wait_s=_WAIT_SECONDS) as had:
            if had is Turn.NOT_HAD:
                raise WeChatError(TOKEN_PATH, ErrorClass.BUSY)
            return self._get_alone() if had is Turn.ALONE else self._read() or self._fetch_and_store()

    def _fetch_and_store(self) -> str:
        token = self._fetch()
        ttl = max(_LEAST_TTL_SECONDS, token.expires_in - _MARGIN_SECONDS)
        # If Redis is lost just now the token is still good: it is used, and not stored.
        self._shared.attempt(lambda: self._shared.redis.set(self._token_key, token.value, ex=ttl), lambda: None)
        return token.value

    def _get_alone(self) -> str:
        with self._alone:
            if not self._own or time.monotonic() >= self._own_until:
                token = self._fetch()
                self._own = token.value
                self._own_until = time.monotonic() + min(_ALONE_SECONDS, token.expires_in)
            return self._own

    def _forget_own(self, token: str) -> None:
        with self._alone:
            if self._own == token:
                self._own = ""

    def _read(self) -> str | None:
        value = self._shared.redis.get(self._token_key)
        return value.decode() if isinstance(value, bytes) else value
