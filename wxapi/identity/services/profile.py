"""What people do about themselves: read and change who they are."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity import queries
from wxapi.identity.models import User
from wxapi.identity.rules import mask_phone
from wxapi.identity.services import roster
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import not_found
from wxapi.platform import audit
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import region_names
from wxapi.units.queries import unit_names


@dataclass(frozen=True, slots=True)
class Office:
    """An appointment in force, with the names people read."""

    role: str
    region_code: str
    region_name: str
    unit_code: str | None
    unit_name: str | None
    is_stand_in: bool = False
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as the person sees it: `<me>` of the contract."""

    id: uuid.UUID
    nickname: str
    kind: str | None
    phone_masked: str | None
    offices: tuple[Office, ...]
    consent_version: str | None
    consent_at: datetime | None


def profile_of(session: Session, user: User, *, now: datetime) -> Profile:
    """A person with the appointments in force."""
    rows = queries.appointments_of(session, user.id, today=local_day(now))
    regions = region_names(row.region_code for row in rows)
    units = unit_names(session, [row.unit_code for row in rows if row.unit_code])
    phone = runtime().cipher.open(user.phone_sealed, purpose="user.phone") if user.phone_sealed else None
    return Profile(
        id=user.id,
        nickname=user.nickname,
        kind=user.kind,
        phone_masked=mask_phone(phone) if phone else None,
        offices=tuple(
            Office(
                row.role,
                row.region_code,
                regions.get(row.region_code, ""),
                row.unit_code,
                units[row.unit_code] if row.unit_code else None,
                row.stands_in_for is not None,
                row.ends_on,
            )
            for row in rows
        ),
        consent_version=user.consent_version,
        consent_at=user.consent_at,
    )


def read_me(actor: Actor, *, now: datetime) -> Profile:
    """The signed-in person."""
    return profile_of(db.session(), _own_row(db.session(), actor), now=now)


def change_me(actor: Actor, *, nickname: str, kind: str | None, consent_version: str | None, now: datetime) -> Profile:
    """Replace nickname and kind; a consent version is recorded with the time it was given."""
    with transaction(locking=(actor.user_id,)) as session:
        user = _own_row(session, actor)
        user.nickname = nickname
        user.kind = kind
        if consent_version is not None and consent_version != user.consent_version:
            user.consent_version, user.consent_at = consent_version, now
            # Not which version: it is what a phone sent, and the audit is never erased.
            audit.record(session, actor.user_id, "user.consent", subject=f"user:{user.id}", at=now)
        session.flush()
        return profile_of(session, user, now=now)


def ask_phone(actor: Actor, code: str) -> str:
    """The phone number behind a getPhoneNumber code, as WeChat gives it once. May take long.

    Raises:
        InvalidError: `phone_code_invalid`, the code is dead or somebody else's.
    """
    parts = runtime()
    # A unit of its own: WeChat may be slow, and no transaction waits for it.
    with transaction() as session:
        sealed = _own_row(session, actor).openid_sealed
    if sealed is None:
        raise not_found()
    return parts.wechat.phone_number(code, parts.cipher.open(sealed, purpose="user.openid")).pure


def set_phone(actor: Actor, number: str, *, now: datetime) -> Profile:
    """Bind a phone number that WeChat gave, and appoint the person to what a city's list has for it."""
    parts = runtime()
    with transaction(locking=(actor.user_id,)) as session:
        user = _own_row(session, actor)
        user.phone_sealed = parts.cipher.seal(number, purpose="user.phone")
        user.phone_digest = parts.cipher.digest(number, purpose="user.phone")
        audit.record(session, actor.user_id, "user.phone_set", subject=f"user:{user.id}", at=now)
    roster.match([actor.user_id], now=now)
    return read_me(actor, now=now)


def _own_row(session: Session, actor: Actor) -> User:
    return session.scalars(select(User).where(User.id == actor.user_id)).one()
