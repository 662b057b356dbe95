"""What becomes of an office: it ends on a day, its holder moves, somebody stands in for them (代理) for a time.

The administrator's right to both places is a condition of each statement. `actor` None is an operator at the shell.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow, User
from wxapi.identity.rules import STAND_IN_MOST
from wxapi.identity.services.appointments import (
    NewAppointment,
    add_appointment,
    check_unit,
    close,
    holder_of,
    lasting_one,
    note_change,
    refuse_twice,
    touch,
)
from wxapi.identity.services.confirming import require_confirmed
from wxapi.identity.services.office_reading import Appointed, named
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import ConflictError, InvalidError, not_found
from wxapi.kernel.permissions import ROLES_OF, Permission, Role
from wxapi.platform.db import transaction
from wxapi.regions.services.lookup import refuse_closed, tree

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StandIn:
    """Who is to stand in, from a day to a day, both included."""

    user_id: uuid.UUID
    since: date
    until: date


def end_on(actor: Actor | None, appointment_id: uuid.UUID, last_day: date, *, now: datetime) -> Appointed:
    """Let an appointment end with a day that is today or to come.

    Raises:
        NotFoundError: none within the administrator's regions.
        InvalidError: `dates_reversed`, `dates_outside_office`.
    """
    with transaction(locking=holder_of(appointment_id)) as session:
        row = lasting_one(session, actor, appointment_id, now=now)
        if last_day < max(row.starts_on, local_day(now)):
            raise InvalidError("dates_reversed", "结束日期不能早于今天和开始日期。", fields={"last_day": ["过早。"]})
        _require_within(row, last_day, "last_day")
        row.ends_on = last_day
        touch(session, row, "appointment.end_on", by=actor.user_id if actor else None, now=now)
        note_change(session, row, f"ends:{last_day.isoformat()}")
        return _shown(session, row)


def move(
    actor: Actor | None,
    appointment_id: uuid.UUID,
    region_code: str,
    unit_code: str | None,
    on: date | None,
    *,
    now: datetime,
) -> Appointed:
    """Give the holder the same role elsewhere from a day on (default: today); the old appointment ends before it.

    Raises:
        NotFoundError: one of the two places is outside the administrator's.
        InvalidError: `dates_reversed`, `dates_outside_office`, `region_closed`, `unit_closed`.
        ConflictError: `is_stand_in`; `already_appointed`.
        ForbiddenError: `confirmation_required`.
    """
    _require_place(actor, region_code, now=now)
    today = local_day(now)
    on = on or today
    if on < today:
        raise InvalidError("dates_reversed", "调任日期不能早于今天。", fields={"on": ["早于今天。"]})
    with transaction(locking=holder_of(appointment_id)) as session:
        row = lasting_one(session, actor, appointment_id, now=now)
        _refuse_stand_in(row)
        _require_within(row, on, "on")
        if (row.region_code, row.unit_code) == (region_code, unit_code):
            raise ConflictError("already_appointed", "该人员已担任此职务。")
        wanted = NewAppointment(row.user_id, Role(row.role), region_code, on, row.ends_on, unit_code)
        check_unit(session, wanted)
        by = actor.user_id if actor else None
        if on <= max(today, row.starts_on):
            close(session, row, by=by, now=now)
        else:
            row.ends_on = on - _DAY
            touch(session, row, "appointment.end_on", by=by, now=now)
        new = add_appointment(session, wanted, starts_on=max(on, row.starts_on), appointed_by=by, now=now)
        refuse_twice(session, new, now=now)
        note_change(session, new, "moved")
        return _shown(session, new)


def stand_in(actor: Actor | None, appointment_id: uuid.UUID, wanted: StandIn, *, now: datetime) -> Appointed:
    """Have somebody stand in for the holder of an appointment: the same rights, from a day to a day.

    The holder keeps theirs. When the office ends before the last day, the stand-in goes on until then.

    Raises:
        NotFoundError: none within the administrator's regions, or the person is unknown.
        InvalidError: `dates_reversed`, `stand_in_too_long`, `dates_outside_office`, `region_closed`.
        ConflictError: `is_stand_in`; `already_appointed`, the person holds the office on some of the days.
        ForbiddenError: `confirmation_required`.
    """
    if actor is not None:
        require_confirmed(actor, now=now)
    _check_days(wanted, today=local_day(now))
    with transaction(locking=(*holder_of(appointment_id), wanted.user_id)) as session:
        row = lasting_one(session, actor, appointment_id, now=now)
        _refuse_stand_in(row)
        _require_within(row, wanted.until, "to")
        refuse_closed(row.region_code)
        if session.scalar(select(User.id).where(User.id == wanted.user_id, User.erased_at.is_(None))) is None:
            raise not_found()
        new = add_appointment(
            session,
            NewAppointment(wanted.user_id, Role(row.role), row.region_code, wanted.since, wanted.until, row.unit_code),
            starts_on=wanted.since,
            appointed_by=actor.user_id if actor else None,
            stands_in_for=row.id,
            now=now,
        )
        refuse_twice(session, new, now=now)
        note_change(session, new, "added")
        return _shown(session, new)


def _check_days(wanted: StandIn, *, today: date) -> None:
    if wanted.since < today:
        raise InvalidError("dates_reversed", "代理不能从过去的日期开始。", fields={"from": ["早于今天。"]})
    if wanted.until < wanted.since:
        raise InvalidError("dates_reversed", "结束日期不能早于开始日期。", fields={"to": ["早于开始日期。"]})
    if wanted.until - wanted.since >= STAND_IN_MOST:
        sentence = f"超过 {STAND_IN_MOST.days} 天。"
        raise InvalidError("stand_in_too_long", "代理期限最长一年。", fields={"to": [sentence]})


def _require_place(actor: Actor | None, region_code: str, *, now: datetime) -> None:
    if actor is not None:
        require_confirmed(actor, now=now)
        if not actor.covers(region_code, ROLES_OF[Permission.APPOINT]):
            raise not_found()
    if tree().get(region_code) is None:
        raise not_found()
    refuse_closed(region_code)


def _require_within(row: AppointmentRow, day: date, field: str) -> None:
    """The last day of an appointment is not moved back by what happens in it."""
    if row.ends_on is not None and day > row.ends_on:
        raise InvalidError(
            "dates_outside_office", f"该任职将于 {row.ends_on} 结束。", fields={field: ["晚于任职结束日期。"]}
        )


def _refuse_stand_in(row: AppointmentRow) -> None:
    if row.stands_in_for is not None:
        raise ConflictError("is_stand_in", "代理任职不能调任，也不能再由他人代理。")


def _shown(session: Session, row: AppointmentRow) -> Appointed:
    session.flush()
    nickname = session.scalar(select(User.nickname).where(User.id == row.user_id)) or ""
    return named(session, [(row, nickname)])[0]
