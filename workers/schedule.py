"""Puts what is due by the clock into the outbox. Any number may run: a task's row in `schedule` is its lock."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog

from workers.lifetime import Stop
from workers.relay import open_database, tell_of_failure
from workers.timetable import Task
from wxapi.kernel.clock import Clock
from wxapi.platform.heartbeat import BEAT, EVERY_S, SCHEDULE

log = structlog.get_logger(__name__)

_POLL_S = 1.0
_NOW = "SELECT now() + %s"
# A rhythm that became faster counts from the start of the release that has it.
_ENSURE = (
    "INSERT INTO schedule AS known (name, next_at) VALUES (%s, %s)"
    " ON CONFLICT (name) DO UPDATE SET next_at = least(known.next_at, excluded.next_at)"
)
_KNOWN = "SELECT name, next_at, now() + %s FROM schedule WHERE name = ANY(%s)"
_LOCK = "SELECT name FROM schedule WHERE name = ANY(%s) AND next_at = ANY(%s) FOR UPDATE SKIP LOCKED"
_ADVANCE = "UPDATE schedule SET next_at = %s WHERE name = %s"
# Late rather than twice: a run that is not done yet is not queued again.
_RECORD = (
    "INSERT INTO outbox (topic, payload, created_at, due_at)"
    " SELECT %(topic)s, '{}', now() + %(ahead)s, now() + %(ahead)s"
    " WHERE NOT EXISTS (SELECT FROM outbox WHERE topic = %(topic)s AND NOT dead)"
)


def ensure(
    connection: "psycopg.Connection[tuple[object, ...]]", tasks: Sequence[Task], ahead: timedelta = timedelta()
) -> None:
    """Give each task that has none its next time."""
    with connection.transaction():
        now = _instant(connection.execute(_NOW, [ahead]).fetchone())
        for task in sorted(tasks, key=lambda task: task.name):  # in one order: two starting at once do not lock up
            connection.execute(_ENSURE, (task.name, task.when.after(now)))


def record_due(
    connection: "psycopg.Connection[tuple[Any, ...]]", tasks: Mapping[str, Task], ahead: timedelta = timedelta()
) -> list[str]:
    """Write an outbox row for each task that is due; returns their names.

    Due is also what would be done later than a whole period from now: the clock has been put back since.
    """
    with connection.transaction():
        known = connection.execute(_KNOWN, [ahead, list(tasks)]).fetchall()
        due = [
            (str(name), next_at, now)
            for name, next_at, now in known
            if next_at <= now or next_at > tasks[str(name)].when.after(now)
        ]
        if not due:
            return []
        # With the time as it was read: another scheduler may have been quicker.
        mine = {name for (name,) in connection.execute(_LOCK, [[one[0] for one in due], [one[1] for one in due]])}
        taken = [(name, now) for name, _, now in due if name in mine]
        for name, now in taken:
            connection.execute(_ADVANCE, (tasks[name].when.after(now), name))
            connection.execute(_RECORD, {"topic": tasks[name].topic, "ahead": ahead})
    return [name for name, _ in taken]


def schedule(database_url: str, tasks: Sequence[Task], clock: Clock, stop: Stop) -> None:
    """Record what is due until told to stop, through restarts of the database."""
    by_name = {task.name: task for task in tasks}
    while not stop.requested:
        try:
            with open_database(database_url, name="wxapi-schedule") as connection:
                ensure(connection, tasks, clock.ahead())
                log.info("schedule_ready", tasks=len(tasks))
                _serve(connection, by_name, clock, stop)
        except psycopg.Error as error:
            tell_of_failure(error, "schedule_failed")
            stop.wait(_POLL_S)


def _serve(
    connection: "psycopg.Connection[tuple[object, ...]]", tasks: Mapping[str, Task], clock: Clock, stop: Stop
) -> None:
    beat_at = 0.0
    while not stop.requested:
        if time.monotonic() >= beat_at:
            connection.execute(BEAT, {"name": SCHEDULE})
            beat_at = time.monotonic() + EVERY_S
        for name in record_due(connection, tasks, clock.ahead()):
            log.info("schedule_due", task=name)
        stop.wait(_POLL_S)


def _instant(row: tuple[object, ...] | None) -> datetime:
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]
