"""Moves due outbox rows to RQ. Any number of relays may run: each takes rows that no other holds.

Rows are locked, handed to Redis and leased in one transaction. When Redis is away nothing is committed and the rows
are due as before; when the commit fails after Redis has them, their attempt is not the row's and does nothing.
The relay holds one database connection of its own, which waits for the trigger's NOTIFY with a poll behind it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import structlog
from redis import Redis
from redis.exceptions import RedisError

from workers import post
from workers.handed import Handed
from workers.lifetime import Stop
from workers.post import Parcel
from workers.retries import MAX_ATTEMPTS, backoff
from workers.topics import Topics, job_of
from wxapi.kernel.clock import Clock
from wxapi.kernel.setting_texts import driver_url
from wxapi.platform.outbox import CHANNEL, STRANDED

log = structlog.get_logger(__name__)

BATCH = 200
_POLL_S = 1.0
_RESCUE_EVERY_S = 5.0
_DUE = (
    "SELECT id, topic, job, attempts FROM outbox WHERE NOT dead AND due_at <= now() + %s"
    " ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED"
)
_SPLIT = (
    "INSERT INTO outbox (topic, payload, job, created_at, due_at)"
    " SELECT topic, payload, more.job, created_at, due_at"
    " FROM unnest(%s::bigint[], %s::text[]) AS more (id, job) JOIN outbox USING (id)"
)
_LEASE = (
    "UPDATE outbox SET job = step.job, attempts = step.attempts,"
    " due_at = now() + %s + step.wait_s * interval '1 second', dead = step.dead,"
    " last_error = coalesce(step.error, last_error)"
    " FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::float[], %s::bool[], %s::text[])"
    " AS step (id, job, attempts, wait_s, dead, error) WHERE outbox.id = step.id RETURNING outbox.id, due_at"
)
_RESCUE = (
    "WITH stranded AS (SELECT id FROM outbox WHERE "  # noqa: S608 - constant
    + STRANDED
    + " ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)"
    " UPDATE outbox SET due_at = now() + %(ahead)s FROM stranded WHERE outbox.id = stranded.id"
)


class DueRow(NamedTuple):
    """What the relay reads of an outbox row."""

    id: int
    topic: str
    job: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Placement:
    """What the relay does about a row: `sent` now, or only its new state. `wait_s` until it is due again."""

    row: DueRow
    job: str | None
    attempts: int
    wait_s: float
    error: str | None = None
    sent: Parcel | None = None

    @property
    def dead(self) -> bool:
        """Whether the row is given up: the last attempt it may have has failed."""
        return self.error is not None and self.attempts >= MAX_ATTEMPTS


def last_parcel(topics: Topics, row: DueRow) -> Parcel | None:
    """What was sent of this row before, if anything."""
    job = job_of(topics, row.topic, row.job)
    return Parcel(row.id, row.attempts, job) if job and row.attempts else None


def decide(topics: Topics, row: DueRow, *, waits: bool) -> Placement:
    """The next step of a due row. `waits`: what was sent of it before is still in RQ's queue, not started."""
    jobs = topics.get(row.topic, ())
    job = job_of(topics, row.topic, row.job) if row.job else next(iter(jobs), None)
    if job is None:
        attempts = min(row.attempts + 1, MAX_ATTEMPTS)
        return Placement(row, row.job, attempts, backoff(attempts).total_seconds(), error="unknown_topic")
    if waits:
        return Placement(row, job.name, row.attempts, job.lease_s)
    if row.attempts >= MAX_ATTEMPTS:
        return Placement(row, job.name, row.attempts, 0, error="worker_lost")
    attempt = row.attempts + 1
    return Placement(row, job.name, attempt, job.lease_s, sent=Parcel(row.id, attempt, job))


def rescue(connection: "psycopg.Connection[tuple[object, ...]]", ahead: timedelta = timedelta()) -> int:
    """Make due what a clock that has been put back left in the future; returns how many rows, at most `BATCH`."""
    found = connection.execute(_RESCUE, {"ahead": ahead, "limit": BATCH}).rowcount
    if found:
        log.warning("outbox_rescued", rows=found)
    return found


