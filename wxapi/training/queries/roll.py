"""Reads of the roll."""

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, tuple_
from sqlalchemy.orm import Session

from wxapi.identity.models import User
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.training.models import Attendance, AttendanceEvent, Enrolment, TrainingSession
from wxapi.training.queries.scope import among
from wxapi.training.rules.attendance import NOT_COME, Action, State
from wxapi.training.rules.sessions import EnrolmentState

_STREAMED = 500


@dataclass(frozen=True, slots=True)
class RollFilter:
    """What of the roll is wanted; None: all."""

    state: State | None = None
    late_upload: bool | None = None
    walk_in: bool | None = None
    # Only those who have not come.
    missing: bool = False
    q: str | None = None


@dataclass(frozen=True, slots=True)
class RollRow:
    """One person on the roll with the decisions about it."""

    row: Attendance
    name: str
    history: Sequence[AttendanceEvent]


def live(session: Session, session_id: uuid.UUID) -> tuple[str, str, dict[str, int]] | None:
    """The session's region and state, and how many are in each state, in one statement; None: no such session.

    Besides the states: `signed_in` (with a sign-in, whatever the state), `walk_in`, `late_upload`, `waiting`, `total`.
    """
    waiting = (
        select(func.count())
        .where(Enrolment.session_id == session_id, Enrolment.state == EnrolmentState.WAITING)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            TrainingSession.region_code,
            TrainingSession.state,
            Attendance.state,
            func.count(Attendance.user_id),
            func.count(Attendance.signed_in_at),
            func.count().filter(Attendance.walk_in),
            func.count().filter(Attendance.late_upload),
            waiting,
        )
        .select_from(TrainingSession)
        .outerjoin(Attendance, Attendance.session_id == TrainingSession.id)
        .where(TrainingSession.id == session_id)
        .group_by(TrainingSession.region_code, TrainingSession.state, Attendance.state)
    ).all()
    if not rows:
        return None
    counts = dict.fromkeys([state.value for state in State], 0)
    counts |= {
        "total": sum(row[3] for row in rows),
        "signed_in": sum(row[4] for row in rows),
        "walk_in": sum(row[5] for row in rows),
        "late_upload": sum(row[6] for row in rows),
        "waiting": rows[0][7],
    }
    counts |= {row[2]: row[3] for row in rows if row[2] is not None}
    return rows[0][0], rows[0][1], counts


def roll_page(
    session: Session, session_id: uuid.UUID, wanted: RollFilter, *, limit: int, cursor: str | None
) -> Page[tuple[Attendance, str]]:
    """The roll by name, each row with the person's name."""
    query = _roll(session_id, wanted).limit(limit + 1)
    if cursor is not None:
        query = query.where(tuple_(User.nickname, Attendance.user_id) > tuple_(*decode_cursor(cursor, str, uuid.UUID)))
    rows = [(row[0], row[1]) for row in session.execute(query)]
    return page_of(rows, limit, lambda row: (row[1], row[0].user_id))


