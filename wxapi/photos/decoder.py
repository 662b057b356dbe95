"""The decoder process: forks one bounded child a picture. Started by `sandbox.Sandbox`, never by hand.

It is executed afresh, so it holds no database connection, no secret and no thread of the worker, and it has the
codecs loaded, so that a picture costs a fork and not an interpreter's start. Requests arrive on standard input, a
Unix stream: one byte with two descriptors, the original (a file) and the answer (a socket). It ends with its worker.
"""

import gc
import io
import os
import resource
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import NoReturn

from PIL import Image

from wxapi.photos.channel import Limits, pack_developed, pack_rejected, pack_status
from wxapi.photos.imaging import develop
from wxapi.photos.rules import LARGE_EDGE, MEDIUM_EDGE, RejectedError, RejectionCode

_FAILED = 70  # EX_SOFTWARE: our fault, not the picture's


def main(limits: Limits) -> None:
    """Serve until standard input ends."""
    control = socket.socket(fileno=0)
    _warm_up()
    gc.freeze()  # children share these pages instead of copying them at their first collection
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if len(descriptors) != 2:
            return
        _serve(limits, *descriptors)


def _warm_up() -> None:
    """Develop one picture, so that what Pillow imports and sets up at first use is there before the forks."""
    buffer = io.BytesIO()
    Image.new("RGB", (LARGE_EDGE * 2, MEDIUM_EDGE)).save(buffer, "JPEG")
    develop(buffer.getvalue())


def _serve(limits: Limits, original: int, answer: int) -> None:
    """Fork, wait, and append how the child ended to what it answered."""
    child = os.fork()
    if child == 0:
        _work(limits, original, answer)
    _, status = os.waitpid(child, 0)
    os.close(original)
    with socket.socket(fileno=answer) as stream, suppress(OSError):  # the worker may be gone
        stream.sendall(pack_status(status))


def _work(limits: Limits, original: int, answer: int) -> NoReturn:
    """The child: bounded first, then decode, answer, and end without tidying up."""
    code = _FAILED
    try:
        os.close(0)
        _bound(limits)
        reply = _reply(_read(original))
        with socket.socket(fileno=answer) as stream:
            stream.sendall(reply)
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may escape into the parent's loop
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(code)


def _bound(limits: Limits) -> None:
    """Limits that the kernel keeps, whatever C code does: time, memory, no core dump."""
    signal.alarm(limits.wall_seconds)  # its default action ends the process
    cpu, memory = limits.cpu_seconds, limits.memory_bytes
    for kind, bounds in (
        # The soft limit's signal says why; the hard one's would look like somebody's kill.
        (resource.RLIMIT_CPU, (cpu, cpu + 2)),
        (resource.RLIMIT_AS, (memory, memory)),
        (resource.RLIMIT_CORE, (0, 0)),
    ):
        with suppress(ValueError, OSError):  # macOS refuses RLIMIT_AS
            resource.setrlimit(kind, bounds)


def _read(original: int) -> bytes:
    with os.fdopen(original, "rb", buffering=0) as file:
        file.seek(0)
        return file.read()


def _reply(data: bytes) -> bytes:
    try:
        return pack_developed(develop(data))
    except RejectedError as rejected:
        return pack_rejected(rejected.code)
    except MemoryError:
        return pack_rejected(RejectionCode.CORRUPT)


if __name__ == "__main__":
    main(Limits.of_arguments(sys.argv[1:]))
