"""Going over many rows so that one that cannot be dealt with stops no other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from wxapi.platform import metrics
from wxapi.platform.db import db

log = structlog.get_logger(__name__)

_Key = TypeVar("_Key")
_SEVERAL = 3


@dataclass(slots=True)
class Swept:
    """What became of the rows of a sweep.

    Attributes:
        done: what their functions counted.
        through: how many rows got through.
        failed: the rows that raised; they are in the log.
        error: what the first of them raised.
    """

    done: int = 0
    through: int = 0
    failed: list[Any] = field(default_factory=list)
    error: Exception | None = None

    def not_the_rows(self) -> Exception | None:
        """The error, when none of several rows got through: then it is hardly the rows' fault, and the job's to fail.

        A job that fails waits longer and longer for its next run; one or two bad rows that are left alone in the end
        must not make the sweep wait.
        """
        return self.error if not self.through and len(self.failed) >= _SEVERAL else None

    def raise_if_not_the_rows(self) -> None:
        """Raise the error of `not_the_rows`, if there is one."""
        if error := self.not_the_rows():
            raise error


def one_by_one(name: str, keys: Sequence[_Key], do: Callable[[_Key], object]) -> int:
    """Call `do` with each row's key, each in a transaction of its own; returns the sum of what it returned.

    Args:
        name: of the sweep, for the log.
        keys: ids, texts: plain values.
        do: opens its transaction; returns a number, a truth, or None for one that is done.

    Raises:
        Exception: the first row's, when none of several got through.
    """
    swept = Swept()
    for key in keys:
        _try(name, [key], lambda part: do(part[0]), swept)
    swept.raise_if_not_the_rows()
    return swept.done


def together(name: str, keys: Sequence[_Key], do: Callable[[Sequence[_Key]], object]) -> Swept:
    """Call `do` with all keys in one transaction; where that fails with each half of them, down to the rows that fail.

    For sweeps of thousands: one bad row among 500 costs some 18 transactions, and not 500.

    Args:
        name: of the sweep, for the log.
        keys: ids, texts: plain values.
        do: opens its transaction; returns how many it did something about, or None for all.
    """
    swept = Swept()
    parts = [keys] if keys else []
    while parts:
        part = parts.pop()
        if not _try(name, part, do, swept) and len(part) > 1:
            half = len(part) // 2
            parts += [part[half:], part[:half]]
    return swept


def _try(name: str, part: Sequence[_Key], do: Callable[[Sequence[_Key]], object], swept: Swept) -> bool:
    try:
        done = do(part)
    except Exception as error:
        db.session().rollback()
        if len(part) == 1:
            log.exception("row_not_swept", sweep=name, row=str(part[0]))
            metrics.rows_not_swept.labels(name).inc()
            swept.failed.append(part[0])
            swept.error = swept.error or error
        return False
    swept.through += len(part)
    swept.done += len(part) if done is None else int(done)  # type: ignore[call-overload]  # a number or a truth
    return True
