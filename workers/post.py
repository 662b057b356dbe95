"""The relay's way to RQ: which rows still wait in its queues, and handing over those that do not."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from redis import Redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry
from rq import Queue as RqQueue
from rq.job import Job as RqJob
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from workers.job import Job, Queue
from wxapi.platform.redis_client import NO_NOTICES

# Until RQ forgets a job nobody took, and with it that the row need not be sent again.
_QUEUED_TTL_S = 3600
_FAILED_TTL_S = 600


class Parcel(NamedTuple):
    """One attempt at one row."""

    outbox_id: int
    attempt: int
    job: Job

    @property
    def rq_id(self) -> str:
        """RQ's id of it: the same when it is sent again because a commit failed."""
        return f"{self.outbox_id}-{self.attempt}"


def connect(redis_url: str, *, timeout_s: float = 5) -> "Redis":
    """A connection without redis-py's own retries: who uses it has a better one."""
    return Redis.from_url(
        redis_url,
        socket_connect_timeout=1,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        maint_notifications_config=NO_NOTICES,
    )


def rq_queue(redis: "Redis", queue: Queue) -> RqQueue:
    """The RQ queue. Arguments cross as JSON: who can write to Redis must not be able to unpickle things here."""
    return RqQueue(queue.value, connection=redis, serializer=JSONSerializer)


def waiting(redis: "Redis", parcels: Sequence[Parcel]) -> set[Parcel]:
    """Those that no worker has taken yet: sending them again would only make a backlog longer.

    A job that a worker took and did not start, because it died between the two, is in the intermediate list and still
    has the status "queued": it does not count as waiting.
    """
    if not parcels:
        return set()
    pipeline = redis.pipeline(transaction=False)
    for queue in Queue:
        pipeline.lrange(rq_queue(redis, queue).intermediate_queue_key, 0, -1)
    for parcel in parcels:
        pipeline.hget(RqJob.key_for(parcel.rq_id), "status")
    answers = pipeline.execute()
    taken = {rq_id.decode() for listed in answers[: len(Queue)] for rq_id in listed}
    statuses = zip(parcels, answers[len(Queue) :], strict=True)
    return {
        parcel for parcel, status in statuses if status == JobStatus.QUEUED.value.encode() and parcel.rq_id not in taken
    }


def send(redis: "Redis", parcels: Iterable[Parcel], *, mark: tuple[str, int]) -> None:
    """Hand parcels over, and a mark (its key, a number) with them: all of it or nothing."""
    by_queue: defaultdict[Queue, list[Parcel]] = defaultdict(list)
    for parcel in parcels:
        by_queue[parcel.job.queue].append(parcel)
    pipeline = redis.pipeline(transaction=True)
    for queue, several in by_queue.items():
        _enqueue(rq_queue(redis, queue), several, pipeline)
    pipeline.set(*mark, ex=_QUEUED_TTL_S)
    pipeline.execute()


def marked(redis: "Redis", key: str) -> int:
    """The number of a mark; 0 where there is none."""
    found: Any = redis.get(key)
    return int(found or 0)


def mark(redis: "Redis", key: str, number: int) -> None:
    """Set a mark to a number; Redis forgets it when it would forget a queued job."""
    redis.set(key, number, ex=_QUEUED_TTL_S)


def _enqueue(queue: RqQueue, parcels: Sequence[Parcel], pipeline: "Pipeline") -> None:
    """What `Queue.enqueue_many` does, with one RQ job that takes on each parcel of its kind in turn, and one push.

    RQ makes a job for each, and sends six commands for it: two thirds of what the relay spent on a row.
    """
    drafts: dict[tuple[str, int], RqJob] = {}  # jobs of two topics may have one name
    pipeline.sadd(RqQueue.redis_queues_keys, queue.key)
    for parcel in parcels:
        kind = parcel.job.name, parcel.job.limit_s
        draft = drafts.get(kind)
        if draft is None:
            draft = drafts[kind] = _draft(queue, parcel.job)
        draft.id = parcel.rq_id
        draft.args = (parcel.outbox_id, parcel.attempt, parcel.job.lease_s)
        draft.save(pipeline=pipeline)
        pipeline.expire(draft.key, _QUEUED_TTL_S)
    pipeline.rpush(queue.key, *(parcel.rq_id for parcel in parcels))


def _draft(queue: RqQueue, job: Job) -> RqJob:
    draft = queue.create_job(
        "workers.run.run",
        timeout=job.limit_s,
        ttl=_QUEUED_TTL_S,
        result_ttl=0,
        failure_ttl=_FAILED_TTL_S,
        description=job.name,
        status=JobStatus.QUEUED,
    )
    draft.enqueued_at = draft.created_at
    return draft
