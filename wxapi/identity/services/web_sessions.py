"""Sessions of browsers: opened by a login, found by a cookie, listed and ended by their person."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.orm import Session

from wxapi.identity.models import WebSession
from wxapi.identity.queries import digest_of, visitor_of
from wxapi.identity.rules import WEB_IDLE, WEB_MAX_AGE, WEB_TOUCH_AFTER
from wxapi.identity.services.rights import change_rights
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import not_found
from wxapi.kernel.ids import new_id, new_token
from wxapi.platform import audit, outbox
from wxapi.platform.db import db, delete_some, transaction


@dataclass(frozen=True, slots=True)
class Device:
    """What is known of a browser: its kind and system, and the address it came from."""

    browser: str
    place: str


@dataclass(frozen=True, slots=True)
class OwnSession:
    """One signed-in browser, as its person sees it."""

    id: uuid.UUID
    device: Device
    created_at: datetime
    last_used_at: datetime
    is_this: bool


def authenticate(token: str, *, now: datetime) -> Actor | None:
    """The person behind a live session; None for any other token. Notes the use at most every five minutes."""
    visitor = visitor_of(token, now=now, today=local_day(now))
    if visitor is None:
        return None
    if visitor.last_used_at < now - WEB_TOUCH_AFTER:
        with transaction() as session:
            session.execute(update(WebSession).where(WebSession.digest == digest_of(token)).values(last_used_at=now))
    return visitor.actor


def open_session(session: Session, user_id: uuid.UUID, device: Device, *, now: datetime) -> str:
    """Sign a browser in; returns what its cookie holds. Joins the caller's transaction. The person's phone is told."""
    token = new_token()
    row = WebSession(
        digest=digest_of(token),
        id=new_id(),
        user_id=user_id,
        browser=device.browser,
        place=device.place,
        created_at=now,
        last_used_at=now,
    )
    session.add(row)
    audit.record(session, user_id, "web_session.open", subject=f"user:{user_id}", at=now, browser=str(row.id))
    outbox.record(session, "web_session.opened", session_id=str(row.id))
    return token


def sessions_of(user_id: uuid.UUID, token: str, *, now: datetime) -> list[OwnSession]:
    """Somebody's signed-in browsers, the last used first; `token` tells which is the one that asks."""
    this = digest_of(token)
    rows: Sequence[WebSession] = db.session.scalars(
        select(WebSession)
        .where(WebSession.user_id == user_id, _alive(now))
        .order_by(WebSession.last_used_at.desc(), WebSession.id)
    ).all()
    return [
        OwnSession(row.id, Device(row.browser, row.place), row.created_at, row.last_used_at, row.digest == this)
        for row in rows
    ]


def end_session(token: str, *, now: datetime) -> None:
    """Sign this browser out; a dead session does not matter."""
    holder = db.session.scalar(select(WebSession.user_id).where(WebSession.digest == digest_of(token)))
    if holder is None:
        return
    with transaction(locking=(holder,)) as session:
        ended = session.execute(
            delete(WebSession).where(WebSession.digest == digest_of(token)).returning(WebSession.user_id, WebSession.id)
        ).one_or_none()
        if ended is not None:
            change_rights(session, [holder])
            _note_end(session, ended.user_id, str(ended.id), now=now)


def end_own_session(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> None:
    """Sign one of the person's browsers out.

    Raises:
        NotFoundError: no session of this person.
    """
    with transaction(locking=(actor.user_id,)) as session:
        ended = session.execute(
            delete(WebSession)
            .where(WebSession.id == session_id, WebSession.user_id == actor.user_id)
            .returning(WebSession.id)
        ).one_or_none()
        if ended is None:
            raise not_found()
        change_rights(session, [actor.user_id])
        _note_end(session, actor.user_id, str(session_id), now=now)


def end_all_sessions(actor: Actor, *, now: datetime) -> None:
    """Sign all of the person's browsers out, the one that asks included."""
    with transaction(locking=(actor.user_id,)) as session:
        session.execute(delete(WebSession).where(WebSession.user_id == actor.user_id))
        change_rights(session, [actor.user_id])
        _note_end(session, actor.user_id, "all", now=now)


def forget_dead(session: Session, now: datetime, limit: int) -> int:
    """Delete sessions that no cookie opens any more, at most so many; returns how many."""
    return delete_some(session, WebSession, ~_alive(now), limit=limit)


def _alive(now: datetime) -> ColumnElement[bool]:
    return and_(WebSession.last_used_at > now - WEB_IDLE, WebSession.created_at > now - WEB_MAX_AGE)


def _note_end(session: Session, user_id: uuid.UUID, which: str, *, now: datetime) -> None:
    audit.record(session, user_id, "web_session.end", subject=f"user:{user_id}", at=now, browser=which)
