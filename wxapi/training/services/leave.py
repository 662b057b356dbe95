"""Asking for leave, before a session or after, and what the organiser says."""

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ConflictError, not_found
from wxapi.kernel.ids import new_id
from wxapi.kernel.paging import Page
from wxapi.platform import audit
from wxapi.platform.db import db, transaction
from wxapi.training.models import LeaveRequest
from wxapi.training.queries import reviews, sessions
from wxapi.training.queries import roll as queries
from wxapi.training.queries.managed import ORGANISE, managed, managed_for_roll
from wxapi.training.rules.attendance import LEAVE_OVERRIDES, Action, RollDecision, State, check_leave_possible
from wxapi.training.rules.owed import LEAVE_DECISION
from wxapi.training.rules.sessions import SessionState, session_cancelled
from wxapi.training.services import timetable
from wxapi.training.services.book_hours import settle_if_over
from wxapi.training.services.change_state import Change, change_states
from wxapi.training.services.deciding import decide_once
from wxapi.training.services.owing import owe


def ask(actor: Actor, session_id: uuid.UUID, *, reason: str, now: datetime) -> LeaveRequest:
    """Ask for leave from a session one is enrolled in.

    Raises:
        NotFoundError: no such session, or not on its roll.
        ConflictError: `session_cancelled`, `already_signed_in`, `leave_pending`.
    """
    with transaction() as session:
        # The session before its rows: what is owed for it changes.
        found = sessions.locked(session, session_id)
        if found is None or found.state == SessionState.DRAFT:
            raise not_found()
        if found.state == SessionState.CANCELLED:
            raise session_cancelled()
        # The lock makes two requests of one person wait for each other.
        row = queries.row_locked(session, session_id, actor.user_id)
        if row is None:
            raise not_found()
        check_leave_possible(State(row.state))
        if reviews.leave_pending(session, session_id, actor.user_id):
            raise ConflictError("leave_pending", "您已提交请假申请，请等待组织者审批。")
        request = LeaveRequest(
            id=new_id(), session_id=session_id, user_id=actor.user_id, reason=reason, created_at=now, note=""
        )
        session.add(request)
        owe(session, found, now=now)
        audit.record(session, actor.user_id, "training.leave_ask", subject=f"training:{session_id}", at=now)
        return request


def decide(
    actor: Actor,
    request_id: uuid.UUID,
    decision: RollDecision,
    *,
    note: str,
    session_id: uuid.UUID | None = None,
    now: datetime,
) -> LeaveRequest:
    """Approve or deny; the same decision again changes nothing.

    Raises:
        NotFoundError: outside the scope, or of another session than `session_id`.
        ConflictError: `already_decided` otherwise.
    """
    with transaction() as session:
        # The session before its rows; whose request it is never changes.
        about = reviews.leave_of(session, actor, request_id)
        if about is None or (session_id is not None and about.session_id != session_id):
            raise not_found()
        held = managed_for_roll(session, actor, about.session_id, [about.user_id])
        request = session.get(LeaveRequest, request_id, with_for_update=True, populate_existing=True)
        if request is None:  # its person withdrew while the session was waited for, and the request went with the seat
            raise not_found()
        if not decide_once(request, decision, note=note, actor=actor, now=now, refused=_already_decided):
            return request
        if decision is RollDecision.APPROVE:
            _excuse(session, request, actor, now=now)
        owe(session, held, decided=LEAVE_DECISION, now=now)
        timetable.leave_decided(session, request.id)
        audit.record(
            session,
            actor.user_id,
            "training.leave_decide",
            subject=f"training:{request.session_id}",
            at=now,
            decision=decision.value,
        )
        return request


def _excuse(session: Session, request: LeaveRequest, actor: Actor, *, now: datetime) -> None:
    """Put the person on leave, unless they came or the organiser decided otherwise by hand."""
    row = queries.row_locked(session, request.session_id, request.user_id)
    if row is None or row.state not in LEAVE_OVERRIDES:
        return
    # The person's own words stay with the request: the history is kept longer than they are.
    change = Change(State.ON_LEAVE, Action.LEAVE, actor.user_id, "", now)
    change_states(session, request.session_id, [request.user_id], change)
    settle_if_over(session, request.session_id, now=now, only=[request.user_id])


def requests(
    actor: Actor, session_id: uuid.UUID, *, pending: bool, limit: int, cursor: str | None
) -> Page[tuple[LeaveRequest, str]]:
    """The requests of a session.

    Raises:
        NotFoundError: outside the scope.
    """
    managed(db.session(), actor, session_id, ORGANISE)
    return reviews.leave_page(db.session(), session_id, pending=pending, limit=limit, cursor=cursor)


def _already_decided(decision: str) -> ConflictError:
    return ConflictError("already_decided", "该请假申请已有审批结果。", extra={"decision": decision})
