"""The whole system in one command: what is started, in which order, watched, and ended together."""

import ctypes
import hashlib
import http.client
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from config import Config, ConfigError
from wxapi.demo import commands, operator, preflight, roles
from wxapi.demo.children import Daemon, kill_all, stop_all
from wxapi.demo.errors import DemoError, disk_faults_named
from wxapi.demo.interrupts import raise_when_told_to_stop, stop_undisturbed
from wxapi.demo.postgres import Postgres
from wxapi.demo.settings import DemoSettings, keys_of, product_environment
from wxapi.demo.valkey import Valkey

_ROOT = Path(__file__).resolve().parents[2]
# Filled under the first name, and renamed when it is whole: what was cut off is made anew.
_DRAFT, _DATABASE = "wxapi_draft", "wxapi"
_READY_S = 180.0  # of a busy machine; a child that ends ends the waiting
_PREPARE_S = 600.0
_GRACE_S = 20.0
_WATCH_S = 0.2
_PR_SET_CHILD_SUBREAPER = 36


def run(settings: DemoSettings) -> None:
    """Start everything, say so, and stay until told to stop.

    Raises:
        DemoError: it cannot start, or one of its processes ended by itself; all others have been ended.
        StopRequested: told to stop; everything has been ended.
    """
    with disk_faults_named(settings.folder):
        new = settings.database_url is None and not (settings.folder / "postgres").exists()
        preflight.check_folder(settings.folder, new=new)
        with preflight.only_copy(settings.folder) as cut_off:
            _check_ports(settings, patient=cut_off)
            _run_alone(settings)


def _check_ports(settings: DemoSettings, *, patient: bool) -> None:
    ports = {
        "WXAPI_PORT": (settings.host, settings.port),
    }
    if not settings.real_wechat:
        ports["WXAPI_FAKE_WECHAT_PORT"] = (settings.fake_wechat_host, settings.fake_wechat_port)
    preflight.check_ports(ports, patient=patient)


def _run_alone(settings: DemoSettings) -> None:
    _adopt_orphans()
    demo = _Demo(settings)
    try:
        raise_when_told_to_stop()
        demo.start()
        demo.watch()
    finally:
        stop_undisturbed()
        demo.stop()


