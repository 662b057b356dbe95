"""Clients that keep a connection each, send prepared requests one after the other and time every answer."""

import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from time import perf_counter, sleep
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


def send_when_due(address: str, requests: Sequence[tuple[float, bytes]], *, clients: int) -> list[float]:
    """Send each request at its second from now, over whichever connection is free.

    Returns:
        the milliseconds of each, in the order of `requests`, from when it was due: who waits for a free connection,
        as behind a slow answer, waits too.
    """
    waiting: SimpleQueue[int | None] = SimpleQueue()
    for number in sorted(range(len(requests)), key=lambda each: requests[each][0]):
        waiting.put(number)
    times, start = [0.0] * len(requests), perf_counter()

    def work() -> None:
        with _connection(address) as connection:
            for number in _numbers(waiting):
                due = start + requests[number][0]
                sleep(max(0.0, due - perf_counter()))
                _ask(connection, requests[number][1])
                times[number] = 1000 * (perf_counter() - due)

    for _ in range(clients):
        waiting.put(None)
    with ThreadPoolExecutor(clients) as pool:
        for each in [pool.submit(work) for _ in range(clients)]:
            each.result()
    return times


def _numbers(waiting: "SimpleQueue[int | None]") -> Iterator[int]:
    while (number := waiting.get()) is not None:
        yield number


def _send_share(address: str, requests: Sequence[bytes]) -> list[float]:
    times = []
    with _connection(address) as connection:
        for request in requests:
            start = perf_counter()
            _ask(connection, request)
            times.append(1000 * (perf_counter() - start))
    return times


def _connection(address: str) -> socket.socket:
    parts = urlsplit(address)
    connection = socket.create_connection((parts.hostname, parts.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _ask(connection: socket.socket, request: bytes) -> None:
    connection.sendall(request)
    status, body = _read_answer(connection)
    if status not in {200, 201}:
        raise RuntimeError(f"answered {status}: {body[:300]!r}")


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
