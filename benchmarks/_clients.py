"""Clients that keep a connection each, send prepared requests one after the other and time every answer."""

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from urllib.parse import urlsplit


def send(address: str, requests: Sequence[bytes], *, clients: int) -> tuple[float, list[float]]:
    """Send all, each client its share; every answer must be 200 or 201.

    Returns:
        the seconds of the whole, and the milliseconds of each request.
    """
    shares = [requests[number::clients] for number in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        start = perf_counter()
        times = list(pool.map(lambda share: _send_share(address, share), shares))
        seconds = perf_counter() - start
    return seconds, [milliseconds for share in times for milliseconds in share]


def _send_share(address: str, requests: Sequence[bytes]) -> list[float]:
    parts = urlsplit(address)
    times = []
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            start = perf_counter()
            connection.sendall(request)
            status, body = _read_answer(connection)
            times.append(1000 * (perf_counter() - start))
            if status not in {200, 201}:
                raise RuntimeError(f"answered {status}: {body[:300]!r}")
    return times


def _read_answer(connection: socket.socket) -> tuple[int, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += _some(connection)
    return int(head.split(b" ", 2)[1]), body


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise RuntimeError("the server closed the connection")
    return data
