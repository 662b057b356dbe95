"""Several calls at the same moment, each in its own thread."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from sqlalchemy import text

from wxapi.platform.db import db

Result = TypeVar("Result")


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run all calls at the same moment; their results in the order of the calls."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def deadlocks() -> int:
    """How many circles of waiting PostgreSQL has had to break in the app's database."""
    with db.engine.connect() as connection:
        counted = connection.scalar(text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
    return int(counted or 0)


def somebody_waits() -> bool:
    """Whether anybody in the app's database waits for a lock; a transaction that asks twice hears the same twice."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with db.engine.connect() as connection:
        return bool(connection.scalar(text(waiting)))
