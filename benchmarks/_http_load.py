"""Servers under test, and the requests that `_clients` send them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from wxapi.demo.embedded import free_port

_START_S = 60
_THREADS = 8


@dataclass(frozen=True)
class Served:
    """A server under test: its address, and the process whose children serve."""

    address: str
    process: psutil.Process


@contextmanager
def granian(target: str, environ: Mapping[str, str], *, processes: int) -> Iterator[Served]:
    """Serve the product's front or a bare WSGI app."""
    port = free_port()
    kind = ("rsgi",) if target.endswith(":front") else ("wsgi", "--blocking-threads", str(_THREADS))
    options = ("--interface", *kind, "--host", "127.0.0.1", "--port", str(port), "--workers", str(processes))
    command = [sys.executable, "-m", "granian", *options, "--no-ws", target]
    with subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.DEVNULL) as server:
        try:
            _await_port(port)
            yield Served(f"http://127.0.0.1:{port}", psutil.Process(server.pid))
        finally:
            server.terminate()


def post(path: str, body: bytes, headers: Mapping[str, str], *, content_type: str = "application/json") -> bytes:
    """A request as bytes, so that the clients have nothing left to compute."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {content_type}"]
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def get(path: str, headers: Mapping[str, str]) -> bytes:
    """The same for a GET."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not start")
