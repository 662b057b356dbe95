"""What administrators do about appointments."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from wxapi.identity import queries
from wxapi.identity.models import AppointmentRow, User
from wxapi.identity.services.confirming import require_confirmed
from wxapi.identity.services.office_reading import Appointed, named
from wxapi.identity.services.rights import change_rights
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import ConflictError, InvalidError, not_found
from wxapi.kernel.ids import new_id
from wxapi.kernel.permissions import APART, ROLES_OF, Permission, Role
from wxapi.platform import audit, idempotency, outbox
from wxapi.platform.db import db, transaction
from wxapi.regions.rules.levels import Level, level_of
from wxapi.regions.services.lookup import refuse_closed, tree
from wxapi.units.queries import find as find_unit
from wxapi.units.queries import lock_standing
from wxapi.units.rules import is_region


class WantedOffice(Protocol):
    """What an appointment is to: a role, and the region or unit it is held for."""

    @property
    def role(self) -> Role: ...
    @property
    def region_code(self) -> str: ...
    @property
    def unit_code(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class NewAppointment:
    """What an administrator asks for; `starts_on` defaults to today. A unit officer's `region_code` is the unit's."""

    user_id: uuid.UUID
    role: Role
    region_code: str
    starts_on: date | None = None
    ends_on: date | None = None
    unit_code: str | None = None


def appoint(actor: Actor, wanted: NewAppointment, *, now: datetime) -> Appointed:
    """Appoint a person for a region within the administrator's own.

    Raises:
        NotFoundError: the region is outside the administrator's, or the person is unknown.
        InvalidError: `dates_reversed`; `region_closed`, `unit_closed`.
        ConflictError: `already_appointed`, the same role there on some of the days.
        ForbiddenError: `confirmation_required`.
    """
    require_confirmed(actor, now=now)
    if not actor.covers(wanted.region_code, ROLES_OF[Permission.APPOINT]):
        raise not_found()
    return _appoint(wanted, appointed_by=actor.user_id, now=now)


def appoint_by_operator(wanted: NewAppointment, *, now: datetime) -> Appointed:
    """Appoint anybody for any region: how a city gets its first administrator. Raises what `appoint` raises."""
    return _appoint(wanted, appointed_by=None, now=now)


def _appoint(wanted: NewAppointment, *, appointed_by: uuid.UUID | None, now: datetime) -> Appointed:
    starts_on = wanted.starts_on or local_day(now)
    if wanted.ends_on is not None and wanted.ends_on < starts_on:
        raise InvalidError("dates_reversed", "结束日期不能早于开始日期。", fields={"ends_on": ["早于开始日期。"]})
    if tree().get(wanted.region_code) is None:
        raise not_found()
    refuse_closed(wanted.region_code)
    with transaction(locking=(wanted.user_id,)) as session:
        check_unit(session, wanted)
        # Locked: two administrators who appoint the same person wait for one another.
        user = session.scalars(select(User).where(User.id == wanted.user_id, User.erased_at.is_(None))).one_or_none()
        if user is None:
            raise not_found()
        row = add_appointment(session, wanted, starts_on=starts_on, appointed_by=appointed_by, now=now)
        refuse_twice(session, row, now=now)
        note_change(session, row, "added")
        return named(session, [(row, user.nickname)])[0]


def refuse_twice(session: Session, row: AppointmentRow, *, now: datetime) -> None:
    """Refuse a new appointment that the person holds already on some of its days.

    Raises:
        ConflictError: `already_appointed`; `roles_apart`, one checks on the other.
    """
    session.flush()
    same = queries.overlapping(row, local_day(now))
    if session.scalar(select(AppointmentRow.id).where(same).limit(1)) is not None:
        raise ConflictError("already_appointed", "该人员已担任此职务。")
    if would_mix(session, row.user_id, Role(row.role), row.starts_on):
        raise ConflictError("roles_apart", "管理员与审计员不能由同一人担任。")


def would_mix(session: Session, user_id: uuid.UUID, role: Role, starts_on: date) -> bool:
    """Whether a person who checks on administrators would be one, now or later."""
    if role not in APART:
        return False
    held = select(AppointmentRow.id).where(
        AppointmentRow.user_id == user_id,
        AppointmentRow.role.in_([other.value for other in APART - {role}]),
        AppointmentRow.ended_at.is_(None),
        or_(AppointmentRow.ends_on.is_(None), AppointmentRow.ends_on >= starts_on),
    )
    return session.scalar(held.limit(1)) is not None


def note_change(session: Session, row: AppointmentRow, step: str) -> None:
    """Have those told whom a change concerns."""
    outbox.record(session, "appointment.changed", appointment_id=str(row.id), step=step)


def check_unit(session: Session, wanted: WantedOffice) -> None:
    """A unit officer acts for a unit that is no region and stands; every other role is held for a region."""
    if wanted.role is Role.AUDITOR and level_of(wanted.region_code) is not Level.CITY:
        raise InvalidError("role_needs_city", "审计员须为全市任职。", fields={"region_code": ["须为市。"]})
    if wanted.unit_code is None:
        if wanted.role is Role.UNIT_OFFICER:
            raise InvalidError("role_needs_unit", "单位经办人须指定单位。", fields={"unit_code": ["须指定单位。"]})
        return
    if wanted.role is not Role.UNIT_OFFICER or is_region(wanted.unit_code):
        raise InvalidError(
            "role_needs_region", "该职务须指定区划，不能指定单位。", fields={"region_code": ["须指定区划。"]}
        )
    if find_unit(session, wanted.unit_code) is None:
        raise not_found()
    # Whoever closes it waits, and then finds the appointment.
    if not lock_standing(session, [wanted.unit_code]):
        raise InvalidError("unit_closed", "该单位已撤销。", fields={"unit_code": ["单位已撤销。"]})


def add_appointment(
    session: Session,
    wanted: NewAppointment,
    *,
    starts_on: date,
    appointed_by: uuid.UUID | None,
    stands_in_for: uuid.UUID | None = None,
    now: datetime,
) -> AppointmentRow:
    """Write one appointment and its audit row, in the caller's transaction."""
    row = AppointmentRow(
        id=new_id(),
        user_id=wanted.user_id,
        role=wanted.role.value,
        region_code=wanted.region_code,
        unit_code=wanted.unit_code,
        starts_on=starts_on,
        ends_on=wanted.ends_on,
        appointed_by=appointed_by,
        stands_in_for=stands_in_for,
    )
    session.add(row)
    change_rights(session, [wanted.user_id])
    idempotency.drop_answers(session, wanted.user_id)
    audit.record(
        session,
        appointed_by,
        "appointment.add",
        subject=f"user:{wanted.user_id}",
        at=now,
        role=row.role,
        region=row.region_code,
    )
    return row


