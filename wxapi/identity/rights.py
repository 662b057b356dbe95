"""Rights over one's data: everything held about a person as one JSON, and erasure.

Each feature that holds something of a person says so with a `PersonalData`; `wxapi.app` lists them. Erasing is a job:
it may run twice, and leaves reports and attendance standing without the person.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask import Flask, current_app
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow, Token, User
from wxapi.identity.queries import user_by_digest
from wxapi.identity.service import me
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import to_wire
from wxapi.platform import audit, outbox
from wxapi.platform.db import db, transaction
from wxapi.platform.idempotency import IdempotencyRow
from wxapi.platform.runtime import runtime

_KEY = "wxapi.personal_data"


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What one feature holds about a person.

    Args:
        name: its place in the answer of `GET /me/data`.
        why: what it is held for.
        read: everything held, as plain values for JSON.
        erase: take the person out of it; harmless when repeated.
    """

    name: str
    why: str
    read: Callable[[Session, uuid.UUID], Any]
    erase: Callable[[Session, uuid.UUID, datetime], None]


@dataclass(frozen=True, slots=True)
class Holding:
    """What one part of the product holds about a person: how much of what, and what for."""

    name: str
    why: str
    amounts: dict[str, int]


def install(app: Flask, holdings: Sequence[PersonalData]) -> None:
    """Tell the app which features hold personal data."""
    app.extensions[_KEY] = tuple(holdings)


def read_everything(actor: Actor, *, now: datetime) -> dict[str, Any]:
    """All that is held about the signed-in person, sealed values opened. The look itself is audited."""
    with transaction() as session:
        user = session.scalars(select(User).where(User.id == actor.user_id)).one()
        audit.record(session, actor.user_id, "user.data_read", subject=f"user:{user.id}", at=now)
        held = {part.name: part.read(session, user.id) for part in _holdings()}
        return {"generated_at": to_wire(now), "me": {**me(session, user, now=now), **_sealed(user)}, **held}


def held_about(openid: str, *, now: datetime) -> list[Holding] | None:
    """What is held about the person with this openid and why, for an operator; None if nothing is. Audited.

    Sealed values are not opened: that they are there is the answer.
    """
    digest = runtime().cipher.digest(openid, purpose="user.openid")
    with transaction() as session:
        user = user_by_digest(session, digest)
        if user is None:
            return None
        audit.record(session, None, "user.held_shown", subject=f"user:{user.id}", at=now)
        held = [_person(session, user)]
        return held + [Holding(part.name, part.why, _amounts(part.read(session, user.id))) for part in _holdings()]


def _person(session: Session, user: User) -> Holding:
    offices = session.scalars(select(AppointmentRow.id).where(AppointmentRow.user_id == user.id)).all()
    tokens = session.scalars(select(Token.digest).where(Token.user_id == user.id)).all()
    amounts = {
        "openid": int(user.openid_sealed is not None),
        "phone": int(user.phone_sealed is not None),
        "nickname": int(bool(user.nickname)),
        "consent": int(user.consent_at is not None),
        "tokens": len(tokens),
        "appointments": len(offices),
    }
    return Holding(f"person {user.id}", "to know the person again, and what the person may do", amounts)


def _amounts(held: Any) -> dict[str, int]:
    """How much of what a feature holds."""
    if isinstance(held, list):
        return {"entries": len(held)}
    return {name: len(value) if isinstance(value, list) else int(value is not None) for name, value in held.items()}


def ask_erasure(actor: Actor, *, now: datetime) -> None:
    """Take a person's word that he wants to be forgotten: tokens die at once, the rest goes in a job."""
    with transaction() as session:
        session.execute(delete(Token).where(Token.user_id == actor.user_id))
        outbox.record(session, "user.erase", user_id=str(actor.user_id))
        audit.record(session, actor.user_id, "user.erase_asked", subject=f"user:{actor.user_id}", at=now)


def erase(user_id: uuid.UUID, *, now: datetime) -> None:
    """Forget a person everywhere. The row stays, empty: reports and rolls keep a nameless author."""
    with transaction() as session:
        user = session.scalars(select(User).where(User.id == user_id).with_for_update()).one_or_none()
        if user is None or user.erased_at is not None:
            return
        for part in _holdings():
            part.erase(session, user_id, now)
        session.execute(delete(Token).where(Token.user_id == user_id))
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


def _holdings() -> tuple[PersonalData, ...]:
    return cast("tuple[PersonalData, ...]", current_app.extensions.get(_KEY, ()))


def _sealed(user: User) -> dict[str, Any]:
    cipher = runtime().cipher
    return {
        "openid": cipher.open(user.openid_sealed, purpose="user.openid") if user.openid_sealed else None,
        "phone": cipher.open(user.phone_sealed, purpose="user.phone") if user.phone_sealed else None,
        "since": to_wire(user.created_at),
        "last_seen_at": to_wire(user.seen_at) if user.seen_at else None,
        "tokens": [
            {"since": to_wire(token.created_at), "last_used_at": to_wire(token.last_used_at)}
            for token in db.session.scalars(select(Token).where(Token.user_id == user.id))
        ],
    }
