"""A running process takes up an import by itself: at most one small question a second, and nobody waits."""

from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
import shapely
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from config import Config
from tests import places, reporting
from tests.conftest import NOW
from tests.factories import People
from tests.statements import count_statements
from wxapi.app import create_app
from wxapi.kernel.errors import ConflictError
from wxapi.platform.db import db
from wxapi.platform.heartbeat import BEAT, SCHEDULE
from wxapi.regions.models import Region
from wxapi.regions.services import changing, importing, snapshot
from wxapi.regions.services.lookup import inner_point, locate, tree
from wxapi.regions.services.snapshot import SnapshotCache, regions_cache
from wxapi.regions.services.versions import new_version

A, B = "421002001001", "421002001002"


class Ticker:
    """A monotonic clock that moves when told to."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_one_small_question_a_second(session: Session) -> None:
    places.import_small_city()
    ticker = Ticker()
    cache = SnapshotCache(monotonic=ticker)
    first = cache.get(lambda: session)
    with count_statements() as statements:
        for _ in range(100):
            ticker.at += 0.009
            assert cache.get(lambda: session) is first
        assert statements == []
        ticker.at += 0.2
        assert cache.get(lambda: session) is first
    assert len(statements) == 1
    assert "max(region_versions.id)" in statements[0]


def test_others_go_on_with_the_old_while_one_builds(app: Flask, session: Session) -> None:
    ticker = Ticker()
    cache = SnapshotCache(monotonic=ticker)
    old = cache.get(lambda: session)
    places.import_small_city()
    ticker.at += 2
    building, go_on = Event(), Event()

    def slow_session() -> Session:
        building.set()
        assert go_on.wait(10)
        return session

    def build() -> None:
        with app.app_context():
            cache.get(slow_session)

    builder = Thread(target=build)
    builder.start()
    assert building.wait(10)
    assert cache.get(lambda: session) is old
    go_on.set()
    builder.join(10)
    assert cache.get(lambda: session).tree.version > old.tree.version


def test_an_unchanged_version_is_not_read_again(session: Session) -> None:
    places.import_small_city()
    cache = regions_cache()
    before = cache.get(lambda: session)
    cache.expire()
    assert cache.get(lambda: session) is before


@pytest.fixture
def two_apps(
    make_config: Callable[..., Config], make_migrated_database: Callable[[], str]
) -> Iterator[tuple[Flask, Flask, str]]:
    """Two apps on one database stand for two processes: each has its own cache and its own connections."""
    url = make_migrated_database()
    config = make_config(database_url=url)
    apps = create_app(config), create_app(config)
    yield *apps, url
    for app in apps:
        with app.app_context():
            db.engine.dispose()


def test_another_process_picks_the_import_up(two_apps: tuple[Flask, Flask, str]) -> None:
    importer, server, _ = two_apps
    ticker = Ticker()
    server.extensions[snapshot.CACHE_KEY] = SnapshotCache(monotonic=ticker)
    _in(server, lambda: len(tree()), 0)
    _in(importer, lambda: places.import_small_city().regions, 14)
    _in(server, lambda: len(tree()), 0)
    ticker.at += 1.1
    _in(server, lambda: locate(places.centre(A)).village.code, A)
    wide = places.square(112.20, 30.30, 112.22, 30.31)
    entries = [places.entry(A, geometry=places.square(112.19, 30.30, 112.20, 30.31)), places.entry(B, geometry=wide)]
    _in(importer, lambda: _import_gcj02(entries), 2)
    ticker.at += 1.1
    _in(server, lambda: locate(places.centre(A)).village.code, B)


def test_one_import_at_a_time(two_apps: tuple[Flask, Flask, str]) -> None:
    importer, _, url = two_apps
    with psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtext('regions.import'))")
        with importer.app_context(), pytest.raises(ConflictError) as refused:
            places.import_small_city()
        assert refused.value.code == "import_running"
    _in(importer, lambda: places.import_small_city().regions, 14)


def _import_gcj02(entries: list[Any]) -> int:
    return importing.import_regions(entries, places.Datum.GCJ02, now=places.IMPORTED_AT).regions


def _in(app: Flask, ask: Callable[[], object], expected: object) -> None:
    with app.app_context():
        assert ask() == expected
        db.session.remove()


@pytest.mark.parametrize("boundary", [b"nothing", b"", shapely.to_wkb(shapely.Point(112, 30))])
def test_a_broken_boundary_stops_nothing_and_is_told(
    app: Flask, session: Session, people: People, caplog: pytest.LogCaptureFixture, boundary: bytes
) -> None:
    """What hands other than the import's wrote: every other place is found, and an import mends it."""
    town = reporting.settle(people)
    assert left_out(app) == ("ok", 0)
    break_boundary(session, B, boundary)
    for _ in range(3):
        assert locate(places.centre(B)) is None
        assert reporting.file_routed(town.reporter, A)["region"]["code"] == A
    told = [record for record in caplog.records if "boundaries_left_out" in str(record.msg)]
    assert len(told) == 1
    assert B in str(told[0].msg)
    assert left_out(app) == ("degraded", 1)
    assert inner_point(B) is None
    shown = town.officer.get("/panorama/map?level=village&coord_type=gcj02").get_json()["features"]
    assert {each["id"]: each["geometry"] is None for each in shown} == {A: False, B: True, "421002001003": False}
    with pytest.raises(ConflictError) as refused:  # with that ground lost, the successor would get none of it
        changing.close_regions(changing.Merger([B], A), on=places.IMPORTED_AT.date(), now=NOW)
    assert refused.value.code == "boundary_broken"
    assert _import_gcj02([places.entry(B, geometry=places.village_square(B))]) == 1
    found = locate(places.centre(B))
    assert found is not None
    assert found.village.code == B
    assert left_out(app) == ("ok", 0)


def break_boundary(session: Session, code: str, boundary: bytes) -> None:
    session.execute(update(Region).where(Region.code == code).values(boundary=boundary))
    new_version(session, regions=0, boundaries=0, now=places.IMPORTED_AT)
    session.commit()
    regions_cache().expire()


def left_out(app: Flask) -> tuple[str, int]:
    """What `/readyz` says, and the figure for Prometheus."""
    db.session.connection().exec_driver_sql(BEAT, {"name": SCHEDULE})
    db.session.commit()
    client = app.test_client()
    ready = client.get("/readyz").get_json()
    number = ready["conditions"]["boundaries_left_out"]
    assert f"wxapi_boundaries_left_out {float(number)}\n" in client.get("/metrics").get_data(as_text=True)
    return ready["status"], number
