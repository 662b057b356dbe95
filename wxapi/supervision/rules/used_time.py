"""How long what was met had taken: the median and 90 % of many times. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

# As PostgreSQL's `int4send` writes them.
_NUMBER = np.dtype(">i4")


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of used working time of what was met in the period: median and 90 %; None where nothing was met."""

    median_s: int | None
    p90_s: int | None


def times_of(parts: Iterable[bytes]) -> Times:
    """The times of all parts together; each part is a row of numbers of four bytes, the highest first, in any order.

    The least time that at least half, and at least nine tenths, of all times do not exceed.
    """
    used = np.frombuffer(b"".join(parts), dtype=_NUMBER).astype(np.int32)
    if not used.size:
        return Times(None, None)
    half, most = (used.size + 1) // 2 - 1, -(-used.size * 9 // 10) - 1
    sorted_there = np.partition(used, (half, most))
    return Times(int(sorted_there[half]), int(sorted_there[most]))
