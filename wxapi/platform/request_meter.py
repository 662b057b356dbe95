"""Counting a request, with its seconds, in one step."""

# The values counted up are the library's own, which it keeps to itself.
# ruff: noqa: SLF001

import os
from bisect import bisect_left
from functools import lru_cache
from struct import Struct
from threading import Lock
from typing import Any

from wxapi.platform.metrics import request_seconds, requests

# As the library has it in its files: the value, and of a gauge when it was set.
_pack = Struct("dd").pack


class RequestMeter:
    """Where requests of a kind are counted.

    The library takes its lock, asks which process it is and packs a number three times for that, in fifteen functions.
    Nobody else adds to these two metrics, so one lock here is enough. What is written is the library's own: its values,
    at their places in its files, which hold every request that was counted, also when the process is killed.
    """

    _lock = Lock()

    def __init__(self, endpoint: str, method: str, status: int) -> None:
        times = request_seconds.labels(endpoint)
        self._bounds = times._upper_bounds
        self._values: list[Any] = [requests.labels(endpoint, method, status)._value, times._sum, *times._buckets]
        # Of which process are the places of the values: the file and where in it.
        self._process: int | None = None
        self._places: list[tuple[Any, Any, slice]] = []

    def count(self, seconds: float) -> None:
        """Count one request that took so long."""
        bucket = 2 + bisect_left(self._bounds, seconds)
        with self._lock:
            if self._process != os.getpid():
                self._places, self._process = [*map(_place_of, self._values)], os.getpid()
            places = self._places
            for (value, file, place), more in ((places[0], 1.0), (places[1], seconds), (places[bucket], 1.0)):
                value._value += more
                file[place] = _pack(value._value, 0.0)


def _place_of(value: Any) -> tuple[Any, Any, slice]:
    value.get()  # begins a forked process's own file
    if not value._multiprocess:  # of one process alone nothing is in files
        return value, bytearray(16), slice(0, 16)
    start = value._file._positions[value._key]
    return value, value._file._m, slice(start, start + 16)


@lru_cache(maxsize=4096)
def meter_of(endpoint: str, method: str, status: int) -> RequestMeter:
    """The meter of a kind; the library makes texts of its labels at each look."""
    return RequestMeter(endpoint, method, status)
