"""PostgreSQL and Valkey from wheels for as long as a block runs: a bare machine needs nothing but Python.

Used by the tests and the benchmarks; `DATABASE_URL` and `REDIS_URL`, when set, are used instead.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wxapi.demo.postgres import Postgres
from wxapi.demo.valkey import Valkey, free_port

__all__ = ["Postgres", "Valkey", "database_url", "free_port", "postgres", "redis_url", "valkey"]


@contextmanager
def postgres(folder: Path, *, scratch: bool = False) -> Iterator[str]:
    """Run PostgreSQL on a folder, made when missing; yields the URL of its `postgres` database."""
    server = Postgres(folder, scratch=scratch)
    server.start()
    try:
        yield server.url()
    finally:
        server.stop()


@contextmanager
def valkey(port: int | None = None) -> Iterator[str]:
    """Run Valkey; yields its URL."""
    server = Valkey(port)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


@contextmanager
def database_url(folder: Path, *, scratch: bool = False) -> Iterator[str]:
    """`DATABASE_URL` when set, else an embedded PostgreSQL on the folder."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    with postgres(folder, scratch=scratch) as url:
        yield url


@contextmanager
def redis_url() -> Iterator[str]:
    """`REDIS_URL` when set, else an embedded Valkey."""
    given = os.environ.get("REDIS_URL")
    if given:
        yield given
        return
    with valkey() as url:
        yield url
