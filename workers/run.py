"""One attempt at one outbox row: the function that every RQ job calls.

RQ's own retries, results and registries are not used: the row knows what is done. An attempt that has been overtaken
by a later one does nothing, so that a queue that was sent twice is not worked off twice.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from enum import IntEnum
from multiprocessing.sharedctypes import RawValue
from typing import TypeVar

import structlog
from flask import Flask
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from workers.job import Job
from workers.retries import MAX_ATTEMPTS, backoff
from workers.topics import Topics, job_of, whole_names
from wxapi.kernel.errors import DomainError
from wxapi.platform import outbox
from wxapi.platform.db import db, deferred_commit, transaction
from wxapi.platform.outbox import Claimed

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Outcome(IntEnum):
    """What became of an attempt. `LOST` is what stays when the process that ran it was killed."""

    LOST = 0
    DONE = 1
    FAILED = 2
    OVERTAKEN = 3


class SharedOutcome:
    """In memory shared over forks: the worker counts what the process it forked did."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Share no longer with whoever forked this process: each worker counts its own jobs."""
        self._cell = RawValue("i", Outcome.LOST)

    def write(self, found: Outcome) -> None:
        self._cell.value = found

    def read(self) -> Outcome:
        return Outcome(self._cell.value)


class OutOfTimeError(BaseException):
    """A job was interrupted at its `limit_s`.

    No `Exception`: a sweep that goes on after a bad row, or a reader that takes any error for a broken file, would else
    take this for one and go on without a limit, beside the worker that gets the row after the lease.
    """


outcome = SharedOutcome()
_prepared: list[tuple[Flask, Topics, frozenset[str]]] = []


def prepare(app: Flask, topics: Topics) -> None:
    """Give this worker process, and those it forks, the app and the table that jobs run with. Called once."""
    _prepared[:] = [(app, topics, whole_names(topics))]
    outcome.renew()


def run(outbox_id: int, attempt: int, lease_s: int, *, name: str = "") -> None:
    """What RQ calls. Raises nothing a job raises: failures are on the row.

    Args:
        outbox_id: the row.
        attempt: counts what the relay has sent of this row.
        lease_s: from now on the row is this attempt's for so many seconds.
        name: the job's, where it is known before the row is read.
    """
    (app, topics, whole) = _prepared[0]
    with app.app_context(), structlog.contextvars.bound_contextvars(outbox_id=outbox_id, attempt=attempt):
        try:
            found = _attempt_whole(topics, outbox_id, attempt) if name in whole else None
            if found is None:
                found = _attempt(topics, outbox_id, attempt, timedelta(seconds=lease_s))
        except SQLAlchemyError as error:
            # Nothing is lost: the row is due again when its lease is over.
            log.warning("outbox_unreachable", error=type(error).__name__)
            found = Outcome.FAILED
        except (Exception, OutOfTimeError) as error:
            log.exception("attempt_failed", error=_name_of(error))
            found = Outcome.FAILED
        outcome.write(found)


def _attempt(topics: Topics, outbox_id: int, attempt: int, lease: timedelta) -> Outcome:
    """One whose work commits as it goes: the row is leased to it before, and deleted after it."""
    row = _on_a_fresh_connection(lambda: outbox.claim(outbox_id, attempt, lease))
    if row is None:
        return _overtaken()
    try:
        job = _job_of(topics, row)
        _perform(job, row)
        outbox.finish(row.id)
    except (Exception, OutOfTimeError) as error:  # noqa: BLE001 - whatever a job raises, the row is tried again
        return _failed(row, error)
    return Outcome.DONE


def _attempt_whole(topics: Topics, outbox_id: int, attempt: int) -> Outcome | None:
    """One whose work is one transaction: the row is locked and deleted in the same. None where it is no such job."""
    return _on_a_fresh_connection(lambda: _whole(topics, outbox_id, attempt))


def _whole(topics: Topics, outbox_id: int, attempt: int) -> Outcome | None:
    row = None
    try:
        with deferred_commit() as unit:
            row = outbox.hold(unit.session, outbox_id, attempt)
            if row is None:
                return _overtaken()
            job = _job_of(topics, row)
            if not job.whole:
                return None
            _perform(job, row)
            outbox.finish_with(unit.session, row.id)
    except (Exception, OutOfTimeError) as error:
        if row is None:
            raise
        return _failed(row, error)
    return Outcome.DONE


def _on_a_fresh_connection(begin: Callable[[], T]) -> T:
    """Begin an attempt. A connection that a restart of the database cut shows only now: try a fresh one."""
    try:
        return begin()
    except OperationalError:
        db.session.remove()
        return begin()


def _overtaken() -> Outcome:
    log.info("job_overtaken")
    return Outcome.OVERTAKEN


def _job_of(topics: Topics, row: Claimed) -> Job:
    job = job_of(topics, row.topic, row.job)
    if job is None:  # the relay is of a newer release than this worker
        raise LookupError(row.job)
    return job


def _perform(job: Job, row: Claimed) -> None:
    started = time.monotonic()
    with structlog.contextvars.bound_contextvars(job=job.name):
        job.run(**row.payload)
        log.info("job_done", seconds=round(time.monotonic() - started, 3))


def _failed(row: Claimed, error: BaseException) -> Outcome:
    give_up = row.attempts >= MAX_ATTEMPTS
    name = _name_of(error)
    log.error("job_given_up" if give_up else "job_failed", topic=row.topic, job=row.job, error=name, exc_info=error)
    db.session.remove()  # whatever state the job left it in
    try:
        with transaction() as session:
            outbox.postpone(session, row.id, row.attempts, error=name, delay=backoff(row.attempts), give_up=give_up)
    except SQLAlchemyError as unreachable:
        log.warning("outbox_unreachable", error=type(unreachable).__name__)
    return Outcome.FAILED


def _name_of(error: BaseException) -> str:
    """Class, and code if it has one; never the message, which may hold what does not belong into a table."""
    name = type(error).__qualname__
    return f"{name}: {error.code}" if isinstance(error, DomainError) else name
