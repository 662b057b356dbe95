"""What the platform and identity seal and forget in time: tasks that join a transaction of their own."""

from datetime import datetime

import structlog

from wxapi.identity.services import login, web_logins, web_sessions
from wxapi.platform import audit_chain, idempotency, retention
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime

log = structlog.get_logger(__name__)


def seal_audit(*, now: datetime) -> None:
    """Link the new rows of the audit; the head in the log proves later that nothing was cut off the chain's end."""
    with transaction() as session:
        head = audit_chain.seal(session, runtime().cipher, now=now)
    log.info("audit_sealed", head=str(head))


def forget_expired_keys(*, now: datetime) -> None:
    """Delete the answers kept for `Idempotency-Key`s that are older than 48 hours."""
    with transaction() as session:
        idempotency.forget_expired(session, now)


def forget_idle_tokens(*, now: datetime) -> None:
    """Delete tokens that nobody has used for 30 days."""
    with transaction() as session:
        login.forget_idle(session, now)


def forget_browsers(*, now: datetime) -> None:
    """Delete sessions of browsers that are over, and their login attempts."""
    with transaction() as session:
        web_sessions.forget_dead(session, now)
        web_logins.forget_ended(session, now)


def forget_due(*, now: datetime) -> None:
    """Forget what is past the time it is kept."""
    done = retention.forget_due(now=now)
    log.info("retention_done", **{name: number for name, number in done.items() if number})
