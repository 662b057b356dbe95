"""Workers, relays and their supervisor are killed; what they were doing is done all the same."""

import os
import signal

import psutil
import pytest

from tests.faults.conftest import Bench
from tests.faults.sample import LEASE_S
from tests.processes import Program, await_true
from workers.relay import BATCH

pytestmark = pytest.mark.processes

# Lease, relay's poll, a forked process, on a busy machine; RQ itself would find out after a minute at the earliest.
SOON_S = LEASE_S + 27


def everything(bench: Bench) -> Program:
    """`python -m workers`, ready."""
    started = bench.start()
    started.await_event("relay_ready")
    started.await_event("worker_ready", count=5)
    return started


def worker(bench: Bench, queue: str) -> Program:
    """One worker process, ready."""
    started = bench.start("worker", "--queue", queue)
    started.await_event("worker_ready")
    return started


def test_what_is_recorded_is_done_once_and_in_order(bench: Bench) -> None:
    everything(bench)
    words = [f"word {number}" for number in range(30)]
    bench.record("note", *words)
    bench.await_done()
    assert bench.effects() == words


def test_each_job_of_a_topic_is_done(bench: Bench) -> None:
    everything(bench)
    bench.record("both", "word")
    bench.await_done()
    assert sorted(bench.effects()) == ["word", "word too"]


def test_two_relays_send_each_row_once(bench: Bench) -> None:
    words = [f"word {number}" for number in range(BATCH + 50)]
    bench.record("note", *words)
    for relay in [bench.start("relay"), bench.start("relay")]:
        relay.await_event("relay_ready")
    await_true(lambda: bench.redis.llen("rq:queue:light") == len(words))
    worker(bench, "light")
    bench.await_done(40)
    assert sorted(bench.effects()) == sorted(words)
    assert bench.sql("SELECT count(DISTINCT word) = count(*) FROM effects") == [True]


@pytest.mark.parametrize("queue", ["forked", "light"])
def test_killed_with_all_its_processes_mid_job(bench: Bench, queue: str) -> None:
    """kill -9 of parent and child: RQ finds out after minutes, the lease after seconds."""
    bench.start("relay").await_event("relay_ready")
    name = "photos" if queue == "forked" else "light"
    victim = worker(bench, name)
    other = worker(bench, name)
    bench.record(f"hang.{queue}", "word")
    await_true(lambda: bench.effects() == ["word"])
    pid = bench.sql("SELECT pid FROM effects WHERE word <> 'tick' ORDER BY id")[0]
    if pid not in {process.pid for process in victim.family()}:
        victim = other
    victim.kill_family()
    bench.await_done(SOON_S)
    assert bench.effects() == ["word", "word", "word done"]
    assert pid not in bench.sql("SELECT pid FROM effects WHERE word <> 'tick' ORDER BY id OFFSET 1")


def test_work_that_is_whole_leaves_nothing_when_its_worker_is_killed(bench: Bench) -> None:
    """Neither is what waits behind it lost."""
    bench.start("relay").await_event("relay_ready")
    victim = worker(bench, "light")
    bench.record("hang.whole", "word")
    await_true(lambda: bench.effects() == ["begun"])
    bench.record("note.whole", "another")
    victim.kill_family()
    worker(bench, "light")
    bench.await_done(SOON_S)
    assert sorted(bench.effects()) == ["another", "begun", "begun", "word"]


def test_work_that_is_whole_is_undone_at_its_limit(bench: Bench) -> None:
    program = everything(bench)
    bench.record("hang.whole", "word")
    bench.await_done(SOON_S)
    assert bench.effects() == ["begun", "begun", "word"]
    [failure] = program.await_event("job_failed", attempt=1)
    assert failure["error"] == "OutOfTimeError"


def test_child_of_a_forking_worker_killed(bench: Bench) -> None:
    program = everything(bench)
    bench.record("hang.forked", "word")
    await_true(lambda: bench.effects() == ["word"])
    psutil.Process(bench.sql("SELECT pid FROM effects WHERE word <> 'tick' ORDER BY id")[0]).kill()
    bench.await_done(SOON_S)
    assert bench.effects() == ["word", "word", "word done"]
    program.await_event("job_lost", job="hang_once")


