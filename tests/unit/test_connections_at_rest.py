"""Connections at rest: none is lost or lent twice, and nobody waits for one that is there."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy.util.queue import Empty, Full

from wxapi.platform.driver import Idle


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads that take turns between almost all instructions."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def at_rest(*entries: str, maxsize: int = 4) -> Any:
    made: Any = Idle(maxsize)
    for entry in entries:
        made.put(entry, False)
    return made


def test_the_last_given_back_is_the_next_and_no_more_are_kept_than_may_be() -> None:
    idle = at_rest("a", "b", maxsize=2)
    with pytest.raises(Full):
        idle.put("c", False)
    assert [idle.get(False), idle.get(False), idle.qsize()] == ["b", "a", 0]
    for block, timeout in ((False, None), (True, 0.01)):
        with pytest.raises(Empty):
            idle.get(block, timeout)


@pytest.mark.usefixtures("hurried")
def test_many_share_a_few_and_nobody_is_forgotten() -> None:
    entries = {"a", "b"}
    idle, taken = at_rest(*entries), list[str]()

    def use(_: int) -> int:
        for _ in range(300):
            entry = idle.get(True, 20)
            taken.append(entry)
            assert taken.count(entry) == 1, "lent twice"
            taken.remove(entry)
            idle.put(entry, False)
        return 1

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(use, range(6))) == 6
    assert {idle.get(False), idle.get(False)} == entries


def test_who_waits_is_woken() -> None:
    idle = at_rest()
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(idle.get, True, 20) for _ in range(3)]
        while idle._waiting < 3:
            pass
        for entry in "abc":
            idle.put(entry, False)
        assert {each.result(10) for each in waiting} == {"a", "b", "c"}
