"""What the relay does about each row, on a real database and Valkey."""

import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Thread
from typing import Any

import psycopg
import pytest
from flask import Flask
from redis import Redis
from redis.exceptions import RedisError

from config import Config
from tests.processes import await_true
from workers import post
from workers.handed import Handed
from workers.job import Job, Queue
from workers.post import Parcel, connect
from workers.relay import BATCH, DueRow, decide, move, open_database, rescue
from workers.retries import MAX_ATTEMPTS
from workers.topics import TOPICS as ALL_TOPICS
from wxapi.app import create_app
from wxapi.demo.embedded import free_port
from wxapi.platform import outbox
from wxapi.platform.db import db, transaction
from wxapi.platform.outbox import Claimed


def first(word: str) -> None: ...


def second(word: str) -> None: ...


TOPICS = {
    "one": (Job(first, values=("word",)),),
    "two": (Job(first, values=("word",)), Job(second, values=("word",), queue=Queue.PHOTOS, limit_s=40, lease_s=50)),
}
Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def own_database(make_migrated_database: Callable[[], str]) -> str:
    return make_migrated_database()


@pytest.fixture
def connection(own_database: str) -> Iterator[Connection]:
    with open_database(own_database, name="test") as opened:
        opened.execute("TRUNCATE outbox")
        yield opened


def record(connection: Connection, topic: str, *, due: str = "now()", **columns: Any) -> int:
    """An outbox row; returns its id."""
    names = "".join(f", {name}" for name in columns)
    values = ", %s" * len(columns)
    [row] = connection.execute(
        f"INSERT INTO outbox (topic, payload, due_at{names}) VALUES (%s, '{{}}', {due}{values}) RETURNING id",
        [topic, *columns.values()],
    )
    return int(row[0])


