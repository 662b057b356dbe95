"""One attempt at one outbox row: the function that every RQ job calls.

RQ's own retries, results and registries are not used: the row knows what is done. An attempt that has been overtaken
by a later one does nothing, so that a queue that was sent twice is not worked off twice.
"""

import time
from datetime import timedelta
from enum import IntEnum
from multiprocessing.sharedctypes import RawValue

import structlog
from flask import Flask
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from workers.job import Job
from workers.retries import MAX_ATTEMPTS, backoff
from workers.topics import Topics, job_of
from wxapi.kernel.errors import DomainError
from wxapi.platform import outbox
from wxapi.platform.db import db, transaction
from wxapi.platform.outbox import Claimed

log = structlog.get_logger(__name__)


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
_prepared: list[tuple[Flask, Topics]] = []


def prepare(app: Flask, topics: Topics) -> None:
    """Give this worker process, and those it forks, the app and the table that jobs run with. Called once."""
    _prepared[:] = [(app, topics)]
    outcome.renew()


def run(outbox_id: int, attempt: int, lease_s: int) -> None:
    """What RQ calls. Raises nothing a job raises: failures are on the row.

    Args:
        outbox_id: the row.
        attempt: counts what the relay has sent of this row.
        lease_s: from now on the row is this attempt's for so many seconds.
    """
    (app, topics) = _prepared[0]
    with app.app_context(), structlog.contextvars.bound_contextvars(outbox_id=outbox_id, attempt=attempt):
        try:
            found = _attempt(topics, outbox_id, attempt, timedelta(seconds=lease_s))
        except (Exception, OutOfTimeError) as error:
            log.exception("attempt_failed", error=_name_of(error))
            found = Outcome.FAILED  # the row is due again when its lease is over
        outcome.write(found)


def _attempt(topics: Topics, outbox_id: int, attempt: int, lease: timedelta) -> Outcome:
    try:
        row = _claim(outbox_id, attempt, lease)
    except SQLAlchemyError as error:
        # Nothing is lost: the row is due again when its lease is over.
        log.warning("outbox_unreachable", error=type(error).__name__)
        return Outcome.FAILED
    if row is None:
        log.info("job_overtaken")
        return Outcome.OVERTAKEN
    job = job_of(topics, row.topic, row.job)
    if job is None:  # the relay is of a newer release than this worker
        return _failed(row, LookupError(row.job))
    with structlog.contextvars.bound_contextvars(job=job.name):
        return _perform(job, row)


def _claim(outbox_id: int, attempt: int, lease: timedelta) -> Claimed | None:
    """Start the attempt, or None. A connection that a restart of the database cut shows only now: try a fresh one."""
    try:
        return _claim_once(outbox_id, attempt, lease)
    except OperationalError:
        db.session.remove()
        return _claim_once(outbox_id, attempt, lease)


def _claim_once(outbox_id: int, attempt: int, lease: timedelta) -> Claimed | None:
    with transaction() as session:
        return outbox.claim(session, outbox_id, attempt, lease)


def _perform(job: Job, row: Claimed) -> Outcome:
    started = time.monotonic()
    try:
        job.run(**row.payload)
        with transaction() as session:
            outbox.finish(session, row.id)
    except (Exception, OutOfTimeError) as error:  # noqa: BLE001 - whatever a job raises, the row is tried again
        return _failed(row, error)
    log.info("job_done", seconds=round(time.monotonic() - started, 3))
    return Outcome.DONE


def _failed(row: Claimed, error: BaseException) -> Outcome:
    give_up = row.attempts >= MAX_ATTEMPTS
    name = _name_of(error)
    log.error("job_given_up" if give_up else "job_failed", topic=row.topic, error=name, exc_info=error)
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
