"""What waits for somebody: the inbox of the units they act for, and what waits for them as a person."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import Flask, current_app
from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from wxapi.duties.models import Duty
from wxapi.duties.queries import lists
from wxapi.duties.queries.lists import DutyFilter, WorkCounts
from wxapi.duties.rules.clock import DutyClock, used
from wxapi.duties.rules.scope import acts_for, acts_with, sees, stands_above
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db
from wxapi.regions.services.lookup import tree
from wxapi.units.queries import unit_names

_EXTENSION = "wxapi.duty_subjects"


@dataclass(frozen=True, slots=True)
class SubjectFace:
    """A subject as lists name it, and what the person may do with it now."""

    title: str
    do: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MyItem:
    """Something that waits for a person, not for an office; `number` is what people call it by. Never stored."""

    type: str
    id: UUID
    title: str
    do: tuple[str, ...]
    until: datetime | None
    number: str = ""


@dataclass(frozen=True, slots=True)
class SubjectKind:
    """What a feature tells of the subjects of its duties.

    Args:
        type: as `services.write.OwedSubject.type`.
        zh: its name.
        faces: subjects by id as a person sees them; one the person may not see is left out, and its duty with it.
        mine: what waits for the person themselves.
        lock: lock these in the order of their ids, as whoever changes one of them does.
        stages: stage → its Chinese name.
        message_subject: how messages name the subject's type.
        actions: what can be done with a subject, of which `do` of a face or an item names some.
        roles: who acts in these duties for a region's office, and for those below it; empty: who acts for it otherwise.
        tells_itself: the feature's own reminders and cards reach unit and the one above.
        follows_itself: what a region's office owes here goes to the office of its successor with the subject, by the
            feature's own hand; of a subject that has not gone yet it stays where the subject is.
        card_lifted: makes a subject that says its card itself forget one that is lifted; the subject is locked.
    """

    type: str
    zh: str
    faces: Callable[[Session, Actor, Collection[UUID], datetime], Mapping[UUID, SubjectFace]]
    mine: Callable[[Session, Actor, datetime], Sequence[MyItem]]
    lock: Callable[[Session, Collection[UUID]], None]
    stages: Mapping[str, str]
    message_subject: str
    actions: tuple[str, ...]
    roles: frozenset[Role] = frozenset()
    tells_itself: bool = False
    follows_itself: bool = False
    card_lifted: Callable[[Session, Duty, datetime], None] | None = None


@dataclass(frozen=True, slots=True)
class DutyView:
    """`<duty>` of the contract as a value; `used` is the share of the limit."""

    duty: Duty
    title: str
    do: tuple[str, ...]
    unit_name: str
    place_name: str | None
    used: float

    @property
    def on_time(self) -> bool | None:
        """Whether it was met by its due time; None while it is not met."""
        return None if self.duty.met_at is None else self.duty.met_at <= self.duty.due_at


def install(app: Flask, kinds: Sequence[SubjectKind]) -> None:
    """Register the subjects that duties are about."""
    app.extensions[_EXTENSION] = {kind.type: kind for kind in kinds}


def kinds() -> Mapping[str, SubjectKind]:
    """What duties are about, by type, as the features registered it."""
    registered: dict[str, SubjectKind] = current_app.extensions[_EXTENSION]
    return registered


def work_of_units(actor: Actor, wanted: DutyFilter, *, limit: int, cursor: str | None, now: datetime) -> Page[DutyView]:
    """The inbox: every open duty of the units the person acts for, what runs out first on top."""
    return _page(actor, arms_owned(actor), wanted, limit=limit, cursor=cursor, now=now)


def list_duties(actor: Actor, wanted: DutyFilter, *, limit: int, cursor: str | None, now: datetime) -> Page[DutyView]:
    """Duties of the units the person acts for or stands above; confidential subjects stand in the inbox only."""
    return _page(actor, lists.listed(arms_seen(actor)), wanted, limit=limit, cursor=cursor, now=now)


def arms_seen(actor: Actor) -> list[ColumnElement[bool]]:
    """The scope of a person's reading, of one duty: own units, and those they stand above. A list cuts it: `listed`."""
    return [*arms_owned(actor), *lists.arms_above(actor, sees(actor))]


def arms_owned(actor: Actor) -> list[ColumnElement[bool]]:
    """What the units owe that a person acts for, in each kind of duties by those who act in it."""
    apart = [kind for kind in kinds().values() if kind.roles]
    others = Duty.subject_type.not_in([kind.type for kind in apart])
    found = [and_(arm, others) for arm in lists.own_arms(actor, acts_for(actor))]
    for kind in apart:
        arms = lists.own_arms(actor, acts_with(actor, kind.roles))
        found += [and_(arm, Duty.subject_type == kind.type) for arm in arms]
    return found


def owes(actor: Actor, duty: Duty) -> bool:
    """Whether a person acts for the unit of a duty, in duties of its kind: as `arms_owned`, of one duty."""
    roles = kinds()[duty.subject_type].roles
    return (acts_with(actor, roles) if roles else acts_for(actor)).holds(duty.unit_code)


def decides_over(actor: Actor, duty: Duty) -> bool:
    """Whether a person decides on what the unit of a duty says: stands above it, and does not act for it."""
    return stands_above(actor, duty.unit_code) and not owes(actor, duty)


def work_of_me(actor: Actor, *, now: datetime) -> list[MyItem]:
    """What waits for the person: what ends first on top, what has no end last."""
    session = db.session()
    found = [item for kind in kinds().values() for item in kind.mine(session, actor, now)]
    return sorted(found, key=lambda item: (item.until or datetime.max.replace(tzinfo=now.tzinfo), str(item.id)))


def count_work(actor: Actor, *, now: datetime) -> WorkCounts:
    """How many duties of the person's units are open, due today, and bear which card."""
    return lists.counts(db.session(), arms_owned(actor), now=now, today=local_day(now))


def views_of(session: Session, actor: Actor, rows: Sequence[Duty], *, now: datetime) -> list[DutyView]:
    """Duties with the names people read; a duty whose subject the person may not see is left out."""
    names = unit_names(session, sorted({row.unit_code for row in rows}))
    faces: dict[tuple[str, UUID], SubjectFace] = {}
    for kind in kinds().values():
        ids = {row.subject_id for row in rows if row.subject_type == kind.type}
        if ids:
            faces |= {(kind.type, each): face for each, face in kind.faces(session, actor, ids, now).items()}
    return [
        _view(row, faces[row.subject_type, row.subject_id], names[row.unit_code], now)
        for row in rows
        if (row.subject_type, row.subject_id) in faces
    ]


def _view(row: Duty, face: SubjectFace, unit_name: str, now: datetime) -> DutyView:
    place = tree().get(row.place_code or "")
    until = row.met_at or row.dropped_at or row.stopped_at or now
    share = used(row.due_at, timedelta(seconds=row.limit_s), DutyClock(row.clock), until)
    return DutyView(row, face.title, face.do, unit_name, place.name if place else None, round(share, 2))


def _page(
    actor: Actor,
    arms: Sequence[ColumnElement[bool]],
    wanted: DutyFilter,
    *,
    limit: int,
    cursor: str | None,
    now: datetime,
) -> Page[DutyView]:
    session = db.session()
    after = _after(cursor)
    rows = page_of(
        lists.page(session, arms, wanted, after=after, limit=limit, now=now),
        limit,
        lambda row: (row.due_at, row.id),
    )
    return Page(views_of(session, actor, rows.items, now=now), rows.next_cursor)


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    return decode_cursor(cursor, datetime, UUID)
