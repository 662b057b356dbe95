"""Counters for Prometheus. With several processes set `PROMETHEUS_MULTIPROC_DIR` to an empty folder."""

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

requests = Counter("wxapi_requests", "Requests answered", ["endpoint", "method", "status"])
request_seconds = Histogram(
    "wxapi_request_seconds",
    "Time from a request's head to its answer",
    ["endpoint"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
jobs = Counter("wxapi_jobs", "Jobs run by workers", ["job", "outcome"])
rows_not_swept = Counter("wxapi_rows_not_swept", "Rows that a sweep had to leave alone, once for each try", ["sweep"])
rate_limit_errors = Counter("wxapi_rate_limit_errors", "Requests let pass because the limiter's Redis was away")
outbox_due = Gauge("wxapi_outbox_overdue", "Outbox rows that are due and not done", multiprocess_mode="mostrecent")
outbox_dead = Gauge("wxapi_outbox_dead", "Outbox rows given up", multiprocess_mode="mostrecent")


def exposition() -> bytes:
    """All metrics of all processes, in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
