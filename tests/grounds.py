"""What many tests stand on, settled and committed once a run: doing it for each of them took longer than most take.

A test names the fixture `city`, `town`, `lived`, `school` or `scene`, and its savepoint is opened on a database where that is there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import Connection, Engine, create_engine, event

from config import Config
from tests import places, reporting, schooling
from tests.factories import People
from tests.service import lives
from tests.web import visits
from wxapi.platform import keys, patience
from wxapi.platform.db import db
from wxapi.platform.driver import engine_options
from wxapi.platform.refusals import counter_of
from wxapi.regions.services.snapshot import CACHE_KEY

SETTLED: dict[str, Callable[[People], Any]] = {
    "scene": lambda people: visits.set_scene(people, counter_of(current_app)),
    "lived": lives.settle,
    "town": reporting.settle,
    "school": schooling.open_school,
    "city": lambda _people: places.import_small_city(),
}
# Where the fixtures of these names are.
_CONFTEST = "tests"


def asked(test: pytest.Item) -> str | None:
    """The one of these that a test rests on, if any: a fixture of its module that does not ask for ours settles itself."""
    for name in SETTLED:
        found = test._fixtureinfo.name2fixturedefs.get(name, ())  # type: ignore[attr-defined]  # of a function
        if found and found[0].baseid == _CONFTEST and (len(found) == 1 or name in found[-1].argnames):
            return name
    return None


@dataclass(frozen=True)
class Ground:
    """A database of its own, and what settling it gave."""

    engine: Engine
    made: Any


def settle(app: Flask, name: str, config: Config) -> Ground:
    """Do it in a database that is new, through the app, as each test would."""
    engine = _engine(config)
    with app.app_context(), bound(app, engine):
        return Ground(engine, SETTLED[name](People(app)))


def _engine(config: Config) -> Engine:
    keys.refuse_missing(config)  # notes the keys, as the start of a process does
    engine = create_engine(config.database_url, **engine_options(config.database_pool))
    event.listen(engine, "do_connect", patience.connect)  # as `init_app` does
    return engine


@contextmanager
def apart(app: Flask, config: Config) -> Iterator[None]:
    """Let the app work in the database of another configuration, and really commit there. The block is within its
    context.
    """
    engine = _engine(config)
    with app.app_context(), bound(app, engine):
        yield
    engine.dispose()


@contextmanager
def bound(app: Flask, bind: Engine | Connection, *, elsewhere: bool = True) -> Iterator[None]:
    """Let the app's sessions go to another engine or connection.

    Args:
        elsewhere: of another database. Versions of regions count from 1 in each, so that no cache of them serves two.
    """
    engines, extensions = db._app_engines[app], app.extensions
    engine, regions = engines[None], extensions.pop(CACHE_KEY, None) if elsewhere else None
    engines[None] = bind  # type: ignore[assignment]  # a connection serves where an engine does
    db.session.remove()
    try:
        yield
    finally:
        db.session.remove()
        engines[None] = engine
        if elsewhere:
            extensions.pop(CACHE_KEY, None)
            extensions.update({} if regions is None else {CACHE_KEY: regions})
