"""The end of one process is the end of the demo. In a file of its own, the last one, to save another start."""

import signal

import pytest

from tests.journeys.demo_process import DemoProcess

pytestmark = pytest.mark.processes


def test_when_one_process_dies_all_end_and_it_is_named(demo: DemoProcess) -> None:
    (fake,) = demo.running("wxapi.demo.fake_wechat")
    fake.send_signal(signal.SIGKILL)
    said = demo.rest()
    assert demo.process.returncode == 1
    assert "fake-wechat was ended by signal 9" in said
    demo.assert_nothing_left()
