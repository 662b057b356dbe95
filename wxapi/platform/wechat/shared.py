"""What all processes know together about WeChat, in Redis; without Redis each goes on alone.

After Redis failed it is left alone for a few seconds: a dead Redis costs one time-out and not one per call.
"""

import hashlib
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

_LEAVE_ALONE_SECONDS = 5.0
Value = TypeVar("Value")


class Shared:
    """Redis under names that hold a hash of the appid."""

    def __init__(self, redis: Redis, appid: str) -> None:
        self.redis = redis
        self._app = hashlib.sha256(appid.encode()).hexdigest()[:16]
        self._away_until = 0.0

    def name(self, what: str) -> str:
        """The key of one thing of this account."""
        return f"wechat:{self._app}:{what}"

    def attempt(self, work: Callable[[], Value], otherwise: Callable[[], Value]) -> Value:
        """The result of `work`, which uses Redis; of `otherwise` where Redis is away."""
        if time.monotonic() < self._away_until:
            return otherwise()
        try:
            return work()
        except RedisError as error:
            log.warning("wechat_redis_away", error=type(error).__name__)
            self._away_until = time.monotonic() + _LEAVE_ALONE_SECONDS
        return otherwise()
