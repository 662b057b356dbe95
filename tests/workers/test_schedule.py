"""What is due by the clock becomes outbox rows, once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.processes import await_true
from workers.lifetime import Stop
from workers.relay import open_database
from workers.schedule import ensure, record_due, schedule
from workers.timetable import Daily, Every, Task
from wxapi.kernel.clock import SystemClock

HOURLY = Task("hourly", Every(hours=1), lambda: None)
TASKS = {"hourly": HOURLY}
Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def own_database(make_migrated_database: Callable[[], str]) -> str:
    return make_migrated_database()


@pytest.fixture
def connection(own_database: str) -> Iterator[Connection]:
    with open_database(own_database, name="test") as opened:
        opened.execute("TRUNCATE outbox, schedule")
        yield opened


def topics(connection: Connection) -> list[str]:
    return [str(topic) for (topic,) in connection.execute("SELECT topic FROM outbox ORDER BY id")]


def make_due(connection: Connection) -> None:
    connection.execute("UPDATE schedule SET next_at = now() - interval '1 second'")


def test_nothing_is_due_at_first(connection: Connection) -> None:
    ensure(connection, [HOURLY])
    assert record_due(connection, TASKS) == []
    assert topics(connection) == []


def test_due_once(connection: Connection) -> None:
    ensure(connection, [HOURLY])
    make_due(connection)
    assert record_due(connection, TASKS) == ["hourly"]
    assert record_due(connection, TASKS) == []
    assert topics(connection) == ["schedule.hourly"]
    assert connection.execute("SELECT next_at > now() FROM schedule").fetchall() == [(True,)]


def test_missed_while_everything_was_off_is_made_up_for_once(connection: Connection) -> None:
    ensure(connection, [HOURLY])
    connection.execute("UPDATE schedule SET next_at = now() - interval '3 days'")
    ensure(connection, [HOURLY])
    assert record_due(connection, TASKS) == ["hourly"]
    assert record_due(connection, TASKS) == []


def test_not_again_while_the_last_run_is_not_done(connection: Connection) -> None:
    ensure(connection, [HOURLY])
    for _ in range(3):
        make_due(connection)
        record_due(connection, TASKS)
    assert topics(connection) == ["schedule.hourly"]


def test_again_after_one_was_given_up(connection: Connection) -> None:
    ensure(connection, [HOURLY])
    make_due(connection)
    record_due(connection, TASKS)
    connection.execute("UPDATE outbox SET dead = true")
    make_due(connection)
    record_due(connection, TASKS)
    assert topics(connection) == ["schedule.hourly"] * 2


def test_another_scheduler_leaves_it_alone(connection: Connection, own_database: str) -> None:
    ensure(connection, [HOURLY])
    make_due(connection)
    with open_database(own_database, name="other") as other:
        with other.transaction():
            other.execute("SELECT FROM schedule FOR UPDATE")
            assert record_due(connection, TASKS) == []
        assert record_due(connection, TASKS) == ["hourly"]
        assert record_due(other, TASKS) == []


def test_a_faster_rhythm_counts_at_once(connection: Connection) -> None:
    ensure(connection, [Task("hourly", Daily(hour=3), lambda: None)])
    ensure(connection, [HOURLY])
    assert connection.execute("SELECT next_at <= now() + interval '1 hour' FROM schedule").fetchall() == [(True,)]


def test_task_of_another_release_is_left_alone(connection: Connection) -> None:
    ensure(connection, [HOURLY, Task("gone", Every(hours=1), lambda: None)])
    make_due(connection)
    assert record_due(connection, TASKS) == ["hourly"]


def test_a_clock_put_back_stops_no_task(connection: Connection) -> None:
    """Next times that lie more than a period ahead were set by a clock that has been put back."""
    ensure(connection, [HOURLY], timedelta(days=1))
    assert record_due(connection, TASKS) == ["hourly"]
    assert record_due(connection, TASKS) == []
    assert connection.execute("SELECT next_at <= now() + interval '1 hour' FROM schedule").fetchall() == [(True,)]


def test_a_clock_put_forward_makes_tasks_due(connection: Connection) -> None:
    ensure(connection, [HOURLY])
    assert record_due(connection, TASKS, timedelta(hours=1)) == ["hourly"]
    assert record_due(connection, TASKS, timedelta(hours=1)) == []
    due = connection.execute("SELECT due_at > now() + interval '59 minutes' AND due_at = created_at FROM outbox")
    assert due.fetchall() == [(True,)]


def test_it_says_that_it_is_at_work_though_nothing_is_due(connection: Connection, own_database: str) -> None:
    connection.execute("TRUNCATE heartbeats")
    stop = Stop()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(schedule, own_database, [HOURLY], SystemClock(), stop)
        try:
            said = "SELECT count(*) FROM heartbeats WHERE name = 'schedule' AND at > now() - interval '20 seconds'"
            await_true(lambda: connection.execute(said).fetchone() == (1,), 20)
        finally:
            stop.request()
        running.result()
    assert topics(connection) == []
