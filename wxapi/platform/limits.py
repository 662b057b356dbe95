"""Rate limits on Redis, by person or, before login, by address. When Redis is away requests pass and are counted.

A moving window: of each person the times of the last requests are kept, as many as are allowed. All windows of a route
are asked in one way to Redis, by Redis' own clock, which a demo's is ahead of; what is refused counts for none of them.
Times that are yet to come are of before a clock was put back, and stop nobody.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from redis.exceptions import NoScriptError, RedisError
from werkzeug.exceptions import TooManyRequests

from wxapi.platform import metrics
from wxapi.platform.present import this_request
from wxapi.platform.redis_client import ask_number
from wxapi.platform.runtime import Runtime, runtime

ViewT = TypeVar("ViewT", bound=Callable[..., Any])
_MICROSECOND = timedelta(microseconds=1)
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_WINDOW = re.compile(r"(\d+)/(minute|hour|day)")
# KEYS: a list of times for each window, the latest first. ARGV: for each window how many, in how many seconds; how far
# the product's clock is ahead, in microseconds. Answers in how many seconds all windows have room; 0: it passes.
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2] + ARGV[#ARGV]
local wait = 0
for n, key in ipairs(KEYS) do
  local first = tonumber(redis.call('LINDEX', key, ARGV[2 * n - 1] - 1) or 0)
  if first <= now then wait = math.max(wait, first + ARGV[2 * n] * 1000000 - now) end
end
if wait > 0 then return math.ceil(wait / 1000000) end
for n, key in ipairs(KEYS) do
  redis.call('LPUSH', key, string.format('%.0f', now))
  redis.call('LTRIM', key, 0, ARGV[2 * n - 1] - 1)
  redis.call('EXPIRE', key, ARGV[2 * n])
end
return 0
"""
_SHA = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


def limited(often: str, *, deed: str = "", exempt_when: Callable[[], bool] = lambda: False) -> Callable[[ViewT], ViewT]:
    """Refuse a person who calls the view more often than this, such as "30/minute;300/day".

    Args:
        often: one window or several.
        deed: views that do the same, such as a route of the API and a page, name it alike and count together.
        exempt_when: asked for each request, whether it counts for nothing.
    """
    windows = [(int(most), _SECONDS[span]) for most, span in (_parts(each) for each in often.split(";"))]
    numbers = [number for window in windows for number in window]

    def mark(view: ViewT) -> ViewT:
        name = deed or f"{view.__module__}.{view.__qualname__}"
        names = [f"limit:{name}:{most}/{span}:" for most, span in windows]

        @wraps(view)
        def run(*args: Any, **kwargs: Any) -> Any:
            parts = runtime()
            counts = parts.config.rate_limits and not exempt_when() and _is_first_time(names[0])
            if counts and (wait_s := _wait_s(parts, names, numbers)):
                raise TooManyRequests(retry_after=wait_s)
            return view(*args, **kwargs)

        return cast("ViewT", run)

    return mark


def _parts(window: str) -> tuple[str, str]:
    found = _WINDOW.fullmatch(window)
    if found is None:
        raise ValueError(f"{window} is not such as 30/minute")
    return found[1], found[2]


def _is_first_time(name: str) -> bool:
    """A request that is judged again has been counted."""
    asked = this_request()
    if name in asked.counted:
        return False
    asked.counted = (*asked.counted, name)
    return True


def _wait_s(parts: Runtime, names: list[str], numbers: list[int]) -> int:
    asked = this_request()
    who = asked.actor.user_id.hex if asked.actor else asked.remote_addr or "unknown"
    redis, keys = parts.redis, [name + who for name in names]
    given: list[str | int] = [len(keys), *keys, *numbers, parts.clock.ahead() // _MICROSECOND]
    try:
        try:
            return ask_number(redis, "EVALSHA", _SHA, *given)
        except NoScriptError:
            return ask_number(redis, "EVAL", _SCRIPT, *given)
    except RedisError:
        metrics.rate_limit_errors.inc()
        return 0
