"""Where a person is signed in: phones by their tokens, browsers by their cookies. Each can be ended, or all."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from wxapi.identity.models import Token, WebSession
from wxapi.identity.queries import digest_of
from wxapi.identity.rules import TOKEN_IDLE
from wxapi.identity.services import web_sessions
from wxapi.identity.services.rights import change_rights
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
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
    this = digest_of(token)
    phones = [
        SignedIn(_id_of(row), None, None, row.created_at, row.last_used_at, row.digest == this)
        for row in _tokens(db.session(), actor.user_id, now)
    ]
    browsers = [
        SignedIn(each.id, each.device.browser, each.device.place, each.created_at, each.last_used_at, each.is_this)
        for each in web_sessions.own_sessions(actor, token, now=now)
    ]
    return sorted([*phones, *browsers], key=lambda each: each.last_used_at, reverse=True)


def end(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> None:
    """Sign one of the person's phones or browsers out.

    Raises:
        NotFoundError: none of this person's.
    """
    with transaction(locking=(actor.user_id,)) as session:
        found = [row.digest for row in _tokens(session, actor.user_id, now) if _id_of(row) == session_id]
        if not found:
            browser = session.scalar(
                delete(WebSession)
                .where(WebSession.id == session_id, WebSession.user_id == actor.user_id)
                .returning(WebSession.id)
            )
            if browser is None:
                raise not_found()
        session.execute(delete(Token).where(Token.digest.in_(found)))
        _note(session, actor, str(session_id), now=now)


def end_all(actor: Actor, *, now: datetime) -> None:
    """Sign all of the person's phones and browsers out, the one that asks included."""
    with transaction(locking=(actor.user_id,)) as session:
        session.execute(delete(Token).where(Token.user_id == actor.user_id))
        session.execute(delete(WebSession).where(WebSession.user_id == actor.user_id))
        _note(session, actor, "all", now=now)


def _tokens(session: Session, user_id: uuid.UUID, now: datetime) -> Sequence[Token]:
    alive = Token.last_used_at > now - TOKEN_IDLE
    return session.scalars(select(Token).where(Token.user_id == user_id, alive)).all()


def _id_of(token: Token) -> uuid.UUID:
    """How a token is named: from its digest, which names nobody and opens nothing."""
    return uuid.UUID(bytes=hashlib.sha256(token.digest).digest()[:16], version=4)


def _note(session: Session, actor: Actor, which: str, *, now: datetime) -> None:
    change_rights(session, [actor.user_id])
    audit.record(session, actor.user_id, "session.end", subject=f"user:{actor.user_id}", at=now, which=which)
