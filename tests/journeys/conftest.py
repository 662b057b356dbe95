"""One running demo for all journeys of a run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.demo_process import DemoProcess
from tests.journeys.phone import Phone


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    """A demo that runs; a test that ends it starts it again."""
    # Deep on purpose: too long for a socket beside the data.
    folder: Path = tmp_path_factory.mktemp("demo") / ("deep" * 20) / "var"
    running = DemoProcess(folder)
    running.start()
    try:
        running.await_ready()
        yield running
    finally:
        running.stop()


@pytest.fixture
def phone_of(demo: DemoProcess) -> Callable[[str], Phone]:
    """The phone of a demo person, by openid."""

    def log_in(openid: str) -> Phone:
        return Phone(demo.url, demo.fake_wechat_url, openid)

    return log_in
