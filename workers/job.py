"""One thing to be done by a worker: which function, with what of the payload, on which queue, for how long."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

from wxapi.platform.runtime import runtime


class Queue(StrEnum):
    """A worker process serves one queue: with two, RQ loses a job whose worker dies between taking and starting it."""

    # A filed report waits behind nothing but other filed reports.
    ROUTING = "routing"
    LIGHT = "light"
    # Waits for WeChat, which may be slow for minutes.
    OUTGOING = "outgoing"
    PHOTOS = "photos"
    # Minutes each, with memory that stays flat: nothing else waits behind them.
    EXPORTS = "exports"

    @property
    def niceness(self) -> int:
        """How far its workers stand back from the API on a machine that both share (0 to 19, `nice(2)`)."""
        return _NICENESS.get(self, 0)


# Nobody waits for these on the line; a picture is looked at sooner than a file. Each step is a fifth less.
_NICENESS = {Queue.LIGHT: 5, Queue.OUTGOING: 5, Queue.PHOTOS: 5, Queue.EXPORTS: 10}


@dataclass(frozen=True, slots=True)
class Job:
    """A service function and how it is run. It may run twice and must be harmless the second time.

    Args:
        function: called with the ids, then the values, and with `now=` if it takes that, inside an app context.
        ids: keys of the payload that are UUIDs.
        values: keys of the payload that are passed as they are.
        queue: `PHOTOS` forks a process for each job, the others do not.
        limit_s: seconds after which the job is interrupted and counts as failed.
        lease_s: seconds after which a job that has not reported back is given to another worker, whatever became of
            the first one. Longer than `limit_s`, so that a live job is not doubled.
        label: its name where the function's own says too little.
        batch: of a sweep that does at most so many a call and says how many: called again after a full batch.
        whole: its function is one `transaction()` from its first statement to its last and waits for nobody outside:
            the row is deleted by the same commit, so that it is done once and costs one transaction instead of three.
    """

    function: Callable[..., object]
    ids: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    queue: Queue = Queue.LIGHT
    limit_s: int = 20
    lease_s: int = 30
    label: str = ""
    batch: int | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.limit_s < self.lease_s:
            raise ValueError(f"{self.name}: the time limit must be shorter than the lease.")

    @property
    def name(self) -> str:
        """What logs, metrics and outbox rows call it; unique within a topic."""
        return self.label or self.function.__name__

    def run(self, **payload: Any) -> None:
        """Do it.

        Raises:
            TypeError: the payload has other keys than the job takes.
        """
        if payload.keys() != {*self.ids, *self.values}:
            raise TypeError(f"{self.name} takes {(*self.ids, *self.values)}")
        arguments = [UUID(payload[key]) for key in self.ids] + [payload[key] for key in self.values]
        timed = _takes_now(self.function)
        while True:
            now = {"now": runtime().clock.now()} if timed else {}
            done = self.function(*arguments, **now)
            if self.batch is None or done != self.batch:
                return


@lru_cache(maxsize=512)
def _takes_now(function: Callable[..., object]) -> bool:
    return "now" in inspect.signature(function).parameters
