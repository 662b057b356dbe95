"""Real parts for every test: one PostgreSQL, one Valkey and one fake WeChat a run, a savepoint a test.

`DATABASE_URL` and `REDIS_URL`, when set, are used instead of the embedded servers; a scratch database is made there.
"""

import gc
import math
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings
from jinja2 import FileSystemBytecodeCache
from redis import Redis
from sqlalchemy.orm import Session
from xdist.scheduler import LoadFileScheduling

from config import Config, Env, NamedKey, Secret
from tests import answers, grounds
from tests.factories import NOW, People, random_key  # noqa: F401 - tests look for it here
from tests.fake_wechat_control import FakeControl
from tests.grounds import Ground
from tests.reporting import Town
from tests.schooling import School
from tests.tries import tries
from tests.web.visits import Scene
from wxapi.app import create_app
from wxapi.demo import embedded
from wxapi.kernel import setting_texts
from wxapi.kernel.clock import FixedClock
from wxapi.platform import audit, flask_app, keys, migrate
from wxapi.platform.db import db
from wxapi.platform.refusals import counter_of
from wxapi.platform.runtime import Runtime, runtime
from wxapi.platform.wechat.client import WeChatClient
from wxapi.regions.services.snapshot import regions_cache
from wxapi.supervision.services import board

APPID = "wx0123456789abcdef"
_JOURNEYS = "tests/journeys/"
APP_SECRET = "test-app-secret-0123456789abcdef"

# How long a try takes depends on what else the machine does. A hundred of each test, as is usual, were a sixth of the run.
settings.register_profile("usual", deadline=None, max_examples=tries(30))
settings.load_profile("usual")


# What is read before the first test stays: looked through again and again it took a tenth of the run.
gc.disable()


def pytest_collection_finish() -> None:
    """Collect from here on, what tests leave and seldom."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: half of the time tests wait, for processes, for sockets, for a clock."""
    return (os.cpu_count() or 1) + 2


def _unit_of(nodeid: str) -> str:
    """What stays whole and in one process: a file; of the journeys all, for the demo that they share."""
    return _JOURNEYS if nodeid.startswith(_JOURNEYS) else nodeid.partition("::")[0]


