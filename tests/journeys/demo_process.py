"""`python -m wxapi.demo` as an operator runs it: a process of its own, free ports, a folder of its own."""

import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from tests.processes import await_true, command_lines
from wxapi.demo.embedded import free_port

_ROOT = Path(__file__).parents[2]
# Of the operator's shell, none of this may reach the demo under test.
_FOREIGN = ("WXAPI_", "WECHAT_", "DATABASE_URL", "REDIS_URL", "STORAGE_URL")


class DemoProcess:
    """One copy of the demo; may be started again after it ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.fake_wechat_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.fake_wechat_url = f"http://127.0.0.1:{self.fake_wechat_port}"
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None

    @property
    def process(self) -> "subprocess.Popen[str]":
        assert self._process is not None, "not started"
        return self._process

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start without waiting."""
        self.said, self._lines = [], queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wxapi.demo"],
            cwd=_ROOT,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, args=[self.process, self._lines], daemon=True).start()

    def await_ready(self, seconds: float = 240) -> None:
        """Wait for the ready line; fails with all that was said instead."""
        while not (self.said and self.said[-1].startswith("ready ")):
            line = self._lines.get(timeout=seconds)
            assert line is not None, f"the demo ended with {self.process.wait()}:\n" + "\n".join(self.said)
            self.said.append(line)

    def rest(self, seconds: float = 60) -> str:
        """Wait for the end; returns all it said."""
        while (line := self._lines.get(timeout=seconds)) is not None:
            self.said.append(line)
        self.process.wait(seconds)
        return "\n".join(self.said)

    def stop(self) -> None:
        """Ctrl-C, if it runs; all its processes must be gone."""
        if self.runs():
            family = self.family()
            self.process.send_signal(signal.SIGINT)
            self.rest()
            assert [process for process in family if process.is_running()] == []
        self.assert_nothing_left()

    def family(self) -> list[psutil.Process]:
        """Every process it started, now."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def running(self, *words: str) -> list[psutil.Process]:
        """Those of them that were started with these words."""
        return [process for process, said in self.command_lines() if set(words) <= set(said)]

    def command_lines(self) -> list[tuple[psutil.Process, list[str]]]:
        """Every process it started, with the words it was started with."""
        return command_lines(self.family())

    def assert_nothing_left(self) -> None:
        """No process of this copy exists, whoever its parent is by now."""
        await_true(lambda: not self._traces(), seconds=60)

    def _traces(self) -> list[psutil.Process]:
        marks = (str(self.folder), str(self.port), str(self.fake_wechat_port))
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(mark in word for word in process.info["cmdline"] or () for mark in marks)
        ]

    def _environment(self) -> dict[str, str]:
        own = {
            "WXAPI_DATA_DIR": str(self.folder),
            "WXAPI_PORT": str(self.port),
            "WXAPI_FAKE_WECHAT_PORT": str(self.fake_wechat_port),
            # An empty city: tests file what they look for.
            "WXAPI_DEMO_LIFE": "off",
        }
        return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)} | own

    @staticmethod
    def _read(process: "subprocess.Popen[str]", lines: "queue.Queue[str | None]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                lines.put(line.rstrip("\n"))
        lines.put(None)
