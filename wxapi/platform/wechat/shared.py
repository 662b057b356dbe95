"""What all processes know together about WeChat, in Redis; without Redis each goes on alone."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

import structlog
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

ValueT = TypeVar("ValueT")


class Shared:
    """Redis under names that hold a hash of the appid."""

    def __init__(self, redis: Redis, appid: str) -> None:
        self.redis = redis
        self._app = hashlib.sha256(appid.encode()).hexdigest()[:16]

    def name(self, what: str) -> str:
        """The key of one thing of this account."""
        return f"wechat:{self._app}:{what}"

    def attempt(self, work: Callable[[], ValueT], otherwise: Callable[[], ValueT]) -> ValueT:
        """The result of `work`, which uses Redis; of `otherwise` where Redis is away."""
        try:
            return work()
        except RedisError as error:
            log.warning("wechat_redis_away", error=type(error).__name__)
        return otherwise()
