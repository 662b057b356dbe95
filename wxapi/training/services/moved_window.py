"""What another beginning or end of a session makes of the sign-ins that are there: better, never worse."""

from sqlalchemy import and_, case, exists, or_, select, update
from sqlalchemy.orm import Session

from wxapi.training.models import Attendance, AttendanceEvent, TrainingSession
from wxapi.training.queries import roll as queries
from wxapi.training.queries.scope import among
from wxapi.training.rules.attendance import BY_HAND, State
from wxapi.training.rules.windows import END_GRACE, Window


def follow(session: Session, row: TrainingSession, before: Window, after: Window) -> None:
    """Set right who is late no more, or left early no more, by the new times; what an organiser set stays.

    Nobody is late who came in time by what they had been told. The states are those of the sign-ins themselves, which
    have no history.

    Args:
        session: the open transaction; it holds the session's lock.
        row: the session.
        before: its times until now.
        after: its new times.
    """
    if after.late_at <= before.late_at and after.ends_at >= before.ends_at:
        return
    session.flush()
    in_time = Attendance.signed_in_at <= max(before.late_at, after.late_at)
    stayed = Attendance.signed_out_at >= after.ends_at - END_GRACE
    set_by_hand = exists().where(
        AttendanceEvent.session_id == Attendance.session_id,
        AttendanceEvent.user_id == Attendance.user_id,
        AttendanceEvent.action.in_(BY_HAND),
        AttendanceEvent.to_state == Attendance.state,
    )
    better = or_(
        and_(Attendance.state == State.LATE, in_time),
        and_(Attendance.state == State.LEFT_EARLY, stayed),
    )
    people = session.scalars(
        select(Attendance.user_id).where(Attendance.session_id == row.id, better, ~set_by_hand)
    ).all()
    if not people:
        return
    queries.rows_locked(session, row.id, people)
    session.execute(
        update(Attendance)
        .where(Attendance.session_id == row.id, among(Attendance.user_id, people), better, ~set_by_hand)
        .values(state=case((in_time, State.PRESENT.value), else_=State.LATE.value))
        .execution_options(synchronize_session=False)
    )
