"""Keeps the processes of `python -m workers` alive: starts them again, and ends them together.

They are forked, not started anew: the imports, most of a Python process's memory and all of its start, are shared.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess

import structlog

from workers.lifetime import Stop, end_with

log = structlog.get_logger(__name__)

# A process that dies at once is started again after 0.2, 0.4, 0.8 … s, at most:
_LONGEST_PAUSE_S = 5.0
_SHORTEST_PAUSE_S = 0.2
# One that lived so long died of something else.
_HEALTHY_S = 20.0
# After the first signal jobs may finish; after the second they are ended; after the third nothing is asked.
_SIGNALS_S = ((signal.SIGTERM, 5.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 1.0))


class Child:
    """One process that is to be there."""

    def __init__(self, name: str, task: Callable[[], object]) -> None:
        self.name = name
        self._task = task
        self._failures = 0
        self._started_at = 0.0
        self.start_at = 0.0
        self.process: ForkProcess | None = None

    def start(self) -> None:
        """Fork the process, tied to the life of this one."""
        self._started_at = time.monotonic()
        self.process = multiprocessing.get_context("fork").Process(target=self._live, args=(os.getpid(),))
        self.process.start()
        log.info("process_started", process=self.name, pid=self.process.pid)

    def _live(self, parent: int) -> None:
        os.setsid()  # Ctrl-C is the supervisor's: a worker that hears it too takes the second signal for "at once"
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        end_with(parent)
        self._task()

    def reap(self) -> None:
        """Note that it ended, and when to start it again."""
        process = self.process
        if process is None or process.is_alive():
            return
        lived = time.monotonic() - self._started_at
        self._failures = 0 if lived > _HEALTHY_S else self._failures + 1
        pause = min(_SHORTEST_PAUSE_S * 2 ** min(self._failures, 10) / 2, _LONGEST_PAUSE_S)
        self.start_at = time.monotonic() + pause
        log.error("process_ended", process=self.name, pid=process.pid, exit_code=process.exitcode, again_in_s=pause)
        process.close()
        self.process = None


def supervise(tasks: Mapping[str, Callable[[], object]], stop: Stop) -> None:
    """Run each task in a process of its own until told to stop."""
    children = [Child(name, task) for name, task in tasks.items()]
    while not stop.requested:
        for child in children:
            child.reap()
            if child.process is None and child.start_at <= time.monotonic():
                child.start()
        running = [child.process.sentinel for child in children if child.process]
        pauses = [child.start_at - time.monotonic() for child in children if child.process is None]
        wait([stop.fileno(), *running], max(0.0, min(pauses)) if pauses else None)
    _end([child.process for child in children if child.process])


def _end(processes: list[ForkProcess]) -> None:
    for number, patience in _SIGNALS_S:
        alive = [process for process in processes if process.is_alive()]
        for process in alive:
            if process.pid is not None:
                os.kill(process.pid, number)
        _await(alive, patience)
    log.info("processes_ended")


def _await(processes: list[ForkProcess], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
