"""Slips: who has another phone than the city's list says brings a code that was printed and handed to them.

A code has 60 random bits and is good for one person, once, for 30 days. It is shown when it is made and never again:
only its keyed digest is kept. A new slip for somebody ends the one before.
"""

import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity.models import RosterEntry
from wxapi.identity.rules import INVITED_FOR
from wxapi.identity.services import roster
from wxapi.identity.services.confirming import require_confirmed
from wxapi.identity.services.roster_reading import within
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ConflictError, InvalidError, not_found
from wxapi.kernel.ids import new_code
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import tree
from wxapi.units.queries import unit_names

MOST_SLIPS = 200
_PURPOSE = "roster.invitation"
_LENGTH, _GROUP = 12, 4
# What people read into it, and how they write it.
_READ_AS = str.maketrans("OIL", "011", "- \u2013\u2014")


@dataclass(frozen=True, slots=True)
class SlipOffice:
    """An office that a slip is for."""

    person_id: uuid.UUID
    role: str
    region_name: str
    unit_name: str | None


@dataclass(frozen=True, slots=True)
class Slip:
    """One slip as it is printed; the only place where its code stands."""

    name: str
    post: str
    offices: tuple[SlipOffice, ...]
    code: str
    expires_at: datetime


def make_slips(actor: Actor, person_ids: Sequence[uuid.UUID], *, now: datetime) -> list[Slip]:
    """Make slips for people of the list who have not come; of several entries with one phone it is one slip.

    Raises:
        NotFoundError: one of them is not in the administrator's regions.
        ConflictError: `nobody_waits`: all of them have come already.
        ForbiddenError: `confirmation_required`.
    """
    require_confirmed(actor, now=now)
    wanted = set(person_ids)
    with transaction() as session:
        entries = session.scalars(
            select(RosterEntry)
            .where(RosterEntry.id.in_(wanted), within(actor.regions(ROLES_OF[Permission.APPOINT])))
            .order_by(RosterEntry.region_code, RosterEntry.id)
            .with_for_update()
        ).all()
        if len(entries) < len(wanted):
            raise not_found()
        waiting = [entry for entry in entries if entry.user_id is None]
        if not waiting:
            raise ConflictError("nobody_waits", "所选人员均已登录，无需邀请码。")
        return _slips(session, waiting, by=actor.user_id, now=now)


def make_slips_below(region_code: str, *, now: datetime) -> list[Slip]:
    """Make slips for all of the list at or below a region who have not come, for an operator.

    Raises:
        NotFoundError: there is no such region.
    """
    if region_code not in tree():
        raise not_found()
    with transaction() as session:
        entries = session.scalars(
            select(RosterEntry)
            .where(RosterEntry.user_id.is_(None), within([region_code]))
            .order_by(RosterEntry.region_code, RosterEntry.id)
            .with_for_update()
        ).all()
        return _slips(session, entries, by=None, now=now)


def _slips(session: Session, entries: Sequence[RosterEntry], *, by: uuid.UUID | None, now: datetime) -> list[Slip]:
    people: dict[bytes, list[RosterEntry]] = {}
    for entry in entries:
        people.setdefault(entry.phone_digest, []).append(entry)
    units = unit_names(session, {entry.unit_code for entry in entries if entry.unit_code})
    slips = [_slip(each, units, now=now) for each in people.values()]
    for slip in slips:
        for office in slip.offices:
            audit.record(session, by, "people.invite", subject=f"person:{office.person_id}", at=now)
    return slips


def redeem(user_id: uuid.UUID, code: str, *, now: datetime) -> int:
    """Make who brings a code the person of its entries, and appoint them; returns how many offices. It is good once.

    Raises:
        InvalidError: `invitation_invalid`: unknown, used, replaced or expired, which is never told apart.
    """
    digests = runtime().cipher.digests(plain(code), purpose=_PURPOSE)
    with transaction(locking=(user_id,)) as session:
        entries = session.scalars(
            select(RosterEntry)
            .where(
                RosterEntry.invitation_digest.in_(digests),
                RosterEntry.invitation_expires_at > now,
                RosterEntry.user_id.is_(None),
            )
            .order_by(RosterEntry.id)
            .with_for_update()
        ).all()
        if not entries:
            raise InvalidError(
                "invitation_invalid", "邀请码无效、已使用或已过期。", fields={"invitation": ["请核对后重新输入。"]}
            )
        for entry in entries:
            roster.take(session, entry, user_id, now=now)
            audit.record(session, user_id, "people.invitation_used", subject=f"person:{entry.id}", at=now)
        return len(entries)


def plain(code: str) -> str:
    """A code as it is digested, however it was typed."""
    return unicodedata.normalize("NFKC", code).upper().translate(_READ_AS)


def _slip(entries: Sequence[RosterEntry], units: Mapping[str, str], *, now: datetime) -> Slip:
    code = new_code(_LENGTH)
    digest, until = runtime().cipher.digest(code, purpose=_PURPOSE), now + INVITED_FOR
    for entry in entries:
        entry.invitation_digest, entry.invitation_expires_at = digest, until
    name, post = roster.names_in(entries[0])
    regions = tree()
    offices = tuple(
        SlipOffice(entry.id, entry.role, regions[entry.region_code].full_name, units.get(entry.unit_code or ""))
        for entry in entries
    )
    shown = "-".join(code[first : first + _GROUP] for first in range(0, _LENGTH, _GROUP))
    return Slip(name, post, offices, shown, until)
