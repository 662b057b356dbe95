"""One after another across all processes: turns are kept in Redis, and without Redis everybody goes alone."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

from redis import Redis
from redis.exceptions import LockError, RedisError

_POLL_S = 0.05


class Turn(StrEnum):
    """How a turn was had."""

    FIRST = "first"
    # Somebody else had it before, and has done by now what it is for.
    AFTER_ANOTHER = "after_another"
    # Redis is away: others may be at it.
    ALONE = "alone"
    # Another did not end in time.
    NOT_HAD = "not_had"


@contextmanager
def turn(redis: Redis, name: str, *, lease_s: float, wait_s: float) -> Iterator[Turn]:
    """Hold a turn for the block; others wait for it, and do what they do also when it is not had.

    Args:
        redis: where turns are kept.
        name: of what is done by one at a time.
        lease_s: seconds after which the turn of a process that died goes to the next.
        wait_s: seconds to wait for it.
    """
    # Its release takes nothing from whoever has the turn by then.
    lock = redis.lock(name, timeout=lease_s, sleep=_POLL_S)
    try:
        if lock.acquire(blocking=False):
            had = Turn.FIRST
        else:
            had = Turn.AFTER_ANOTHER if lock.acquire(blocking_timeout=wait_s) else Turn.NOT_HAD
    except RedisError:
        had = Turn.ALONE
    try:
        yield had
    finally:
        if had in (Turn.FIRST, Turn.AFTER_ANOTHER):
            with suppress(LockError, RedisError):
                lock.release()
