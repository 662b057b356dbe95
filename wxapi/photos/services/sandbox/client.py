"""The worker's side of the decoder process: hand over an original, get variants or a rejection.

A time-out in Python cannot interrupt C code, so pictures are decoded in a child that the kernel bounds
(`child.py`). A child that the kernel ended has judged the picture: `corrupt`. A child that somebody else ended
(SIGKILL or SIGTERM: a shutdown, the system's own out-of-memory killer) has not, nor one whose time by the clock was
over (SIGALRM), for the machine may have been busy: the job is tried again.
"""

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

from wxapi.photos.rules.photos import Developed, RejectedError, RejectionCode
from wxapi.photos.services.sandbox.protocol import SandboxLimits, split_status, unpack

_ROOT = Path(__file__).resolve().parents[4]
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
# Memory in large pages: in small ones a photo's 37 MB are 9,000 faults and a sixth of its time. Memory kept from one
# picture for the next would be as quick, but holds the pixels of the first. Other C libraries than glibc 2.35 or later
# pass over it.
_LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
_VERDICTS = frozenset(
    {
        signal.SIGXCPU,
        signal.SIGSEGV,
        signal.SIGBUS,
        signal.SIGABRT,
        signal.SIGFPE,
        signal.SIGILL,
    }
)
_CHUNK = 1 << 18
# How much later than the child's own alarm an answer is given up.
_GRACE_S = 3


class SandboxLostError(Exception):
    """The decoder ended without a verdict; the picture may be fine and should be tried again."""


class Sandbox:
    """One decoder process, started at the first picture and again when it is gone.

    Safe to use from a process forked after `start()` (RQ's work-horses): each picture has a channel of its own.
    """

    def __init__(self, limits: SandboxLimits | None = None) -> None:
        self._limits = limits or SandboxLimits()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._parent = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the decoder unless one is there.

        Workers that fork call this before each fork: a decoder that a fork starts is known to that fork only.
        """
        if self._has_ended():
            self.close()
        with self._lock:
            if self._control is None:
                self._control = self._spawn()

    def _has_ended(self) -> bool:
        """Whether the decoder of this process is gone; of another process' child the kernel tells nothing."""
        process = self._process
        return process is not None and self._parent == os.getpid() and process.poll() is not None

    def close(self) -> None:
        """End the decoder; it ends by itself with the process that started it."""
        with self._lock:
            if self._control is not None:
                self._control.close()
                self._control = None
            if self._process is not None:
                self._process.wait(self._limits.wall_seconds + _GRACE_S)
                self._process = None

    def develop(self, data: bytes) -> Developed:
        """`rules.decoding.imaging.develop` in a bounded child.

        Raises:
            RejectedError: by the rules, or `corrupt` when decoding ran into a limit or crashed.
            SandboxLostError: no verdict.
        """
        return _understood(self._asked(data))

    def _asked(self, data: bytes) -> bytes:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs, _file_of(data) as original:
                self._send([original, theirs.fileno()])
            ours.settimeout(self._limits.wall_seconds + _GRACE_S)
            return _received(ours)

    def _send(self, descriptors: list[int]) -> None:
        """Pass the descriptors over; a decoder that has died since is replaced once."""
        for last in (False, True):
            self.start()
            control = self._control
            assert control is not None
            try:
                socket.send_fds(control, [b"p"], descriptors)
            except OSError as error:
                if last:
                    raise SandboxLostError("the decoder process cannot be reached") from error
                self.close()
            else:
                return

    def _spawn(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        self._parent = os.getpid()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, nothing from outside
                [sys.executable, "-P", "-m", "wxapi.photos.services.sandbox.child", *self._limits.as_arguments()],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env={**_passed_on(), **_LARGE_PAGES, "PYTHONPATH": str(_ROOT)},
                # Its own session: Ctrl-C on the terminal must not look like a picture's fault.
                start_new_session=True,
            )
        return ours


@cache
def shared() -> Sandbox:
    """The process's own sandbox, closed at its end."""
    made = Sandbox()
    atexit.register(made.close)
    return made


def _passed_on() -> dict[str, str]:
    """What the decoder needs of the environment to start; no setting, no secret."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


@contextmanager
def _file_of(data: bytes) -> Iterator[int]:
    """Descriptor of an unnamed file with the bytes, in memory where the system has such."""
    with _unnamed() as file:
        file.write(data)
        file.flush()
        yield file.fileno()


def _unnamed() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("original"), "wb")
    return tempfile.TemporaryFile()


def _received(stream: socket.socket) -> bytes:
    """Everything up to the end of the stream."""
    chunks = []
    try:
        while chunk := stream.recv(_CHUNK):
            chunks.append(chunk)
    except OSError as error:
        raise SandboxLostError("no answer from the decoder process") from error
    return b"".join(chunks)


def _understood(message: bytes) -> Developed:
    try:
        answer, status = split_status(message)
    except ValueError as error:
        raise SandboxLostError("the decoder process ended") from error
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in _VERDICTS:
        raise RejectedError(RejectionCode.CORRUPT)
    if status != 0 or not answer:
        raise SandboxLostError(f"the decoding child ended with status {status}")
    return unpack(answer)
