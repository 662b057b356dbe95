"""Where a person is signed in: phones by their tokens, browsers by their cookies. Each can be ended, or all."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from wxapi.identity import queries
from wxapi.identity.models import AppointmentRow, Token, User, WebSession
from wxapi.identity.queries import digest_of
from wxapi.identity.rules import TOKEN_IDLE
from wxapi.identity.services import web_sessions
from wxapi.identity.services.rights import change_rights
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform import audit
from wxapi.platform.db import db, transaction


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One phone or browser that is signed in; a phone says nothing of itself."""

    id: uuid.UUID
    browser: str | None
    place: str | None
    created_at: datetime
    last_used_at: datetime
    is_this: bool


def list_sessions(actor: Actor, token: str, *, now: datetime) -> list[SignedIn]:
    """Where the person is signed in, the last used first; `token` tells which one asks."""
    return _signed_in(actor.user_id, token, now=now)


def list_of(actor: Actor | None, user_id: uuid.UUID, *, now: datetime) -> list[SignedIn]:
    """Where somebody else is signed in, for an administrator of their office, or the operator (None); audited.

    Raises:
        NotFoundError: nobody who holds an office within the administrator's regions.
    """
    with transaction() as session:
        _require_office(session, actor, user_id)
        by = actor.user_id if actor else None
        audit.record(session, by, "session.list", subject=f"user:{user_id}", at=now)
    return _signed_in(user_id, "", now=now)


def end_all_of(actor: Actor | None, user_id: uuid.UUID, *, now: datetime) -> int:
    """Sign somebody else out everywhere: a phone that was lost, an account that is misused. Returns how many sessions.

    Raises:
        NotFoundError: nobody who holds an office within the administrator's regions.
    """
    ended = len(_signed_in(user_id, "", now=now))
    with transaction(locking=(user_id,)) as session:
        _require_office(session, actor, user_id)
        session.execute(delete(Token).where(Token.user_id == user_id))
        session.execute(delete(WebSession).where(WebSession.user_id == user_id))
        _note(session, actor.user_id if actor else None, user_id, "all", now=now)
    return ended


def _signed_in(user_id: uuid.UUID, token: str, *, now: datetime) -> list[SignedIn]:
    this = digest_of(token)
    phones = [
        SignedIn(_id_of(row), None, None, row.created_at, row.last_used_at, row.digest == this)
        for row in _tokens(db.session(), user_id, now)
    ]
    browsers = [
        SignedIn(each.id, each.device.browser, each.device.place, each.created_at, each.last_used_at, each.is_this)
        for each in web_sessions.sessions_of(user_id, token, now=now)
    ]
    return sorted([*phones, *browsers], key=lambda each: each.last_used_at, reverse=True)


def _require_office(session: Session, actor: Actor | None, user_id: uuid.UUID) -> None:
    """Administrators see office holders only, also those whose office has just ended; citizens are nobody's."""
    person = select(User.id).where(User.id == user_id, User.erased_at.is_(None))
    if actor is not None:
        held = queries.below(actor.regions(ROLES_OF[Permission.APPOINT]))
        person = person.where(select(AppointmentRow.id).where(AppointmentRow.user_id == user_id, held).exists())
    if session.scalar(person) is None:
        raise not_found()


def end(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> None:
    """Sign one of the person's phones or browsers out.

    Raises:
        NotFoundError: none of this person's.
    """
    with transaction(locking=(actor.user_id,)) as session:
        _end_one(session, actor, actor.user_id, session_id, now=now)


def end_of(actor: Actor, user_id: uuid.UUID, session_id: uuid.UUID, *, now: datetime) -> None:
    """Sign one of somebody else's phones or browsers out.

    Raises:
        NotFoundError: nobody who holds an office within the administrator's regions, or none of theirs.
    """
    with transaction(locking=(user_id,)) as session:
        _require_office(session, actor, user_id)
        _end_one(session, actor, user_id, session_id, now=now)


def _end_one(session: Session, actor: Actor, user_id: uuid.UUID, session_id: uuid.UUID, *, now: datetime) -> None:
    found = [row.digest for row in _tokens(session, user_id, now) if _id_of(row) == session_id]
    if not found:
        browser = session.scalar(
            delete(WebSession)
            .where(WebSession.id == session_id, WebSession.user_id == user_id)
            .returning(WebSession.id)
        )
        if browser is None:
            raise not_found()
    session.execute(delete(Token).where(Token.digest.in_(found)))
    _note(session, actor.user_id, user_id, str(session_id), now=now)


def end_all(actor: Actor, *, now: datetime) -> None:
    """Sign all of the person's phones and browsers out, the one that asks included."""
    with transaction(locking=(actor.user_id,)) as session:
        session.execute(delete(Token).where(Token.user_id == actor.user_id))
        session.execute(delete(WebSession).where(WebSession.user_id == actor.user_id))
        _note(session, actor.user_id, actor.user_id, "all", now=now)


def _tokens(session: Session, user_id: uuid.UUID, now: datetime) -> Sequence[Token]:
    alive = Token.last_used_at > now - TOKEN_IDLE
    return session.scalars(select(Token).where(Token.user_id == user_id, alive)).all()


def _id_of(token: Token) -> uuid.UUID:
    """How a token is named: from its digest, which names nobody and opens nothing."""
    return uuid.UUID(bytes=hashlib.sha256(token.digest).digest()[:16], version=4)


def _note(session: Session, by: uuid.UUID | None, user_id: uuid.UUID, which: str, *, now: datetime) -> None:
    change_rights(session, [user_id])
    audit.record(session, by, "session.end", subject=f"user:{user_id}", at=now, which=which)