def rows(connection: Connection, columns: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM outbox ORDER BY id").fetchall()


def queued(redis: Redis, queue: str = "light") -> list[str]:
    return [rq_id.decode() for rq_id in redis.lrange(f"rq:queue:{queue}", 0, -1)]


class TestDecide:
    def test_first_sight(self) -> None:
        step = decide(TOPICS, DueRow(7, "one", None, 0), waits=False)
        assert (step.job, step.attempts, step.wait_s) == ("first", 1, 30)
        assert step.sent == Parcel(7, 1, TOPICS["one"][0])

    def test_lease_ran_out(self) -> None:
        step = decide(TOPICS, DueRow(7, "two", "second", 3), waits=False)
        assert (step.job, step.attempts, step.wait_s) == ("second", 4, 50)
        assert step.sent is not None
        assert step.sent.rq_id == "7-4"

    def test_still_waiting_in_the_queue(self) -> None:
        step = decide(TOPICS, DueRow(7, "one", "first", 3), waits=True)
        assert (step.attempts, step.sent, step.error) == (3, None, None)

    @pytest.mark.parametrize("row", [DueRow(7, "nothing", None, 0), DueRow(7, "two", "renamed", 0)])
    def test_unknown_is_tried_again_for_hours(self, row: DueRow) -> None:
        step = decide(TOPICS, row, waits=False)
        assert (step.error, step.dead, step.attempts, step.sent) == ("unknown_topic", False, 1, None)

    def test_unknown_is_given_up_in_the_end(self) -> None:
        step = decide(TOPICS, DueRow(7, "nothing", None, MAX_ATTEMPTS - 1), waits=False)
        assert (step.dead, step.attempts) == (True, MAX_ATTEMPTS)

    def test_what_kills_every_worker_is_given_up(self) -> None:
        step = decide(TOPICS, DueRow(7, "one", "first", MAX_ATTEMPTS), waits=False)
        assert (step.error, step.dead, step.sent) == ("worker_lost", True, None)


def test_rows_are_sent_and_leased(connection: Connection, redis: Redis) -> None:
    row = record(connection, "one")
    assert move(connection, redis, TOPICS) == 1
    assert queued(redis) == [f"{row}-1"]
    leased = rows(connection, "job, attempts, due_at BETWEEN now() + interval '25 s' AND now() + interval '30 s'")
    assert leased == [("first", 1, True)]
    assert move(connection, redis, TOPICS) == 0


def test_oldest_first(connection: Connection, redis: Redis) -> None:
    late, early = record(connection, "one"), record(connection, "one", due="now() - interval '1 hour'")
    move(connection, redis, TOPICS)
    assert queued(redis) == [f"{early}-1", f"{late}-1"]


def test_not_before_its_time(connection: Connection, redis: Redis) -> None:
    record(connection, "one", due="now() + interval '1 minute'")
    assert move(connection, redis, TOPICS) == 0
    assert queued(redis) == []


def test_what_a_clock_left_in_the_future_is_rescued(connection: Connection, redis: Redis) -> None:
    """Recorded, sent or postponed by a clock that was an hour ahead; what waits on purpose goes on waiting."""
    later, soon = "now() + interval '59 minutes'", "now() + interval '1 second'"
    recorded = record(connection, "one", due=later)
    connection.execute("UPDATE outbox SET created_at = due_at")
    sent = record(connection, "one", due=later, attempts=1, job="first")
    record(connection, "one", due=later)
    record(connection, "one", due=soon, attempts=1, job="first")
    record(connection, "one", due="now() + interval '17 minutes'", attempts=20, job="first")
    assert move(connection, redis, TOPICS) == 0
    assert rescue(connection) == 2
    assert rescue(connection) == 0
    assert move(connection, redis, TOPICS) == 2
    assert queued(redis) == [f"{recorded}-1", f"{sent}-2"]


def test_no_live_attempt_is_taken_for_stranded(connection: Connection) -> None:
    """The longest lease and the longest backoff of each attempt stay below what counts as left behind."""
    longest_lease = max(job.lease_s for jobs in ALL_TOPICS.values() for job in jobs)
    for attempts in range(1, MAX_ATTEMPTS + 1):
        longest = min(2 ** (attempts - 1), 900) * 1.25
        for seconds in (longest_lease, longest):
            record(connection, "one", due=f"now() + interval '{seconds} seconds'", attempts=attempts, job="first")
    assert rescue(connection) == 0


def test_a_clock_put_forward_makes_due(connection: Connection, redis: Redis) -> None:
    record(connection, "one", due="now() + interval '7 days'")
    assert move(connection, redis, TOPICS, timedelta(days=6)) == 0
    assert move(connection, redis, TOPICS, timedelta(days=8)) == 1
    leased = rows(connection, "due_at BETWEEN now() + interval '8 days' AND now() + interval '8 days 30 s'")
    assert leased == [(True,)]


def test_each_job_gets_a_row_and_its_own_queue(connection: Connection, redis: Redis) -> None:
    record(connection, "two", created_at="2026-11-23T00:00:00Z")
    while move(connection, redis, TOPICS):
        pass
    assert rows(connection, "topic, job, attempts") == [("two", "first", 1), ("two", "second", 1)]
    assert len({created for (created,) in rows(connection, "created_at")}) == 1
    assert (len(queued(redis)), len(queued(redis, "photos"))) == (1, 1)


def test_batches_have_a_limit(connection: Connection, redis: Redis) -> None:
    connection.execute(
        "INSERT INTO outbox (topic, payload) SELECT 'one', '{}' FROM generate_series(1, %s)", [BATCH + 5]
    )
    assert [move(connection, redis, TOPICS) for _ in range(3)] == [BATCH, 5, 0]
    assert len(queued(redis)) == BATCH + 5


def test_rows_another_relay_holds_are_left_to_it(connection: Connection, redis: Redis, own_database: str) -> None:
    held, free = record(connection, "one"), record(connection, "one")
    with open_database(own_database, name="other") as other, other.transaction():
        other.execute("SELECT FROM outbox WHERE id = %s FOR UPDATE", [held])
        assert move(connection, redis, TOPICS) == 1
    assert queued(redis) == [f"{free}-1"]


def test_unknown_topic_is_named_in_the_log(
    session_app: Flask, connection: Connection, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    row = record(connection, "nothing.known", attempts=MAX_ATTEMPTS - 1)
    move(connection, redis, TOPICS)
    assert rows(connection, "dead, last_error") == [(True, "unknown_topic")]
    [said] = [entry.msg for entry in caplog.records if entry.levelname == "ERROR"]
    assert (said["event"], said["topic"], said["outbox_id"]) == ("outbox_given_up", "nothing.known", row)
    assert move(connection, redis, TOPICS) == 0


def test_an_unknown_topic_holds_up_nothing_else(connection: Connection, redis: Redis) -> None:
    """Of one batch with what is known, with what still waits, and with what is given up."""
    unknown, known, waiting = record(connection, "nothing.known"), record(connection, "one"), record(connection, "two")
    lost = record(connection, "one", job="first", attempts=MAX_ATTEMPTS)
    assert move(connection, redis, TOPICS) == 4
    assert queued(redis) == [f"{known}-1", f"{waiting}-1"]
    assert rows(connection, "id, last_error")[:1] == [(unknown, "unknown_topic")]
    assert (lost, "worker_lost") in rows(connection, "id, last_error")
    connection.execute("UPDATE outbox SET due_at = now() WHERE NOT dead")
    assert move(connection, redis, TOPICS) == 4
    assert queued(redis) == [f"{known}-1", f"{waiting}-1"]
    assert rows(connection, "attempts")[:3] == [(2,), (1,), (1,)]


def test_redis_away_changes_nothing(connection: Connection) -> None:
    record(connection, "two")
    before = rows(connection, "job, attempts, due_at")
    with pytest.raises(RedisError):
        move(connection, connect(f"redis://127.0.0.1:{free_port()}/0"), TOPICS)
    assert rows(connection, "job, attempts, due_at") == before


def test_sent_again_when_redis_forgot_it(connection: Connection, redis: Redis) -> None:
    row = record(connection, "one", job="first", attempts=1)
    move(connection, redis, TOPICS)
    assert queued(redis) == [f"{row}-2"]


def test_what_redis_lost_is_due_at_once_and_what_was_begun_is_not(connection: Connection, redis: Redis) -> None:
    waits, begun, later = (record(connection, "one") for _ in range(3))
    handed = Handed(redis)
    move(connection, redis, TOPICS, handed=handed)
    connection.execute("UPDATE outbox SET due_at = due_at + interval '1 second' WHERE id = %s", [begun])
    redis.flushall()
    connection.execute("DELETE FROM outbox WHERE id = %s", [later])  # done before Redis was emptied
    assert handed.look(connection) == 1
    assert move(connection, redis, TOPICS, handed=handed) == 1
    assert queued(redis) == [f"{waits}-2"]
    assert rows(connection, "attempts, due_at > now() + interval '20 s'") == [(2, True), (1, True)]


def test_what_redis_lost_is_not_waited_for_where_it_is_at_work(
    connection: Connection, redis: Redis, own_database: str
) -> None:
    """A job that is one transaction with its row holds its lock, and leaves its lease as the relay gave it."""
    at_work, waits = record(connection, "one"), record(connection, "one")
    handed = Handed(redis)
    move(connection, redis, TOPICS, handed=handed)
    redis.flushall()
    connection.execute("SET lock_timeout = '100ms'")
    with open_database(own_database, name="other") as other, other.transaction():
        other.execute("SELECT FROM outbox WHERE id = %s FOR UPDATE", [at_work])
        assert handed.look(connection) == 1
    assert rows(connection, "id, due_at <= now()") == [(at_work, False), (waits, True)]


def test_a_mark_that_ran_out_sends_nothing_twice(connection: Connection, redis: Redis) -> None:
    row = record(connection, "one")
    handed = Handed(redis)
    move(connection, redis, TOPICS, handed=handed)
    [mark] = redis.keys("wxapi:relay:*")
    redis.delete(mark)
    assert handed.look(connection) == 1
    assert redis.get(mark) == b"1"
    move(connection, redis, TOPICS, handed=handed)
    assert (queued(redis), rows(connection, "attempts, due_at > now()")) == ([f"{row}-1"], [(1, True)])


def test_nothing_is_asked_of_redis_where_nothing_waits(connection: Connection) -> None:
    away = connect(f"redis://127.0.0.1:{free_port()}/0")
    assert Handed(away).look(connection) == 0


def test_not_sent_again_while_it_waits(connection: Connection, redis: Redis) -> None:
    row = record(connection, "one")
    move(connection, redis, TOPICS)
    connection.execute("UPDATE outbox SET due_at = now()")
    assert move(connection, redis, TOPICS) == 1
    assert (queued(redis), rows(connection, "attempts, due_at > now()")) == ([f"{row}-1"], [(1, True)])


def test_arguments_cross_as_json(connection: Connection, redis: Redis) -> None:
    """Whoever can write to Redis must not be able to have workers unpickle things."""
    row = record(connection, "one")
    move(connection, redis, TOPICS)

    data = redis.hget(f"rq:job:{row}-1", "data")
    assert zlib.decompress(data) == f'["workers.run.run", null, [{row}, 1, 30], {{}}]'.encode()


def test_what_is_sent_is_what_rq_would_send(connection: Connection, redis: Redis) -> None:
    """Its jobs and lists are RQ's own: a release of it that keeps more of a job has to show here."""
    light, slow = TOPICS["two"]
    namesake = Job(first, values=("word",), limit_s=25)  # of another topic
    parcels = [Parcel(1, 1, light), Parcel(2, 3, slow), Parcel(3, 1, light), Parcel(4, 1, namesake)]

    def kept() -> dict[str, Any]:
        jobs = {parcel.rq_id: redis.hgetall(f"rq:job:{parcel.rq_id}") for parcel in parcels}
        for job in jobs.values():
            job[b"data"] = zlib.decompress(job[b"data"])
            for instant in (b"created_at", b"enqueued_at"):
                assert job.pop(instant).endswith(b"Z")
        keys = set(redis.keys("rq:*"))
        return {"jobs": jobs, "keys": keys, "ids": [queued(redis), queued(redis, "photos")]} | {
            key: redis.ttl(key) in range(3590, 3601) for key in keys
        }

    post.send(redis, parcels, mark=("mark", 1))
    ours = kept()
    redis.flushall()
    for parcel in parcels:
        post.rq_queue(redis, parcel.job.queue).enqueue_call(
            "workers.run.run",
            args=(parcel.outbox_id, parcel.attempt, parcel.job.lease_s),
            timeout=parcel.job.limit_s,
            ttl=3600,
            result_ttl=0,
            failure_ttl=600,
            job_id=parcel.rq_id,
            description=parcel.job.name,
        )
    assert ours == kept()


def _hold(outbox_id: int) -> Claimed | None:
    with transaction() as session:
        return outbox.hold(session, outbox_id, 1)


@pytest.mark.parametrize("start", [_hold, lambda row: outbox.claim(row, 1, timedelta(seconds=30))])
def test_a_worker_quicker_than_the_relays_commit_waits_for_it(
    own_database: str,
    connection: Connection,
    make_config: Callable[..., Config],
    start: Callable[[int], Claimed | None],
) -> None:
    """Redis has the job before the row says so: the worker must not take it for an older attempt's."""
    outbox_id = record(connection, "one")
    app = create_app(make_config(database_url=own_database))
    claimed: list[bool] = []

    def claim() -> None:
        with app.app_context():
            claimed.append(start(outbox_id) is not None)
            db.engine.dispose()

    worker = Thread(target=claim)
    with connection.transaction():
        connection.execute("UPDATE outbox SET attempts = 1, job = 'first' WHERE id = %s", [outbox_id])
        worker.start()
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%outbox%%'"
        with open_database(own_database, name="looker-on") as looker_on:
            await_true(lambda: looker_on.execute(waits).fetchall() != [(0,)] or claimed)
        assert claimed == []
    worker.join(30)
    assert claimed == [True]
