"""Reads of sessions and enrolments."""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, select, tuple_, union
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.kernel.permissions import Permission
from wxapi.training.models import Attendance, Enrolment, Series, TrainingSession
from wxapi.training.queries.scope import admits, among, visible, within
from wxapi.training.rules.attendance import State
from wxapi.training.rules.sessions import EnrolmentState, SessionState

# Drafts and published sessions take their organiser's time; cancelled ones do not.
_TAKES_TIME = (SessionState.DRAFT, SessionState.PUBLISHED)


@dataclass(frozen=True, slots=True)
class Mine:
    """What one person has to do with a session: the enrolment with the place on the waiting list, and the roll."""

    enrolment: Enrolment | None
    place: int | None
    attendance: Attendance | None


def session_for(session: Session, actor: Actor, session_id: uuid.UUID) -> TrainingSession | None:
    """A session that exists for the actor."""
    return session.scalars(
        select(TrainingSession).where(TrainingSession.id == session_id, visible(actor))
    ).one_or_none()


def visible_among(session: Session, actor: Actor, ids: Collection[uuid.UUID]) -> Sequence[TrainingSession]:
    """Those of some sessions that exist for the actor."""
    return session.scalars(select(TrainingSession).where(TrainingSession.id.in_(ids), visible(actor))).all()


def near_of(
    session: Session, user_id: uuid.UUID, *, now: datetime, until: datetime, limit: int
) -> Sequence[TrainingSession]:
    """Published sessions that a person is enrolled in and has not come to, not over and beginning by then."""
    return session.scalars(
        select(TrainingSession)
        .join(Attendance, Attendance.session_id == TrainingSession.id)
        .where(
            Attendance.user_id == user_id,
            Attendance.state == State.ENROLLED,
            TrainingSession.state == SessionState.PUBLISHED,
            TrainingSession.ends_at > now,
            TrainingSession.starts_at <= until,
        )
        .order_by(TrainingSession.starts_at, TrainingSession.id)
        .limit(limit)
    ).all()


def managed_session(
    session: Session, actor: Actor, session_id: uuid.UUID, permission: Permission
) -> TrainingSession | None:
    """A session in the regions where the actor has the permission."""
    return session.scalars(
        select(TrainingSession).where(TrainingSession.id == session_id, within(actor, permission), visible(actor))
    ).one_or_none()


