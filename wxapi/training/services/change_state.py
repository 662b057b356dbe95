"""The one setter of a state by decision, and what a decision means for make-ups elsewhere."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import InvalidError
from wxapi.training.models import Attendance, AttendanceEvent
from wxapi.training.queries import roll as queries
from wxapi.training.queries.managed import ORGANISE
from wxapi.training.queries.sessions import managed_session
from wxapi.training.rules.attendance import IN_THE_HALL, Action, State
from wxapi.training.services.book_hours import settle_if_over

_MAKE_UP_FELL = "补课场次的出席记录已被更正,补课不再成立"


def change_state(
    session: Session,
    row: Attendance,
    state: State,
    action: Action,
    *,
    actor_id: uuid.UUID | None,
    reason: str,
    now: datetime,
    made_up_in: uuid.UUID | None = None,
) -> None:
    """Set state and history together; make-ups that rested on this attendance fall with it.

    `made_up_in`, where a missed session was made up, is kept only with the state `made_up`.
    """
    session.add(
        AttendanceEvent(
            session_id=row.session_id,
            user_id=row.user_id,
            at=now,
            action=action.value,
            from_state=row.state,
            from_made_up_in=row.made_up_in,
            to_state=state.value,
            actor_id=actor_id,
            reason=reason,
        )
    )
    attended = row.state in IN_THE_HALL
    row.state = state.value
    row.made_up_in = made_up_in if state is State.MADE_UP else None
    if attended and state not in IN_THE_HALL:
        _let_make_ups_fall(session, row, actor_id=actor_id, now=now)


def check_make_up(
    session: Session, actor: Actor, missed_id: uuid.UUID, user_id: uuid.UUID, made_up_in: uuid.UUID
) -> None:
    """A make-up names another session of the organiser's regions where the person was.

    Raises:
        InvalidError: `make_up_not_attended`.
    """
    other = managed_session(session, actor, made_up_in, ORGANISE)
    attended = queries.row_of(session, made_up_in, user_id) if other is not None else None
    if made_up_in == missed_id or attended is None or attended[0].state not in IN_THE_HALL:
        raise InvalidError(
            "make_up_not_attended", "该人员没有参加所选的补课场次。", fields={"made_up_in": ["没有出席记录。"]}
        )


def _let_make_ups_fall(session: Session, row: Attendance, *, actor_id: uuid.UUID | None, now: datetime) -> None:
    """The sessions the person made up in this one are missed again; their hours follow."""
    made_up = session.scalars(
        select(Attendance)
        .where(Attendance.made_up_in == row.session_id, Attendance.user_id == row.user_id)
        .order_by(Attendance.session_id)
        .with_for_update()
    ).all()
    for missed in made_up:
        # A decision of its own there, whatever took it here: so it can be undone there.
        change_state(session, missed, State.ABSENT, Action.MANUAL, actor_id=actor_id, reason=_MAKE_UP_FELL, now=now)
        settle_if_over(session, missed.session_id, now=now, only=missed.user_id)
