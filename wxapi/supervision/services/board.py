"""What a question about figures was answered, kept for a minute: the same for everybody who may ask it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, TypeVar, cast

from cachetools import TTLCache
from flask import Flask, current_app

FRESH_S = 60
# Places in all answers that are kept at once, each with its border at the most: some 60 MB of maps.
MOST_PLACES = 10_000
_EXTENSION = "wxapi.panorama"
AnswerT = TypeVar("AnswerT")


class FigureBoard:
    """Answers by question, made once a minute, each question behind a lock of its own.

    Looking into the cache drops what is over, so that it wants a lock of all, as writing does: of two threads at once
    one would meet a KeyError, or never come back.
    """

    def __init__(self) -> None:
        self._kept: TTLCache[Any, Any] = TTLCache(maxsize=MOST_PLACES, ttl=FRESH_S, getsizeof=lambda kept: kept[0])
        self._asked: dict[Any, Lock] = {}
        self._lock = Lock()

    def asking(self, key: Any) -> Lock:
        """Held by who makes the answer to a question; the others who ask it wait."""
        with self._lock:
            if len(self._asked) > 1000:
                self._asked.clear()
            return self._asked.setdefault(key, Lock())

    def known(self, key: Any, now: datetime) -> Any:
        """The answer of the last minute, or None.

        By the machine's clock, and by the product's: one that was put back, or a demo's that jumped, makes it stale.
        """
        with self._lock:
            kept = self._kept.get(key)
        if kept is None or not timedelta(0) <= now - kept[1] < timedelta(seconds=FRESH_S):
            return None
        return kept[2]

    def keep(self, key: Any, made: Any, *, places: int, now: datetime) -> None:
        """Keep an answer for a minute; one of more places than all may have is not kept."""
        if places < MOST_PLACES:
            with self._lock:
                self._kept[key] = (places + 1, now, made)


def install(app: Flask) -> None:
    """Give the app its board of figures."""
    app.extensions[_EXTENSION] = FigureBoard()


def at_most_a_minute_old(
    key: Any, make: Callable[[], AnswerT], *, places_of: Callable[[AnswerT], int], now: datetime
) -> AnswerT:
    """The answer that is kept, or one that is made now, by one of those who ask at once."""
    board: FigureBoard = current_app.extensions[_EXTENSION]
    with board.asking(key):
        kept = board.known(key, now)
        if kept is not None:
            return cast("AnswerT", kept)
        made = make()
        board.keep(key, made, places=places_of(made), now=now)
        return made
