"""What a relay has handed to Redis, as long as nobody may have begun it: handed over anew as soon as Redis lost it.

Redis may be emptied, or come back as it was a while ago. A row that was handed over waits for its lease then, although
nobody has it. So each relay leaves a mark with all it hands over: how often it has done so. Where the mark is gone or
tells less, Redis may have lost something, and the relay's rows are due at once.

Making a row due is harmless wherever Redis has it after all: the relay looks for it in the queue, as after each lease.
What a worker has begun has another `due_at` than the relay gave it, or is locked, and is left alone.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog
from redis import Redis

from workers import post
from workers.post import Parcel
from wxapi.kernel.ids import new_id

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 1.0
_DUE_AGAIN = (
    "WITH lost AS (SELECT id FROM outbox JOIN unnest(%s::bigint[], %s::timestamptz[]) AS kept (id, due_at)"
    " USING (id, due_at) WHERE NOT dead FOR UPDATE OF outbox SKIP LOCKED)"
    " UPDATE outbox SET due_at = now() + %s FROM lost WHERE outbox.id = lost.id"
)


class Handed:
    """The rows of one relay that lie in Redis, as far as it knows. One that is started anew knows of none."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._mark = f"wxapi:relay:{new_id().hex}"
        self._times = 0
        # By id: when the lease ends, as the row says it and by this process's clock.
        self._rows: dict[int, tuple[datetime, float]] = {}
        self._look_at = 0.0

    def send(self, parcels: Iterable[Parcel]) -> None:
        """Hand parcels over with the mark, all of it or nothing."""
        post.send(self._redis, parcels, mark=(self._mark, self._times + 1))
        self._times += 1

    def note(self, leased: Iterable[tuple[int, datetime, float]]) -> None:
        """Rows that are in Redis now: id, when they are due again, and in how many seconds that is."""
        now = time.monotonic()
        self._rows.update((row, (due_at, now + seconds)) for row, due_at, seconds in leased)

    def look(self, connection: "psycopg.Connection[Any]", ahead: timedelta = timedelta()) -> int:
        """Make due what Redis may have lost; returns how many rows. Once a second, and only where something waits.

        Raises:
            RedisError: nothing is known.
        """
        now = time.monotonic()
        if now < self._look_at:
            return 0
        self._look_at = now + _LOOK_EVERY_S
        self._rows = {row: kept for row, kept in self._rows.items() if kept[1] > now}
        if not self._rows or post.marked(self._redis, self._mark) >= self._times:
            return 0
        lost = [(row, due_at) for row, (due_at, _) in self._rows.items()]
        found = connection.execute(_DUE_AGAIN, [*map(list, zip(*lost, strict=True)), ahead]).rowcount
        post.mark(self._redis, self._mark, self._times)
        self._rows.clear()
        log.warning("redis_lost_jobs", rows=found)
        return found
