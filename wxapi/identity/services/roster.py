"""A city's list of people: who is to hold which office, known by the phone they will bind when they log in.

An entry is written first and matched in a transaction after it; binding a phone does the same the other way round.
So whichever of the two commits last sees both. Who has another phone than the list says brings a slip (`invitations`).
"""

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wxapi.identity import queries
from wxapi.identity.models import RosterEntry, User
from wxapi.identity.services.appointments import NewAppointment, add_appointment, note_change, would_mix
from wxapi.identity.services.roster_files import RosterRow
from wxapi.identity.services.roster_names import PURPOSE
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import InvalidError
from wxapi.kernel.ids import new_id
from wxapi.kernel.permissions import Role
from wxapi.platform import audit, sweeps
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.regions.rules.levels import region_of
from wxapi.regions.services.lookup import tree
from wxapi.units.queries import lock_standing, standing_unit

_Each = TypeVar("_Each")

SWEEP_BATCH = 100
_MATCHED_AT_ONCE = 200
_ASKED_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do.

    Attributes:
        written: new entries.
        changed: entries that were there with another name or post.
        matched: of the new ones, those whose phone is bound already.
        unchanged: repeats.
    """

    written: int
    changed: int
    matched: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class RosterPlan:
    """What a list adds to the one that is there, and whose phones its new entries name."""

    fresh: tuple[RosterRow, ...]
    renamed: tuple[tuple[RosterEntry, RosterRow], ...]
    user_ids: tuple[uuid.UUID, ...]
    unchanged: int

    @property
    def counts(self) -> Imported:
        """How many entries of each kind there are."""
        return Imported(len(self.fresh), len(self.renamed), len(self.user_ids), self.unchanged)


def import_people(rows: Sequence[RosterRow], *, now: datetime, dry_run: bool) -> Imported:
    """An operator's list: write the entries that are not there yet, all or none, and appoint whose phone is bound.

    Raises:
        InvalidError: `region_closed`, `unit_closed` since it was checked.
    """
    with transaction() as session:
        lock_list(session)
        refuse_gone(session, rows)
        plan = plan_of(session, rows)
        if not dry_run:
            write(session, plan, by=None, now=now)
            audit.record(session, None, "people.import", subject="people", at=now, entries=len(plan.fresh))
    if not dry_run:
        match(plan.user_ids, now=now)
    return plan.counts


def lock_list(session: Session) -> None:
    """Let one write at a time: two that add the same entry would each find it missing."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("wxapi.people_roster"))))


def refuse_gone(session: Session, rows: Sequence[RosterRow]) -> None:
    """Refuse a list that names what was closed since it was checked; its units stay until the transaction ends.

    Raises:
        InvalidError: `region_closed`, `unit_closed`.
    """
    if not {row.region_code for row in rows} <= tree().standing:
        raise InvalidError("region_closed", "名单中的区域已撤销，请重新检查。")
    named = {row.unit_code for row in rows if row.unit_code}
    if named and lock_standing(session, named) != named:
        raise InvalidError("unit_closed", "名单中的单位已撤销，请重新检查。")


def plan_of(session: Session, rows: Sequence[RosterRow]) -> RosterPlan:
    """Compare a list with the one that is there; phones are found under each look-up key."""
    cipher = runtime().cipher
    digests = {row.phone: cipher.digests(row.phone, purpose="user.phone") for row in rows}
    there = {
        (entry.phone_digest, entry.role, entry.unit_code or entry.region_code): entry
        for entry in _entries(session, digests.values())
    }
    fresh, renamed = [], []
    for row in rows:
        keys = [(digest, row.role.value, row.unit_code or row.region_code) for digest in digests[row.phone]]
        entry = next((there[key] for key in keys if key in there), None)
        if entry is None:
            fresh.append(row)
        elif (row.name, row.post) != names_in(entry):
            renamed.append((entry, row))
    wanted = [digest for row in fresh for digest in digests[row.phone]]
    known = [
        user_id
        for some in _parts(wanted, _ASKED_AT_ONCE)
        for user_id in session.scalars(select(User.id).where(User.phone_digest.in_(some)).order_by(User.id))
    ]
    user_ids = tuple(dict.fromkeys(known))
    return RosterPlan(tuple(fresh), tuple(renamed), user_ids, len(rows) - len(fresh) - len(renamed))


def write(session: Session, plan: RosterPlan, *, by: uuid.UUID | None, now: datetime) -> list[RosterEntry]:
    """Write what a plan found, in the caller's transaction; returns the new entries. Match their people after it."""
    cipher = runtime().cipher
    made = [_entry(row, by=by, now=now) for row in plan.fresh]
    session.add_all(made)
    for entry, row in plan.renamed:
        entry.name_sealed = cipher.seal(row.name, purpose=PURPOSE)
        entry.post_sealed = cipher.seal(row.post, purpose=PURPOSE)
    session.flush()
    return made


