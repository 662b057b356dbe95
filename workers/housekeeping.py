"""What the platform and identity seal and forget in time: tasks that join a transaction of their own."""

from datetime import datetime

import structlog

from wxapi.identity.services import login, web_logins, web_sessions
from wxapi.platform import audit_chain, idempotency, retention
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime

log = structlog.get_logger(__name__)

# Rows a transaction; after an outage of days there are many, and a full batch is followed by the next.
BATCH = 2_000


def seal_audit(*, now: datetime) -> None:
    """Link the new rows of the audit; the head in the log proves later that nothing was cut off the chain's end."""
    with transaction() as session:
        head = audit_chain.seal(session, runtime().cipher, now=now)
    log.info("audit_sealed", head=str(head))


def forget_expired_keys(*, now: datetime) -> int:
    """Delete answers kept for `Idempotency-Key`s that are older than 48 hours; returns how many."""
    with transaction() as session:
        return idempotency.forget_expired(session, now, BATCH)


def forget_idle_tokens(*, now: datetime) -> int:
    """Delete tokens that nobody has used for 30 days; returns how many."""
    with transaction() as session:
        return login.forget_idle(session, now, BATCH)


def forget_browsers(*, now: datetime) -> int:
    """Delete sessions of browsers that are over, and login attempts; returns how many of what there is more of."""
    with transaction() as session:
        return max(web_sessions.forget_dead(session, now, BATCH), web_logins.forget_ended(session, now, BATCH))


def forget_due(*, now: datetime) -> None:
    """Forget what is past the time it is kept."""
    done = retention.forget_due(now=now)
    log.info("retention_done", **{name: number for name, number in done.items() if number})
