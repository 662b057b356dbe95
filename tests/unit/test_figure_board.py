"""The panorama's board: what is kept of many questions survives that many threads ask at once."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from wxapi.supervision.services.board import MOST_PLACES, FigureBoard

NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads take turns after each step, as they do at the worst moment."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty_threads")
def test_many_questions_at_once() -> None:
    board, answer = FigureBoard(), cast("Any", object())

    def ask(person: int) -> None:
        for number in range(2000):
            board.known((person, number - 3), NOW)
            board.keep((person, number), answer, places=20, now=NOW)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, range(4)))
    assert board.known((0, 0), NOW) is None


def test_answers_are_kept_by_their_size() -> None:
    board = FigureBoard()
    board.keep("city", "a map", places=MOST_PLACES - 1, now=NOW)
    assert board.known("city", NOW) == "a map"
    board.keep("county", "another", places=20, now=NOW)
    assert (board.known("city", NOW), board.known("county", NOW)) == (None, "another")
    board.keep("country", "too large", places=MOST_PLACES, now=NOW)
    assert board.known("country", NOW) is None


def test_a_clock_that_went_back_or_far_ahead_makes_an_answer_stale() -> None:
    board = FigureBoard()
    board.keep("city", "a map", places=20, now=NOW)
    assert board.known("city", NOW + timedelta(seconds=59)) == "a map"
    assert board.known("city", NOW + timedelta(seconds=60)) is None
    assert board.known("city", NOW - timedelta(seconds=1)) is None
