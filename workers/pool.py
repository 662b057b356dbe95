"""One RQ worker for one queue. RQ fetches, forks and keeps the time; what is done and what failed is on the rows."""

import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from flask import Flask
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue as RqQueue
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job as RqJob
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty
from rq.worker import BaseWorker, SimpleWorker, Worker
from rq.worker.base import WorkerStatus

from workers import post, run
from workers.job import Queue
from workers.lifetime import Stop
from workers.topics import Topics
from wxapi.kernel.ids import new_id
from wxapi.photos.services.sandbox import client
from wxapi.platform import metrics

log = structlog.get_logger(__name__)

# RQ waits this long, less 15 s, for a job before it looks after itself; a Redis that hangs is noticed 10 s later.
_WORKER_TTL_S = 30
_REDIS_POLL_S = 0.25
# RQ's list of workers forgets one after a minute and a half without a sign of life.
_SIGN_EVERY_S = 10.0


class TimeLimit(UnixSignalDeathPenalty):
    """RQ's alarm; a job is interrupted by what no `except Exception` of the job keeps to itself."""

    def __init__(self, timeout: int, exception: type[BaseException] = JobTimeoutException, **kwargs: Any) -> None:
        taken = run.OutOfTimeError if exception is JobTimeoutException else exception
        super().__init__(timeout, taken, **kwargs)  # type: ignore[no-untyped-call]


