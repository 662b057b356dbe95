"""How long people, their tokens and the answers to their requests are kept."""

from datetime import datetime

from sqlalchemy import ColumnElement, String, and_, cast, func, select
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow, Token, User, WebSession
from wxapi.identity.rules import TOKEN_IDLE, WEB_IDLE
from wxapi.platform import idempotency, outbox
from wxapi.platform.audit import AuditRow
from wxapi.platform.idempotency import IdempotencyRow
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.retention import Category, counting


def _idle(before: datetime) -> ColumnElement[bool]:
    """People without office and token who have not logged in since, and are not being erased already."""
    in_office = select(AppointmentRow.id).where(AppointmentRow.user_id == User.id, AppointmentRow.ended_at.is_(None))
    leaving = select(OutboxRow.id).where(
        OutboxRow.topic == "user.erase", OutboxRow.payload["user_id"].astext == cast(User.id, String)
    )
    return and_(
        User.erased_at.is_(None),
        func.coalesce(User.seen_at, User.created_at) < before,
        ~in_office.exists(),
        ~select(Token.digest).where(Token.user_id == User.id).exists(),
        ~leaving.exists(),
    )


def _count_idle(session: Session, before: datetime) -> int:
    return session.scalar(select(func.count()).select_from(User).where(_idle(before))) or 0


def _forget_idle(session: Session, before: datetime, limit: int) -> int:
    """Have idle people erased as if they had asked for it: each by a job of its own."""
    found = session.scalars(select(User.id).where(_idle(before)).limit(limit)).all()
    for user_id in found:
        outbox.record(session, "user.erase", user_id=str(user_id))
    return len(found)


RETENTION = (
    Category(
        "people",
        "people who have not logged in: openid, phone, nickname, the link from their reports to them",
        "so that a person finds his reports and hours again",
        _count_idle,
        _forget_idle,
    ),
    Category(
        "tokens",
        "logins nobody used",
        "so that a phone stays logged in",
        counting(Token, Token.last_used_at),
        fixed=TOKEN_IDLE,
    ),
    Category(
        "web_sessions",
        "signed-in browsers nobody used, and login attempts",
        "so that a browser stays signed in for a working day",
        counting(WebSession, WebSession.last_used_at),
        fixed=WEB_IDLE,
    ),
    Category(
        "idempotency",
        "answers to requests, sealed",
        "so that a repeated request is answered and not done again",
        counting(IdempotencyRow, IdempotencyRow.created_at),
        fixed=idempotency.KEPT,
    ),
    Category(
        "audit",
        "who did what: ids and codes only",
        "proof of every change and every opening; kept for ever",
        counting(AuditRow, AuditRow.at),
    ),
)
