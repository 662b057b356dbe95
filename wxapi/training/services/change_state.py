"""The one setter of states by decision, and what a decision means for make-ups elsewhere.

The rows are locked, and the sessions before them (`queries.sessions.lock_with_make_ups`). However many people a
decision is about, the number of statements depends on the sessions it touches only.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, insert, literal, select, update
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import InvalidError
from wxapi.training.models import Attendance, AttendanceEvent
from wxapi.training.queries import roll as queries
from wxapi.training.queries.managed import ORGANISE
from wxapi.training.queries.scope import among
from wxapi.training.queries.sessions import managed_session
from wxapi.training.rules.attendance import IN_THE_HALL, Action, State
from wxapi.training.services.book_hours import book

_MAKE_UP_FELL = "补课场次的出席记录已被更正，补课不再成立"


@dataclass(frozen=True, slots=True)
class Change:
    """A decision. `actor_id` None: the system's; `made_up_in` goes with the state `made_up` only."""

    state: State
    action: Action
    actor_id: uuid.UUID | None
    reason: str
    at: datetime
    made_up_in: uuid.UUID | None = None


def change_states(session: Session, session_id: uuid.UUID, user_ids: Collection[uuid.UUID], change: Change) -> None:
    """Set state and history together; make-ups that rested on an attendance fall with it."""
    rows = (Attendance.session_id == session_id, among(Attendance.user_id, user_ids))
    session.flush()
    struck: list[uuid.UUID] = []
    if change.state not in IN_THE_HALL:
        struck = [*session.scalars(select(Attendance.user_id).where(*rows, Attendance.state.in_(IN_THE_HALL)))]
    _write_history(session, rows, change)  # first: it keeps the state that each row has until now
    session.execute(
        update(Attendance)
        .where(*rows)
        .values(state=change.state, made_up_in=change.made_up_in if change.state is State.MADE_UP else None)
        .execution_options(synchronize_session=False)
    )
    _expire(session, session_id)
    if struck:
        _let_make_ups_fall(session, session_id, struck, change)


def _write_history(session: Session, rows: tuple[ColumnElement[bool], ...], change: Change) -> None:
    """A line for each of the rows, in the order of the people, with what it holds before the change."""
    line: dict[str, Any] = {
        "session_id": Attendance.session_id,
        "user_id": Attendance.user_id,
        "from_state": Attendance.state,
        "from_made_up_in": Attendance.made_up_in,
        "after_sign_in": Attendance.signed_in_at.is_not(None),
        "at": literal(change.at, AttendanceEvent.at.type),
        "action": literal(change.action.value),
        "to_state": literal(change.state.value),
        "actor_id": literal(change.actor_id, AttendanceEvent.actor_id.type),
        "reason": cast(change.reason, Text),
    }
    lines = select(*line.values()).where(*rows).order_by(Attendance.user_id)
    session.execute(insert(AttendanceEvent).from_select([*line], lines))


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


def _expire(session: Session, session_id: uuid.UUID) -> None:
    """What the session object knows of the roll was changed by statements it did not see."""
    for known in session.identity_map.values():
        if isinstance(known, Attendance) and known.session_id == session_id:
            session.expire(known)


def _let_make_ups_fall(
    session: Session, session_id: uuid.UUID, user_ids: Collection[uuid.UUID], change: Change
) -> None:
    """The sessions that people made up in this one are missed again; their hours follow."""
    for missed_id, people in queries.made_up_in(session, session_id, user_ids).items():
        queries.rows_locked(session, missed_id, people)
        # A decision of its own there, whatever took it here: so it can be undone there.
        fallen = Change(State.ABSENT, Action.MANUAL, change.actor_id, _MAKE_UP_FELL, change.at)
        change_states(session, missed_id, people, fallen)
        book(session, missed_id, now=change.at, only=people)