class _Demo:
    """One copy of the demo; `stop` ends whatever part of `start` was reached."""

    def __init__(self, settings: DemoSettings) -> None:
        self._settings = settings
        # Two rows: what serves ends before what it stands on.
        self._product: list[Daemon] = []
        self._ground: list[Daemon] = []
        self._postgres: Postgres | None = None
        self._began = time.monotonic()

    def start(self) -> None:
        settings = self._settings
        for folder in (settings.logs, settings.metrics):
            folder.mkdir(exist_ok=True)
        operator.forget(settings.folder)  # of a run that was killed
        for left_over in settings.metrics.glob("*.db"):
            left_over.unlink()
        pgdata = settings.folder / "postgres"
        keys = keys_of(settings.folder, database_exists=settings.database_url is None and pgdata.exists())
        database = settings.database_url or self._start_postgres(pgdata)
        environ = product_environment(settings, keys, database_url=database, redis_url=self._redis())
        _judge(environ)
        fake = None if settings.real_wechat else self._serve("fake-wechat", commands.fake_wechat(settings), environ)
        self._prepare(environ)
        api = self._serve("api", commands.api(settings), environ)
        self._serve("workers", commands.WORKERS, environ)
        if fake is not None:
            fake.await_ready(lambda: _answers(settings.fake_wechat_url, "/_fake"), _READY_S)
        api.await_ready(lambda: self._all_run() and _answers(settings.url, "/readyz"), _READY_S)
        operator.keep(settings.folder, environ)
        self._say_ready()

    def watch(self) -> None:
        """Stay while all processes run.

        Raises:
            DemoError: naming the one that ended.
        """
        while self._all_run():
            time.sleep(_WATCH_S)

    def stop(self) -> None:
        """End everything, those that serve first."""
        if self._ground or self._product:
            _say("Stopping ...")
        operator.forget(self._settings.folder)
        stop_all(self._product, grace_s=_GRACE_S)
        stop_all(self._ground, grace_s=_GRACE_S)
        _kill_orphans()
        if self._postgres is not None:
            self._postgres.tidy()

    def _all_run(self) -> bool:
        for child in (*self._ground, *self._product):
            if child.exit_code() is not None:
                raise DemoError(child.obituary())
        return True

    def _start_postgres(self, pgdata: Path) -> str:
        """Start the embedded server; returns the URL of the database that the product will use."""
        if not pgdata.exists():
            _say("Making a PostgreSQL data folder ...")
        self._postgres = Postgres(pgdata, log=self._settings.logs / "postgres.log")
        self._ground.append(self._postgres.start())
        return self._postgres.url(_DATABASE, role=roles.APP)

    def _redis(self) -> str:
        if self._settings.redis_url is not None:
            preflight.check_redis(self._settings.redis_url)
            return self._settings.redis_url
        server = Valkey(log=self._settings.logs / "valkey.log")
        self._ground.append(server.start())
        return server.url

    def _serve(self, name: str, command: list[str], environ: Mapping[str, str]) -> Daemon:
        child = Daemon(name, command, log=self._settings.logs / f"{name}.log", environ=environ, folder=_ROOT)
        self._product.append(child)
        return child

    @property
    def _stamp(self) -> Path:
        """Names the product that the embedded database was last prepared for."""
        return self._settings.folder / "prepared"

    def _prepare(self, environ: Mapping[str, str]) -> None:
        """Migrate, import, appoint; left out when this very product has done so on the embedded database."""
        if self._postgres is None:
            self._run_prepare(environ)
            return
        new = not self._postgres.has_database(_DATABASE)
        product = _fingerprint()
        if not new and self._stamp.exists() and self._stamp.read_text() == product:
            return
        name = _DRAFT if new else _DATABASE
        if new:
            self._postgres.draft_database(name)
        roles.ensure(self._postgres, name)
        owner = self._postgres.url(name, role=roles.OWNER)
        self._run_prepare({**environ, "DATABASE_URL": owner}, "--grant", roles.APP)
        if new:
            self._postgres.rename_database(_DRAFT, _DATABASE)
        self._stamp.write_text(product)

    def _run_prepare(self, environ: Mapping[str, str], *arguments: str) -> None:
        command, log = [*commands.PREPARE, *arguments], self._settings.logs / "prepare.log"
        child = Daemon("prepare", command, log=log, environ=environ, folder=_ROOT, aloud=True)
        self._product.append(child)
        if child.wait(_PREPARE_S) != 0:
            raise DemoError(child.obituary())
        self._product.remove(child)

    def _say_ready(self) -> None:
        settings = self._settings
        took = time.monotonic() - self._began
        wechat = "your own WeChat" if settings.real_wechat else f"fake WeChat {settings.fake_wechat_url}"
        _say(f"ready {settings.url}  {wechat}  ({took:.1f} s)")
        _say(commands.welcome(settings))


def _say(text: str) -> None:
    print(text, flush=True)


def _judge(environ: Mapping[str, str]) -> None:
    try:
        Config.from_env(environ)
    except ConfigError as error:
        raise DemoError(str(error)) from error


def _answers(url: str, path: str) -> bool:
    """Whether a GET is answered by 200. Directly: a proxy in the environment is not asked."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _fingerprint() -> str:
    """Changes with everything that `prepare` would do."""
    demo = _ROOT / "wxapi" / "demo"
    folders = (_ROOT / "migrations" / "versions", demo / "data" / "jingzhou", demo)
    digest = hashlib.sha256()
    for file in (file for folder in folders for file in sorted(folder.iterdir()) if file.is_file()):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _adopt_orphans() -> None:
    """Become the parent of children whose own parent dies, so that none is overlooked at the end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _kill_orphans() -> None:
    """Whatever is left below this process: children of children that went their own way."""
    kill_all(psutil.Process().children(recursive=True))
