"""The city's list as an administrator reads and keeps it: pages, search, one more, one less. Reads are audited."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, false, or_, select, tuple_
from sqlalchemy.orm import Session

from wxapi.identity.models import RosterEntry
from wxapi.identity.rules import mask_phone
from wxapi.identity.services import roster
from wxapi.identity.services.appointments import check_unit
from wxapi.identity.services.confirming import require_confirmed
from wxapi.identity.services.roster_files import RosterRow
from wxapi.identity.services.roster_names import PURPOSE
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ConflictError, not_found
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform import audit
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import refuse_closed, region_names, tree
from wxapi.units.queries import unit_names

_OPENED_AT_ONCE = 500
_PHONE_DIGITS = 11


@dataclass(frozen=True, slots=True)
class Listed:
    """A person of the list: `user_id` once they have come, `invited_until` while a slip is good."""

    id: uuid.UUID
    name: str
    post: str
    phone_masked: str
    role: str
    region_code: str
    region_name: str
    unit_code: str | None
    unit_name: str | None
    user_id: uuid.UUID | None
    invited_until: datetime | None


@dataclass(frozen=True, slots=True)
class Sought:
    """Whom an administrator looks for.

    Attributes:
        region: one of theirs, or below; None: all of theirs.
        text: part of a name or post, or a whole phone number.
        waiting: those who have not come, or (False) those who have.
    """

    region: str | None = None
    text: str | None = None
    waiting: bool | None = None


def search(actor: Actor, sought: Sought, *, limit: int, cursor: str | None, now: datetime) -> Page[Listed]:
    """A page of the list, by region. Names are sealed, so they are opened one by one: a county has some hundreds.

    Raises:
        NotFoundError: the region is not the administrator's.
        MalformedError: `cursor_invalid`.
    """
    own: Sequence[str] = actor.regions(ROLES_OF[Permission.APPOINT])
    if sought.region is not None:
        if not actor.covers(sought.region, ROLES_OF[Permission.APPOINT]):
            raise not_found()
        own = (sought.region,)
    after = decode_cursor(cursor, str, uuid.UUID) if cursor else None
    with transaction() as session:
        audit.record(session, actor.user_id, "people.search", subject=f"region:{','.join(own)}", at=now)
        found: list[RosterEntry] = []
        while len(found) <= limit:
            some = _some(session, own, sought, after)
            found += [entry for entry in some if _fits(entry, sought.text)]
            if len(some) < _OPENED_AT_ONCE:
                break
            after = (some[-1].region_code, some[-1].id)
        page = page_of(found[: limit + 1], limit, lambda entry: (entry.region_code, entry.id))
        return Page(_shown(page.items, now=now), page.next_cursor)


def read_person(actor: Actor, person_id: uuid.UUID, *, now: datetime) -> Listed:
    """One person of the list; audited.

    Raises:
        NotFoundError: none in the administrator's regions.
    """
    with transaction() as session:
        entry = _own(session, actor, person_id)
        audit.record(session, actor.user_id, "people.read", subject=f"person:{entry.id}", at=now)
        return _shown([entry], now=now)[0]


def add_person(actor: Actor, row: RosterRow, *, now: datetime) -> Listed:
    """Put one person on the list; who has bound the phone is appointed at once. One that is there already stays.

    Raises:
        NotFoundError: the region is not the administrator's, or there is no such unit.
        InvalidError: `role_needs_unit`, `role_needs_region`, `role_needs_city`; `region_closed`, `unit_closed`.
        ForbiddenError: `confirmation_required`.
    """
    require_confirmed(actor, now=now)
    if not actor.covers(row.region_code, ROLES_OF[Permission.APPOINT]) or row.region_code not in tree():
        raise not_found()
    refuse_closed(row.region_code)
    with transaction() as session:
        check_unit(session, row)
        roster.lock_list(session)
        roster.refuse_gone(session, [row])
        plan = roster.plan_of(session, [row])
        made = roster.write(session, plan, by=actor.user_id, now=now)
        audit.record(
            session, actor.user_id, "people.add", subject=f"region:{row.region_code}", at=now, role=row.role.value
        )
        there = plan.renamed[0][0] if plan.renamed else None
        entry = made[0] if made else there or _same(session, row)
    roster.match(plan.user_ids, now=now)
    # As it is by now, or as it was written where somebody has taken it off the list since.
    found = db.session().get(RosterEntry, entry.id, populate_existing=True) or entry
    return _shown([found], now=now)[0]


def remove_person(actor: Actor, person_id: uuid.UUID, *, now: datetime) -> None:
    """Take somebody off the list who has not come.

    Raises:
        NotFoundError: none in the administrator's regions.
        ConflictError: `already_bound`: their appointment is what there is to end.
    """
    with transaction() as session:
        roster.lock_list(session)  # whoever writes the list counts on what was found in it
        entry = _own(session, actor, person_id, lock=True)
        if entry.user_id is not None:
            raise ConflictError("already_bound", "该人员已登录并任职，请在任职中办理结束。")
        session.delete(entry)
        audit.record(session, actor.user_id, "people.remove", subject=f"person:{person_id}", at=now)


def within(regions: Iterable[str]) -> ColumnElement[bool]:
    """Entries at or below one of the regions."""
    return or_(false(), *(RosterEntry.region_code.startswith(code, autoescape=True) for code in regions))


def _own(session: Session, actor: Actor, person_id: uuid.UUID, *, lock: bool = False) -> RosterEntry:
    query = select(RosterEntry).where(RosterEntry.id == person_id, within(actor.regions(ROLES_OF[Permission.APPOINT])))
    entry = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if entry is None:
        raise not_found()
    return entry


def _same(session: Session, row: RosterRow) -> RosterEntry:
    digests = runtime().cipher.digests(row.phone, purpose="user.phone")
    return session.scalars(
        select(RosterEntry).where(
            RosterEntry.phone_digest.in_(digests),
            RosterEntry.role == row.role.value,
            RosterEntry.region_code == row.region_code,
            RosterEntry.unit_code.is_not_distinct_from(row.unit_code),
        )
    ).one()


def _some(
    session: Session, regions: Sequence[str], sought: Sought, after: tuple[str, uuid.UUID] | None
) -> Sequence[RosterEntry]:
    query = (
        select(RosterEntry)
        .where(within(regions))
        .order_by(RosterEntry.region_code, RosterEntry.id)
        .limit(_OPENED_AT_ONCE)
    )
    if sought.waiting is not None:
        query = query.where(RosterEntry.user_id.is_(None) if sought.waiting else RosterEntry.user_id.is_not(None))
    if _is_phone(sought.text):
        digests = runtime().cipher.digests(sought.text or "", purpose="user.phone")
        query = query.where(RosterEntry.phone_digest.in_(digests))
    if after is not None:
        query = query.where(tuple_(RosterEntry.region_code, RosterEntry.id) > tuple_(*after))
    return session.scalars(query).all()


def _is_phone(text: str | None) -> bool:
    return text is not None and len(text) == _PHONE_DIGITS and text.isascii() and text.isdigit()


def _fits(entry: RosterEntry, text: str | None) -> bool:
    return not text or _is_phone(text) or any(text in word for word in roster.names_in(entry))


def _shown(entries: Sequence[RosterEntry], *, now: datetime) -> list[Listed]:
    names = region_names(entry.region_code for entry in entries)
    units = unit_names(db.session(), {entry.unit_code for entry in entries if entry.unit_code})
    return [
        _listed(entry, names.get(entry.region_code, ""), units.get(entry.unit_code or ""), now=now) for entry in entries
    ]


def _listed(entry: RosterEntry, region_name: str, unit_name: str | None, *, now: datetime) -> Listed:
    name, post = roster.names_in(entry)
    until = entry.invitation_expires_at
    return Listed(
        id=entry.id,
        name=name,
        post=post,
        phone_masked=mask_phone(runtime().cipher.open(entry.phone_sealed, purpose=PURPOSE)),
        role=entry.role,
        region_code=entry.region_code,
        region_name=region_name,
        unit_code=entry.unit_code,
        unit_name=unit_name,
        user_id=entry.user_id,
        invited_until=until if until and until > now else None,
    )
