"""Enrolling in a session or a series, and withdrawing."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import DomainError, ForbiddenError, not_found
from wxapi.kernel.ids import new_id
from wxapi.kernel.permissions import ROLES_OF
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.regions.services.lookup import refuse_closed, tree
from wxapi.training.models import Enrolment, Series, SeriesEnrolment, TrainingSession
from wxapi.training.queries import sessions as queries
from wxapi.training.queries.managed import ORGANISE
from wxapi.training.rules.codes import pass_code
from wxapi.training.rules.sessions import check_enrollable, shown_state
from wxapi.training.services.seats import leave_seat, take_seat
from wxapi.training.services.session_cache import audience_of, facts_from


@dataclass(frozen=True, slots=True)
class EnrolmentView:
    """An enrolment as its person sees it; `pass_code` is what a steward may scan."""

    row: Enrolment
    place: int | None
    pass_code: str
    created: bool


def enrol(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> EnrolmentView:
    """Take a seat, or a place on the waiting list when there is none; in a series, in all its coming sessions.

    Raises:
        NotFoundError: no such session, or a draft.
        ConflictError: `session_cancelled`, `session_over`.
        ForbiddenError: `not_in_audience`.
    """
    with transaction() as session:
        found = session.get(TrainingSession, session_id)
        if found is None:
            raise not_found()
        # Before any lock: what is over never opens again, so that all sessions of a series are locked in one order.
        check_enrollable(shown_state(found.state, found.ends_at, now))
        if found.series_id is not None:
            # The series before its sessions, always: no two requests wait for each other.
            joined = _join_series(session, found.series_id, actor)
            for other in queries.open_of_series_locked(session, found.series_id, now):
                # Who is in the series already may have withdrawn from one of its sessions.
                new = joined and other.id != session_id
                if new and audience_of(other).admits(actor.user_id, actor.appointments):
                    take_seat(session, other, actor.user_id, now=now)
        row = queries.locked(session, session_id)
        assert row is not None
        check_enrollable(shown_state(row.state, row.ends_at, now))
        if not audience_of(row).admits(actor.user_id, actor.appointments):
            raise not_in_audience()
        enrolment, created = take_seat(session, row, actor.user_id, now=now)
        place = queries.place_of(session, enrolment)
        return EnrolmentView(enrolment, place, pass_code(row.id, facts_from(row).secret, actor.user_id), created)


def withdraw(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> None:
    """Give the seat back; somebody who has none is left alone.

    Raises:
        NotFoundError: no such session, or a draft.
        ConflictError: `session_cancelled`, `session_over`, `already_signed_in`.
    """
    with transaction() as session:
        row = queries.locked(session, session_id)
        if row is None:
            raise not_found()
        check_enrollable(shown_state(row.state, row.ends_at, now))
        leave_seat(session, row, actor.user_id, now=now)


def create_series(actor: Actor, *, title: str, region_code: str, now: datetime) -> Series:
    """Begin a series of sessions.

    Raises:
        NotFoundError: the region is unknown or not the organiser's.
    """
    if tree().get(region_code) is None or not actor.covers(region_code, ROLES_OF[ORGANISE]):
        raise not_found()
    refuse_closed(region_code)
    with transaction() as session:
        row = Series(
            id=new_id(), title=title, region_code=region_code, created_by=actor.user_id, created_at=now, last_seq=0
        )
        session.add(row)
        audit.record(session, actor.user_id, "training.series", subject=f"series:{row.id}", at=now)
        return row


def leave_series(actor: Actor, series_id: uuid.UUID, *, now: datetime) -> None:
    """Withdraw from a series and from all its sessions that have not begun.

    Raises:
        NotFoundError: no such series.
        ConflictError: `already_signed_in` for one of them.
    """
    with transaction() as session:
        if queries.series_locked(session, series_id) is None:
            raise not_found()
        known = session.get(SeriesEnrolment, (series_id, actor.user_id))
        if known is not None:
            known.withdrawn_at = now
        for row in queries.open_of_series_locked(session, series_id, now):
            if row.starts_at > now:
                leave_seat(session, row, actor.user_id, now=now)


def not_in_audience() -> DomainError:
    """The refusal of somebody for whom the session is not."""
    return ForbiddenError("not_in_audience", "您不在本场培训的参加范围内，如有疑问请联系组织者。")


def _join_series(session: Session, series_id: uuid.UUID, actor: Actor) -> bool:
    """Lock a series and enrol in it; returns whether that is new."""
    series = queries.series_locked(session, series_id)
    assert series is not None
    known = session.get(SeriesEnrolment, (series_id, actor.user_id), populate_existing=True)
    if known is not None and known.withdrawn_at is None:
        return False
    series.last_seq += 1
    if known is None:
        session.add(SeriesEnrolment(series_id=series_id, user_id=actor.user_id, seq=series.last_seq))
    else:
        known.seq, known.withdrawn_at = series.last_seq, None
    session.flush()
    return True
