"""What a sign-in needs to know of its session, kept in each process.

A hall signs in within a minute: reading, unsealing and parsing the session each time would cost more than the sign-in
itself. The copy is never trusted on its own: the statement that writes a sign-in also asks for its version, and a
refusal is given only after the present version was read.
"""

import uuid
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.kernel.coordinates import Point
from wxapi.kernel.errors import not_found
from wxapi.kernel.permissions import Role
from wxapi.platform.runtime import runtime
from wxapi.training.models import TrainingSession
from wxapi.training.rules.audience import Audience
from wxapi.training.rules.geofence import Fence
from wxapi.training.rules.sessions import SessionState
from wxapi.training.rules.windows import Window

SECRET_PURPOSE = "training.code"  # noqa: S105 - a purpose, not a secret
_KEPT = 256


@dataclass(frozen=True, slots=True)
class Facts:
    """One version of a session, ready for use."""

    id: uuid.UUID
    version: int
    state: SessionState
    region_code: str
    secret: bytes
    window: Window
    fence: Fence | None
    audience: Audience
    sign_out: bool


# The facts of the sessions that were read last.
_shelf: dict[uuid.UUID, Facts] = {}
_shelf_lock = Lock()


def known_facts(session_id: uuid.UUID) -> Facts | None:
    """The facts as this process knows them, perhaps of an older version; None when it knows none."""
    return _shelf.get(session_id)


def present_facts(session: Session, session_id: uuid.UUID) -> Facts:
    """The facts as they stand in the database now.

    Raises:
        NotFoundError: no such session, or a draft.
    """
    version = session.execute(
        select(TrainingSession.version, TrainingSession.state).where(TrainingSession.id == session_id)
    ).one_or_none()
    if version is None or version.state == SessionState.DRAFT:
        raise not_found()
    known = known_facts(session_id)
    if known is not None and known.version == version.version:
        return known
    facts = facts_from(session.get_one(TrainingSession, session_id, populate_existing=True))
    with _shelf_lock:
        _shelf.pop(session_id, None)
        _shelf[session_id] = facts
        if len(_shelf) > _KEPT:
            del _shelf[next(iter(_shelf))]
    return facts


def facts_from(row: TrainingSession) -> Facts:
    """The facts of a stored session, its secret unsealed."""
    centre = Point(row.longitude, row.latitude) if row.longitude is not None and row.latitude is not None else None
    return Facts(
        id=row.id,
        version=row.version,
        state=SessionState(row.state),
        region_code=row.region_code,
        secret=bytes.fromhex(runtime().cipher.open(row.secret_sealed, purpose=SECRET_PURPOSE)),
        window=window_of(row),
        fence=Fence(centre, row.radius_m) if centre is not None and row.radius_m is not None else None,
        audience=audience_of(row),
        sign_out=row.sign_out,
    )


def window_of(row: TrainingSession) -> Window:
    """The times of a stored session."""
    return Window.of(
        row.starts_at,
        row.ends_at,
        opens_min=row.sign_in_opens_min,
        late_after_min=row.late_after_min,
        offline_hours=row.offline_hours,
    )


def audience_of(row: TrainingSession) -> Audience:
    """The audience of a stored session."""
    return Audience(
        region_codes=tuple(row.audience_region_codes),
        roles=frozenset(Role(role) for role in row.audience_roles),
        user_ids=frozenset(row.audience_user_ids),
    )
