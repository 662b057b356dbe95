"""One attempt at one row, in a savepoint: of work that commits as it goes, and of work that is whole with its row."""

import signal
import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from rq.timeouts import JobTimeoutException
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workers import run
from workers.job import Job
from workers.pool import LightWorker
from workers.retries import MAX_ATTEMPTS
from workers.run import Outcome
from workers.topics import Topics
from wxapi.kernel.errors import not_found
from wxapi.platform import outbox, sweeps
from wxapi.platform.db import db, transaction
from wxapi.platform.outbox import OutboxRow

done: list[str] = []


def work(word: str) -> None:
    done.append(word)


def fail(word: str) -> None:
    raise ValueError(f"{word} belongs into no table")


def refuse(word: str) -> None:
    with transaction():
        raise not_found()


def leave_a_mess(word: str) -> None:
    with transaction() as session:
        session.execute(select(func.no_such_function()))


def roll_back_everything(word: str) -> None:
    with transaction() as session:
        session.scalars(select(OutboxRow)).all()
        session.rollback()
        db.session.remove()
        raise ValueError(word)


def go_over_rows(word: str) -> None:
    """Its limit is reached at the first row; a sweep goes on after rows that raise."""
    signal.setitimer(signal.ITIMER_REAL, 0.01)

    def take(row: str) -> None:
        done.append(row)
        time.sleep(0.1)

    sweeps.one_by_one("test", [word, word], take)


JOBS = (work, fail, refuse, leave_a_mess, roll_back_everything, go_over_rows)


def topics(*, whole: bool) -> Topics:
    jobs = {job.__name__: Job(job, values=("word",), whole=whole) for job in JOBS}
    return {name: (job,) for name, job in jobs.items()} | {"two": (jobs["work"], jobs["fail"])}


@pytest.fixture(autouse=True, params=[False, True], ids=["as it goes", "whole"])
def prepared(app: Flask, request: pytest.FixtureRequest) -> None:
    done.clear()
    run.prepare(app, topics(whole=request.param))


def sent(session: Session, topic: str, *, attempts: int = 1, job: str | None = None) -> int:
    """A row as the relay leaves it."""
    with transaction():
        row = OutboxRow(topic=topic, job=job or topic, payload={"word": "word"}, attempts=attempts)
        session.add(row)
    return row.id


def attempt(outbox_id: int, number: int = 1) -> Outcome:
    run.outcome.write(Outcome.LOST)
    topic = db.session().scalar(select(OutboxRow.topic).where(OutboxRow.id == outbox_id))
    db.session().rollback()
    run.run(outbox_id, number, 30, name=topic or "")
    return run.outcome.read()


def state(session: Session, outbox_id: int) -> Any:
    session.expire_all()
    return session.execute(
        select(OutboxRow.attempts, OutboxRow.dead, OutboxRow.last_error, OutboxRow.due_at - func.now()).where(
            OutboxRow.id == outbox_id
        )
    ).one_or_none()


def test_done_and_gone(session: Session) -> None:
    row = sent(session, "work")
    assert attempt(row) is Outcome.DONE
    assert done == ["word"]
    assert state(session, row) is None


def test_sent_twice_runs_once(session: Session) -> None:
    row = sent(session, "work")
    assert [attempt(row), attempt(row)] == [Outcome.DONE, Outcome.OVERTAKEN]
    assert done == ["word"]


def test_overtaken_by_a_later_attempt(session: Session) -> None:
    row = sent(session, "work", attempts=2)
    assert attempt(row, 1) is Outcome.OVERTAKEN
    assert state(session, row) is not None
    assert attempt(row, 2) is Outcome.DONE


def test_lease_begins_with_the_start(session: Session) -> None:
    row = sent(session, "work")
    assert outbox.claim(row, 1, timedelta(seconds=77)) is not None
    assert state(session, row)[3] == timedelta(seconds=77)


@pytest.mark.parametrize(
    ("topic", "error"),
    [("fail", "ValueError"), ("refuse", "NotFoundError: not_found"), ("leave_a_mess", "ProgrammingError")],
)
def test_failure_is_named_without_its_message_and_tried_again(session: Session, topic: str, error: str) -> None:
    row = sent(session, topic)
    assert attempt(row) is Outcome.FAILED
    attempts, dead, last_error, wait = state(session, row)
    assert (attempts, dead, last_error) == (1, False, error)
    assert timedelta(seconds=0.7) < wait < timedelta(seconds=1.3)


def test_a_job_at_its_limit_ends_whatever_it_was_doing(session: Session) -> None:
    row = sent(session, "go_over_rows")
    with LightWorker.death_penalty_class(20, JobTimeoutException):
        assert attempt(row) is Outcome.FAILED
    assert done == ["word"]
    assert state(session, row).last_error == "OutOfTimeError"


def test_the_last_failure_gives_up(session: Session) -> None:
    row = sent(session, "fail", attempts=MAX_ATTEMPTS)
    assert attempt(row, MAX_ATTEMPTS) is Outcome.FAILED
    assert state(session, row).dead
    assert attempt(row, MAX_ATTEMPTS) is Outcome.OVERTAKEN


def test_failure_of_an_overtaken_attempt_leaves_the_row_alone(session: Session) -> None:
    row = sent(session, "fail", attempts=2)
    with transaction():
        outbox.postpone(session, row, 1, error="ValueError", delay=timedelta(hours=1), give_up=True)
    attempts, dead, last_error, _ = state(session, row)
    assert (attempts, dead, last_error) == (2, False, None)


def test_job_this_release_does_not_have(session: Session) -> None:
    """Of several; the only job of a topic is meant under whatever name."""
    assert attempt(sent(session, "work", job="of_another_release")) is Outcome.DONE
    row = sent(session, "two", job="of_the_next_release")
    assert attempt(row) is Outcome.FAILED
    assert state(session, row).last_error == "LookupError"


def test_a_rollback_that_expires_the_row_does_not_escape(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    row = sent(session, "roll_back_everything")
    assert attempt(row) is Outcome.FAILED
    attempts, dead, error, _ = state(session, row)
    assert (attempts, dead, error) == (1, False, "ValueError")


def test_nothing_escapes_to_rq(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """RQ would log and keep a traceback with statements and values."""

    def broken(*_args: object) -> Outcome:
        raise RuntimeError("13800138000")

    monkeypatch.setattr(run, "_attempt", broken)
    monkeypatch.setattr(run, "_attempt_whole", broken)
    assert attempt(sent(session, "work")) is Outcome.FAILED
