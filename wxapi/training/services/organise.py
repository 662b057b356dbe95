"""Sessions: drafted, published, changed, cancelled, read."""

import uuid
from dataclasses import replace as replace_fields
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity.models import User
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import InvalidError, not_found, version_conflict
from wxapi.kernel.ids import new_id
from wxapi.kernel.permissions import ROLES_OF
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import refuse_closed, tree
from wxapi.training.models import Series, TrainingSession
from wxapi.training.queries import sessions as queries
from wxapi.training.queries.managed import ORGANISE, managed, managed_for_roll, managed_locked
from wxapi.training.queries.session_views import SessionView, view_of
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
from wxapi.training.services import moved_window, timetable
from wxapi.training.services.book_hours import settle_if_over
from wxapi.training.services.owing import owe
from wxapi.training.services.seats import fill_seats, seat_series
from wxapi.training.services.session_cache import SECRET_PURPOSE, window_of

# So many unknown entries of an audience are named in a refusal; the rest is likely wrong in the same way.
_NAMED = 10


def create(actor: Actor, plan: Plan, *, now: datetime) -> SessionView:
    """Draft a session in one of the organiser's regions.

    Raises:
        NotFoundError: the region is unknown or not the organiser's, or the series is not theirs.
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
        # With what was missed and made up here: it counts here, or else where it was missed.
        row = managed_for_roll(session, actor, session_id, None)
        if version is not None and version != row.version:
            raise version_conflict(version=row.version, state=row.state)
        check_editable(shown_state(row.state, row.ends_at, now))
        if row.state == SessionState.PUBLISHED:
            check_still_ahead(plan.ends_at, now)
        check_capacity(plan.capacity, row.seats_taken)
        _check_scope(session, actor, plan)
        window = window_of(row)
        times, told = (row.starts_at, row.ends_at, row.offline_hours), (row.starts_at, row.ends_at, row.place)
        _apply(row, plan)
        row.version += 1
        row.updated_at = now
        fill_seats(session, row, now=now)
        if row.state == SessionState.PUBLISHED and times != (row.starts_at, row.ends_at, row.offline_hours):
            timetable.plan_clockwork(session, row, now=now)
        if row.state == SessionState.PUBLISHED:
            moved_window.follow(session, row, window, window_of(row))
        if row.state == SessionState.PUBLISHED and told != (row.starts_at, row.ends_at, row.place):
            timetable.moved(session, row.id)
        settle_if_over(session, row.id, now=now)
        owe(session, row, now=now)
        _audit(session, actor, "training.change", row, now)
        return replace_fields(view_of(session, actor, row), overlaps=_overlapping(session, row))


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
            timetable.plan_clockwork(session, row, now=now)
            if row.series_id is not None:
                seat_series(session, row, now=now)
            _audit(session, actor, "training.publish", row, now)
        elif row.state == SessionState.CANCELLED:
            check_editable(SessionState.CANCELLED)
        return view_of(session, actor, row)


def cancel(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> SessionView:
    """Call a session off; again: no change.

    Raises:
        NotFoundError: outside the scope.
        ConflictError: `session_over`.
    """
    with transaction() as session:
        row = managed_for_roll(session, actor, session_id, None)
        if row.state != SessionState.CANCELLED:
            check_editable(shown_state(row.state, row.ends_at, now))
            told = row.state == SessionState.PUBLISHED
            row.state = SessionState.CANCELLED
            row.version += 1
            row.updated_at = now
            if told:
                timetable.cancelled(session, row.id)
                settle_if_over(session, row.id, now=now)
                owe(session, row, now=now)
            _audit(session, actor, "training.cancel", row, now)
        return view_of(session, actor, row)


def _check_scope(session: Session, actor: Actor, plan: Plan) -> None:
    """The region is the organiser's, and the series too; the audience names what there is."""
    if tree().get(plan.region_code) is None or not actor.covers(plan.region_code, ROLES_OF[ORGANISE]):
        raise not_found()
    refuse_closed(plan.region_code)
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
            fields={"audience.region_codes": [f"未知区域代码：{code}。" for code in unknown[:_NAMED]]},
        )
    for code in audience.region_codes:
        refuse_closed(code, field="audience.region_codes")
    known = set(session.scalars(select(User.id).where(User.id.in_(audience.user_ids)))) if audience.user_ids else set()
    if missing := sorted(audience.user_ids - known):
        raise InvalidError(
            "person_unknown",
            "参加名单中有未知的人员。",
            fields={"audience.user_ids": [f"未知人员：{user_id}。" for user_id in missing[:_NAMED]]},
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
