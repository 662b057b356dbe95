"""Redis is emptied, killed and started again; it holds nothing that is not in the outbox."""

import time

import pytest

from tests.faults.conftest import Bench
from tests.faults.sample import LEASE_S
from tests.processes import await_true

pytestmark = pytest.mark.processes

# The product's promise is 5 s after Redis is back, on a machine that does nothing else; tests share theirs. A
# job that was lost would come again after its lease, 30 s.
PROMISE_S = 15.0


@pytest.mark.parametrize("keeps", [None, "before"])
def test_emptied_after_the_row_was_sent(bench: Bench, keeps: str | None) -> None:
    """Done long before the lease is over; also where Redis comes back as it was before the row was sent."""
    relay = bench.start("relay")
    relay.await_event("relay_ready")
    if keeps:
        bench.record("note", keeps)
        await_true(lambda: bench.redis.llen("rq:queue:light") == 1)
        was = {key: bench.redis.dump(key) for key in bench.redis.keys("*")}  # type: ignore[union-attr]
    bench.record("note", "word")
    await_true(lambda: bench.redis.llen("rq:queue:light") == (2 if keeps else 1))
    await_true(lambda: set(bench.sql("SELECT attempts FROM outbox")) == {1})
    bench.redis.flushall()
    for key, value in was.items() if keeps else ():
        bench.redis.restore(key, 0, value)
    relay.await_event("redis_lost_jobs")
    bench.start("worker", "--queue", "light").await_event("worker_ready")
    bench.await_done(PROMISE_S)
    assert bench.effects() == [*([keeps] if keeps else []), "word"]


def test_emptied_while_the_relay_is_started_anew(bench: Bench) -> None:
    """It does not know what the one before it sent: that comes again after its lease."""
    relay = bench.start("relay")
    relay.await_event("relay_ready")
    bench.record("short", "word")
    await_true(lambda: bench.redis.llen("rq:queue:light") == 1)
    await_true(lambda: bench.sql("SELECT attempts FROM outbox") == [1])
    relay.kill_family()
    bench.redis.flushall()
    bench.start().await_event("worker_ready", count=4)
    bench.await_done(LEASE_S + 27)
    assert bench.effects() == ["word"]


def test_taken_by_a_worker_that_died_before_it_started(bench: Bench) -> None:
    """What RQ finds after a minute at the earliest: popped from the queue, and nowhere else."""
    bench.start("relay").await_event("relay_ready")
    bench.record("short", "word")
    await_true(lambda: bench.sql("SELECT attempts FROM outbox") == [1])
    bench.redis.lmove("rq:queue:light", "rq:queue:light:intermediate")
    await_true(lambda: bench.redis.llen("rq:queue:light") == 1, LEASE_S + 27)
    bench.start("worker", "--queue", "light").await_event("worker_ready")
    bench.await_done()
    assert bench.effects() == ["word"]


def test_backlog_longer_than_a_lease_is_not_sent_twice(bench: Bench) -> None:
    bench.start("relay").await_event("relay_ready")
    bench.record("short", "one", "two", "three")
    await_true(lambda: bench.sql("SELECT attempts FROM outbox") == [1, 1, 1])
    first = bench.sql("SELECT min(due_at) FROM outbox")[0]
    # Two leases on: looked at again, found waiting, left alone.
    await_true(
        lambda: bench.sql("SELECT min(due_at) > %s + interval '4 s' FROM outbox", first) == [True], 2 * LEASE_S + 27
    )
    assert bench.sql("SELECT attempts FROM outbox") == [1, 1, 1]
    assert bench.redis.llen("rq:queue:light") == 3


@pytest.mark.parametrize("away_s", [0.5, 6.0])
def test_recorded_while_it_is_away(bench: Bench, away_s: float) -> None:
    program = bench.start()
    program.await_event("worker_ready", count=4)
    bench.valkey.kill()
    bench.record("note", "word")
    program.await_event("redis_away")
    gone = time.monotonic()
    await_true(lambda: time.monotonic() - gone > away_s, away_s + 1)
    bench.valkey.start()
    bench.await_done(PROMISE_S)
    assert bench.effects() == ["word"]
    program.await_event("redis_back")


def test_killed_while_a_job_runs(bench: Bench) -> None:
    """RQ's worker ends with it; the job's effect and its row do not depend on that."""
    program = bench.start()
    program.await_event("worker_ready", count=4)
    bench.record("hang.light", "slow")
    await_true(lambda: bench.effects() == ["slow"])
    bench.valkey.kill()
    await_true(lambda: bench.effects() == ["slow", "slow done"])
    bench.await_done()
    bench.valkey.start()
    bench.record("note", "next")
    bench.await_done(PROMISE_S)
    assert bench.effects() == ["slow", "slow done", "next"]


def test_workers_started_before_redis_wait_for_it(bench: Bench) -> None:
    bench.valkey.kill()
    program = bench.start()
    program.await_event("relay_ready")
    bench.record("note", "word")
    program.await_event("redis_away")
    bench.valkey.start()
    bench.await_done(PROMISE_S)
    assert program.events("process_ended") == []
