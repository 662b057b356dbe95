"""Everything held about a person as one JSON.

Each feature that holds something of a person says so with a `PersonalData`; `wxapi.app` lists them.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask import Flask, current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow, PeopleImport, RosterEntry, Token, User, WebSession
from wxapi.identity.queries import user_by_digest
from wxapi.identity.services.profile import Profile, profile_of
from wxapi.identity.services.roster_names import PURPOSE
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import to_wire, to_wire_or_none
from wxapi.platform import audit
from wxapi.platform.db import transaction
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
class HeldOfPerson:
    """What one part of the product holds about a person: how much of what, and what for."""

    name: str
    why: str
    amounts: dict[str, int]


def install(app: Flask, holdings: Sequence[PersonalData]) -> None:
    """Tell the app which features hold personal data."""
    app.extensions[_KEY] = tuple(holdings)


@dataclass(frozen=True, slots=True)
class Everything:
    """All that is held about a person: as the person sees it, the sealed values opened, and each feature's part."""

    at: datetime
    profile: Profile
    opened: dict[str, Any]
    parts: dict[str, Any]


def read_everything(actor: Actor, *, now: datetime) -> Everything:
    """All that is held about the signed-in person, sealed values opened. The look itself is audited."""
    with transaction() as session:
        user = session.scalars(select(User).where(User.id == actor.user_id)).one()
        audit.record(session, actor.user_id, "user.data_read", subject=f"user:{user.id}", at=now)
        held = {part.name: part.read(session, user.id) for part in holdings()}
        return Everything(now, profile_of(session, user, now=now), _opened(session, user), held)


def held_about(openid: str, *, now: datetime) -> list[HeldOfPerson] | None:
    """What is held about the person with this openid and why, for an operator; None if nothing is. Audited.

    Sealed values are not opened: that they are there is the answer.
    """
    digests = runtime().cipher.digests(openid, purpose="user.openid")
    with transaction() as session:
        user = user_by_digest(session, digests)
        if user is None:
            return None
        audit.record(session, None, "user.held_shown", subject=f"user:{user.id}", at=now)
        held = [_person(session, user)]
        return held + [HeldOfPerson(part.name, part.why, _amounts(part.read(session, user.id))) for part in holdings()]


def _person(session: Session, user: User) -> HeldOfPerson:
    offices = session.scalars(select(AppointmentRow.id).where(AppointmentRow.user_id == user.id)).all()
    tokens = session.scalars(select(Token.digest).where(Token.user_id == user.id)).all()
    entries = session.scalars(select(RosterEntry.id).where(RosterEntry.user_id == user.id)).all()
    amounts = {
        "openid": int(user.openid_sealed is not None),
        "phone": int(user.phone_sealed is not None),
        "nickname": int(bool(user.nickname)),
        "consent": int(user.consent_at is not None),
        "tokens": len(tokens),
        "appointments": len(offices),
        "list_entries": len(entries),
    }
    return HeldOfPerson(f"person {user.id}", "to know the person again, and what the person may do", amounts)


def _amounts(held: Any) -> dict[str, int]:
    """How much of what a feature holds."""
    if isinstance(held, list):
        return {"entries": len(held)}
    return {name: len(value) if isinstance(value, list) else int(value is not None) for name, value in held.items()}


def holdings() -> tuple[PersonalData, ...]:
    """What each feature holds of a person."""
    return cast("tuple[PersonalData, ...]", current_app.extensions.get(_KEY, ()))


def _opened(session: Session, user: User) -> dict[str, Any]:
    cipher = runtime().cipher
    return {
        "openid": cipher.open(user.openid_sealed, purpose="user.openid") if user.openid_sealed else None,
        "phone": cipher.open(user.phone_sealed, purpose="user.phone") if user.phone_sealed else None,
        "since": to_wire(user.created_at),
        "last_seen_at": to_wire_or_none(user.seen_at),
        "tokens": [
            {"since": to_wire(token.created_at), "last_used_at": to_wire(token.last_used_at)}
            for token in session.scalars(select(Token).where(Token.user_id == user.id))
        ],
        "web_sessions": [
            {"browser": row.browser, "place": row.place, "since": to_wire(row.created_at)}
            for row in session.scalars(select(WebSession).where(WebSession.user_id == user.id))
        ],
        "list_entries": [
            {
                "name": cipher.open(row.name_sealed, purpose=PURPOSE),
                "post": cipher.open(row.post_sealed, purpose=PURPOSE),
                "phone": cipher.open(row.phone_sealed, purpose=PURPOSE),
                "role": row.role,
                "region_code": row.region_code,
                "unit_code": row.unit_code,
                "since": to_wire(row.created_at),
            }
            for row in session.scalars(
                select(RosterEntry).where(RosterEntry.user_id == user.id).order_by(RosterEntry.id)
            )
        ],
        "list_imports": [
            {"state": row.state, "at": to_wire(row.created_at)}
            for row in session.scalars(select(PeopleImport).where(PeopleImport.user_id == user.id))
        ],
    }
