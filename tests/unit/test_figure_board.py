"""The panorama's board: what is kept of many questions survives that many threads ask at once."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from wxapi.supervision.services.panorama import FigureBoard


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
            board.known((person, number - 3))
            board.keep((person, number), answer)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, range(4)))
    assert board.known((0, 0)) is None
