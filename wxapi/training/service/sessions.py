"""Sessions: drafted, published, changed, cancelled, read."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity.models import User
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import InvalidError, not_found, version_conflict
from wxapi.kernel.ids import new_id
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import ROLES_OF
from wxapi.platform import audit
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.regions.service import tree
from wxapi.scenes.rules import Kind
from wxapi.scenes.services import Code, code_of
from wxapi.training import messages
from wxapi.training.models import Series, SeriesEnrolment, TrainingSession
from wxapi.training.queries import sessions as queries
from wxapi.training.rules import codes
from wxapi.training.rules.audience import Audience
from wxapi.training.rules.sessions import (
    Plan,
    SessionState,
    check_capacity,
    check_editable,
    check_plan,
    check_still_ahead,
    shown_state,
)
from wxapi.training.service.access import ORGANISE, STEWARD, managed, managed_locked
from wxapi.training.service.facts import SECRET_PURPOSE
from wxapi.training.service.seats import fill_seats, take_seat

# So many unknown entries of an audience are named in a refusal; the rest is likely wrong in the same way.
_NAMED = 10

Scope = Literal["open", "mine", "organised"]


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as one person sees it."""

    row: TrainingSession
    mine: queries.Mine | None
    waiting: int
    # Whether the actor runs it or helps to: only then the audience is shown.
    manages: bool
    # Another session of the same organiser at that time: worth a word, and no reason to refuse a hall with two rooms.
    overlaps: TrainingSession | None = None


def create(actor: Actor, plan: Plan, *, now: datetime) -> SessionView:
    """Draft a session in one of the organiser's regions.

    Raises:
        NotFoundError: the region is unknown or not the organiser's, or the series is not his.
        InvalidError: see `check_plan`; `unknown_region`, `person_unknown` of the audience.
    """
    check_plan(plan)
    with transaction() as session:
        _check_scope(session, actor, plan)
        row = TrainingSession(
            id=new_id(),
            state=SessionState.DRAFT,
            version=1,
            secret_sealed=runtime().cipher.seal(codes.new_secret().hex(), purpose=SECRET_PURPOSE),
            seats_taken=0,
            last_seq=0,
            created_by=actor.user_id,
            created_at=now,
            updated_at=now,
        )
        _apply(row, plan)
        session.add(row)
        _audit(session, actor, "training.create", row, now)
        return SessionView(row, None, 0, manages=True, overlaps=_overlapping(session, row))


def replace(actor: Actor, session_id: uuid.UUID, plan: Plan, *, version: int | None, now: datetime) -> SessionView:
    """Change everything about a session that is not over; who waits moves up when the capacity grew.

    Raises:
        NotFoundError: outside the scope.
        ConflictError: `session_cancelled`, `session_over`, `capacity_below_enrolled`, `version_conflict`.
        InvalidError: as for `create`; `session_time_invalid`, it is published and would be over at once.
    """
    check_plan(plan)
    with transaction() as session:
        row = managed_locked(session, actor, session_id, ORGANISE)
        if version is not None and version != row.version:
            raise version_conflict(version=row.version, state=row.state)
        check_editable(shown_state(row.state, row.ends_at, now))
        if row.state == SessionState.PUBLISHED:
            check_still_ahead(plan.ends_at, now)
        check_capacity(plan.capacity, row.seats_taken)
        _check_scope(session, actor, plan)
        times = (row.starts_at, row.ends_at, row.offline_hours)
        _apply(row, plan)
        row.version += 1
        row.updated_at = now
        fill_seats(session, row, now=now)
        if row.state == SessionState.PUBLISHED and times != (row.starts_at, row.ends_at, row.offline_hours):
            messages.timetable(session, row, now=now)
        _audit(session, actor, "training.change", row, now)
        return replace_fields(_view(session, actor, row), overlaps=_overlapping(session, row))


