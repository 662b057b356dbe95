"""The decoder process: has pictures developed by a bounded child. `client.Sandbox` starts it, nobody else.

It is executed afresh, so it and its child hold no database connection, no secret and no thread of the worker. Requests
arrive on standard input, a Unix stream: one byte with two descriptors, the original (a file) and the answer (a
socket). It passes them to its child, and says at the end of the answer how the child fared. It ends with its worker.

A child is kept for the next picture, since a fresh one spends a tenth of a photo's time on getting memory from the
kernel; but not after a picture it refused, and not for ever.
"""

import ctypes
import gc
import io
import os
import resource
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from typing import NoReturn

from PIL import Image

from wxapi.photos.rules.decoding.imaging import develop
from wxapi.photos.rules.photos import LARGE_EDGE, MEDIUM_EDGE, RejectedError, RejectionCode
from wxapi.photos.services.sandbox.protocol import SandboxLimits, pack_developed, pack_rejected, pack_status

_FAILED = 70  # EX_SOFTWARE: our fault, not the picture's
_PICTURES_A_CHILD = 50
_KEPT = b"k"
_C_LIBRARY = ctypes.CDLL(None)


class DecoderChild:
    """A forked process that develops one picture after the other."""

    def __init__(self, limits: SandboxLimits) -> None:
        self._channel, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            self._channel.close()
            _work(theirs, limits)
        theirs.close()

    def develop(self, original: int, answer: int) -> int | None:
        """Have one picture developed: None when the child is ready for another, else how it ended (wait status)."""
        try:
            socket.send_fds(self._channel, [b"p"], [original, answer])
            if self._channel.recv(1) == _KEPT:
                return None
        except OSError:
            pass  # it ended while nobody looked
        return self.end()

    def end(self) -> int:
        """Let it end, and tell how."""
        self._channel.close()
        return os.waitpid(self._pid, 0)[1]


def main(limits: SandboxLimits) -> None:
    """Serve until standard input ends."""
    control = socket.socket(fileno=0)
    _warm_up()
    _give_back()
    gc.freeze()  # children share these pages instead of copying them at their first collection
    child = DecoderChild(limits)
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if len(descriptors) != 2:
            child.end()
            return
        original, answer = descriptors
        status = child.develop(original, answer)
        os.close(original)
        with socket.socket(fileno=answer) as stream, suppress(OSError):  # the worker may be gone
            stream.sendall(pack_status(status or 0))
        if status is not None:  # now, not at the next request: a child must not inherit its descriptors
            child = DecoderChild(limits)


def _warm_up() -> None:
    """Develop one picture, so that what Pillow imports and sets up at first use is there before the forks."""
    buffer = io.BytesIO()
    Image.new("RGB", (LARGE_EDGE * 2, MEDIUM_EDGE)).save(buffer, "JPEG")
    develop(buffer.getvalue())


def _work(channel: socket.socket, limits: SandboxLimits) -> NoReturn:
    """The child's life. It ends without tidying up."""
    code = _FAILED
    try:
        os.close(0)
        for left in reversed(range(_PICTURES_A_CHILD)):
            _, descriptors, _, _ = socket.recv_fds(channel, 1, 2)
            if len(descriptors) != 2 or not _develop(limits, *descriptors) or not left:
                break
            channel.sendall(_KEPT)
            _give_back()
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may escape into the parent's loop
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(code)


def _develop(limits: SandboxLimits, original: int, answer: int) -> bool:
    """One picture, bounded; whether it came out."""
    _bound(limits)
    try:
        reply, good = pack_developed(develop(_read(original))), True
    except RejectedError as rejected:
        reply, good = pack_rejected(rejected.code), False
    except MemoryError:
        reply, good = pack_rejected(RejectionCode.CORRUPT), False
    with socket.socket(fileno=answer) as stream:
        stream.sendall(reply)
    signal.alarm(0)
    return good


def _give_back() -> None:
    """Return free pages to the kernel, which hands out zeroed ones: no picture is to find the pixels of another."""
    trim = getattr(_C_LIBRARY, "malloc_trim", None)  # glibc's own
    if trim is not None:
        trim(0)


def _bound(limits: SandboxLimits) -> None:
    """Limits that the kernel keeps, whatever C code does: time from now on, memory, no core dump.

    Of the time only the soft limit is set: its signal says why, where the hard one's would look like anybody's kill.
    """
    signal.alarm(limits.wall_seconds)  # its default action ends the process
    cpu = int(time.process_time()) + limits.cpu_seconds
    for kind, soft in (
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # macOS refuses RLIMIT_AS
            resource.setrlimit(kind, (soft, resource.getrlimit(kind)[1]))


def _read(original: int) -> bytes:
    with os.fdopen(original, "rb", buffering=0) as file:
        file.seek(0)
        return file.read()


if __name__ == "__main__":
    main(SandboxLimits.of_arguments(sys.argv[1:]))
