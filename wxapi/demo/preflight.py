"""What can be seen to go wrong before anything is started: folder, disk, ports, a copy that runs already."""

import errno
import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from wxapi.demo.errors import DemoError, disk_faults_named

_LOCK_FILE = "run.lock"
# PostgreSQL's first files and the city take 120 MB; the rest is for photos and for the log of changes.
_FIRST_START_MB = 400
_LATER_START_MB = 100
# How long what a killed run left behind may take to end.
_PATIENCE_S = 30.0
_POLL_S = 0.1


def check_folder(folder: Path, *, new: bool) -> None:
    """Make the data folder, and see that it can be written and has room.

    Raises:
        DemoError: with what to do.
    """
    with disk_faults_named(folder):
        # Photos and keys are nobody else's business.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_bytes(b"0" * 4096)
        probe.unlink()
        free_mb = shutil.disk_usage(folder).free // 2**20
    wanted = _FIRST_START_MB if new else _LATER_START_MB
    if free_mb < wanted:
        raise DemoError(
            f"Only {free_mb} MB are free on the disk of {folder}; {wanted} MB are wanted. Make room, or name another "
            f"folder by WXAPI_DATA_DIR."
        )


@contextmanager
def only_copy(folder: Path) -> Iterator[bool]:
    """Hold the data folder for this process; yields whether the last run on it was cut off.

    Raises:
        DemoError: another copy holds it.
    """
    with (folder / _LOCK_FILE).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DemoError(
                f"Another copy runs on {folder}. Stop it, or give this one a folder and ports of its own: "
                f"make run WXAPI_DATA_DIR=./var2 WXAPI_PORT=8010 WXAPI_FAKE_WECHAT_PORT=8011"
            ) from error
        file.seek(0)
        cut_off = bool(file.read())
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield cut_off
        finally:
            # A killed process does not get here: what the file still says tells the next start.
            file.truncate(0)


def runs(folder: Path) -> bool:
    """Whether a copy holds the data folder."""
    try:
        with (folder / _LOCK_FILE).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except PermissionError as error:
        raise DemoError(f"{folder} is another user's.") from error
    return False


def check_ports(ports: dict[str, tuple[str, int]], *, patient: bool) -> None:
    """See that nobody listens there.

    Args:
        ports: setting → (address, port).
        patient: wait a while for what is just ending.

    Raises:
        DemoError: naming the setting.
    """
    deadline = time.monotonic() + (_PATIENCE_S if patient else 0)
    for setting, (host, port) in ports.items():
        while (fault := _port_fault(host, port)) is not None:
            if fault.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise DemoError(_sentence(setting, host, port, fault))
            time.sleep(_POLL_S)


def check_redis(url: str) -> None:
    """See that a Redis of the operator's own is there: the API would start without it and work degraded.

    Raises:
        DemoError: nobody answers.
    """
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return
    try:
        socket.create_connection((parts.hostname or "localhost", parts.port or 6379), timeout=5).close()
    except OSError as error:
        raise DemoError(
            f"No Redis answers at REDIS_URL ({error.strerror or 'time is out'}). Start it, or unset the variable."
        ) from error


def _port_fault(host: str, port: int) -> OSError | None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # A port whose last connections are still winding down is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as fault:
        return fault
    return None


def _sentence(setting: str, host: str, port: int, fault: OSError) -> str:
    if fault.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is in use by another program. Stop that, or take another port: make run {setting}={port + 10}"
        )
    if fault.errno == errno.EACCES:
        return f"Port {port} is not open to this user. Take one above 1023: make run {setting}=8000"
    return f"{host}:{port} cannot be listened on ({fault.strerror}). Set WXAPI_HOST to an address of this machine."
