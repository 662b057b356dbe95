"""The clock of a demo follows the fake WeChat; everywhere else it is the machine's."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psutil
import pytest

from config import Config
from tests.fake_wechat_control import FakeControl
from tests.processes import await_true
from wxapi.demo.embedded import free_port
from wxapi.kernel.clock import SystemClock
from wxapi.platform.demo_clock import DemoClock, clock_of

WEEK = timedelta(days=7)


def test_it_follows_the_fake_forth_and_back(fake: FakeControl) -> None:
    clock = DemoClock(fake.url, 3600)
    assert clock.ahead() == timedelta(hours=1)  # nothing was said: as configured
    for offset in (WEEK, -WEEK, timedelta()):
        fake.order("POST", "clock", offset_s=offset.total_seconds())
        await_true(lambda offset=offset: clock.ahead() == offset, seconds=5)
        assert abs(clock.now() - datetime.now(UTC) - offset) < timedelta(seconds=1)


def test_without_the_fake_it_keeps_what_it_knew() -> None:
    clock = DemoClock(f"http://127.0.0.1:{free_port()}", 60)
    assert (clock.ahead(), clock.ahead()) == (timedelta(minutes=1), timedelta(minutes=1))


def test_who_asks_a_slow_fake_waits_rather_than_take_what_was(fake: FakeControl) -> None:
    clock = DemoClock(fake.url, 0)
    fake.order("POST", "clock", offset_s=WEEK.total_seconds())
    (fake_process,) = (one for one in psutil.Process().children() if listens_at(one, fake.url))
    fake_process.suspend()
    try:
        with ThreadPoolExecutor(4) as threads:
            known = [threads.submit(clock.ahead) for _ in range(4)]
            time.sleep(1)
            fake_process.resume()
            assert [one.result() for one in known] == [WEEK] * 4
    finally:
        fake_process.resume()


def listens_at(process: psutil.Process, url: str) -> bool:
    return urlsplit(url).port in {one.laddr.port for one in process.net_connections() if one.status == "LISTEN"}


@pytest.mark.parametrize("offset", [1e12, "NaN", "soon", None])
def test_an_offset_that_is_none_is_refused(fake: FakeControl, offset: object) -> None:
    with pytest.raises(AssertionError, match="error"):
        fake.order("POST", "clock", offset_s=offset)


def test_only_a_configured_offset_asks_anybody(make_config: Callable[..., Config]) -> None:
    assert isinstance(clock_of(make_config()), SystemClock)
    assert isinstance(clock_of(make_config(clock_offset_s=0.0)), DemoClock)
