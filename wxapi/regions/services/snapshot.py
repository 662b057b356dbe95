"""The regions as each process holds them: a tree and an index, exchanged whole when an import has happened.

API processes and workers ask the database for the version at most once a second, with one tiny statement. Whoever
finds a new one builds while the others go on with the old; only a process that has nothing yet makes all wait. A
boundary that is broken in the database is left out and told: by the log once, by `/readyz`, `/metrics` and the doctor.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import cast

import structlog
from sqlalchemy.orm import Session

from wxapi.platform.present import this_app
from wxapi.regions import queries
from wxapi.regions.rules.index import SpatialIndex
from wxapi.regions.rules.tree import Tree

log = structlog.get_logger(__name__)

_RECHECK_AFTER_S = 1.0
# Of what is wrong with a version, a line of the log names so many.
_LOGGED = 20
# Where an app keeps its cache.
CACHE_KEY = "wxapi.regions"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of the regions."""

    tree: Tree
    index: SpatialIndex


class SnapshotCache:
    """Holds the newest snapshot this process knows of.

    Args:
        recheck_after_s: how long a snapshot is used before the version is asked for again.
        monotonic: a clock in seconds that never goes back.
    """

    def __init__(
        self,
        recheck_after_s: float = _RECHECK_AFTER_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.recheck_after_s = recheck_after_s
        self._monotonic = monotonic
        self._lock = Lock()
        self._snapshot: Snapshot | None = None
        self._check_at = 0.0

    def get(self, session: Callable[[], Session]) -> Snapshot:
        """The newest snapshot, at most `recheck_after_s` behind; the session is opened only to look."""
        snapshot = self._snapshot
        if snapshot is not None and self._monotonic() < self._check_at:
            return snapshot
        if not self._lock.acquire(blocking=snapshot is None):
            assert snapshot is not None  # otherwise the acquisition waited
            return snapshot
        try:
            return self._look(session())
        finally:
            self._lock.release()

    def expire(self) -> None:
        """Look for a new version at the next call."""
        self._check_at = 0.0

    def _look(self, session: Session) -> Snapshot:
        version = queries.current_version(session)
        if self._snapshot is None or self._snapshot.tree.version != version:
            self._snapshot = _load(session, version)
        self._check_at = self._monotonic() + self.recheck_after_s
        return self._snapshot


def _load(session: Session, version: int) -> Snapshot:
    tree = Tree(version, queries.all_names(session), queries.closures(session))
    index = SpatialIndex(tree, queries.kept_boundaries(session))
    if index.left_out:
        log.error("boundaries_left_out", version=version, regions=index.left_out[:_LOGGED], count=len(index.left_out))
    return Snapshot(tree, index)


def regions_cache() -> SnapshotCache:
    """The current app's cache, shared by its threads. Needs an app context, as requests and jobs have."""
    extensions = this_app().extensions
    found = extensions.get(CACHE_KEY)
    # setdefault: two threads that come first at once get the same one.
    return cast("SnapshotCache", found or extensions.setdefault(CACHE_KEY, SnapshotCache()))
