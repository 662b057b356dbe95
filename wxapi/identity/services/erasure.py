"""Forgetting a person: final at the moment it is asked, and clean after one job.

In the asking transaction the link to the openid is cut, tokens and appointments end, and what the person's own row
holds goes: the next login is a new person, and nothing more is written for this one. What the features hold goes in a
job, and once more a day later, for whatever was on its way.
"""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow, PeopleImport, RosterEntry, Token, User, WebLogin, WebSession
from wxapi.identity.services.personal_data import holdings
from wxapi.identity.services.rights import change_rights
from wxapi.kernel.actor import Actor
from wxapi.platform import audit, outbox
from wxapi.platform.db import transaction
from wxapi.platform.kept_answers import IdempotencyRow

# Longer than any request, job or retry of a job is under way.
_AGAIN_AFTER = timedelta(days=1)


def ask_erasure(actor: Actor, *, now: datetime) -> None:
    """Take a person's word that they want to be forgotten."""
    with transaction(locking=(actor.user_id,)) as session:
        begin_erasure(session, actor.user_id, now=now)
        audit.record(session, actor.user_id, "user.erase_asked", subject=f"user:{actor.user_id}", at=now)


def begin_erasure(session: Session, user_id: uuid.UUID, *, now: datetime) -> None:
    """Cut a person off and have the rest forgotten, in the caller's transaction."""
    _empty(session, user_id, now=now)
    for at in (now, now + _AGAIN_AFTER):
        outbox.record(session, "user.erase", not_before=at, user_id=str(user_id))


def erase(user_id: uuid.UUID, *, now: datetime) -> None:
    """Forget a person everywhere; harmless when repeated, and does its work again where something came back.

    The row stays, empty: reports and rolls keep a nameless author.
    """
    with transaction(locking=(user_id,)) as session:
        user = session.get(User, user_id)
        if user is None:
            return
        for part in holdings():
            part.erase(session, user_id, now)
        # Last: a digest that is cut here holds up whoever writes a row of this person's, as an organiser in a session
        # that a feature has to wait for.
        _empty(session, user_id, now=now)
        if user.cleaned_at is None:
            audit.record(session, None, "user.erased", subject=f"user:{user_id}", at=now)
        user.cleaned_at = now


def _empty(session: Session, user_id: uuid.UUID, *, now: datetime) -> None:
    for table in (Token, WebSession, RosterEntry, PeopleImport):
        session.execute(delete(table).where(table.user_id == user_id))
    # Attempts by which they signed in, and such as asked them again: each says where its browser was going.
    session.execute(delete(WebLogin).where(or_(WebLogin.user_id == user_id, WebLogin.asks_user_id == user_id)))
    session.execute(delete(IdempotencyRow).where(IdempotencyRow.user_id == user_id))
    held = session.scalars(
        update(AppointmentRow)
        .where(AppointmentRow.user_id == user_id, AppointmentRow.ended_at.is_(None))
        .values(ended_at=now)
        .returning(AppointmentRow.id)
    ).all()
    user = session.scalars(select(User).where(User.id == user_id)).one()
    user.openid_digest = user.openid_sealed = user.phone_digest = user.phone_sealed = None
    user.nickname, user.kind, user.consent_version, user.consent_at = "", None, None, None
    user.seen_at = None
    first, user.erased_at = user.erased_at is None, user.erased_at or now
    session.flush()
    if first or held:
        change_rights(session, [user_id])
