"""Seats and the waiting list, under the session's lock: exactly `capacity` people in, the others in order."""

import uuid
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.kernel.errors import ConflictError
from wxapi.kernel.ids import new_id
from wxapi.training.models import Attendance, Enrolment, TrainingSession
from wxapi.training.queries import sessions as queries
from wxapi.training.rules.attendance import State
from wxapi.training.rules.sessions import EnrolmentState
from wxapi.training.services import timetable


def take_seat(session: Session, row: TrainingSession, user_id: uuid.UUID, *, now: datetime) -> tuple[Enrolment, bool]:
    """Give a person a seat or the next place on the waiting list. `row` must be locked.

    Returns:
        the enrolment, and whether it is new; somebody who withdrew comes last again.
    """
    known = session.get(Enrolment, (row.id, user_id), populate_existing=True)
    if known is not None and known.state != EnrolmentState.WITHDRAWN:
        return known, False
    row.last_seq += 1
    if known is None:
        known = Enrolment(session_id=row.id, user_id=user_id, id=new_id(), created_at=now)
        session.add(known)
    known.seq = row.last_seq
    known.updated_at = now
    if row.capacity is None or row.seats_taken < row.capacity:
        _seat(session, row, known)
    else:
        known.state = EnrolmentState.WAITING
    session.flush()
    return known, True


def leave_seat(session: Session, row: TrainingSession, user_id: uuid.UUID, *, now: datetime) -> bool:
    """Give a seat or a place on the waiting list back; the first who waits moves up. `row` must be locked.

    Returns:
        whether there was one.

    Raises:
        ConflictError: `already_signed_in`, the person has come or something was decided about the absence.
    """
    known = session.get(Enrolment, (row.id, user_id), populate_existing=True)
    if known is None or known.state == EnrolmentState.WITHDRAWN:
        return False
    if known.state == EnrolmentState.ENROLLED:
        _leave_roll(session, row.id, user_id)
        row.seats_taken -= 1
    known.state = EnrolmentState.WITHDRAWN
    known.updated_at = now
    session.flush()
    fill_seats(session, row, now=now)
    return True


def fill_seats(session: Session, row: TrainingSession, *, now: datetime) -> int:
    """Let those who wait move up while seats are free, in their order; returns how many. `row` must be locked."""
    limit = None if row.capacity is None else row.capacity - row.seats_taken
    if limit == 0:
        return 0
    moved = queries.first_waiting(session, row.id, limit)
    for enrolment in moved:
        _seat(session, row, enrolment)
        enrolment.updated_at = now
        timetable.seat_given(session, row.id, enrolment.user_id)
    session.flush()
    return len(moved)


def _seat(session: Session, row: TrainingSession, enrolment: Enrolment) -> None:
    enrolment.state = EnrolmentState.ENROLLED
    row.seats_taken += 1
    session.flush()
    # Somebody who waited may have come all the same: the roll keeps that.
    session.execute(
        insert(Attendance)
        .values(session_id=row.id, user_id=enrolment.user_id, id=new_id(), state=State.ENROLLED)
        .on_conflict_do_nothing(index_elements=["session_id", "user_id"])
    )


def _leave_roll(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> None:
    mine = (Attendance.session_id == session_id, Attendance.user_id == user_id)
    gone = session.execute(
        delete(Attendance)
        .where(*mine, Attendance.state == State.ENROLLED, Attendance.signed_in_at.is_(None))
        .returning(Attendance.id)
        .execution_options(synchronize_session=False)
    ).first()
    if gone is None and session.scalars(select(Attendance.id).where(*mine)).first() is not None:
        raise ConflictError("already_signed_in", "您已有考勤记录,不能再取消报名;如需更正请联系组织者。")
