"""The API as it is served, a process of its own, and phones that call it."""

import time
from dataclasses import replace

import requests

from tests.fake_wechat_control import FakeControl
from tests.faults.conftest import Bench
from tests.processes import Program, await_true
from wxapi.demo.embedded import free_port


def serve(bench: Bench, fake: FakeControl, *options: str) -> tuple[str, Program]:
    """Start Granian; returns the API's address, once it answers, and the parent process.

    Args:
        bench: its `config` is the API's; address and WeChat are set in it.
        fake: its WeChat.
        options: of Granian, beside those of the product's own unit; one process and no restarts without any.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    bench.config = replace(bench.config, public_url=url, wechat_base_url=fake.url)
    address = ["--interface", "rsgi", "--host", "127.0.0.1", "--port", str(port), "--http", "1", "--no-ws"]
    program = bench.start(*address, *options, "wsgi:front", module="granian")
    await_true(lambda: answers(url) is not None, 90)
    return url, program


def answers(url: str, path: str = "/healthz") -> float | None:
    """Seconds until it answers; None where it does not."""
    began = time.monotonic()
    try:
        requests.get(url + path, timeout=5)
    except requests.RequestException:
        return None
    return time.monotonic() - began


def log_in(url: str, fake: FakeControl, openid: str) -> requests.Response:
    return requests.post(f"{url}/api/v1/auth/wechat", json={"code": fake.login_code(openid)}, timeout=60)