def roll_stream(session: Session, session_id: uuid.UUID) -> Iterator[tuple[Attendance, str, str]]:
    """The whole roll by name, with name and last reason, through a server-side cursor: memory stays flat."""
    reason = (
        select(AttendanceEvent.reason)
        .where(AttendanceEvent.session_id == Attendance.session_id, AttendanceEvent.user_id == Attendance.user_id)
        .order_by(AttendanceEvent.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query: Select[Any] = _roll(session_id, RollFilter()).add_columns(func.coalesce(reason, ""))
    for part in session.execute(query.execution_options(yield_per=_STREAMED)).partitions():
        for row in part:
            yield row[0], row[1], row[2]
            # Else the session would hold every row it has ever seen.
            session.expunge(row[0])


def row_locked(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> Attendance | None:
    """One person's row, locked."""
    return session.scalars(
        select(Attendance)
        .where(Attendance.session_id == session_id, Attendance.user_id == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def rows_locked(session: Session, session_id: uuid.UUID, user_ids: Collection[uuid.UUID]) -> None:
    """Lock the rows of some people, in the order of the people as all who lock many do."""
    session.execute(
        select(Attendance.user_id)
        .where(Attendance.session_id == session_id, among(Attendance.user_id, user_ids))
        .order_by(Attendance.user_id)
        .with_for_update()
    )


def not_on_roll(session: Session, session_id: uuid.UUID, user_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those of some people who have no row, in the order given, each once."""
    present = set(
        session.scalars(
            select(Attendance.user_id).where(Attendance.session_id == session_id, among(Attendance.user_id, user_ids))
        )
    )
    return [user_id for user_id in dict.fromkeys(user_ids) if user_id not in present]


def in_states(
    session: Session, session_id: uuid.UUID, states: Iterable[State], only: Collection[uuid.UUID] | None
) -> dict[uuid.UUID, uuid.UUID | None]:
    """Who is in one of the states, each with the session of the make-up; `only`: of these people."""
    names = sorted(state.value for state in states)
    query = select(Attendance.user_id, Attendance.made_up_in).where(
        Attendance.session_id == session_id, Attendance.state.in_(names)
    )
    rows = session.execute(query if only is None else query.where(among(Attendance.user_id, only)))
    return {row[0]: row[1] for row in rows}


def made_up_in(
    session: Session, session_id: uuid.UUID, only: Collection[uuid.UUID] | None
) -> dict[uuid.UUID, list[uuid.UUID]]:
    """What was made up in a session: missed session → people; `only`: of these people."""
    query = (
        select(Attendance.session_id, Attendance.user_id)
        .where(Attendance.made_up_in == session_id)
        .order_by(Attendance.session_id, Attendance.user_id)
    )
    found: dict[uuid.UUID, list[uuid.UUID]] = {}
    for missed_id, user_id in session.execute(query if only is None else query.where(among(Attendance.user_id, only))):
        found.setdefault(missed_id, []).append(user_id)
    return found


def row_of(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> tuple[Attendance, str] | None:
    """One person's row and name."""
    row = session.execute(
        select(Attendance, User.nickname)
        .join(User, User.id == Attendance.user_id)
        .where(Attendance.session_id == session_id, Attendance.user_id == user_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return (row[0], row[1]) if row is not None else None


def rows_of(session: Session, session_id: uuid.UUID, user_ids: Collection[uuid.UUID]) -> Sequence[Row[Attendance, str]]:
    """The rows and names of those of some people who are on the roll, in no order."""
    return session.execute(
        select(Attendance, User.nickname)
        .join(User, User.id == Attendance.user_id)
        .where(Attendance.session_id == session_id, among(Attendance.user_id, user_ids))
        .execution_options(populate_existing=True)
    ).all()


def history(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> Sequence[AttendanceEvent]:
    """Every decision about one row, oldest first."""
    return session.scalars(
        select(AttendanceEvent)
        .where(AttendanceEvent.session_id == session_id, AttendanceEvent.user_id == user_id)
        .order_by(AttendanceEvent.id)
    ).all()


def last_standing(history: Sequence[AttendanceEvent]) -> AttendanceEvent | None:
    """The last decision of a history that was not itself taken back; None when there is none."""
    taken_back = 0
    for event in reversed(history):
        if event.action == Action.UNDO:
            taken_back += 1
        elif taken_back:
            taken_back -= 1
        else:
            return event
    return None


def after_sign_in(event: AttendanceEvent, row: Attendance) -> bool:
    """Whether the sign-in that stands on a row came before the decision; older decisions are judged by their time."""
    if event.after_sign_in is not None:
        return event.after_sign_in
    received = row.received_at or row.signed_in_at
    return received is not None and received <= event.at


def _roll(session_id: uuid.UUID, wanted: RollFilter) -> Select[Attendance, str]:
    where: list[ColumnElement[bool]] = [Attendance.session_id == session_id]
    if wanted.state is not None:
        where.append(Attendance.state == wanted.state)
    if wanted.missing:
        where.append(Attendance.state.in_(NOT_COME))
    if wanted.late_upload is not None:
        where.append(Attendance.late_upload.is_(wanted.late_upload))
    if wanted.walk_in is not None:
        where.append(Attendance.walk_in.is_(wanted.walk_in))
    if wanted.q is not None:
        where.append(User.nickname.icontains(wanted.q, autoescape=True))
    return (
        select(Attendance, User.nickname)
        .join(User, User.id == Attendance.user_id)
        .where(*where)
        .order_by(User.nickname, Attendance.user_id)
    )