def match(user_ids: Collection[uuid.UUID], *, now: datetime) -> int:
    """Appoint these people to what the list has for their phones; returns how many entries found their person."""
    return sum(_match_some(some, now=now) for some in _parts(sorted(user_ids), _MATCHED_AT_ONCE))


def _match_some(user_ids: Sequence[uuid.UUID], *, now: datetime) -> int:
    with transaction(locking=user_ids) as session:
        holders = _holders(session, user_ids)
        waiting = session.scalars(
            select(RosterEntry)
            .where(RosterEntry.phone_digest.in_(list(holders)), RosterEntry.user_id.is_(None))
            .order_by(RosterEntry.id)
            .with_for_update()
        ).all()
        matched = 0
        for entry in waiting:
            # A number that two have bound was handed on: nobody can tell here whose it is now; a slip can.
            if len(holders[entry.phone_digest]) == 1:
                take(session, entry, holders[entry.phone_digest][0], now=now)
                matched += 1
        return matched


def take(session: Session, entry: RosterEntry, user_id: uuid.UUID, *, now: datetime) -> None:
    """Make somebody the person of an entry and appoint them, in the caller's transaction, which locked both."""
    entry.user_id = user_id
    entry.invitation_digest = entry.invitation_expires_at = None
    held = queries.appointments_of(session, user_id, today=local_day(now))
    region, unit = _place_of(session, entry)
    if any((row.role, row.region_code, row.unit_code) == (entry.role, region, unit) for row in held):
        return
    wanted = NewAppointment(user_id, Role(entry.role), region, unit_code=unit)
    closed = wanted.role is Role.UNIT_OFFICER and unit is None
    if closed or would_mix(session, user_id, wanted.role, local_day(now)):
        subject = f"user:{user_id}"
        audit.record(session, None, "appointment.refuse", subject=subject, at=now, role=entry.role, region=region)
        return
    row = add_appointment(session, wanted, starts_on=local_day(now), appointed_by=entry.added_by, now=now)
    session.flush([row])
    note_change(session, row, "added")


def _place_of(session: Session, entry: RosterEntry) -> tuple[str, str | None]:
    """Region and unit of the office now: a unit that was closed since is the one that goes on for it, or none."""
    unit = standing_unit(session, entry.unit_code) if entry.unit_code else None
    return region_of(unit) if unit else entry.region_code, unit


def match_waiting(*, now: datetime) -> int:
    """Appoint whom an import or a login that died half-way left waiting; returns how many entries found their person.

    Pages by the id: people whose number turns out to be bound twice, each under another look-up key, stay in front.
    """
    matched, after = 0, uuid.UUID(int=0)
    while user_ids := _bound_and_waiting(after):
        found = sweeps.together("people.match_waiting", user_ids, lambda some: match(some, now=now))
        found.raise_if_not_the_rows()
        matched, after = matched + found.done, user_ids[-1]
    return matched


def _bound_and_waiting(after: uuid.UUID) -> Sequence[uuid.UUID]:
    session: Session = db.session()
    alone = select(User.phone_digest).where(User.erased_at.is_(None)).group_by(User.phone_digest)
    bound = (
        select(User.id)
        .join(RosterEntry, RosterEntry.phone_digest == User.phone_digest)
        .where(
            RosterEntry.user_id.is_(None),
            User.erased_at.is_(None),
            User.id > after,
            User.phone_digest.in_(alone.having(func.count() == 1)),
        )
        .distinct()
        .order_by(User.id)
        .limit(SWEEP_BATCH)
    )
    user_ids = session.scalars(bound).all()
    session.rollback()  # the read is over
    return user_ids


def names_in(entry: RosterEntry) -> tuple[str, str]:
    """Name and post of an entry, opened."""
    cipher = runtime().cipher
    return cipher.open(entry.name_sealed, purpose=PURPOSE), cipher.open(entry.post_sealed, purpose=PURPOSE)


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


def _entries(session: Session, digests: Collection[Sequence[bytes]]) -> Iterator[RosterEntry]:
    for some in _parts([digest for each in digests for digest in each], _ASKED_AT_ONCE):
        yield from session.scalars(select(RosterEntry).where(RosterEntry.phone_digest.in_(some)))


def _entry(row: RosterRow, *, by: uuid.UUID | None, now: datetime) -> RosterEntry:
    cipher = runtime().cipher
    return RosterEntry(
        id=new_id(),
        name_sealed=cipher.seal(row.name, purpose=PURPOSE),
        post_sealed=cipher.seal(row.post, purpose=PURPOSE),
        phone_sealed=cipher.seal(row.phone, purpose=PURPOSE),
        phone_digest=cipher.digest(row.phone, purpose="user.phone"),
        role=row.role.value,
        region_code=row.region_code,
        unit_code=row.unit_code,
        created_at=now,
        added_by=by,
    )


def _parts(values: Sequence[_Each], size: int) -> Iterator[Sequence[_Each]]:
    """The values, at most so many at a time: a statement takes 65,535."""
    yield from (values[first : first + size] for first in range(0, len(values), size))
