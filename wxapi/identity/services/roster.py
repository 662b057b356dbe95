"""A city's list of people: who is to hold which office, known by the phone they will bind when they log in.

An entry is written first and matched in a transaction after it; binding a phone does the same the other way round.
So whichever of the two commits last sees both.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity import queries
from wxapi.identity.models import AppointmentRow, RosterEntry, User
from wxapi.identity.rules import mask_phone
from wxapi.identity.services.appointments import NewAppointment, add_appointment, would_mix
from wxapi.identity.services.roster_files import RosterRow
from wxapi.identity.services.roster_names import PURPOSE
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import not_found
from wxapi.kernel.ids import new_id
from wxapi.kernel.permissions import ROLES_OF, Permission, Role
from wxapi.platform import audit, sweeps
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import region_names

FOUND_AT_MOST = 100
SWEEP_BATCH = 100


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do: entries written, those whose person is known already, and repeats."""

    written: int
    matched: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A person of the list, for those who appoint."""

    id: uuid.UUID
    name: str
    post: str
    phone_masked: str
    role: str
    region_code: str
    region_name: str
    user_id: uuid.UUID | None


def import_people(rows: Sequence[RosterRow], *, now: datetime, dry_run: bool) -> Imported:
    """Write the entries that are not there yet, all or none, and appoint those whose phone is bound already."""
    cipher = runtime().cipher
    digests = {row.phone: cipher.digests(row.phone, purpose="user.phone") for row in rows}
    with transaction() as session:
        there = _there(session, [digest for each in digests.values() for digest in each])
        fresh = [
            row
            for row in rows
            if not any((digest, row.role, row.region_code) in there for digest in digests[row.phone])
        ]
        known = select(User.id).where(User.phone_digest.in_([d for row in fresh for d in digests[row.phone]]))
        user_ids = session.scalars(known).all()
        if not dry_run:
            session.add_all(_entry(row, digests[row.phone][0], now=now) for row in fresh)
            audit.record(session, None, "people.import", subject="people", at=now, entries=len(fresh))
    if not dry_run:
        match(user_ids, now=now)
    return Imported(len(fresh), len(user_ids), len(rows) - len(fresh))


def match(user_ids: Collection[uuid.UUID], *, now: datetime) -> None:
    """Appoint these people to what the list has for their phones."""
    if not user_ids:
        return
    with transaction(locking=user_ids) as session:
        holders = _holders(session, user_ids)
        waiting = session.scalars(
            select(RosterEntry)
            .where(RosterEntry.phone_digest.in_(list(holders)), RosterEntry.user_id.is_(None))
            .order_by(RosterEntry.id)
            .with_for_update()
        ).all()
        for entry in waiting:
            for user_id in holders[entry.phone_digest]:
                entry.user_id = user_id
                _appoint(session, entry, user_id, now=now)


def _holders(session: Session, user_ids: Collection[uuid.UUID]) -> dict[bytes, list[uuid.UUID]]:
    """Whose a phone is, by its digest under each look-up key: an entry may have been written under another one."""
    cipher = runtime().cipher
    found: dict[bytes, list[uuid.UUID]] = {}
    query = select(User.id, User.phone_digest, User.phone_sealed).where(
        User.id.in_(user_ids), User.erased_at.is_(None), User.phone_digest.is_not(None)
    )
    for user_id, digest, sealed in session.execute(query.order_by(User.id)):
        digests: set[bytes] = {digest} if digest else set()
        if sealed is not None and len(runtime().config.lookup_keys) > 1:
            digests.update(cipher.digests(cipher.open(sealed, purpose="user.phone"), purpose="user.phone"))
        for each in digests:
            found.setdefault(each, []).append(user_id)
    return found


def match_waiting(*, now: datetime) -> int:
    """Appoint whom an import or a login that died half-way left waiting; returns how many people."""
    session: Session = db.session()
    bound = (
        select(User.id)
        .join(RosterEntry, RosterEntry.phone_digest == User.phone_digest)
        .where(RosterEntry.user_id.is_(None), User.erased_at.is_(None))
        .distinct()
        .limit(SWEEP_BATCH)
    )
    user_ids = session.scalars(bound).all()
    session.rollback()  # the read is over
    found = sweeps.together("people.match_waiting", user_ids, lambda some: match(some, now=now))
    found.raise_if_not_the_rows()
    return len(user_ids) if not found.failed else 0


def search(actor: Actor, region: str, text: str | None, *, now: datetime) -> list[Listed]:
    """People of the list at or below a region of the administrator's whose name or post holds a text; audited.

    Names are sealed, so they are opened one by one: a county has some hundreds.
    """
    if not actor.covers(region, ROLES_OF[Permission.APPOINT]):
        raise not_found()
    with transaction() as session:
        audit.record(session, actor.user_id, "people.search", subject=f"region:{region}", at=now)
        entries = session.scalars(
            select(RosterEntry)
            .where(RosterEntry.region_code.startswith(region, autoescape=True))
            .order_by(RosterEntry.region_code, RosterEntry.id)
        ).all()
        names = region_names(entry.region_code for entry in entries)
        opened = (_listed(entry, names) for entry in entries)
        return [each for each in opened if not text or text in each.name or text in each.post][:FOUND_AT_MOST]


def _there(session: Session, digests: Sequence[bytes]) -> set[tuple[bytes, str, str]]:
    columns = (RosterEntry.phone_digest, RosterEntry.role, RosterEntry.region_code)
    found = session.execute(select(*columns).where(RosterEntry.phone_digest.in_(digests)))
    return {(row.phone_digest, row.role, row.region_code) for row in found}


def _entry(row: RosterRow, digest: bytes, *, now: datetime) -> RosterEntry:
    cipher = runtime().cipher
    return RosterEntry(
        id=new_id(),
        name_sealed=cipher.seal(row.name, purpose=PURPOSE),
        post_sealed=cipher.seal(row.post, purpose=PURPOSE),
        phone_sealed=cipher.seal(row.phone, purpose=PURPOSE),
        phone_digest=digest,
        role=row.role.value,
        region_code=row.region_code,
        created_at=now,
    )


def _appoint(session: Session, entry: RosterEntry, user_id: uuid.UUID, *, now: datetime) -> None:
    held = queries.appointments_of(session, user_id, today=local_day(now))
    if any((row.role, row.region_code) == (entry.role, entry.region_code) for row in held):
        return
    wanted = NewAppointment(user_id, Role(entry.role), entry.region_code)
    if would_mix(session, user_id, wanted.role, local_day(now)):
        subject, region = f"user:{user_id}", entry.region_code
        audit.record(session, None, "appointment.refuse", subject=subject, at=now, role=entry.role, region=region)
        return
    row: AppointmentRow = add_appointment(session, wanted, starts_on=local_day(now), appointed_by=None, now=now)
    session.flush([row])


def _listed(entry: RosterEntry, names: dict[str, str]) -> Listed:
    cipher = runtime().cipher
    return Listed(
        id=entry.id,
        name=cipher.open(entry.name_sealed, purpose=PURPOSE),
        post=cipher.open(entry.post_sealed, purpose=PURPOSE),
        phone_masked=mask_phone(cipher.open(entry.phone_sealed, purpose=PURPOSE)),
        role=entry.role,
        region_code=entry.region_code,
        region_name=names.get(entry.region_code, ""),
        user_id=entry.user_id,
    )
