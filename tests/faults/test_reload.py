"""An upgrade beside the running release, under load, by docs/operations.md and the unit's own command: nobody notices.

The release in another folder, its migrations while the old one answers, the link moved, `systemctl reload`.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

import psutil
import pytest
import requests
from alembic.script import ScriptDirectory

from config import Config
from tests.fake_wechat_control import FakeControl
from tests.faults.api_process import answers, log_in
from tests.faults.conftest import Bench
from tests.processes import await_true, command_lines, environment
from wxapi.demo.embedded import free_port

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "systemd" / "wxapi-api.service"
PHONES = 4

COLUMN = '''"""A trial's column."""

import sqlalchemy as sa
from alembic import op

revision = "8000_trial"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("users", sa.Column("trial", sa.String(10), nullable=False, server_default="new"))
    op.create_table("trial", sa.Column("id", sa.BigInteger, primary_key=True))
'''
INDEX = '''"""A trial's index."""

from alembic import op

from wxapi.platform import migrate

revision = "8001_trial_index"
down_revision = "8000_trial"


def upgrade() -> None:
    with migrate.without_blocking():
        op.drop_index("ix_users_trial", "users", postgresql_concurrently=True, if_exists=True)
        op.create_index("ix_users_trial", "users", ["trial"], postgresql_concurrently=True, if_not_exists=True)
