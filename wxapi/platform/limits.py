"""Rate limits on Redis, by person or, before login, by address. When Redis is away requests pass and are counted."""

import logging

from flask import Flask, g, request
from flask_limiter import Limiter
from redis import Redis

from config import Config
from wxapi.platform import metrics


def _who() -> str:
    actor = g.get("actor")
    return str(actor.user_id) if actor else request.remote_addr or "unknown"


limiter = Limiter(key_func=_who, strategy="moving-window", swallow_errors=True, headers_enabled=False)


def install(app: Flask, config: Config, redis: Redis) -> None:
    """Bind the limiter to the product's connections. Call after the guard, so that the person is known."""
    app.config["RATELIMIT_STORAGE_URI"] = config.redis_url
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"connection_pool": redis.connection_pool}
    app.config["RATELIMIT_ENABLED"] = config.rate_limits
    app.config["RATELIMIT_KEY_PREFIX"] = "limit"
    limiter.init_app(app)
    # Limits stand beside their views, whose decorators check them. There is none for all routes, and the hook that
    # would look for one takes a tenth of a small request.
    hooks = app.before_request_funcs[None]
    hooks[:] = [hook for hook in hooks if hook != limiter._check_request_limit]  # noqa: SLF001 - no setting does it
    limiter.logger.addFilter(_count_errors)


def _count_errors(record: logging.LogRecord) -> bool:
    """Count what the limiter swallows instead of logging a traceback for every request."""
    if record.levelno < logging.ERROR:
        return True
    metrics.rate_limit_errors.inc()
    return False
