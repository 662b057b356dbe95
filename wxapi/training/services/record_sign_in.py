"""Writing a sign-in: one statement, one row per session and person, whatever arrives at once.

The statement asks for the version of the session that the decision was made on, looks for what is odd, and inserts or
fills the person's row; a row that holds a sign-in already is left as it is.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wxapi.kernel.ids import new_id
from wxapi.platform.db import fetch, write_later
from wxapi.training.models import Attendance, Refusal
from wxapi.training.rules.attendance import State
from wxapi.training.rules.geofence import Finding
from wxapi.training.rules.windows import Proof
from wxapi.training.services.session_cache import Facts
from wxapi.training.services.statements import FLAGGED, REFUSE, SIGN_IN, USUAL

# Nobody is let try more often than this in ten minutes; counting further is not needed.
_COUNTED = 50


class Recorded(NamedTuple):
    """A sign-in as it stands; `created` when this very request made it."""

    id: uuid.UUID
    state: str
    signed_in_at: datetime
    late_upload: bool
    flags: Sequence[str]
    signed_out_at: datetime | None
    created: bool = True


class SignIn(NamedTuple):
    """What is to be written: who, when, how known, where, from which device."""

    user_id: uuid.UUID
    proof: Proof
    finding: Finding
    accuracy_m: float | None = None
    device_digest: bytes | None = None


def record_sign_in(
    session: Session, facts: Facts, sign_in: SignIn, *, admitted: bool, now: datetime
) -> Recorded | None:
    """Write a sign-in and its flags within the caller's transaction.

    Args:
        session: the open transaction.
        facts: what the decision was made on.
        sign_in: the decision.
        admitted: whether the person is in the audience; somebody on the roll is let in all the same.
        now: when the request arrived.

    Returns:
        the new record; None when there is one already, the person may not come in, or the session has changed
        since `facts`.
    """
    rows = fetch(session, SIGN_IN, _parameters(facts, sign_in, admitted=admitted, now=now))
    return Recorded(*rows[0]) if rows else None


def record_usual(session: Session, facts: Facts, sign_in: SignIn, *, admitted: bool, now: datetime) -> Recorded:
    """The same in an `at_once()`: what will be written, unless it meets something unusual and is judged again."""
    values = _parameters(facts, sign_in, admitted=admitted, now=now)
    write_later(session, USUAL, values, rows=1, name="made")
    doubts = [doubt.value for doubt in sign_in.finding.doubts]
    if doubts:
        write_later(session, FLAGGED, values)
    return Recorded(values["id"], values["state"], sign_in.proof.at, sign_in.proof.late_upload, doubts, None)


def recorded(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> Recorded | None:
    """The sign-in that is there already, if any."""
    row: Any = session.execute(
        select(
            Attendance.id,
            Attendance.state,
            Attendance.signed_in_at,
            Attendance.late_upload,
            Attendance.flags,
            Attendance.signed_out_at,
        ).where(
            Attendance.session_id == session_id,
            Attendance.user_id == user_id,
            Attendance.signed_in_at.is_not(None),
        )
    ).first()
    return Recorded(*row)._replace(created=False) if row is not None else None


def on_roll(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> bool:
    """Whether the person stands on the roll, in whatever state."""
    return session.get(Attendance, (session_id, user_id), populate_existing=True) is not None


def record_refusal(
    session: Session, session_id: uuid.UUID, user_id: uuid.UUID, code: str, *, tried: str, typed: bool, now: datetime
) -> None:
    """Store that somebody was refused; 50 in 10 minutes are enough of one person."""
    values = {"session_id": session_id, "user_id": user_id, "at": now, "code": code, "tried": tried, "typed": typed}
    session.connection().exec_driver_sql(REFUSE, values)


def wrong_typed_codes(session: Session, session_id: uuid.UUID, user_id: uuid.UUID, since: datetime) -> int:
    """How many typed codes of a person were wrong since then; a person's tries are judged one by one."""
    one_by_one = func.pg_advisory_xact_lock(func.hashtextextended(f"{session_id}{user_id}", 0))
    session.execute(select(one_by_one))
    return len(
        session.scalars(
            select(Refusal.id)
            .where(
                Refusal.session_id == session_id,
                Refusal.user_id == user_id,
                Refusal.at > since,
                Refusal.typed,
                Refusal.code == "code_invalid",
            )
            .limit(_COUNTED)
        ).all()
    )


def _parameters(facts: Facts, sign_in: SignIn, *, admitted: bool, now: datetime) -> dict[str, Any]:
    proof, finding = sign_in.proof, sign_in.finding
    state = State.LATE if facts.window.is_late(proof.at) else State.PRESENT
    return {
        "session_id": facts.id,
        "version": facts.version,
        "admitted": admitted,
        "user_id": sign_in.user_id,
        "id": new_id(),
        "state": State.NEEDS_REVIEW.value if finding.doubts else state.value,
        "signed_in_at": proof.at,
        "received_at": now,
        "step": proof.step,
        "via": proof.via.value,
        "late_upload": proof.late_upload,
        "distance_m": None if finding.distance_m is None else round(finding.distance_m),
        "accuracy_m": None if sign_in.accuracy_m is None else round(sign_in.accuracy_m),
        "device_digest": sign_in.device_digest,
        "flags": "{" + ",".join(doubt.value for doubt in finding.doubts) + "}",
    }