'''
HEADER = """

@app.after_request
def _of_the_trial(response):
    from sqlalchemy import text
    from trial_package import HEADER

    from wxapi.platform.db import db

    response.headers[HEADER] = db.session.scalar(text("SELECT trial FROM users LIMIT 1"))
    return response


"""


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
                # What waited in the old process's queue is reset, or closed where nothing was sent on it yet, and sent again,
                # as nginx does in both cases: not so what is refused.
                if not any(told in str(error) for told in ("reset by peer", "closed connection without response")):
                    return f"{type(error).__name__}: {error}"
        return "reset twice"


class Releases:
    """Folders of releases side by side, a link to the one that serves, and the API started by that link.

    The second release is the code of the first, two migrations by the rules of CONTRIBUTING.md, a package more, and an
    answer's header by that package that reads what the migrations bring.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.link = folder / "wxapi"
        self._old = self._made("wxapi-1")
        self.link.symlink_to(self._old)

    def _made(self, name: str) -> Path:
        made = self.folder / name
        for part in ("wxapi", "workers", "migrations"):
            shutil.copytree(ROOT / part, made / part)  # with what is compiled of it, which stays good
        for file in ("config.py", "wsgi.py"):
            shutil.copy(ROOT / file, made / file)
        packages = Path(sysconfig.get_path("purelib"))
        installed = made / ".venv" / packages.relative_to(sys.prefix)
        installed.mkdir(parents=True)
        for package in packages.iterdir():
            (installed / package.name).symlink_to(package)
        (made / ".venv/bin").mkdir()
        (made / ".venv/bin/python").symlink_to(os.path.realpath(sys.executable))
        shutil.copy(Path(sys.prefix, "pyvenv.cfg"), made / ".venv")
        return made

    def prepare(self) -> Path:
        """The folder of the second release, while the first one serves."""
        new = self._made("wxapi-2")
        head = ScriptDirectory(str(new / "migrations")).get_current_head()
        versions = new / "migrations" / "versions"
        (versions / "8000_trial.py").write_text(COLUMN.format(head=head))
        (versions / "8001_trial_index.py").write_text(INDEX)
        installed = new / ".venv" / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
        (installed / "trial_package.py").write_text('HEADER = "X-Trial"\n')
        wsgi = (new / "wsgi.py").read_text()
        assert "front = make_front(app)\n" in wsgi
        (new / "wsgi.py").write_text(wsgi.replace("front = make_front(app)\n", f"{HEADER}front = make_front(app)\n"))
        return new

    def switch(self, new: Path) -> None:
        """`ln -s` and `mv -T`: the link is never away."""
        beside = self.folder / "wxapi.new"
        beside.symlink_to(new)
        beside.rename(self.link)

    def command(self, folder: Path, config: Config, *words: str) -> None:
        done = subprocess.run(
            [folder / ".venv/bin/python", "-m", "flask", "--app", "wsgi", *words],
            cwd=folder,
            env=environment(config),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    @contextmanager
    def serving(self, bench: Bench, fake: FakeControl, interval: float) -> Iterator[tuple[str, int]]:
        """The unit's own command at a port of the test's; gives its address and the parent's pid."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        bench.config = replace(bench.config, public_url=url, wechat_base_url=fake.url)
        words = unit()["ExecStart"].replace("/opt/wxapi", str(self.link)).split()
        for option, value in (("--port", port), ("--workers", 1), ("--respawn-interval", f"{interval:.1f}")):
            words[words.index(option) + 1] = str(value)
        with (self.folder / "api.log").open("w") as log:
            api = subprocess.Popen(words, cwd=self.link, env=environment(bench.config), stdout=log, stderr=log)
        try:
            await_true(lambda: answers(url) is not None, 90)
            yield url, api.pid
        finally:
            for process in [psutil.Process(api.pid), *psutil.Process(api.pid).children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            api.wait(10)


def workers_of(parent: int) -> set[int]:
    """The processes that answer."""
    started = command_lines(psutil.Process(parent).children())
    return {process.pid for process, said in started if "resource_tracker" not in " ".join(said)}


def reload(parent: int, load: Load) -> None:
    """Returns when other processes serve, and have answered."""
    before, so_far = workers_of(parent), load.got.total()
    os.kill(parent, signal.SIGHUP)
    await_true(lambda: workers_of(parent) > before, 120)
    await_true(lambda: workers_of(parent) and not workers_of(parent) & before, 120)
    await_true(lambda: load.got.total() > so_far + 60, 60)


def test_an_upgrade_under_load_refuses_and_fails_nobody(bench: Bench, fake: FakeControl, tmp_path: Path) -> None:
    """The old release answers while the new one's migrations run and until its processes are there."""
    releases = Releases(tmp_path)
    began = time.monotonic()
    releases.command(releases.link, bench.config, "database", "upgrade")  # nothing to do: as long as a start takes
    # The interval is what a new process has until the old one goes: longer than it takes to start.
    with releases.serving(bench, fake, 2 + 3 * (time.monotonic() - began)) as (url, parent):
        token = log_in(url, fake, "o-reload").json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        by: Counter[str] = Counter()

        def change() -> requests.Response:
            return requests.put(f"{url}/api/v1/me", json={"nickname": "小李"}, headers=headers, timeout=30)

        def read() -> requests.Response:
            answer = requests.get(f"{url}/api/v1/me", headers=headers, timeout=30)
            by[answer.headers.get("X-Trial", "old")] += 1
            return answer

        def enter() -> requests.Response:
            return log_in(url, fake, f"o-{time.monotonic_ns()}")

        with Load(change, read, enter) as load:
            new = releases.prepare()
            releases.command(new, bench.config, "database", "upgrade")
            so_far = load.got.total()
            await_true(lambda: load.got.total() > so_far + 60, 60)
            assert set(by) == {"old"}, by
            releases.switch(new)
            reload(parent, load)
        assert set(load.got) == {"200"}, load.got
        by.clear()
        read()
        assert set(by) == {"new"}, "the processes after the reload are those of the old folder"


def unit() -> dict[str, str]:
    return dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line and line[0] != "#")


def test_the_unit_reloads_so() -> None:
    assert unit()["ExecReload"] == "/bin/kill -HUP $MAINPID"
    words = unit()["ExecStart"].split()
    assert float(words[words.index("--respawn-interval") + 1]) >= 10
    # By the link, not by what it led to at the start: a reload finds the release that it leads to then.
    assert words[:3] == ["/opt/wxapi/.venv/bin/python", "-m", "granian"]
    assert words[-1] == "/opt/wxapi/wsgi.py:front"
