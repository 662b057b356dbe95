"""Reading the body of a request from the server's event loop: whole, within its time, and no longer than it may be."""

import asyncio
import io
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import IO, Any, NamedTuple, cast

# Marks in the WSGI environment, for the app to refuse by: the body came too late, broke off, or could not be kept.
BODY_LATE = "wxapi.body_late"
BODY_BROKEN = "wxapi.body_broken"
# Holds why: a large body waits in a file of the machine's own, and there was no room for it.
BODY_NOT_KEPT = "wxapi.body_not_kept"
JSON_SECONDS = 10.0
UPLOAD_SECONDS = 60.0
MAX_JSON = 256 * 1024
_IN_MEMORY = 1 << 20
# Bytes and seconds of a body that is too long which are read and dropped before it is refused: a client that is cut off
# while it sends sees a broken connection (behind a proxy: a 502), not the sentence that says how long it may be.
_DROPPED = 64 << 20
_DROP_SECONDS = 5.0


class Body(NamedTuple):
    """A request's body; `length` is what was declared, or what came where nothing was declared."""

    content: IO[bytes]
    length: int
    late: bool = False
    broken: bool = False
    not_kept: str = ""


class _BrokenError(Exception):
    """The body ended before it was whole: its sender left, or stopped sending, or wrote chunks that are none."""


class _NotKeptError(Exception):
    """The machine has no room for the body."""


async def read_body(headers: Any, protocol: Any, *, longest: int, seconds: float) -> Body:
    """What came, with the reason where it is not whole; a body that is too long is empty, for the app to refuse.

    Args:
        headers: of the request, as RSGI has them.
        protocol: RSGI's: awaited it gives the whole body, iterated its parts.
        longest: bytes that the route takes.
        seconds: in which all of it has to come.
    """
    declared = _declared_length(headers)
    if declared == 0:
        return Body(io.BytesIO(), 0)
    if declared is not None and declared > longest:  # refused by the app, whatever it is
        with suppress(TimeoutError, _BrokenError):
            async with asyncio.timeout(_DROP_SECONDS):
                await _fill(io.BytesIO(), protocol, 0)
        return Body(io.BytesIO(), declared)
    if declared is not None and declared <= _IN_MEMORY:
        return await _read_small(protocol, declared, seconds)
    return await _read_large(protocol, longest, seconds)


async def _read_large(protocol: Any, longest: int, seconds: float) -> Body:
    """A body in parts, into a file where it is long."""
    content: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it has been answered
    try:
        async with asyncio.timeout(seconds):
            length = await _fill(content, protocol, longest)
    except TimeoutError:
        return Body(content, 0, late=True)
    except _BrokenError:
        return Body(content, 0, broken=True)
    except _NotKeptError as error:
        return Body(content, 0, not_kept=str(error))
    content.seek(0)
    return Body(content, length)


async def _read_small(protocol: Any, declared: int, seconds: float) -> Body:
    """All of a body at once: in parts it costs two more turns of the loop.

    Its time is kept as `asyncio.timeout` keeps it, in twelve functions, which a small request need not pass.
    """
    task, late = cast("asyncio.Task[Any]", asyncio.current_task()), []

    def give_up() -> None:
        late.append(True)
        task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, give_up)
    try:
        return Body(io.BytesIO(await protocol()), declared)
    except RuntimeError:  # as the server says it
        return Body(io.BytesIO(), 0, broken=True)
    except asyncio.CancelledError:
        if not late:
            raise
        task.uncancel()
        return Body(io.BytesIO(), 0, late=True)
    finally:
        timer.cancel()


async def _fill(content: IO[bytes], protocol: Any, limit: int) -> int:
    """Read until the body ends; what is beyond the limit is dropped.

    The server ends every body with an empty part; two of them say that the body broke off. If the first of these passed
    for the end, half a form would be taken for a form with fewer fields.

    Returns:
        the bytes that came; more than `limit` where the body is too long.

    Raises:
        _BrokenError, _NotKeptError.
    """
    length = empty = 0
    async for chunk in protocol:
        length += len(chunk)
        empty += not chunk
        if length > limit + _DROPPED:
            break
        if length <= limit:
            try:
                content.write(chunk)
            except OSError as error:
                raise _NotKeptError(str(error)) from error
    if empty > 1:
        raise _BrokenError
    return length


def _declared_length(headers: Any) -> int | None:
    """Bytes to come: 0 where there is no body, None where it comes in chunks that name no sum."""
    declared = headers.get("content-length")
    if declared is not None and declared.isascii() and declared.isdigit():
        return int(declared)
    return None if "transfer-encoding" in headers else 0
