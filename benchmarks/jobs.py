"""What follows from a filed report, in processor time: relay, short jobs, database and Redis, beside filing it.

Reports are filed over HTTP while nobody works; then relay and workers, all in this process, work it off in turns, so
that the processor time of each is known, and other programs' only lengthens the wall. Beside it stands the filing
itself: what nobody waits for on the line may cost four times what somebody does, one for each of its four jobs.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from benchmarks._clients import send
from benchmarks._http_load import granian
from benchmarks._machine import cpu_seconds, watched
from benchmarks._scratch import Scratch, scratch
from benchmarks.report import Result
from benchmarks.report_filing import Reporters
from config import Config
from workers import pool, post, relay
from workers import run as attempts
from workers.job import Queue
from workers.lifetime import Stop
from workers.topics import TOPICS
from wxapi.app import create_app

_REPORTS, _WARM_UP = 150, 20
_GOAL = 0.25
_QUEUES = (Queue.ROUTING, Queue.LIGHT, Queue.OUTGOING)
_DUE = "SELECT count(*) FROM outbox WHERE NOT dead AND attempts > 0 AND job = ANY(%s)"


@dataclass
class Costs:
    """Processor seconds of one kind of work, and how many rows it took."""

    rows: int = 0
    python: float = 0.0
    database: float = 0.0
    redis: float = 0.0

    @property
    def together(self) -> float:
        return self.python + self.database + self.redis


@dataclass
class Works:
    """Relay and workers of short jobs, in this process."""

    made: Scratch
    costs: dict[str, Costs] = field(default_factory=lambda: defaultdict(Costs))

    def __post_init__(self) -> None:
        config = Config.from_env(self.made.environ)
        attempts.prepare(create_app(config), TOPICS)
        self._redis = post.connect(config.redis_url, timeout_s=25)
        self._server = psutil.Process(self._redis.info()["process_id"])
        self._database = relay.open_database(config.database_url, name="benchmark")
        self._workers = {queue: pool.worker(self._redis, queue, Stop()) for queue in _QUEUES}

    def work_off(self) -> None:
        """Until nothing is due."""
        while self._move():
            for queue, worker in self._workers.items():
                names = [job.name for jobs in TOPICS.values() for job in jobs if job.queue is queue]
                row = self.made.connection.execute(_DUE, (names,)).fetchone()
                if row is not None and row[0]:
                    with self._counted(queue.value, row[0]):
                        worker.work(burst=True, logging_level="WARNING")

    def _move(self) -> int:
        moved = 0
        with self._counted("relay", 0):
            while found := relay.move(self._database, self._redis, TOPICS):
                moved += found
        self.costs["relay"].rows += moved
        return moved

    @contextmanager
    def _counted(self, name: str, rows: int) -> Iterator[None]:
        python, database, redis = time.process_time(), cpu_seconds(self.made.database), cpu_seconds(self._server)
        yield
        costs = self.costs[name]
        costs.rows += rows
        costs.python += time.process_time() - python
        costs.database += cpu_seconds(self.made.database) - database
        costs.redis += cpu_seconds(self._server) - redis


def run() -> list[Result]:
    with scratch(city=True) as made, granian("wsgi:front", made.environ, processes=1) as ours:
        filing, works = Reporters(made, "/api/v1/reports"), Works(made)
        send(ours.address, filing.requests(_WARM_UP), clients=1)
        works.work_off()
        works.costs.clear()
        with watched(made.database, ours.process) as machine:
            filed = Costs(_REPORTS)
            filed.python, filed.database = cpu_seconds(ours.process), cpu_seconds(made.database)
            send(ours.address, filing.requests(_REPORTS), clients=1)
            filed.python = cpu_seconds(ours.process) - filed.python
            filed.database = cpu_seconds(made.database) - filed.database
            works.work_off()
    print("  ms of processor time a row: Python, database, Redis")
    for name, costs in works.costs.items():
        each = [1000 * seconds / max(costs.rows, 1) for seconds in (costs.python, costs.database, costs.redis)]
        print(f"  {name:9} {costs.rows:5} rows " + " ".join(f"{milliseconds:6.2f}" for milliseconds in each))
    print(f"  {machine}")
    follows = sum(costs.together for costs in works.costs.values())
    name = "what follows a report / filing it, processor ms"
    return [Result(name, 1000 * follows / _REPORTS, 1000 * filed.together / _REPORTS, "ms", _GOAL)]
