"""From a report that is filed to its routing, with relay and workers running: half of them within 20 ms.

The relay is woken by the commit, the job by Redis. Measured is the time between the report's own two instants, which
holds the commit, the relay, the queue and the job; and how many rows a second the relay takes off the outbox.
"""

import subprocess
import sys
import time
import uuid
from statistics import median, quantiles

import psycopg

from benchmarks._clients import send
from benchmarks._http_load import granian
from benchmarks._machine import watched
from benchmarks._scratch import Scratch, scratch
from benchmarks.report import Result
from benchmarks.report_filing import Reporters
from workers import post, relay
from workers.topics import TOPICS

_REPORTS, _PAUSE_S, _WAIT_S = 100, 0.05, 60
_GOAL_MS = 20.0
_ROWS, _ROWS_GOAL = 20_000, 5000.0
_NAME = "from filed to routed, p50 / 20 ms"


def run() -> list[Result]:
    with scratch(city=True) as made:
        moved = _relay_rate(made)
        command = [sys.executable, "-m", "workers"]
        with (
            granian("wsgi:front", made.environ, processes=1) as ours,
            subprocess.Popen(command, env=made.environ, stderr=subprocess.DEVNULL) as workers,
        ):
            try:
                reporters = Reporters(made, "/api/v1/reports")
                send(ours.address, reporters.requests(20), clients=1)
                _await_routed(made.connection)
                made.connection.execute("TRUNCATE reports, report_events CASCADE")
                with watched(made.database, ours.process) as machine:
                    for request in reporters.requests(_REPORTS):
                        send(ours.address, [request], clients=1)
                        time.sleep(_PAUSE_S)
                    took = _await_routed(made.connection)
            finally:
                workers.terminate()
    print(f"  filed to routed, ms: p50 {median(took):.1f} p95 {quantiles(took, n=20)[18]:.1f}; {machine}")
    return [
        Result(_NAME, median(took), _GOAL_MS, "ms", 1.0),
        Result("relay, rows / 5,000 a second", moved, _ROWS_GOAL, "/s", 1.0, higher_is_better=True),
    ]


def _await_routed(connection: psycopg.Connection) -> list[float]:
    """Milliseconds of each report, once all are routed."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        rows = connection.execute("SELECT extract(epoch FROM routed_at - created_at) * 1000 FROM reports").fetchall()
        if rows and all(row[0] is not None for row in rows):
            return [float(row[0]) for row in rows]
        time.sleep(0.05)
    raise RuntimeError("not all reports were routed")


def _relay_rate(made: Scratch) -> float:
    """Rows a second that the relay alone hands to Redis; they go away with their jobs, which nobody runs here."""
    made.connection.execute(
        "INSERT INTO outbox (topic, payload) SELECT 'report.filed', jsonb_build_object('report_id', %s::text)"
        " FROM generate_series(1, %s)",
        (str(uuid.uuid4()), _ROWS),
    )
    redis = post.connect(made.environ["REDIS_URL"])
    begun, moved = time.perf_counter(), 0
    with relay.open_database(made.environ["DATABASE_URL"], name="benchmark") as connection:
        while moved < _ROWS:
            moved += relay.move(connection, redis, TOPICS)
    rate = moved / (time.perf_counter() - begun)
    made.connection.execute("DELETE FROM outbox")
    redis.flushall()
    return rate
