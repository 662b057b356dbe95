"""What administrators do about appointments."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity import queries
from wxapi.identity.models import AppointmentRow, User
from wxapi.identity.services.rights import change_rights
from wxapi.identity.services.roster_names import known_as
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import ConflictError, InvalidError, not_found
from wxapi.kernel.ids import new_id
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import ROLES_OF, Permission, Role
from wxapi.platform import audit, idempotency
from wxapi.platform.db import db, transaction
from wxapi.regions.services.lookup import refuse_closed, region_names, tree
from wxapi.units.queries import find as find_unit
from wxapi.units.queries import unit_names
from wxapi.units.rules import is_region


@dataclass(frozen=True, slots=True)
class NewAppointment:
    """What an administrator asks for; `starts_on` defaults to today. A unit officer's `region_code` is the unit's."""

    user_id: uuid.UUID
    role: Role
    region_code: str
    starts_on: date | None = None
    ends_on: date | None = None
    unit_code: str | None = None


@dataclass(frozen=True, slots=True)
class Appointed:
    """An appointment with the names people read."""

    row: AppointmentRow
    nickname: str
    # As a city's list has them; None where none names the person.
    name: str | None
    post: str | None
    region_name: str
    unit_name: str | None


def appoint(actor: Actor, wanted: NewAppointment, *, now: datetime) -> Appointed:
    """Appoint a person for a region within the administrator's own.

    Raises:
        NotFoundError: the region is outside the administrator's, or the person is unknown.
        InvalidError: `dates_reversed`; `region_closed`, `unit_closed`.
        ConflictError: `already_appointed`, the same role there is in force.
    """
    if not actor.covers(wanted.region_code, ROLES_OF[Permission.APPOINT]):
        raise not_found()
    return _appoint(wanted, appointed_by=actor.user_id, now=now)


def appoint_by_operator(wanted: NewAppointment, *, now: datetime) -> Appointed:
    """Appoint anybody for any region: how a city gets its first administrator. Raises what `appoint` raises."""
    return _appoint(wanted, appointed_by=None, now=now)


def _appoint(wanted: NewAppointment, *, appointed_by: uuid.UUID | None, now: datetime) -> Appointed:
    starts_on = wanted.starts_on or local_day(now)
    if wanted.ends_on is not None and wanted.ends_on < starts_on:
        raise InvalidError("dates_reversed", "结束日期不能早于开始日期。", fields={"ends_on": ["早于开始日期"]})
    if tree().get(wanted.region_code) is None:
        raise not_found()
    refuse_closed(wanted.region_code)
    with transaction(locking=(wanted.user_id,)) as session:
        _check_unit(session, wanted)
        # Locked: two administrators who appoint the same person wait for one another.
        user = session.scalars(select(User).where(User.id == wanted.user_id, User.erased_at.is_(None))).one_or_none()
        if user is None:
            raise not_found()
        held = queries.appointments_of(session, user.id, today=starts_on)
        same = (wanted.role, wanted.region_code, wanted.unit_code)
        if any((row.role, row.region_code, row.unit_code) == same for row in held):
            raise ConflictError("already_appointed", "该人员已担任此职务。")
        row = add_appointment(session, wanted, starts_on=starts_on, appointed_by=appointed_by, now=now)
        return _named(session, [(row, user.nickname)])[0]


def _check_unit(session: Session, wanted: NewAppointment) -> None:
    """A unit officer acts for a unit that is no region and stands; every other role is held for a region."""
    if wanted.unit_code is None:
        if wanted.role is Role.UNIT_OFFICER:
            raise InvalidError("role_needs_unit", "单位经办人须指定单位。", fields={"unit_code": ["须指定单位"]})
        return
    if wanted.role is not Role.UNIT_OFFICER or is_region(wanted.unit_code):
        raise InvalidError(
            "role_needs_region", "该职务须指定区划，不能指定单位。", fields={"region_code": ["须指定区划"]}
        )
    unit = find_unit(session, wanted.unit_code)
    if unit is None:
        raise not_found()
    if unit.closed_on is not None:
        raise InvalidError("unit_closed", "该单位已撤销。", fields={"unit_code": ["单位已撤销"]})


def add_appointment(
    session: Session,
    wanted: NewAppointment,
    *,
    starts_on: date,
    appointed_by: uuid.UUID | None,
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


def end_appointment(actor: Actor, appointment_id: uuid.UUID, *, now: datetime) -> None:
    """End an appointment within the administrator's regions; it counts no more from this moment."""
    with transaction(locking=_holder_of(appointment_id)) as session:
        row = session.scalars(
            select(AppointmentRow)
            .where(
                AppointmentRow.id == appointment_id,
                AppointmentRow.ended_at.is_(None),
                queries.below(actor.regions(ROLES_OF[Permission.APPOINT])),
            )
            .with_for_update()
        ).one_or_none()
        if row is None:
            raise not_found()
        row.ended_at = now
        change_rights(session, [row.user_id])
        idempotency.drop_answers(session, row.user_id)
        audit.record(
            session,
            actor.user_id,
            "appointment.end",
            subject=f"user:{row.user_id}",
            at=now,
            role=row.role,
            region=row.region_code,
        )


def _holder_of(appointment_id: uuid.UUID) -> tuple[uuid.UUID, ...]:
    """Whom an appointment belongs to, which never changes: their row is locked before the appointment's."""
    found = db.session().scalar(select(AppointmentRow.user_id).where(AppointmentRow.id == appointment_id))
    return (found,) if found else ()


def list_appointments(
    actor: Actor, region: str | None, *, unit: str | None = None, limit: int, cursor: str | None, now: datetime
) -> Page[Appointed]:
    """Appointments in force at or below a region of the administrator's (default: all of their regions)."""
    own: Sequence[str] = actor.regions(ROLES_OF[Permission.APPOINT])
    if region is not None:
        if not actor.covers(region, ROLES_OF[Permission.APPOINT]):
            raise not_found()
        own = (region,)
    session = db.session()
    page = queries.appointments_page(session, own, unit=unit, today=local_day(now), limit=limit, cursor=cursor)
    return Page(_named(session, page.items), page.next_cursor)


def _named(session: Session, found: Sequence[tuple[AppointmentRow, str]]) -> list[Appointed]:
    regions = region_names(row.region_code for row, _ in found)
    units = unit_names(session, [row.unit_code for row, _ in found if row.unit_code])
    known = known_as(session, {row.user_id for row, _ in found})
    named = []
    for row, nickname in found:
        name, post = known.get(row.user_id, (None, None))
        region, unit = regions.get(row.region_code, ""), units.get(row.unit_code or "")
        named.append(Appointed(row, nickname, name, post, region, unit))
    return named