class _ByUnit(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types here
    def _split_scope(self, nodeid: str) -> str:
        return _unit_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByUnit:
    """What `--dist loadfile` takes."""
    return _ByUnit(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread what starts processes evenly: it waits while others compute, and last it would wait alone."""
    unit = {item: _unit_of(item.nodeid) for item in items}
    slow = {unit[item] for item in items if item.get_closest_marker("processes")}
    waiting, computing = ([item for item in items if (unit[item] in slow) is both] for both in (True, False))
    place = {
        name: (number + 0.5) / len(units)
        for part in (waiting, computing)
        for units in [list(dict.fromkeys(unit[item] for item in part))]
        for number, name in enumerate(units)
    }
    items.sort(key=lambda item: place[unit[item]])


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server where databases can be made."""
    folder = tmp_path_factory.mktemp("postgres")
    with embedded.database_url(folder, scratch=True) as url:
        yield url
    shutil.rmtree(folder)  # the last three runs' folders are kept


@pytest.fixture(scope="session")
def make_database(postgres_server: str) -> Iterator[Callable[..., str]]:
    """Make databases, empty or as copies of `template`; each is gone at the end.

    In none of them may anybody have waited in a circle, whatever the test asserts: that is a fault of the order of locks.
    """
    made: dict[str, str] = {}

    def make(template: str = "template1") -> str:
        name = f"wxapi_test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        made[name] = os.environ.get("PYTEST_CURRENT_TEST", "")
        return _with_database(postgres_server, name)

    yield make
    with psycopg.connect(postgres_server) as connection:
        counted = "SELECT datname FROM pg_stat_database WHERE deadlocks > 0 AND datname = ANY(%s)"
        circles = [made[name] for (name,) in connection.execute(counted, [list(made)])]
    assert circles == [], "40P01 in databases that these tests were the first to ask for"
    if "DATABASE_URL" not in os.environ:
        return  # they go with their server, all at once
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        for name in made:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _with_database(url: str, name: str) -> str:
    base, mark, query = url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}{mark}{query}"


@pytest.fixture(scope="session")
def migrated_template(make_database: Callable[..., str]) -> str:
    """The name of a database of the newest schema, migrated once, that nobody is connected to."""
    url = make_database()
    migrate.upgrade(url)
    return url.partition("?")[0].rpartition("/")[2]


@pytest.fixture(scope="session")
def make_migrated_database(make_database: Callable[..., str], migrated_template: str) -> Callable[[], str]:
    """Make databases of the newest schema: copies of one."""
    return lambda: make_database(migrated_template)


@pytest.fixture(scope="session")
def database_url(make_migrated_database: Callable[[], str]) -> str:
    """A migrated database of this run's own."""
    return make_migrated_database()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with embedded.redis_url() as url:
        yield _own_part(url)


def _own_part(redis_url: str) -> str:
    """A database of this process's own, where several of `pytest -n` share the Redis of `REDIS_URL`."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    parts = urlsplit(redis_url)
    return urlunsplit(parts._replace(path=f"/{int(parts.path.strip('/') or 0) + int(worker)}"))


@pytest.fixture(scope="session")
def fake_wechat() -> Iterator[str]:
    """Address of a fake WeChat, a process of its own."""
    command = [
        sys.executable,
        "-m",
        "wxapi.demo.fake_wechat",
        "--port",
        "0",
        "--appid",
        APPID,
        "--secret",
        APP_SECRET,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        word, _, address = process.stdout.readline().strip().partition(" ")
        assert word == "ready", "the fake WeChat did not start"
        yield address
        process.terminate()


@pytest.fixture
def fake(fake_wechat: str) -> Iterator[FakeControl]:
    """The fake WeChat's control side; trouble ordered by a test ends with it."""
    control = FakeControl(fake_wechat)
    control.reset()
    yield control
    control.reset()


@pytest.fixture(scope="session")
def make_config(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Config]:
    """Build a configuration; keyword arguments replace settings, an address as `make_database` gives it included."""
    storage = tmp_path_factory.mktemp("storage")

    def make(**changes: Any) -> Config:
        settings: dict[str, Any] = {
            "env": Env.TEST,
            "database_url": database_url,
            "redis_url": redis_url,
            "storage_url": f"file://{storage}",
            "public_url": "http://localhost",
            "wechat_base_url": "http://127.0.0.1:9",
            "wechat_appid": APPID,
            "wechat_secret": Secret(APP_SECRET.encode()),
            "wechat_push_token": Secret(b"gridWoodpecker2026"),
            "wechat_push_aes_key": Secret(b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
            "encryption_keys": (NamedKey("k1", Secret(bytes(range(32)))),),
            "lookup_keys": (Secret(b"l" * 32),),
            "signing_keys": (Secret(b"s" * 32),),
            "log_level": "WARNING",
            "rate_limits": False,
        }
        settings |= changes
        return Config(**{**settings, "database_url": setting_texts.database_url(settings["database_url"])})

    return make


@pytest.fixture(scope="session")
def session_app(make_config: Callable[..., Config]) -> Iterator[Flask]:
    """One app for all tests in savepoints."""
    made = answers.watch(create_app(make_config(), clock=FixedClock(NOW)))
    counter_of(made).write_after_s = math.inf
    with made.app_context():
        keys.confirm()  # its statements are in no test's count
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session", autouse=True)
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each template is compiled once a run, not once for each app of each process."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    (folder / "templates").mkdir(exist_ok=True)
    cache = FileSystemBytecodeCache(str(folder / "templates"))
    flask_app.App.jinja_options = {**flask_app.App.jinja_options, "bytecode_cache": cache}


@pytest.fixture(autouse=True)
def documented_answers() -> Iterator[None]:
    """No test may get an answer from the API that its document does not name, or leave an act in the audit that has no
    word; see tests/answers.py.
    """
    answers.UNDOCUMENTED.clear()
    # Not by the fixture, which is taken back when all that a test asked for before it is gone.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "record", answers.record_known_act)
        yield
    assert answers.UNDOCUMENTED == [], "python -m wxapi.platform.error_list, or a response of the view's own"


@pytest.fixture
def clock(session_app: Flask) -> FixedClock:
    """The clock of `app`, set to NOW at the start of each test."""
    fixed = session_app.extensions["wxapi"].clock
    fixed.at = NOW
    assert isinstance(fixed, FixedClock)
    return fixed


@pytest.fixture(scope="session")
def settled(
    session_app: Flask, make_config: Callable[..., Config], make_migrated_database: Callable[[], str]
) -> Iterator[Callable[[str], Ground]]:
    """What tests stand on, by the name of its fixture, made when the first one asks."""
    made: dict[str, Ground] = {}

    def ground(name: str) -> Ground:
        if name not in made:
            made[name] = grounds.settle(session_app, name, make_config(database_url=make_migrated_database()))
        return made[name]

    yield ground
    for each in made.values():
        each.engine.dispose()


@pytest.fixture
def ground(request: pytest.FixtureRequest, clock: FixedClock, settled: Callable[[str], Ground]) -> Ground | None:
    """What this test stands on: None is an empty database."""
    name = grounds.asked(request.node)
    return settled(name) if name else None


@pytest.fixture
def app(session_app: Flask, clock: FixedClock, ground: Ground | None) -> Iterator[Flask]:
    """The app, everything a test writes rolled back at its end."""
    with session_app.app_context(), in_savepoint(session_app, ground):
        _forget(session_app)
        yield session_app


def _forget(app: Flask) -> None:
    """What an app keeps in its process of other tests."""
    # Regions are read anew for each test, and then only after an import: counts of statements stay the same.
    regions_cache().recheck_after_s = math.inf
    regions_cache().expire()
    counter_of(app).forget()  # what was refused
    board.install(app)  # figures that were looked at within this minute


@contextmanager
def app_in_savepoint(config: Config) -> Iterator[Flask]:
    """An app of another configuration, everything written to it rolled back at the end."""
    made = answers.watch(create_app(config, clock=FixedClock(NOW)))
    with made.app_context():
        keys.confirm()  # before the savepoint: the process asks once, so what it notes has to stay
        with in_savepoint(made):
            yield made
        db.engine.dispose()


@pytest.fixture(scope="session")
def limiting_app(make_config: Callable[..., Config]) -> Iterator[Flask]:
    """One app with rate limits; `limited_app` is it anew."""
    made = answers.watch(create_app(make_config(rate_limits=True), clock=FixedClock(NOW)))
    with made.app_context():
        keys.confirm()  # before any savepoint: the process asks once, so what it notes has to stay
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def make_committing_app(
    make_config: Callable[..., Config], make_migrated_database: Callable[[], str]
) -> Callable[..., AbstractContextManager[Flask]]:
    """Open apps that really commit, each on a database of its own: for tests with several connections.

    Keyword arguments replace settings. The block is within the app's context.
    """

    @contextmanager
    def make(**changes: Any) -> Iterator[Flask]:
        config = make_config(database_url=make_migrated_database(), **changes)
        made = answers.watch(create_app(config, clock=FixedClock(NOW)))
        with made.app_context():
            yield made
            db.session.remove()
            db.engine.dispose()

    return make


@pytest.fixture
def apart(
    session_app: Flask, clock: FixedClock, make_config: Callable[..., Config], make_database: Callable[..., str]
) -> Callable[[str], AbstractContextManager[Flask]]:
    """Open the app of all tests where it really commits: in a copy of the database that has this name."""

    @contextmanager
    def copied(template: str) -> Iterator[Flask]:
        config = make_config(database_url=make_database(template))
        views = set(session_app.view_functions)
        with pytest.MonkeyPatch.context() as patch, grounds.apart(session_app, config):
            patch.setattr(runtime(), "config", config)  # for processes that a test starts beside it
            _forget(session_app)
            yield session_app
        assert set(session_app.view_functions) == views, "give a view of its own to an app of its own"

    return copied


@pytest.fixture
def open_app(apart: Callable[[str], AbstractContextManager[Flask]], migrated_template: str) -> Iterator[Flask]:
    """An app that really commits, on an empty database of its own."""
    with apart(migrated_template) as made:
        yield made


@pytest.fixture
def open_town(
    apart: Callable[[str], AbstractContextManager[Flask]], settled: Callable[[str], Ground]
) -> Iterator[Town]:
    """A town in an app that really commits, on a database of its own."""
    ground = settled("town")
    ground.engine.dispose()  # what is copied, nobody is connected to
    with apart(str(ground.engine.url.database)):
        yield ground.made


@contextmanager
def in_savepoint(app: Flask, ground: Ground | None = None) -> Iterator[None]:
    """Let every session of the app join one outer transaction that is rolled back."""
    engine = ground.engine if ground else db._app_engines[app][None]
    with engine.connect() as connection, connection.begin() as outer:
        with grounds.bound(app, connection, elsewhere=ground is not None):
            db.session.configure(join_transaction_mode="create_savepoint")
            yield
        outer.rollback()


@pytest.fixture
def session(app: Flask) -> Session:
    return db.session()


@pytest.fixture
def city(app: Flask) -> None:
    """A small city; see tests/places.py."""


@pytest.fixture
def town(app: Flask, ground: Ground) -> Town:
    """The small city and the people a report meets; see tests/reporting.py."""
    return ground.made


@pytest.fixture
def lived(app: Flask, ground: Ground, clock: FixedClock) -> Town:
    """The town after months of reports, at the hour at which they ended; see tests/service/lives.py."""
    clock.at = ground.made.now
    lived: Town = ground.made.town
    return lived


@pytest.fixture
def school(app: Flask, ground: Ground) -> School:
    """The small city and the people of a training; see tests/schooling.py."""
    return ground.made


@pytest.fixture
def scene(app: Flask, ground: Ground) -> Scene:
    """One of everything that pages show; see tests/web/visits.py."""
    return ground.made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """An empty Valkey."""
    connection = Redis.from_url(redis_url)
    connection.flushdb()
    yield connection
    connection.flushdb()
    connection.close()


@pytest.fixture
def limited_app(limiting_app: Flask, redis: Redis) -> Iterator[Flask]:
    """An app with rate limits, on an empty Valkey, everything a test writes to its database rolled back at its end."""
    views = set(limiting_app.view_functions)
    limiting_app.extensions["wxapi"].clock.at = NOW
    with limiting_app.app_context(), in_savepoint(limiting_app):
        _forget(limiting_app)
        yield limiting_app
    assert set(limiting_app.view_functions) == views, "give a view of its own to an app of its own"


@pytest.fixture
def people(app: Flask) -> People:
    """People, appointments and tokens; see tests/factories.py."""
    return People(app)


@pytest.fixture
def wechat_client(fake_wechat: str, redis: Redis) -> WeChatClient:
    return WeChatClient(fake_wechat, APPID, APP_SECRET, redis, FixedClock(NOW))


@pytest.fixture
def wired(app: Flask, wechat_client: WeChatClient) -> Iterator[Runtime]:
    """The app's WeChat is the fake."""
    parts: Runtime = app.extensions["wxapi"]
    former, parts.wechat = parts.wechat, wechat_client
    yield parts
    parts.wechat = former