def managed_session_locked(
    session: Session, actor: Actor, session_id: uuid.UUID, permission: Permission
) -> TrainingSession | None:
    """The same, locked until the transaction ends; signing in goes on meanwhile."""
    return session.scalars(
        select(TrainingSession)
        .where(TrainingSession.id == session_id, within(actor, permission))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def locked(session: Session, session_id: uuid.UUID) -> TrainingSession | None:
    """A session whatever the scope, locked; for enrolling and for jobs."""
    return session.scalars(
        select(TrainingSession)
        .where(TrainingSession.id == session_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def lock_all(session: Session, ids: Collection[uuid.UUID]) -> None:
    """Sessions, locked in one order."""
    wanted = select(TrainingSession.id).where(TrainingSession.id.in_(ids)).order_by(TrainingSession.id)
    session.execute(wanted.with_for_update(key_share=True))


def lock_with_make_ups(
    session: Session,
    session_id: uuid.UUID,
    user_ids: Collection[uuid.UUID] | None = None,
    *,
    rests_on: Callable[[], uuid.UUID | None] = lambda: None,
) -> TrainingSession | None:
    """Lock a session and the missed sessions that were made up in it, before any row of their rolls.

    Whoever changes a roll by decision or books hours takes these locks first, all in the order of their ids, so no two
    wait for each other. A make-up is added only under the lock of the session it rests on: what is found under the
    locks is complete. When more is found than was locked, all are given back and taken again in order.

    Args:
        session: the open transaction.
        session_id: the session about to change.
        user_ids: only make-ups of these people matter; None: of everybody.
        rests_on: the session that a make-up in this one will rest on; asked again under the locks.
    """

    def related() -> set[uuid.UUID]:
        base = rests_on()
        return _missed(session, session_id, user_ids) | {session_id} | ({base} if base is not None else set())

    wanted = related()
    while True:
        try:
            with session.begin_nested():
                rows = session.scalars(
                    select(TrainingSession)
                    .where(TrainingSession.id.in_(sorted(wanted)))
                    .order_by(TrainingSession.id)
                    .with_for_update(key_share=True)
                    .execution_options(populate_existing=True)
                ).all()
                if more := related() - wanted:
                    raise _MoreToLockError(more)  # noqa: TRY301 - leaving the block this way undoes its locks
        except _MoreToLockError as found:
            wanted |= found.sessions
        else:
            return next((row for row in rows if row.id == session_id), None)


class _MoreToLockError(Exception):
    """Rolls the locks back: they are taken again in order, together with these."""

    def __init__(self, sessions: set[uuid.UUID]) -> None:
        super().__init__(len(sessions))
        self.sessions = sessions


def _missed(session: Session, session_id: uuid.UUID, user_ids: Collection[uuid.UUID] | None) -> set[uuid.UUID]:
    query = select(Attendance.session_id).where(Attendance.made_up_in == session_id).distinct()
    return set(session.scalars(query if user_ids is None else query.where(among(Attendance.user_id, user_ids))))


def not_closed(session: Session, ended_before: datetime, *, limit: int) -> Sequence[uuid.UUID]:
    """Published sessions that take no more records since then and still have somebody enrolled who never came."""
    hours = TrainingSession.offline_hours * timedelta(hours=1)
    return session.scalars(
        select(TrainingSession.id)
        .where(
            TrainingSession.state == SessionState.PUBLISHED,
            TrainingSession.ends_at < ended_before,
            TrainingSession.ends_at + hours < ended_before,
            exists().where(Attendance.session_id == TrainingSession.id, Attendance.state == State.ENROLLED),
        )
        .limit(limit)
    ).all()


def open_of_series_locked(session: Session, series_id: uuid.UUID, now: datetime) -> Sequence[TrainingSession]:
    """The published sessions of a series still to end, locked in one order so that no two wait for each other."""
    return session.scalars(
        select(TrainingSession)
        .where(
            TrainingSession.series_id == series_id,
            TrainingSession.state == SessionState.PUBLISHED,
            TrainingSession.ends_at > now,
        )
        .order_by(TrainingSession.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def series_locked(session: Session, series_id: uuid.UUID) -> Series | None:
    """A series, locked."""
    return session.scalars(select(Series).where(Series.id == series_id).with_for_update(key_share=True)).one_or_none()


def overlapping(
    session: Session, organiser: uuid.UUID, starts_at: datetime, ends_at: datetime, *, but: uuid.UUID
) -> TrainingSession | None:
    """Another session this organiser runs at the same time; adjoining ones do not overlap."""
    query = select(TrainingSession).where(
        TrainingSession.created_by == organiser,
        TrainingSession.state.in_(_TAKES_TIME),
        ~TrainingSession.parallel,
        TrainingSession.starts_at < ends_at,
        TrainingSession.ends_at > starts_at,
        TrainingSession.id != but,
    )
    return session.scalars(query.order_by(TrainingSession.starts_at).limit(1)).one_or_none()


def open_page(
    session: Session, actor: Actor, *, now: datetime, limit: int, cursor: str | None
) -> Page[TrainingSession]:
    """Published sessions the actor may go to that have not ended, soonest first."""
    where = and_(TrainingSession.state == SessionState.PUBLISHED, TrainingSession.ends_at > now, admits(actor))
    return _page(session, where, limit=limit, cursor=cursor, newest_first=False)


def mine_page(session: Session, actor: Actor, *, limit: int, cursor: str | None) -> Page[TrainingSession]:
    """Sessions the actor is enrolled in, waits for, or stands on the roll of, newest first."""
    # Two looks into indexes by person: `exists … or exists …` would read every session.
    enrolled = select(Enrolment.session_id).where(
        Enrolment.user_id == actor.user_id, Enrolment.state != EnrolmentState.WITHDRAWN
    )
    on_roll = select(Attendance.session_id).where(Attendance.user_id == actor.user_id)
    where = and_(TrainingSession.state != SessionState.DRAFT, TrainingSession.id.in_(union(enrolled, on_roll)))
    return _page(session, where, limit=limit, cursor=cursor, newest_first=True)


def organised_page(session: Session, actor: Actor, *, limit: int, cursor: str | None) -> Page[TrainingSession]:
    """Sessions of the actor's regions, drafts included, newest first."""
    where = and_(within(actor, Permission.TRAINING_STEWARD), visible(actor))
    return _page(session, where, limit=limit, cursor=cursor, newest_first=True)


def mine_of(session: Session, user_id: uuid.UUID, session_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Mine]:
    """What a person has to do with each of the sessions; three statements, however many."""
    enrolments = {
        row.session_id: row
        for row in session.scalars(
            select(Enrolment).where(Enrolment.user_id == user_id, Enrolment.session_id.in_(session_ids))
        )
    }
    rolls = {
        row.session_id: row
        for row in session.scalars(
            select(Attendance).where(Attendance.user_id == user_id, Attendance.session_id.in_(session_ids))
        )
    }
    places = _places(session, [row for row in enrolments.values() if row.state == EnrolmentState.WAITING])
    return {
        key: Mine(enrolments.get(key), places.get(key), rolls.get(key))
        for key in session_ids
        if key in enrolments or key in rolls
    }


def waiting_counts(session: Session, session_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many wait for a seat in each of the sessions."""
    rows = session.execute(
        select(Enrolment.session_id, func.count())
        .where(Enrolment.session_id.in_(session_ids), Enrolment.state == EnrolmentState.WAITING)
        .group_by(Enrolment.session_id)
    )
    return {row[0]: row[1] for row in rows}


def place_of(session: Session, enrolment: Enrolment) -> int | None:
    """The place on the waiting list, counted from 1; None for somebody who does not wait."""
    if enrolment.state != EnrolmentState.WAITING:
        return None
    return _places(session, [enrolment])[enrolment.session_id]


def _places(session: Session, waiting: Sequence[Enrolment]) -> dict[uuid.UUID, int]:
    if not waiting:
        return {}
    mine = [(row.session_id, row.seq) for row in waiting]
    me, other = Enrolment, Enrolment.__table__.alias()
    rows = session.execute(
        select(me.session_id, func.count())
        .join(
            other,
            (other.c.session_id == me.session_id) & (other.c.seq <= me.seq) & (other.c.state == EnrolmentState.WAITING),
        )
        .where(tuple_(me.session_id, me.seq).in_(mine))
        .group_by(me.session_id)
    )
    return {row[0]: row[1] for row in rows}


def _page(
    session: Session, where: ColumnElement[bool], *, limit: int, cursor: str | None, newest_first: bool
) -> Page[TrainingSession]:
    query = select(TrainingSession).where(where).limit(limit + 1)
    key = tuple_(TrainingSession.starts_at, TrainingSession.id)
    if newest_first:
        query = query.order_by(TrainingSession.starts_at.desc(), TrainingSession.id.desc())
    else:
        query = query.order_by(TrainingSession.starts_at, TrainingSession.id)
    if cursor is not None:
        last = tuple_(*decode_cursor(cursor, datetime, uuid.UUID))
        query = query.where(key < last if newest_first else key > last)
    return page_of(session.scalars(query).all(), limit, lambda row: (row.starts_at, row.id))
