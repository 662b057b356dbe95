"""Officers of a unit that is closed go on for its successor; where that is a region's office, or nobody, they end.

Each ends and begins anew, so that the old one keeps its line.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from wxapi.identity import queries
from wxapi.identity.models import AppointmentRow, User
from wxapi.identity.services.appointments import NewAppointment, add_appointment, close, note_change
from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db
from wxapi.platform.doctor import DoctorCheck, FaultError
from wxapi.platform.runtime import runtime
from wxapi.regions.rules.levels import region_of
from wxapi.units.models import Unit
from wxapi.units.rules import is_region
from wxapi.units.services.holdings import UnitClosing, UnitHolding

_SHOWN = 5


def _people(session: Session, unit_code: str) -> Sequence[uuid.UUID]:
    """Whoever may hold an office of the unit: any day's, for the time is not known here."""
    wanted = select(AppointmentRow.user_id).where(
        AppointmentRow.unit_code == unit_code, AppointmentRow.ended_at.is_(None)
    )
    return session.scalars(wanted.distinct()).all()


def _take(session: Session, unit_code: str) -> bool:
    people = _people(session, unit_code)
    there = select(User.id).where(User.id.in_(people)).with_for_update(key_share=True, skip_locked=True)
    return len(session.scalars(there).all()) == len(people)


def _move(session: Session, closing: UnitClosing) -> int:
    rows = session.scalars(
        select(AppointmentRow)
        .where(AppointmentRow.unit_code == closing.unit_code, queries.lasting(local_day(closing.at)))
        .order_by(AppointmentRow.id)
        .with_for_update()
    ).all()
    for row in rows:
        close(session, row, by=closing.by, now=closing.at)
        session.flush()
        heir = _heir(session, row, closing)
        note_change(session, heir or row, "moved" if heir else "ended")
    return len(rows)


def _heir(session: Session, row: AppointmentRow, closing: UnitClosing) -> AppointmentRow | None:
    """The same office of the successor for what is left of its time; None where there is none, or they hold it."""
    unit = closing.successor_code
    if unit is None or is_region(unit):
        return None
    starts_on = max(row.starts_on, local_day(closing.at))
    there = AppointmentRow(
        id=row.id,
        user_id=row.user_id,
        role=row.role,
        region_code=region_of(unit),
        unit_code=unit,
        starts_on=starts_on,
        ends_on=row.ends_on,
    )
    if session.scalar(select(exists().where(queries.overlapping(there, local_day(closing.at))))):
        return None
    wanted = NewAppointment(row.user_id, Role(row.role), region_of(unit), starts_on, row.ends_on, unit)
    new = add_appointment(
        session,
        wanted,
        starts_on=starts_on,
        appointed_by=closing.by,
        stands_in_for=row.stands_in_for,
        now=closing.at,
    )
    session.flush()
    return new


HOLDING = UnitHolding("officers", _move, people=_people, take=_take)


def _left() -> str:
    """Officers of units that were closed before their closing took them along."""
    held = (
        select(Unit.code, func.count())
        .join(AppointmentRow, AppointmentRow.unit_code == Unit.code)
        .where(Unit.closed_on.is_not(None), queries.lasting(local_day(runtime().clock.now())))
        .group_by(Unit.code)
        .order_by(Unit.code)
    )
    found = db.session().execute(held).all()
    if not found:
        return "nobody is an officer of a closed unit"
    told = ", ".join(f"{code} ({count})" for code, count in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise FaultError(
        f"{len(found)} closed units still have officers: {told}{more}. `flask --app wsgi people offices REGION` lists"
        " them; `people move` or `people end` says what becomes of each."
    )


CHECKS = (DoctorCheck("closed units", _left),)
