"""One running demo for all journeys of a run, which are done one after the other in one process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.demo_process import DemoProcess
from tests.journeys.phone import Phone


@pytest.fixture(scope="package")
def demo_of_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    """The copy that all tests share; it ends with them, for it works while it waits."""
    # Deep on purpose: too long for a socket beside the data.
    folder: Path = tmp_path_factory.mktemp("demo") / ("deep" * 20) / "var"
    copy = DemoProcess(folder)
    try:
        yield copy
    finally:
        copy.stop()


@pytest.fixture
def demo(demo_of_run: DemoProcess) -> DemoProcess:
    """A demo that runs, whatever the test before did to it."""
    if not demo_of_run.runs():
        demo_of_run.start()
        demo_of_run.await_ready()
    return demo_of_run


@pytest.fixture
def phone_of(demo: DemoProcess) -> Callable[[str], Phone]:
    """The phone of a demo person, by openid."""

    def log_in(openid: str) -> Phone:
        return Phone(demo.url, demo.fake_wechat_url, openid)

    return log_in
