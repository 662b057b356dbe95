"""Seats and the waiting list, under the session's lock: exactly `capacity` people in, the others in order."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Uuid, case, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import ConflictError
from wxapi.kernel.ids import new_id
from wxapi.training.models import Attendance, Enrolment, LeaveRequest, SeriesEnrolment, TrainingSession
from wxapi.training.queries.scope import meant_for
from wxapi.training.rules.attendance import State
from wxapi.training.rules.sessions import EnrolmentState
from wxapi.training.services import timetable
from wxapi.training.services.owing import owe


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
    _forget_leave(session, row, user_id, now=now)
    fill_seats(session, row, now=now)
    return True


def fill_seats(session: Session, row: TrainingSession, *, now: datetime) -> int:
    """Let those who wait move up while seats are free, in their order; returns how many. `row` must be locked.

    Three statements, however many move.
    """
    free = None if row.capacity is None else row.capacity - row.seats_taken
    if free == 0:
        return 0
    session.flush()
    turn = (
        select(Enrolment.user_id)
        .where(Enrolment.session_id == row.id, Enrolment.state == EnrolmentState.WAITING)
        .order_by(Enrolment.seq)
        .limit(free)
    )
    moved = session.scalars(
        update(Enrolment)
        .where(Enrolment.session_id == row.id, Enrolment.user_id.in_(turn))
        .values(state=EnrolmentState.ENROLLED, updated_at=now)
        .returning(Enrolment.user_id)
        .execution_options(synchronize_session="fetch")
    ).all()
    if moved:
        row.seats_taken += len(moved)
        _put_on_roll(session, row.id, moved)
        timetable.seats_given(session, row.id, moved)
    return len(moved)


def seat_series(session: Session, row: TrainingSession, *, now: datetime) -> int:
    """Give everybody enrolled in the session's series a seat or a place, in the order they enrolled in the series.

    Those for whom the session is not are left out, as they are where they enrol after it was published. For a session
    nobody has enrolled in yet; `row` and the series must be locked. Three statements, however many.
    """
    session.flush()
    number = func.row_number().over(order_by=SeriesEnrolment.seq)
    seated, waits = literal(EnrolmentState.ENROLLED.value), literal(EnrolmentState.WAITING.value)
    states = session.execute(
        insert(Enrolment)
        .from_select(
            ["session_id", "user_id", "id", "state", "seq", "created_at", "updated_at"],
            select(
                literal(row.id),
                SeriesEnrolment.user_id,
                func.gen_random_uuid(),
                seated if row.capacity is None else case((number <= row.capacity, seated), else_=waits),
                number,
                literal(now, Enrolment.created_at.type),
                literal(now, Enrolment.created_at.type),
            ).where(
                SeriesEnrolment.series_id == row.series_id,
                SeriesEnrolment.withdrawn_at.is_(None),
                meant_for(row, SeriesEnrolment.user_id, local_day(now)),
            ),
        )
        .returning(Enrolment.user_id, Enrolment.state)
    ).all()
    seats = [user_id for user_id, given in states if given == EnrolmentState.ENROLLED]
    row.last_seq, row.seats_taken = len(states), len(seats)
    if seats:
        _put_on_roll(session, row.id, seats)
    return len(states)


def _seat(session: Session, row: TrainingSession, enrolment: Enrolment) -> None:
    enrolment.state = EnrolmentState.ENROLLED
    row.seats_taken += 1
    session.flush()
    _put_on_roll(session, row.id, [enrolment.user_id])


def _put_on_roll(session: Session, session_id: uuid.UUID, user_ids: Sequence[uuid.UUID]) -> None:
    """A row for each, in the order of the people; somebody who waited may have come all the same: the roll keeps it."""
    person = func.unnest(literal(sorted(user_ids), ARRAY(Uuid))).column_valued("person")
    session.execute(
        insert(Attendance)
        .from_select(
            ["session_id", "user_id", "id", "state"],
            select(literal(session_id), person, func.gen_random_uuid(), literal(State.ENROLLED.value)).order_by(person),
        )
        .on_conflict_do_nothing(index_elements=["session_id", "user_id"])
    )


def _forget_leave(session: Session, row: TrainingSession, user_id: uuid.UUID, *, now: datetime) -> None:
    """Nobody need decide on leave from what a person withdrew from, and who enrols again may ask again."""
    gone = session.execute(
        delete(LeaveRequest)
        .where(LeaveRequest.session_id == row.id, LeaveRequest.user_id == user_id, LeaveRequest.decision.is_(None))
        .returning(LeaveRequest.id)
    ).first()
    if gone is not None:
        owe(session, row, now=now)


def _leave_roll(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> None:
    mine = (Attendance.session_id == session_id, Attendance.user_id == user_id)
    gone = session.execute(
        delete(Attendance)
        .where(*mine, Attendance.state == State.ENROLLED, Attendance.signed_in_at.is_(None))
        .returning(Attendance.id)
        .execution_options(synchronize_session=False)
    ).first()
    if gone is None and session.scalars(select(Attendance.id).where(*mine)).first() is not None:
        raise ConflictError("already_signed_in", "您已有考勤记录，不能再取消报名；如需更正请联系组织者。")