def end_appointment(actor: Actor | None, appointment_id: uuid.UUID, *, now: datetime) -> None:
    """End an appointment within the administrator's regions (None: an operator); it counts no more from this moment.

    Raises:
        NotFoundError: none that is in force or to come there.
    """
    with transaction(locking=holder_of(appointment_id)) as session:
        row = lasting_one(session, actor, appointment_id, now=now)
        close(session, row, by=actor.user_id if actor else None, now=now)
        note_change(session, row, "ended")


def close(session: Session, row: AppointmentRow, *, by: uuid.UUID | None, now: datetime) -> None:
    """Let an appointment end at this moment, in the caller's transaction, which locked the person."""
    row.ended_at = now
    touch(session, row, "appointment.end", by=by, now=now)


def touch(session: Session, row: AppointmentRow, action: str, *, by: uuid.UUID | None, now: datetime) -> None:
    """Note a change of an appointment: rights, kept answers, audit."""
    change_rights(session, [row.user_id])
    idempotency.drop_answers(session, row.user_id)
    audit.record(session, by, action, subject=f"user:{row.user_id}", at=now, role=row.role, region=row.region_code)


def lasting_one(session: Session, actor: Actor | None, appointment_id: uuid.UUID, *, now: datetime) -> AppointmentRow:
    """An appointment in force or to come within the administrator's regions, locked.

    Raises:
        NotFoundError: there is none.
    """
    query = select(AppointmentRow).where(AppointmentRow.id == appointment_id, queries.lasting(local_day(now)))
    if actor is not None:
        query = query.where(queries.below(actor.regions(ROLES_OF[Permission.APPOINT])))
    row = session.scalars(query.with_for_update()).one_or_none()
    if row is None:
        raise not_found()
    return row


def holder_of(appointment_id: uuid.UUID) -> tuple[uuid.UUID, ...]:
    """Whom an appointment belongs to, which never changes: their row is locked before the appointment's."""
    found = db.session().scalar(select(AppointmentRow.user_id).where(AppointmentRow.id == appointment_id))
    return (found,) if found else ()
