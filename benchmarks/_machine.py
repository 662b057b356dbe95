"""What else the machine did while something was measured: figures of a busy machine are said to be of one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import psutil

# More of the processors' time than this taken by others makes rates and tails a matter of luck.
_BUSY = 0.1


@dataclass
class Machine:
    """How much of the processors' time others took; `others` is a share of all of them, known after the block."""

    cores: int
    load_before: float
    others: float = 0.0

    def __str__(self) -> str:
        verdict = "BUSY: read ratios of processor time, not of rates" if self.others > _BUSY else "quiet"
        return (
            f"machine: {self.cores} cores, load {self.load_before:.1f} before,"
            f" others took {self.others:.0%} of them: {verdict}"
        )


@contextmanager
def watched(*servers: psutil.Process) -> Iterator[Machine]:
    """Watch the machine for a block. `servers`: those that are measured, beside this process."""
    machine = Machine(os.cpu_count() or 1, os.getloadavg()[0])
    measured = (psutil.Process(), *servers)
    begun, busy, own = perf_counter(), _busy(), sum(cpu_seconds(each) for each in measured)
    try:
        yield machine
    finally:
        seconds = perf_counter() - begun
        taken = (_busy() - busy) - (sum(cpu_seconds(each) for each in measured) - own)
        machine.others = max(0.0, taken / seconds / machine.cores)


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time so far: of this process alone, of another one with its children."""
    alone = process.pid == os.getpid()
    return sum(map(_own_seconds, [process] if alone else [process, *process.children(recursive=True)]))


def _own_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _busy() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - getattr(times, "guest", 0.0))
