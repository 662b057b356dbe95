"""What the platform and identity forget in time."""

from wxapi.identity import sessions
from wxapi.platform import idempotency
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime


def forget_expired_keys() -> None:
    """Delete the answers kept for `Idempotency-Key`s that are older than 48 hours."""
    with transaction() as session:
        idempotency.forget_expired(session, runtime().clock.now())


def forget_idle_tokens() -> None:
    """Delete tokens that nobody has used for 30 days."""
    with transaction() as session:
        sessions.forget_idle(session, runtime().clock.now())
