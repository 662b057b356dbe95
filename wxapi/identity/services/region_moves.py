"""Appointments for a closed region go on for its successor, and so does the city's list of people.

Each ends and begins anew: the old one keeps its line, and who was of the village stays kept from complaints about it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from wxapi.identity.models import AppointmentRow, RosterEntry, User
from wxapi.identity.services.appointments import note_change
from wxapi.identity.services.rights import change_rights
from wxapi.kernel.clock import local_day
from wxapi.kernel.ids import new_id
from wxapi.platform import audit, idempotency
from wxapi.regions.rules.changes import RegionMove
from wxapi.regions.rules.levels import region_of
from wxapi.regions.services.holdings import RegionHolding
from wxapi.units.models import Unit
from wxapi.units.queries import standing_unit


def _count(session: Session, codes: Sequence[str], now: datetime) -> int:
    appointments = select(func.count()).where(*_alive(codes, now))
    listed = select(func.count()).where(RosterEntry.region_code.in_(codes), RosterEntry.user_id.is_(None))
    return (session.scalar(appointments) or 0) + (session.scalar(listed) or 0)


def _alive(codes: Sequence[str], now: datetime) -> tuple:  # type: ignore[type-arg]
    """In force or to come."""
    lasting = or_(AppointmentRow.ends_on.is_(None), AppointmentRow.ends_on >= local_day(now))
    return AppointmentRow.region_code.in_(codes), AppointmentRow.ended_at.is_(None), lasting


def _move(session: Session, moves: Sequence[RegionMove], now: datetime) -> int:
    successors = {move.old: move.new for move in moves}
    people = select(AppointmentRow.user_id).where(*_alive(list(successors), now))
    # People before what they hold, in the order of their ids, as everywhere.
    session.execute(select(User.id).where(User.id.in_(people)).order_by(User.id).with_for_update(key_share=True))
    rows = session.scalars(
        select(AppointmentRow).where(*_alive(list(successors), now)).order_by(AppointmentRow.id).with_for_update()
    ).all()
    for row in rows:
        _begin_anew(session, row, successors[row.region_code], now=now)
    people_moved = {row.user_id for row in rows}
    if people_moved:
        change_rights(session, people_moved)
    for user_id in people_moved:
        idempotency.drop_answers(session, user_id)
    return len(rows) + _move_list(session, moves)


def _begin_anew(session: Session, row: AppointmentRow, successor: str, *, now: datetime) -> None:
    """The same role for the successor, for what is left of its time; the old one ends at this moment."""
    unit = standing_unit(session, successor + row.unit_code[len(row.region_code) :]) if row.unit_code else None
    place = region_of(unit) if unit else successor
    row.ended_at = now
    held = select(AppointmentRow.id).where(
        AppointmentRow.user_id == row.user_id,
        AppointmentRow.role == row.role,
        AppointmentRow.unit_code == unit if unit else AppointmentRow.unit_code.is_(None),
        *_alive([place], now),
    )
    session.flush()
    _note(session, row, "appointment.end", row.region_code, now)
    # The unit was closed before, or the successor's of that name is, and nobody goes on for it.
    gone = row.unit_code is not None and unit is None
    if gone or session.scalar(held.limit(1)) is not None:  # or they hold it there already
        note_change(session, row, "ended")
        return
    there = AppointmentRow(
        id=new_id(),
        user_id=row.user_id,
        role=row.role,
        region_code=place,
        unit_code=unit,
        starts_on=max(row.starts_on, local_day(now)),
        ends_on=row.ends_on,
        appointed_by=row.appointed_by,
        stands_in_for=row.stands_in_for,
    )
    session.add(there)
    session.flush()
    note_change(session, there, "moved")
    _note(session, row, "appointment.add", place, now)


def _note(session: Session, row: AppointmentRow, action: str, region: str, now: datetime) -> None:
    audit.record(session, None, action, subject=f"user:{row.user_id}", at=now, role=row.role, region=region)


def _move_list(session: Session, moves: Sequence[RegionMove]) -> int:
    """Entries of the list; one that the successor has for the same phone and role already is dropped."""
    moved = 0
    for move in moves:
        there = aliased(RosterEntry)
        unit = literal(move.new) + func.substr(RosterEntry.unit_code, len(move.old) + 1)
        twice = exists().where(
            there.phone_digest == RosterEntry.phone_digest,
            there.role == RosterEntry.role,
            there.region_code == move.new,
            there.unit_code.is_not_distinct_from(unit),
        )
        # An officer of a unit that was closed before waits where they are: its successor's they become when they come.
        goes = or_(RosterEntry.unit_code.is_(None), exists().where(Unit.code == unit))
        session.execute(
            delete(RosterEntry)
            .where(RosterEntry.region_code == move.old, goes, twice)
            .execution_options(synchronize_session=False)
        )
        found = session.execute(
            update(RosterEntry)
            .where(RosterEntry.region_code == move.old, goes)
            .values(region_code=move.new, unit_code=unit)
            .execution_options(synchronize_session=False)
        )
        moved += int(found.rowcount)  # type: ignore[attr-defined]
    return moved


HOLDING = RegionHolding("appointments", "任职和名单", _count, _move)