class OutboxWorker(BaseWorker):
    """What both kinds of worker do otherwise than RQ."""

    death_penalty_class = TimeLimit
    # RQ's minute between two tries would leave a report unrouted long after Redis is back.
    max_connection_wait_time = 1.0
    log_result_lifespan = False

    stop: Stop
    _sign_at = 0.0

    def _install_signal_handlers(self) -> None:
        """Take the signals over from `stop` and heed one that came before.

        Whose supervisor was killed hears one signal, never a second.
        """
        super()._install_signal_handlers()  # type: ignore[no-untyped-call]
        self._stop_requested = self._stop_requested or self.stop.requested

    def _shutdown(self) -> None:
        """Remember the wish as well: what RQ raises here in an idle worker may meet code that swallows it."""
        self._stop_requested = True
        super()._shutdown()  # type: ignore[no-untyped-call]

    def set_shutdown_requested_date(self) -> None:
        """Tell Redis nothing: this runs in a signal handler, and a Redis that is away would end the job under way."""

    def subscribe(self) -> None:
        """Take no commands by Redis: a thread less beside a fork, and Redis cannot tell a worker to stop."""

    def check_for_suspension(self, burst: bool) -> None:  # noqa: FBT001 - RQ's signature
        """Never be suspended through Redis: RQ would ask before each job."""

    def set_state(self, state: str, pipeline: "Pipeline | None" = None) -> None:  # noqa: ARG002 - RQ's signature
        """Keep the state in this process only, for RQ's signal handlers: nobody reads it in Redis."""
        self._state = state

    def heartbeat(self, timeout: int | None = None, pipeline: "Pipeline | None" = None) -> None:
        """Tell Redis at most every 10 s that this worker is alive; RQ would do it three times a job."""
        if pipeline is not None or time.monotonic() >= self._sign_at:
            super().heartbeat(timeout, pipeline)
            self._sign_at = time.monotonic() + _SIGN_EVERY_S

    def execute_job(self, job: RqJob, queue: RqQueue) -> None:
        """Run the job and count its outcome in this process: one forked for the job would take the counters with it."""
        run.outcome.write(run.Outcome.LOST)
        self.begin(job, queue)
        outcome = run.outcome.read()
        metrics.jobs.labels(job.description, outcome.name.lower()).inc()
        if outcome is run.Outcome.LOST:
            log.error("job_lost", job=job.description, rq_id=job.id)

    def begin(self, job: RqJob, queue: RqQueue) -> None:
        """Run the job; the two kinds of worker differ in the process that does it."""
        super().execute_job(job, queue)

    def handle_job_failure(
        self,
        job: RqJob,
        queue: RqQueue,
        started_job_registry: StartedJobRegistry | None = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        """Keep no traceback in Redis: messages of exceptions hold statements and values."""
        super().handle_job_failure(job, queue, started_job_registry, exc_string and "see the log", execution)

    def handle_exception(self, job: RqJob, *exc_info: Any) -> None:
        """Say what ended a job from outside it, as all other failures are said: where, without messages."""
        log.error("job_escaped", job=job.description, rq_id=job.id, exc_info=exc_info)


class LightWorker(OutboxWorker, SimpleWorker):
    """Runs jobs in its own process. It keeps none of RQ's registries: rows of the outbox say what is under way."""

    def begin(self, job: RqJob, queue: RqQueue) -> None:
        """Delete the job from Redis, then run it; where it fails or the worker dies, its row is due again in time."""
        self.set_state(WorkerStatus.BUSY)
        try:
            self._forget(job, queue)
            with self.death_penalty_class(int(job.timeout or 0), run.OutOfTimeError):
                run.run(*job.args, name=job.description or "")
        except (Exception, run.OutOfTimeError):  # noqa: BLE001 - the row is due again, whatever ended this
            self.handle_exception(job, *sys.exc_info())
        finally:
            self.set_state(WorkerStatus.IDLE)

    def _forget(self, job: RqJob, queue: RqQueue) -> None:
        pipeline = self.connection.pipeline(transaction=False)
        pipeline.delete(job.key)
        pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
        with suppress(RedisError):  # the row says what is to be done; RQ throws away later what stays here
            pipeline.execute()


class ForkingWorker(OutboxWorker, Worker):
    """Forks a process for each job: what it takes of memory or breaks is gone with it."""

    def begin(self, job: RqJob, queue: RqQueue) -> None:
        """Start the picture decoder again if it died, before the fork: each fork would start one of its own."""
        client.shared().start()
        super().begin(job, queue)


_CLASSES: dict[Queue, type[LightWorker | ForkingWorker]] = {
    Queue.ROUTING: LightWorker,
    Queue.LIGHT: LightWorker,
    Queue.OUTGOING: LightWorker,
    Queue.EXPORTS: LightWorker,
    Queue.PHOTOS: ForkingWorker,
}


def work(app: Flask, queue: Queue, topics: Topics) -> None:
    """Work for one queue until SIGTERM or SIGINT: a job under way is finished, a second signal ends it.

    Args:
        app: of this process or of the one that forked it, which has used none of its connections.
        queue: whose jobs it takes.
        topics: what each of them does.
    """
    stop = Stop().listen()
    _stand_back(queue.niceness)
    run.prepare(app, topics)
    if queue is Queue.PHOTOS:
        client.shared().start()  # before anything is forked, so that all jobs share it
    # Longer than RQ waits for a job: a connection made with less would call each idle wait a broken Redis.
    redis = post.connect(app.extensions["wxapi"].config.redis_url, timeout_s=_WORKER_TTL_S - 15 + 10)
    _wait_for(redis, stop)
    if stop.requested:
        return
    ready = worker(redis, queue, stop)
    log.info("worker_ready", queue=queue)
    with suppress(StopRequested):  # raised by a signal between RQ's handlers and its loop
        ready.work(logging_level="WARNING")


def worker(redis: "Redis", queue: Queue, stop: Stop) -> LightWorker | ForkingWorker:
    """RQ's worker for a queue, which ends by `stop` or by the signals it listened to; `run.prepare` has been called."""
    made = _CLASSES[queue](
        [post.rq_queue(redis, queue)],
        name=f"{queue}-{socket.gethostname()}-{os.getpid()}-{new_id().hex[:8]}",
        connection=redis,
        worker_ttl=_WORKER_TTL_S,
        serializer=JSONSerializer,
        log_job_description=False,
    )
    made.stop = stop
    return made


def _stand_back(niceness: int) -> None:
    """Let the API go first on a shared machine; what this process starts or forks inherits it.

    Where Linux groups processes by session (sched(7), "The autogroup feature"), `nice` counts within the group only,
    and the group has a niceness of its own.
    """
    if niceness:
        os.nice(niceness)
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(niceness))


def _wait_for(redis: "Redis", stop: Stop) -> None:
    """Wait until Redis answers, here rather than by being started again and again."""
    while not stop.requested:
        try:
            answer: Any = redis.ping()
        except RedisError:
            stop.wait(_REDIS_POLL_S)
        else:
            if answer:
                return