def publish(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> SessionView:
    """Open a draft for enrolment and signing in; again: no change.

    Raises:
        NotFoundError: outside the scope.
        ConflictError: `session_cancelled`.
    """
    with transaction() as session:
        found = managed(session, actor, session_id, ORGANISE)
        if found.series_id is not None:
            # The series before its sessions, as enrolling does: nobody who enrols now is forgotten.
            queries.series_locked(session, found.series_id)
        row = managed_locked(session, actor, session_id, ORGANISE)
        if row.state == SessionState.DRAFT:
            row.state = SessionState.PUBLISHED
            row.version += 1
            row.updated_at = now
            messages.timetable(session, row, now=now)
            _enrol_series(session, row, now=now)
            _audit(session, actor, "training.publish", row, now)
        elif row.state == SessionState.CANCELLED:
            check_editable(SessionState.CANCELLED)
        return _view(session, actor, row)


def cancel(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> SessionView:
    """Call a session off; again: no change.

    Raises:
        NotFoundError: outside the scope.
        ConflictError: `session_over`.
    """
    with transaction() as session:
        row = managed_locked(session, actor, session_id, ORGANISE)
        if row.state != SessionState.CANCELLED:
            check_editable(shown_state(row.state, row.ends_at, now))
            told = row.state == SessionState.PUBLISHED
            row.state = SessionState.CANCELLED
            row.version += 1
            row.updated_at = now
            if told:
                messages.cancelled(session, row.id)
            _audit(session, actor, "training.cancel", row, now)
        return _view(session, actor, row)


def read(actor: Actor, session_id: uuid.UUID) -> SessionView:
    """One session.

    Raises:
        NotFoundError: not there, or another organiser's draft.
    """
    row = queries.session_for(db.session(), actor, session_id)
    if row is None:
        raise not_found()
    return _view(db.session(), actor, row)


def mini_program_code(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> Code:
    """The code that opens a session's page.

    Raises:
        NotFoundError: not there or not the organiser's.
        UnavailableError: WeChat does not draw it now.
    """
    row = managed(db.session(), actor, session_id, ORGANISE)
    return code_of(Kind.TRAINING_SESSION, str(row.id), now=now)


def listing(actor: Actor, scope: Scope, *, limit: int, cursor: str | None, now: datetime) -> Page[SessionView]:
    """The sessions one may go to, has to do with, or runs."""
    session = db.session()
    if scope == "open":
        page = queries.open_page(session, actor, now=now, limit=limit, cursor=cursor)
    elif scope == "mine":
        page = queries.mine_page(session, actor, limit=limit, cursor=cursor)
    else:
        page = queries.organised_page(session, actor, limit=limit, cursor=cursor)
    return Page(_views(session, actor, page.items), page.next_cursor)


def _view(session: Session, actor: Actor, row: TrainingSession) -> SessionView:
    return _views(session, actor, [row])[0]


def _views(session: Session, actor: Actor, rows: Sequence[TrainingSession]) -> list[SessionView]:
    ids = [row.id for row in rows]
    mine = queries.mine_of(session, actor.user_id, ids) if ids else {}
    waiting = queries.waiting_counts(session, ids) if ids else {}
    return [
        SessionView(
            row, mine.get(row.id), waiting.get(row.id, 0), manages=actor.covers(row.region_code, ROLES_OF[STEWARD])
        )
        for row in rows
    ]


def _check_scope(session: Session, actor: Actor, plan: Plan) -> None:
    """The region is the organiser's, and the series too; the audience names what there is."""
    if tree().get(plan.region_code) is None or not actor.covers(plan.region_code, ROLES_OF[ORGANISE]):
        raise not_found()
    _check_audience(session, plan.audience)
    if plan.series_id is not None:
        series = session.get(Series, plan.series_id)
        if series is None or not actor.covers(series.region_code, ROLES_OF[ORGANISE]):
            raise not_found()


def _check_audience(session: Session, audience: Audience) -> None:
    """A mistyped code or id would leave people out without a word."""
    regions = tree()
    if unknown := sorted(code for code in audience.region_codes if regions.get(code) is None):
        raise InvalidError(
            "unknown_region",
            "参加范围中有未知的区域代码。",
            fields={"audience.region_codes": [f"未知区域代码: {code}" for code in unknown[:_NAMED]]},
        )
    known = set(session.scalars(select(User.id).where(User.id.in_(audience.user_ids)))) if audience.user_ids else set()
    if missing := sorted(audience.user_ids - known):
        raise InvalidError(
            "person_unknown",
            "参加名单中有未知的人员。",
            fields={"audience.user_ids": [f"未知人员: {user_id}" for user_id in missing[:_NAMED]]},
        )


def _overlapping(session: Session, row: TrainingSession) -> TrainingSession | None:
    if row.parallel:
        return None
    return queries.overlapping(session, row.created_by, row.starts_at, row.ends_at, but=row.id)


def _apply(row: TrainingSession, plan: Plan) -> None:
    row.series_id = plan.series_id
    row.title, row.kind, row.region_code, row.place = plan.title, plan.kind.value, plan.region_code, plan.place
    row.starts_at, row.ends_at = plan.starts_at, plan.ends_at
    row.longitude, row.latitude = plan.position or (None, None)
    row.radius_m, row.capacity, row.credit_hours = plan.radius_m, plan.capacity, plan.credit_hours
    row.audience_region_codes = sorted(plan.audience.region_codes)
    row.audience_roles = sorted(role.value for role in plan.audience.roles)
    row.audience_user_ids = sorted(plan.audience.user_ids)
    row.sign_in_opens_min, row.late_after_min = plan.sign_in_opens_min, plan.late_after_min
    row.sign_out, row.offline_hours, row.parallel = plan.sign_out, plan.offline_hours, plan.parallel


def _enrol_series(session: Session, row: TrainingSession, *, now: datetime) -> None:
    """Everybody who enrolled in the series gets a seat or a place, in the order they enrolled."""
    if row.series_id is None:
        return
    people = session.scalars(
        select(SeriesEnrolment.user_id)
        .where(SeriesEnrolment.series_id == row.series_id, SeriesEnrolment.withdrawn_at.is_(None))
        .order_by(SeriesEnrolment.seq)
    ).all()
    for user_id in people:
        take_seat(session, row, user_id, now=now)


def _audit(session: Session, actor: Actor, action: str, row: TrainingSession, now: datetime) -> None:
    audit.record(
        session,
        actor.user_id,
        action,
        subject=f"training:{row.id}",
        at=now,
        version=row.version,
        region=row.region_code,
    )
