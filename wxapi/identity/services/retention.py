"""How long people, their tokens and the answers to their requests are kept."""

from datetime import datetime

from sqlalchemy import ColumnElement, String, and_, cast, delete, func, or_, select
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow, RosterEntry, Token, User, WebSession
from wxapi.identity.queries import lasting
from wxapi.identity.rules import TOKEN_IDLE, WEB_IDLE
from wxapi.identity.services.erasure import begin_erasure
from wxapi.kernel.clock import local_day
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.retention import RetentionCategory, counting
from wxapi.platform.runtime import runtime


def _due(before: datetime) -> ColumnElement[bool]:
    """Whom to forget: the idle, and the forgotten in whose row something stands; not those under way already."""
    leaving = select(OutboxRow.id).where(
        OutboxRow.topic == "user.erase",
        ~OutboxRow.dead,
        OutboxRow.payload["user_id"].astext == cast(User.id, String),
    )
    return and_(or_(_idle(before), _dirty()), ~leaving.exists())


def _dirty() -> ColumnElement[bool]:
    """Erased, and not empty or never cleaned."""
    held = (User.openid_digest, User.openid_sealed, User.phone_digest, User.phone_sealed, User.kind, User.consent_at)
    return and_(
        User.erased_at.is_not(None),
        or_(
            User.cleaned_at.is_(None),
            User.nickname != "",
            *(column.is_not(None) for column in held),
            select(Token.digest).where(Token.user_id == User.id).exists(),
        ),
    )


def _idle(before: datetime) -> ColumnElement[bool]:
    """People without office and token who have not logged in since."""
    in_office = select(AppointmentRow.id).where(AppointmentRow.user_id == User.id, lasting(local_day(before)))
    return and_(
        User.erased_at.is_(None),
        func.coalesce(User.seen_at, User.created_at) < before,
        ~in_office.exists(),
        ~select(Token.digest).where(Token.user_id == User.id).exists(),
    )


def _count_idle(session: Session, before: datetime) -> int:
    return session.scalar(select(func.count()).select_from(User).where(_due(before))) or 0


def _forget_idle(session: Session, before: datetime, limit: int) -> int:
    """Have idle people erased as if they had asked for it: each by a job of its own."""
    chosen = select(User.id).where(_due(before)).limit(limit).with_for_update(key_share=True, skip_locked=True)
    found = session.scalars(chosen).all()
    for user_id in found:
        begin_erasure(session, user_id, now=runtime().clock.now())
    return len(found)


def _waiting(before: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return RosterEntry.user_id.is_(None), RosterEntry.created_at < before


def _count_waiting(session: Session, before: datetime) -> int:
    return session.scalar(select(func.count()).select_from(RosterEntry).where(*_waiting(before))) or 0


def _forget_waiting(session: Session, before: datetime, limit: int) -> int:
    chosen = select(RosterEntry.id).where(*_waiting(before)).limit(limit)
    gone = session.execute(
        delete(RosterEntry).where(RosterEntry.id.in_(chosen)).execution_options(synchronize_session=False)
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE gives a CursorResult


RETENTION = (
    RetentionCategory(
        "people",
        "people who have not logged in: openid, phone, nickname, the link from their reports to them",
        "so that a person finds their reports and hours again",
        _count_idle,
        _forget_idle,
        days=730,
        least=30,
    ),
    RetentionCategory(
        "people_list",
        "people a city's list named who never came: name, post, phone",
        "so that they are appointed when they log in",
        _count_waiting,
        _forget_waiting,
        days=365,
        least=30,
    ),
    RetentionCategory(
        "tokens",
        "logins nobody used",
        "so that a phone stays logged in",
        counting(Token, Token.last_used_at),
        fixed=TOKEN_IDLE,
    ),
    RetentionCategory(
        "web_sessions",
        "signed-in browsers nobody used, and login attempts",
        "so that a browser stays signed in for a working day",
        counting(WebSession, WebSession.last_used_at),
        fixed=WEB_IDLE,
    ),
)
