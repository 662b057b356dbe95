"""The tables of topics and tasks against the code that writes topics, and the promises that rest on their numbers."""

import ast
import inspect
from pathlib import Path
from uuid import UUID

import pytest

from workers.job import Job, Queue
from workers.retries import MAX_ATTEMPTS, backoff
from workers.timetable import TASKS
from workers.topics import TOPICS

ROOT = Path(__file__).resolve().parents[2]
# A worker that is killed with all its processes: done by another within this.
TAKEN_OVER_S = 120
# Of `wxapi.platform.outbox`.
WRITERS = {"record", "record_each"}
RELAY_POLL_S = 1


def recorded() -> list[tuple[str, str, frozenset[str]]]:
    """(place, topic, payload keys) of each `outbox.record(…)` and `outbox.record_each(…)` in the product."""
    found = []
    for path in sorted((ROOT / "wxapi").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)) if "outbox" in source else ():
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITERS):
                continue
            if ast.unparse(node.func.value) != "outbox":
                continue
            keys = frozenset(str(keyword.arg) for keyword in node.keywords) - {"not_before"}
            if node.func.attr == "record_each":
                assert isinstance(node.args[2], ast.Constant), f"{path}:{node.lineno}: write the key as text"
                keys |= {str(node.args[2].value)}
            topic = node.args[1]
            assert isinstance(topic, ast.Constant), (
                f"{path}:{node.lineno}: write the topic as text, so that it is found"
            )
            found.append((f"{path.relative_to(ROOT)}:{node.lineno}", str(topic.value), keys))
    return found


def test_what_services_record_is_found() -> None:
    assert {topic for _, topic, _ in recorded()} >= {"report.filed", "photo.uploaded", "message.due"}


@pytest.mark.parametrize(
    ("place", "topic", "keys"), recorded(), ids=lambda value: str(value) if isinstance(value, str) else ""
)
def test_recorded_topic_has_jobs_that_take_its_payload(place: str, topic: str, keys: frozenset[str]) -> None:
    assert topic in TOPICS, f"{place} records a topic that workers/topics.py does not know"
    for job in TOPICS[topic]:
        assert {*job.ids, *job.values} == keys, f"{place}: {job.name}"


def test_no_topic_is_left_over() -> None:
    scheduled = {task.topic for task in TASKS}
    assert set(TOPICS) - scheduled == {topic for _, topic, _ in recorded()}


def test_jobs_of_a_topic_have_different_names() -> None:
    for topic, jobs in TOPICS.items():
        assert jobs, topic
        assert len({job.name for job in jobs}) == len(jobs), topic


def test_tasks_have_different_names_and_take_nothing() -> None:
    assert len({task.name for task in TASKS}) == len(TASKS)
    for task in TASKS:
        assert not set(inspect.signature(task.function).parameters) - {"now"}, task.name


def job_named(topic: str, name: str) -> Job:
    """The job of a topic with this name."""
    [job] = [job for job in TOPICS[topic] if job.name == name]
    return job


def test_photos_of_a_killed_worker_are_taken_over_in_time() -> None:
    """Lease, poll, then the photo itself within its limit: two minutes with room to spare, RQ's heartbeats not needed."""
    job = job_named("photo.uploaded", "develop_photo")
    assert job.queue is Queue.PHOTOS
    assert job.lease_s + RELAY_POLL_S + job.limit_s < TAKEN_OVER_S


def test_a_report_of_a_killed_worker_is_taken_over_in_time() -> None:
    job = job_named("report.filed", "route_report")
    assert job.lease_s + RELAY_POLL_S + job.limit_s < TAKEN_OVER_S / 2


def test_what_waits_for_wechat_holds_nothing_else_up() -> None:
    assert job_named("message.due", "deliver_message").queue is Queue.OUTGOING
    assert job_named("report.filed", "route_report").queue is Queue.ROUTING


def test_a_report_waits_behind_nothing_but_reports() -> None:
    routing = [job.name for jobs in TOPICS.values() for job in jobs if job.queue is Queue.ROUTING]
    assert routing == ["route_report"]


def test_functions_take_what_the_table_gives_them() -> None:
    for topic, jobs in TOPICS.items():
        for job in jobs:
            taken = inspect.signature(job.function)
            now = {"now": None} if "now" in taken.parameters else {}
            taken.bind(*job.ids, *job.values, **now)
            for name, parameter in zip(job.ids, taken.parameters.values(), strict=False):
                assert parameter.annotation in {UUID, "UUID"}, f"{topic}: {name}"
            for name, parameter in zip(job.values, list(taken.parameters.values())[len(job.ids) :], strict=False):
                assert parameter.annotation is not UUID, f"{topic}: {name}"


def test_a_payload_of_another_shape_is_refused() -> None:
    with pytest.raises(TypeError, match="erase_person takes"):
        TOPICS["user.erase"][0].run(person="1")


def test_a_lease_must_outlast_the_time_limit() -> None:
    with pytest.raises(ValueError, match="shorter than the lease"):
        Job(print, limit_s=30, lease_s=30)


def test_retries_outlast_an_evening_and_end() -> None:
    shortest = sum(backoff(attempt).total_seconds() for attempt in range(1, MAX_ATTEMPTS))
    assert 2 * 3600 < shortest < 6 * 3600
    assert 0.7 < backoff(1).total_seconds() < 1.3
    assert backoff(10_000).total_seconds() < 20 * 60
