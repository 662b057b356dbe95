"""Puts what is due by the clock into the outbox. Any number may run: a task's row in `schedule` is its lock."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import psycopg
import structlog

from workers.lifetime import Stop
from workers.relay import open_database
from workers.timetable import Task

log = structlog.get_logger(__name__)

_POLL_S = 1.0
_NOW = "SELECT now()"
# A rhythm that became faster counts from the start of the release that has it.
_ENSURE = (
    "INSERT INTO schedule AS known (name, next_at) VALUES (%s, %s)"
    " ON CONFLICT (name) DO UPDATE SET next_at = least(known.next_at, excluded.next_at)"
)
_DUE = "SELECT name, now() FROM schedule WHERE name = ANY(%s) AND next_at <= now() FOR UPDATE SKIP LOCKED"
_ADVANCE = "UPDATE schedule SET next_at = %s WHERE name = %s"
# Late rather than twice: a run that is not done yet is not queued again.
_RECORD = (
    "INSERT INTO outbox (topic, payload) SELECT %(topic)s, '{}'"
    " WHERE NOT EXISTS (SELECT FROM outbox WHERE topic = %(topic)s AND NOT dead)"
)


def ensure(connection: "psycopg.Connection[tuple[object, ...]]", tasks: Sequence[Task]) -> None:
    """Give each task that has none its next time."""
    with connection.transaction():
        now = _instant(connection.execute(_NOW).fetchone())
        for task in sorted(tasks, key=lambda task: task.name):  # in one order: two starting at once do not lock up
            connection.execute(_ENSURE, (task.name, task.when.after(now)))


def record_due(connection: "psycopg.Connection[tuple[object, ...]]", tasks: Mapping[str, Task]) -> list[str]:
    """Write an outbox row for each task that is due; returns their names."""
    with connection.transaction():
        due = connection.execute(_DUE, (list(tasks),)).fetchall()
        names = [str(name) for name, _ in due]
        for name, now in due:
            task = tasks[str(name)]
            connection.execute(_ADVANCE, (task.when.after(_instant((now,))), name))
            connection.execute(_RECORD, {"topic": task.topic})
    return names


def schedule(database_url: str, tasks: Sequence[Task], stop: Stop) -> None:
    """Record what is due until told to stop, through restarts of the database."""
    by_name = {task.name: task for task in tasks}
    while not stop.requested:
        try:
            with open_database(database_url, name="wxapi-schedule") as connection:
                ensure(connection, tasks)
                log.info("schedule_ready", tasks=len(tasks))
                while not stop.requested:
                    for name in record_due(connection, by_name):
                        log.info("schedule_due", task=name)
                    stop.wait(_POLL_S)
        except psycopg.Error as error:
            log.warning("database_away", error=type(error).__name__)
            stop.wait(_POLL_S)


def _instant(row: tuple[object, ...] | None) -> datetime:
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]
