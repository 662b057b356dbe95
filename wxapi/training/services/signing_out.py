"""Signing out, where a session asks for it: leaving early is a state, coming back mends it."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ConflictError, DomainError
from wxapi.platform.db import transaction
from wxapi.training.models import Attendance
from wxapi.training.queries import sessions as queries
from wxapi.training.rules import codes, windows
from wxapi.training.rules.attendance import IN_THE_HALL, signed_in_state
from wxapi.training.rules.sessions import SessionState, session_cancelled
from wxapi.training.services.book_hours import settle_if_over
from wxapi.training.services.record_sign_in import Recorded, record_refusal, recorded
from wxapi.training.services.session_cache import Facts, present_facts
from wxapi.training.services.signing_in import Attempt, check_tries, read_proof


def sign_out(actor: Actor, session_id: uuid.UUID, attempt: Attempt, *, now: datetime) -> Recorded:
    """Sign out with the code on the screen; the last sign-out counts.

    Returns:
        the record; `created` for the first sign-out.

    Raises:
        NotFoundError: no such session.
        ConflictError: `sign_out_not_asked`, `not_signed_in`, `sign_out_not_open`, `sign_out_closed`,
            `session_cancelled`.
        InvalidError, GoneError, TooManyRequestsError: as for signing in.
    """
    with transaction() as session:
        facts = present_facts(session, session_id)
        if now >= facts.window.ends_at:  # the hours follow: the session is locked before the row
            queries.lock_with_make_ups(session, session_id, [actor.user_id])
        outcome = _try(session, facts, actor.user_id, attempt, now=now)
        if isinstance(outcome, DomainError):
            typed = attempt.code is not None and codes.is_typed(attempt.code)
            record_refusal(session, facts.id, actor.user_id, outcome.code, tried="sign_out", typed=typed, now=now)
        elif now >= facts.window.ends_at:
            settle_if_over(session, facts.id, now=now, only=[actor.user_id])
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def _try(
    session: Session, facts: Facts, user_id: uuid.UUID, attempt: Attempt, *, now: datetime
) -> Recorded | DomainError:
    try:
        if facts.state is SessionState.CANCELLED:
            raise session_cancelled()
        if not facts.sign_out:
            raise ConflictError("sign_out_not_asked", "本场培训不需要签退。")
        check_tries(session, facts, user_id, attempt, now=now)
        proof = read_proof(facts, user_id, attempt, now=now)
        windows.check_sign_out(facts.window, proof.at)
    except DomainError as refusal:
        return refusal
    row = session.scalars(
        select(Attendance)
        .where(
            Attendance.session_id == facts.id,
            Attendance.user_id == user_id,
            Attendance.signed_in_at.is_not(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        return ConflictError("not_signed_in", "您还没有签到，不能签退。")
    first = row.signed_out_at is None
    _leave(facts, row, proof.at)
    session.flush()
    known = recorded(session, facts.id, user_id)
    assert known is not None
    return known._replace(created=first)


def _leave(facts: Facts, row: Attendance, at: datetime) -> None:
    assert row.signed_in_at is not None
    row.signed_out_at = max(at, row.signed_out_at or at)
    if row.state in IN_THE_HALL:  # a decision by hand stays
        row.state = signed_in_state(facts.window, row.signed_in_at, row.signed_out_at, doubted=False)
