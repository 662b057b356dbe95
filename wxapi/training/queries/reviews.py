"""What waits for the organiser's word: flags and requests for leave."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text, tuple_, union
from sqlalchemy.orm import Session

from wxapi.duties.models import OPEN_SQL, Duty
from wxapi.identity.models import User
from wxapi.kernel.actor import Actor
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.kernel.permissions import Permission
from wxapi.training.models import Flag, LeaveRequest, TrainingSession
from wxapi.training.queries.scope import within


def flag_of(session: Session, actor: Actor, flag_id: uuid.UUID) -> Flag | None:
    """A flag of one of the organiser's sessions."""
    return session.scalars(
        select(Flag)
        .join(TrainingSession, TrainingSession.id == Flag.session_id)
        .where(Flag.id == flag_id, within(actor, Permission.TRAINING_ORGANISE))
    ).one_or_none()


def leave_of(session: Session, actor: Actor, request_id: uuid.UUID) -> LeaveRequest | None:
    """A request for leave from one of the organiser's sessions."""
    return session.scalars(
        select(LeaveRequest)
        .join(TrainingSession, TrainingSession.id == LeaveRequest.session_id)
        .where(LeaveRequest.id == request_id, within(actor, Permission.TRAINING_ORGANISE))
    ).one_or_none()


def leave_pending(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> bool:
    """Whether a person's request for leave still waits for a decision."""
    query = select(LeaveRequest.id).where(
        LeaveRequest.session_id == session_id, LeaveRequest.user_id == user_id, LeaveRequest.decision.is_(None)
    )
    return session.scalars(query).one_or_none() is not None


def waiting_since(session: Session, session_id: uuid.UUID) -> tuple[datetime | None, datetime | None]:
    """Since when the oldest open flag and the oldest undecided request for leave of a session wait."""
    flags = select(func.min(Flag.created_at)).where(Flag.session_id == session_id, Flag.decision.is_(None))
    leave = select(func.min(LeaveRequest.created_at)).where(
        LeaveRequest.session_id == session_id, LeaveRequest.decision.is_(None)
    )
    row = session.execute(select(flags.scalar_subquery(), leave.scalar_subquery())).one()
    return row[0], row[1]


def undecided(session: Session) -> Sequence[uuid.UUID]:
    """Sessions in which a flag or a request for leave waits for a decision, or of which a duty is open."""
    flags = select(Flag.session_id).where(Flag.decision.is_(None))
    leave = select(LeaveRequest.session_id).where(LeaveRequest.decision.is_(None))
    duties = select(Duty.subject_id).where(Duty.subject_type == "training", text(OPEN_SQL))
    found = union(flags, leave, duties).subquery()
    return session.scalars(select(found.c[0]).order_by(found.c[0])).all()


def open_doubts(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> bool:
    """Whether something about a person's sign-in is still to be decided."""
    open_flag = select(Flag.id).where(Flag.session_id == session_id, Flag.user_id == user_id, Flag.decision.is_(None))
    return session.scalars(open_flag.limit(1)).first() is not None


def flags_page(
    session: Session, session_id: uuid.UUID, *, decided: bool | None, limit: int, cursor: str | None
) -> Page[tuple[Flag, str | None]]:
    """The review queue, oldest first, with names."""
    query = (
        select(Flag, User.nickname)
        .outerjoin(User, User.id == Flag.user_id)
        .where(Flag.session_id == session_id)
        .order_by(Flag.created_at, Flag.id)
        .limit(limit + 1)
    )
    if decided is not None:
        query = query.where(Flag.decision.is_not(None) if decided else Flag.decision.is_(None))
    if cursor is not None:
        query = query.where(tuple_(Flag.created_at, Flag.id) > tuple_(*decode_cursor(cursor, datetime, uuid.UUID)))
    rows = [(row[0], row[1]) for row in session.execute(query)]
    return page_of(rows, limit, lambda row: (row[0].created_at, row[0].id))


def name_of(session: Session, user_id: uuid.UUID | None) -> str | None:
    """What the lists call a person, for the answer about one of their lines; None for nobody."""
    return session.scalar(select(User.nickname).where(User.id == user_id)) if user_id else None


def leave_page(
    session: Session, session_id: uuid.UUID, *, pending: bool, limit: int, cursor: str | None
) -> Page[tuple[LeaveRequest, str]]:
    """Requests for leave, oldest first, with names."""
    query = (
        select(LeaveRequest, User.nickname)
        .join(User, User.id == LeaveRequest.user_id)
        .where(LeaveRequest.session_id == session_id)
        .order_by(LeaveRequest.created_at, LeaveRequest.id)
        .limit(limit + 1)
    )
    if pending:
        query = query.where(LeaveRequest.decision.is_(None))
    if cursor is not None:
        last = decode_cursor(cursor, datetime, uuid.UUID)
        query = query.where(tuple_(LeaveRequest.created_at, LeaveRequest.id) > tuple_(*last))
    rows = [(row[0], row[1]) for row in session.execute(query)]
    return page_of(rows, limit, lambda row: (row[0].created_at, row[0].id))
