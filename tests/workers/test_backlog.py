"""Work that was handed over and that nobody begins is late: `/readyz` says so."""

from flask import Flask
from flask.testing import FlaskClient

from workers import post
from workers.job import Queue
from workers.post import Parcel
from workers.topics import TOPICS
from wxapi.platform.health import QUEUES
from wxapi.platform.runtime import runtime


def test_work_that_waits_in_a_queue_is_late(app: Flask, client: FlaskClient) -> None:
    redis = runtime().redis
    by_queue = {job.queue: job for jobs in TOPICS.values() for job in jobs}
    assert {queue.value for queue in by_queue} == {*QUEUES, Queue.EXPORTS}
    for number, (queue, job) in enumerate(by_queue.items()):
        parcels = [Parcel(1_000_000 + 2 * number + each, 1, job) for each in (0, 1)]
        post.send(redis, parcels, mark=("mark", 1))
        try:
            fresh = client.get("/readyz").get_json()
            redis.hset(f"rq:job:{parcels[0].rq_id}", "created_at", "2026-01-01T00:00:00.000000Z")
            late = client.get("/readyz").get_json()
        finally:
            redis.delete(f"rq:queue:{queue.value}", *(f"rq:job:{parcel.rq_id}" for parcel in parcels))
        assert fresh["outbox"]["lag_seconds"] < 60
        seen = late["outbox"]["lag_seconds"] > 60 and late["status"] == "degraded"
        assert seen == (queue is not Queue.EXPORTS), queue
    assert client.get("/readyz").get_json()["outbox"]["lag_seconds"] < 60