def test_supervisor_replaces_what_was_killed(bench: Bench) -> None:
    program = everything(bench)
    children = {event["process"]: event["pid"] for event in program.events("process_started")}
    assert set(children) == {"relay", "schedule", "routing-1", "light-1", "outgoing-1", "photos-1", "exports-1"}
    program.await_event("worker_ready", count=5)
    stands_back = {name: own.nice() for name, pid in children.items() if (own := psutil.Process(pid)).nice()}
    assert stands_back == {"light-1": 5, "outgoing-1": 5, "photos-1": 5, "exports-1": 10}
    for pid in children.values():
        psutil.Process(pid).kill()
    bench.record("note", "word")
    bench.await_done(45)
    begun = len(children)
    again = await_true(lambda: len(found := program.events("process_started")) == 2 * begun and found[begun:])
    assert {event["process"] for event in again} == set(children)
    assert not {event["pid"] for event in again} & set(children.values())


def test_job_over_its_limit_is_tried_again(bench: Bench) -> None:
    program = everything(bench)
    bench.record("hang.light", "word")
    bench.await_done(SOON_S)
    assert bench.effects() == ["word", "word", "word done"]
    [failure] = program.await_event("job_failed", job="hang_once", attempt=1)
    assert failure["error"] == "OutOfTimeError"


def test_failing_job_is_tried_again_and_tells_no_secret(bench: Bench) -> None:
    program = everything(bench)
    bench.record("fail", "word")
    await_true(lambda: bench.sql("SELECT last_error FROM outbox WHERE topic = 'fail'") == ["ValueError"])
    bench.await_done()
    assert bench.effects() == ["word"] * 3
    assert len(program.events("job_failed", error="ValueError")) == 2
    assert "belongs nowhere" not in program.log.read_text()


@pytest.mark.parametrize("redis", ["there", "away"])
def test_told_to_stop_it_lets_a_job_finish(bench: Bench, redis: str) -> None:
    program = everything(bench)
    family = program.family()
    bench.record("hang.light", "slow")
    await_true(lambda: bench.effects() == ["slow"])
    if redis == "away":
        bench.valkey.kill()
    assert program.stop(20) == 0
    assert bench.effects() == ["slow", "slow done"]
    bench.await_done(0)
    _, alive = psutil.wait_procs(family, timeout=30)  # the decoder ends after its worker
    assert alive == []


def test_idle_it_stops(bench: Bench) -> None:
    program = everything(bench)
    # At once, but for a signal that meets a worker while it is still starting: that one hears the second, 5 s later.
    assert program.stop(20) == 0
    assert program.events("process_ended") == []


def test_children_do_not_outlive_a_killed_supervisor(bench: Bench) -> None:
    program = everything(bench)
    family = program.family()
    family[0].send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []


@pytest.mark.parametrize("queue", ["light", "photos"])
def test_told_to_stop_while_it_makes_itself_known_to_redis(bench: Bench, queue: str) -> None:
    """One whose supervisor was killed hears no second signal: none may be lost on the way to RQ's handlers."""
    bench.redis.client_pause(30_000, all=False)  # reads are answered, the worker's entry in RQ's list is not
    starting = worker(bench, queue)
    os.kill(starting.pid, signal.SIGTERM)
    bench.redis.client_unpause()
    starting.process.join(30)
    assert starting.process.exitcode == 0


def test_schedule_is_kept_by_two_schedulers_without_doubling(bench: Bench) -> None:
    for started in [bench.start("schedule"), bench.start("schedule")]:
        started.await_event("schedule_ready")
    await_true(lambda: bench.sql("SELECT topic FROM outbox") == ["schedule.tick"])
    # Nothing takes it: the next seconds add no second one.
    begun = bench.sql("SELECT next_at FROM schedule")
    await_true(lambda: bench.sql("SELECT next_at > %s + interval '1.5 s' FROM schedule", begun[0]) == [True])
    assert bench.sql("SELECT count(*) FROM outbox") == [1]
    everything(bench)
    await_true(lambda: bench.sql("SELECT word FROM effects"))