def move(
    connection: "psycopg.Connection[tuple[object, ...]]",
    redis: "Redis",
    topics: Topics,
    ahead: timedelta = timedelta(),
    handed: Handed | None = None,
) -> int:
    """Take one batch of due rows a step further; returns how many rows there were.

    Args:
        connection: of the database.
        redis: where jobs are sent.
        topics: what follows from what.
        ahead: how far the product's clock is ahead of the database's.
        handed: notes what was sent.

    Raises:
        RedisError: nothing was changed.
        psycopg.Error: nothing was changed.
    """
    handed = handed or Handed(redis)
    with connection.transaction(), connection.cursor(row_factory=psycopg.rows.kwargs_row(DueRow)) as cursor:
        rows = cursor.execute(_DUE, (ahead, BATCH)).fetchall()
        if not rows:
            return 0
        _split(cursor, topics, rows)
        sent_before = {row: parcel for row in rows if (parcel := last_parcel(topics, row))}
        waiting = post.waiting(redis, list(sent_before.values()))
        steps = [decide(topics, row, waits=sent_before.get(row) in waiting) for row in rows]
        due_at = _lease(connection, steps, ahead)
        parcels = [step.sent for step in steps if step.sent]
        if parcels:
            handed.send(parcels)
    handed.note((step.row.id, due_at[step.row.id], step.wait_s) for step in steps if not step.error)
    _tell(steps)
    return len(rows)


def _split(cursor: "psycopg.Cursor[DueRow]", topics: Topics, rows: Sequence[DueRow]) -> None:
    """Give each further job of a topic a row of its own; the trigger's notice brings them into the next batch."""
    more = [(row.id, job.name) for row in rows if row.job is None for job in topics.get(row.topic, ())[1:]]
    if more:
        ids, jobs = zip(*more, strict=True)
        cursor.execute(_SPLIT, (list(ids), list(jobs)))


def _lease(
    connection: "psycopg.Connection[tuple[object, ...]]", steps: Sequence[Placement], ahead: timedelta
) -> dict[int, datetime]:
    """Write the steps down; returns when each row is due again."""
    columns = zip(
        # All as floats, as the driver takes no list of mixed numbers: leases are ints, backoffs floats.
        *((step.row.id, step.job, step.attempts, float(step.wait_s), step.dead, step.error) for step in steps),
        strict=True,
    )
    leased: Any = connection.execute(_LEASE, [ahead, *(list(column) for column in columns)])
    return dict(leased.fetchall())


def _tell(steps: Sequence[Placement]) -> None:
    for step in steps:
        if step.error:
            event = "outbox_given_up" if step.dead else "outbox_not_sent"
            log.error(event, outbox_id=step.row.id, topic=step.row.topic, job=step.job, error=step.error)
    resent = sum(step.sent is not None and step.attempts > 1 for step in steps)
    log.info("outbox_moved", rows=len(steps), sent=sum(step.sent is not None for step in steps), resent=resent)


def relay(database_url: str, redis_url: str, topics: Topics, clock: Clock, stop: Stop) -> None:
    """Move rows until told to stop, through restarts of the database and of Redis."""
    redis = post.connect(redis_url)
    failures = 0
    while not stop.requested:
        try:
            with open_database(database_url, name="wxapi-relay") as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                log.info("relay_ready")
                failures = 0
                _serve(connection, redis, topics, clock, stop)
        except psycopg.Error as error:
            failures += 1
            tell_of_failure(error, "relay_failed")
            stop.wait(min(0.25 * 2 ** min(failures, 4), 2.0))


def _serve(
    connection: "psycopg.Connection[tuple[object, ...]]", redis: "Redis", topics: Topics, clock: Clock, stop: Stop
) -> None:
    handed = Handed(redis)
    redis_away = False
    rescue_at = 0.0
    while not stop.requested:
        if time.monotonic() >= rescue_at:
            rescue(connection, clock.ahead())
            rescue_at = time.monotonic() + _RESCUE_EVERY_S
        try:
            handed.look(connection, clock.ahead())
            full = move(connection, redis, topics, clock.ahead(), handed) >= BATCH
        except RedisError as error:
            full = False
            if not redis_away:
                log.warning("redis_away", error=type(error).__name__)
            redis_away = True
        else:
            if redis_away:
                log.info("redis_back")
            redis_away = False
        if not full:
            for _ in connection.notifies(timeout=_POLL_S, stop_after=1):
                pass


def open_database(database_url: str, *, name: str) -> "psycopg.Connection[tuple[object, ...]]":
    """A connection outside SQLAlchemy, of a process that does nothing else; a dead server is noticed in seconds."""
    return psycopg.connect(
        driver_url(database_url),
        autocommit=True,
        application_name=name,
        connect_timeout=5,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        options="-c statement_timeout=15000 -c lock_timeout=5000 -c timezone=UTC",
    )


def tell_of_failure(error: psycopg.Error, event: str) -> None:
    """A database that is away comes back by itself; anything else is a fault of ours, which says where."""
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        log.warning("database_away", error=type(error).__name__)
    else:
        log.error(event, error=type(error).__name__, exc_info=error)
