"""New processes take over from the old ones under load, as `systemctl reload` has it: nobody notices."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil
import pytest
import requests

from tests.fake_wechat_control import FakeControl
from tests.faults.api_process import log_in, serve
from tests.faults.conftest import Bench
from tests.processes import Program, await_true

pytestmark = pytest.mark.processes

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "wxapi-api.service"
PHONES = 4


class Load:
    """Phones that call without a pause, each time on a new connection; what they got is counted."""

    def __init__(self, *calls: Callable[[], requests.Response]) -> None:
        self.got: Counter[str] = Counter()
        self._stop = threading.Event()
        self._phones = [threading.Thread(target=self._go_on, args=(calls, n)) for n in range(PHONES)]

    def __enter__(self) -> Self:
        for phone in self._phones:
            phone.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for phone in self._phones:
            phone.join(60)

    def _go_on(self, calls: tuple[Callable[[], requests.Response], ...], at: int) -> None:
        while not self._stop.is_set():
            at += 1
            self.got[self._got(calls[at % len(calls)])] += 1

    def _got(self, call: Callable[[], requests.Response]) -> str:
        for _ in range(2):
            try:
                return str(call().status_code)
            except requests.RequestException as error:
                # What waited in the old process's queue is reset and sent again, as nginx does: not so what is refused.
                if "reset by peer" not in str(error):
                    return f"{type(error).__name__}: {error}"
        return "reset twice"


def serving(api: Program) -> set[int]:
    """The processes that answer."""
    found = set()
    for process in api.family()[1:]:
        with suppress(psutil.NoSuchProcess):
            if "resource_tracker" not in " ".join(process.cmdline()):
                found.add(process.pid)
    return found


def reload(api: Program, load: Load) -> None:
    """Returns when other processes serve, and have answered."""
    before, so_far = serving(api), load.got.total()
    os.kill(api.pid, signal.SIGHUP)
    await_true(lambda: serving(api) > before, 120)
    await_true(lambda: serving(api) and not serving(api) & before, 120)
    await_true(lambda: load.got.total() > so_far + 60, 60)


def test_a_reload_under_load_refuses_and_fails_nobody(bench: Bench, fake: FakeControl) -> None:
    began = time.monotonic()
    serve(bench, fake)[1].kill_family()
    # The interval is what a new process has until the old one goes: longer than it takes to start.
    interval = 2 + 3 * (time.monotonic() - began)
    url, api = serve(bench, fake, "--respawn-interval", f"{interval:.1f}", "--workers-kill-timeout", "15")
    token = log_in(url, fake, "o-reload").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}

    def change() -> requests.Response:
        return requests.put(f"{url}/api/v1/me", json={"nickname": "小李"}, headers=headers, timeout=30)

    def read() -> requests.Response:
        return requests.get(f"{url}/api/v1/me", headers=headers, timeout=30)

    def ping() -> requests.Response:
        return requests.get(f"{url}/healthz", timeout=30)

    with Load(change, read, ping) as load:
        reload(api, load)
    assert set(load.got) == {"200"}, load.got
    assert load.got.total() > 60


def test_the_unit_reloads_so() -> None:
    unit = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line and line[0] != "#")
    assert unit["ExecReload"] == "/bin/kill -HUP $MAINPID"
    words = unit["ExecStart"].split()
    assert float(words[words.index("--respawn-interval") + 1]) >= 10
    assert words[-1] == "wsgi:front"
