"""What the hall's screens show: the present code, and the live counts."""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

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
from wxapi.training.services.session_cache import Facts, facts_from

# How long one look at a session and its roll serves everybody. A screen is never further behind than this.
LOOK_LIFE = timedelta(seconds=1)
_KEPT = 256
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ScreenCode:
    """The present code. `expires_at`: until when it signs in; `refresh_at`: when the next one is to be shown."""

    code: str
    short_code: str
    expires_at: datetime
    refresh_at: datetime


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """How many are in which state; the tag changes only with the counts."""

    region_code: str
    is_draft: bool
    counts: dict[str, int]
    etag: str


@dataclass(frozen=True, slots=True)
class HallScreen:
    """All that a projector shows of a session."""

    facts: Facts
    code: ScreenCode
    counts: dict[str, int]


@dataclass(slots=True)
class _Kept(Generic[T]):
    """What one session showed last. One thread looks, the others of this hall wait; no other hall does."""

    lock: Lock = field(default_factory=Lock)
    at: datetime | None = None
    found: T | None = None


class _Board(Generic[T]):
    """One short-lived look at each session, shared by all screens of this process."""

    def __init__(self, look: Callable[[Session, uuid.UUID, datetime], T]) -> None:
        """`look` reads it anew, or raises."""
        self._look = look
        self._lock = Lock()
        self._halls: LRUCache[uuid.UUID, _Kept[T]] = LRUCache(_KEPT)

    def look(self, session: Session, session_id: uuid.UUID, now: datetime) -> T:
        """What was found at most `LOOK_LIFE` ago."""
        with self._lock:
            kept = self._halls.setdefault(session_id, _Kept())
        with kept.lock:
            # A clock that went back must not keep an old look alive.
            if kept.found is None or kept.at is None or not timedelta(0) <= now - kept.at < LOOK_LIFE:
                kept.at, kept.found = now, self._look(session, session_id, now)
            return kept.found


def screen_code(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> ScreenCode:
    """The code to show now, and never one of the future.

    Raises:
        NotFoundError: outside the scope.
        ConflictError: `session_not_published`, `session_cancelled`.
    """
    row = managed(db.session(), actor, session_id, ORGANISE)
    return _code_of(facts_from(row), now)


def screen_of(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> HallScreen:
    """The code and the counts, of a session as it was at most a second ago: 200 screens ask a hundred times a second.

    Whether the actor may see it is asked of what they hold now.

    Raises:
        NotFoundError: outside the scope.
        ConflictError: `session_not_published`, `session_cancelled`.
    """
    facts = _sessions.look(db.session(), session_id, now)
    if not actor.covers(facts.region_code, ROLES_OF[ORGANISE]):
        raise not_found()
    return HallScreen(facts, _code_of(facts, now), _counts.look(db.session(), session_id, now).counts)


def _code_of(facts: Facts, now: datetime) -> ScreenCode:
    if facts.state == SessionState.DRAFT:
        raise ConflictError("session_not_published", "请先发布本场培训，再显示签到码。")
    if facts.state == SessionState.CANCELLED:
        raise session_cancelled()
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
        NotFoundError: outside the scope; a draft is outside a steward's.
    """
    found = _counts.look(db.session(), session_id, now)
    if not actor.covers(found.region_code, ROLES_OF[ORGANISE if found.is_draft else STEWARD]):
        raise not_found()
    return found


def _count(session: Session, session_id: uuid.UUID, _now: datetime) -> LiveCounts:
    found = queries.live(session, session_id)
    if found is None:
        raise not_found()
    region_code, state, counts = found
    text = ",".join(f"{name}={counts[name]}" for name in sorted(counts))
    etag = hashlib.sha256(f"{session_id}:{text}".encode()).hexdigest()[:32]
    return LiveCounts(region_code, state == SessionState.DRAFT, counts, etag)


def _read(session: Session, session_id: uuid.UUID, _now: datetime) -> Facts:
    row = session.get(TrainingSession, session_id)
    if row is None:
        raise not_found()
    return facts_from(row)


_counts = _Board(_count)
_sessions = _Board(_read)
