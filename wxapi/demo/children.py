"""Processes that do not outlive the one that started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil

from wxapi.demo.errors import DemoError

_LAUNCH = Path(__file__).with_name("launch.py")
_POLL_S = 0.02
_LOG_LIMIT = 5 * 1024 * 1024


class Daemon:
    """One process in a session of its own, tied to this one: Ctrl-C reaches it through us, and in our order.

    Args:
        name: for sentences and the log's file name.
        command: program (a path) and arguments.
        log: where its output goes.
        environ: its environment.
        folder: its working folder; None for ours.
        user: run as this user (root only).
        stop_signal: asks it to end, also when this process dies.
        told: bytes for its standard input.
        aloud: what it says is for people and goes where ours goes; only its standard error goes to the log.
    """

    def __init__(  # noqa: PLR0913 - one argument a trait
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        told: bytes = b"",
        aloud: bool = False,
    ) -> None:
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        launch = [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), str(int(stop_signal)), user or "-"]
        with _opened(log) as output:
            self._process = subprocess.Popen(
                [*launch, *command],
                stdin=subprocess.PIPE,
                stdout=None if aloud else output,
                stderr=output,
                env=environ,
                cwd=folder,
                start_new_session=True,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(told)
        self._process.stdin.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    def await_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()`.

        Raises:
            DemoError: it ended instead, or takes too long.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if self.exit_code() is not None:
                raise DemoError(self.obituary())
            if time.monotonic() > deadline:
                raise DemoError(f"{self.name} did not get ready within {seconds:.0f} s.{self._where()}")
            time.sleep(_POLL_S)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, waited for; None when it still runs after `seconds`, and is killed."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            stop_all([self], grace_s=0)
            return None

    def obituary(self) -> str:
        """A sentence about its end."""
        code = self.exit_code()
        how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        return f"{self.name} {how}.{self._where()}"

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self.log.read_text(errors="replace").split("\n") if self.log.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _where(self) -> str:
        words = self.last_words()
        return f" Its log is {self.log}; the last line: {words}" if words else ""

    def ask_to_stop(self) -> None:
        """Send the stop signal; `stop_all` waits."""
        if self.exit_code() is None:
            self._process.send_signal(self._stop_signal)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.exit_code() is None:
            self._process.kill()
        self._process.wait()


def stop_all(children: Iterable[Daemon], *, grace_s: float) -> None:
    """Ask all to stop at the same time, and kill what is left after `grace_s`, their own children included."""
    children = list(children)
    families = [process for child in children for process in _family(child.pid)]
    for child in children:
        child.ask_to_stop()
    _, alive = psutil.wait_procs(families, timeout=grace_s)
    kill_all(alive)
    for child in children:
        child.kill()


def kill_all(processes: Sequence[psutil.Process]) -> None:
    """Kill, and wait; one that ends by itself meanwhile keeps none of the others."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=5)


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@contextmanager
def _opened(log: Path) -> Iterator[IO[bytes]]:
    """The log for appending, the old one set aside when it has grown large."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        yield output
