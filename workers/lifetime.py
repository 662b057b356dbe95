"""When a process of the workers ends: told to by a signal, or because the one that started it is gone."""

import contextlib
import ctypes
import os
import select
import signal
import sys

_PR_SET_PDEATHSIG = 1


class Stop:
    """Becomes true at SIGTERM or SIGINT.

    A pipe instead of `threading.Event`: setting an event in a signal handler can deadlock with waiting for it.
    """

    def __init__(self) -> None:
        self.requested = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)

    def listen(self) -> "Stop":
        """Take over this process's SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        return self

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.request()

    def request(self) -> None:
        """Ask this process to stop, as a signal does: `wait` and `select` return at once."""
        self.requested = True
        with contextlib.suppress(BlockingIOError):  # full is readable, which is all that counts
            os.write(self._writer, b".")

    def fileno(self) -> int:
        """Readable once a stop is requested: for `select` and friends."""
        return self._reader

    def wait(self, seconds: float) -> bool:
        """Wait so long or until a stop is requested; says whether it is."""
        select.select([self._reader], [], [], seconds)
        return self.requested


def end_with(parent: int) -> None:
    """Have the kernel send SIGTERM to this process when its parent is gone, kill -9 included (Linux only)."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it was gone before the kernel knew
        raise SystemExit(1)
