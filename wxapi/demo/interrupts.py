"""Being told to end: one exception for every way of it, raised once."""

import signal
from types import FrameType
from typing import NoReturn

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal. Like KeyboardInterrupt a wish, not an error."""


def raise_when_told_to_stop() -> None:
    """From now on those signals raise `StopRequested` in the main thread."""
    for number in _ENDING:
        signal.signal(number, _request_stop)


def stop_undisturbed() -> None:
    """From now on those signals do nothing: an impatient second Ctrl-C must not leave half of the processes behind."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


def _request_stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise StopRequested
