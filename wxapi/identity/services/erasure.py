"""Forgetting a person. It is a job, may run twice, and leaves reports and attendance standing without the person."""

import uuid
from datetime import datetime

from sqlalchemy import delete, select, update

from wxapi.identity.models import AppointmentRow, Token, User, WebLogin, WebSession
from wxapi.identity.services.personal_data import holdings
from wxapi.kernel.actor import Actor
from wxapi.platform import audit, outbox
from wxapi.platform.db import transaction
from wxapi.platform.idempotency import IdempotencyRow


def ask_erasure(actor: Actor, *, now: datetime) -> None:
    """Take a person's word that they want to be forgotten: tokens and sessions die at once, the rest in a job."""
    with transaction() as session:
        session.execute(delete(Token).where(Token.user_id == actor.user_id))
        session.execute(delete(WebSession).where(WebSession.user_id == actor.user_id))
        outbox.record(session, "user.erase", user_id=str(actor.user_id))
        audit.record(session, actor.user_id, "user.erase_asked", subject=f"user:{actor.user_id}", at=now)


def erase(user_id: uuid.UUID, *, now: datetime) -> None:
    """Forget a person everywhere. The row stays, empty: reports and rolls keep a nameless author."""
    with transaction() as session:
        user = session.scalars(select(User).where(User.id == user_id).with_for_update()).one_or_none()
        if user is None or user.erased_at is not None:
            return
        for part in holdings():
            part.erase(session, user_id, now)
        session.execute(delete(Token).where(Token.user_id == user_id))
        session.execute(delete(WebSession).where(WebSession.user_id == user_id))
        session.execute(delete(WebLogin).where(WebLogin.user_id == user_id))
        session.execute(delete(IdempotencyRow).where(IdempotencyRow.user_id == user_id))
        session.execute(
            update(AppointmentRow)
            .where(AppointmentRow.user_id == user_id, AppointmentRow.ended_at.is_(None))
            .values(ended_at=now)
        )
        user.openid_digest = user.openid_sealed = user.phone_digest = user.phone_sealed = None
        user.nickname, user.kind, user.consent_version, user.consent_at = "", None, None, None
        user.seen_at = None
        user.erased_at = now
        audit.record(session, None, "user.erased", subject=f"user:{user_id}", at=now)
