"""What the hall's screens show: the present code, and the live counts."""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from cachetools import LRUCache
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ConflictError, not_found
from wxapi.kernel.permissions import ROLES_OF
from wxapi.platform.db import db
from wxapi.training.models import TrainingSession
from wxapi.training.queries import roll as queries
from wxapi.training.queries.managed import ORGANISE, STEWARD, managed
from wxapi.training.rules import codes
from wxapi.training.rules.sessions import SessionState, session_cancelled
from wxapi.training.services.session_cache import facts_from

# How long one count serves everybody. A screen is never further behind than this.
COUNT_LIFE = timedelta(seconds=1)
_KEPT = 256


@dataclass(frozen=True, slots=True)
class ScreenCode:
    """The present code. `expires_at`: until when it signs in; `refresh_at`: when the next one is to be shown."""

    code: str
    short_code: str
    expires_at: datetime
    refresh_at: datetime


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """How many are in which state, as of `counted_at`; the tag changes only with the counts."""

    region_code: str
    counts: dict[str, int]
    etag: str
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class HallScreen:
    """All that a projector shows of a session."""

    row: TrainingSession
    code: ScreenCode
    counts: dict[str, int]


@dataclass(slots=True)
class _Hall:
    """One session's count. One thread counts, the others of this hall wait; no other hall does."""

    lock: Lock = field(default_factory=Lock)
    counts: LiveCounts | None = None


class _Board:
    """One short-lived count a session, shared by all screens of this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._halls: LRUCache[uuid.UUID, _Hall] = LRUCache(_KEPT)

    def look(self, session: Session, session_id: uuid.UUID, now: datetime) -> LiveCounts:
        with self._lock:
            hall = self._halls.setdefault(session_id, _Hall())
        with hall.lock:
            known = hall.counts
            # A clock that went back must not keep an old count alive.
            if known is not None and timedelta(0) <= now - known.counted_at < COUNT_LIFE:
                return known
            hall.counts = _count(session, session_id, now)
            return hall.counts


_board = _Board()


def screen_code(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> ScreenCode:
    """The code to show now, and never one of the future.

    Raises:
        NotFoundError: outside the scope.
        ConflictError: `session_not_published`, `session_cancelled`.
    """
    return _code_of(managed(db.session(), actor, session_id, ORGANISE), now)


def screen_of(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> HallScreen:
    """The code and the counts, with one look at the session: 200 screens ask a hundred times a second.

    Raises:
        NotFoundError: outside the scope.
        ConflictError: `session_not_published`, `session_cancelled`.
    """
    row = managed(db.session(), actor, session_id, ORGANISE)
    return HallScreen(row, _code_of(row, now), live_counts(actor, row.id, now=now).counts)


def _code_of(row: TrainingSession, now: datetime) -> ScreenCode:
    if row.state == SessionState.DRAFT:
        raise ConflictError("session_not_published", "请先发布本场培训，再显示签到码。")
    if row.state == SessionState.CANCELLED:
        raise session_cancelled()
    facts = facts_from(row)
    step = codes.step_at(now)
    code = codes.scanned_code(facts.id, facts.secret, step)
    return ScreenCode(
        code=code,
        short_code=codes.short_code(facts.id, facts.secret, step),
        expires_at=codes.good_until(step),
        refresh_at=codes.step_start(step + 1),
    )


def live_counts(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> LiveCounts:
    """The counts, at most a second old.

    The region comes with the shared count, so that 200 screens cost one statement a second, not 200.

    Raises:
        NotFoundError: outside the scope.
    """
    found = _board.look(db.session(), session_id, now)
    if not actor.covers(found.region_code, ROLES_OF[STEWARD]):
        raise not_found()
    return found


def _count(session: Session, session_id: uuid.UUID, now: datetime) -> LiveCounts:
    region_code, counts = queries.live(session, session_id)
    if region_code is None:
        raise not_found()
    text = ",".join(f"{name}={counts[name]}" for name in sorted(counts))
    etag = hashlib.sha256(f"{session_id}:{text}".encode()).hexdigest()[:32]
    return LiveCounts(region_code, counts, etag, now)
