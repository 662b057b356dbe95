"""The doctor: one line for each thing, and an exit code; each line can be WRONG."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely
from flask import Flask
from sqlalchemy import insert, text, update
from sqlalchemy.orm import Session

from tests import reporting
from tests.conftest import APP_SECRET, APPID
from tests.factories import People
from tests.fake_wechat_control import FakeControl
from wxapi.demo.embedded import free_port
from wxapi.identity.models import User
from wxapi.kernel import city as city_rules
from wxapi.kernel.clock import SystemClock
from wxapi.platform import audit_grants
from wxapi.platform.heartbeat import BEAT, SCHEDULE, Heartbeat
from wxapi.platform.redis_client import connect
from wxapi.platform.runtime import runtime
from wxapi.platform.storage import Storage
from wxapi.platform.wechat.client import WeChatClient
from wxapi.platform.wechat.codes import TOKEN_PATH
from wxapi.regions.models import Region


def looked(app: Flask) -> tuple[int, dict[str, str]]:
    done = app.test_cli_runner().invoke(args=["doctor"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    lines = [line for line in done.output.splitlines() if line]
    return done.exit_code, {line[6:].partition(":")[0]: line for line in lines}


@pytest.mark.usefixtures("city")
def test_what_is_wrong_is_one_line(app: Flask, session: Session) -> None:
    session.connection().exec_driver_sql(BEAT, {"name": SCHEDULE})
    session.commit()
    code, lines = looked(app)
    assert code == 1  # nothing listens where the tests' WeChat would be
    assert lines["wechat"].startswith("WRONG")
    assert "refused" in lines["wechat"].lower()
    closed = ("closed regions", "closed units")
    well = (
        "settings",
        "database",
        "schema",
        "rights",
        "keys",
        "store",
        "redis",
        "clock",
        "schedule",
        "boundaries",
        *closed,
    )
    assert all(lines[name].startswith("ok") for name in well), lines
    assert set(lines) == {*well, "wechat"}, "a line without a test that makes it WRONG"


def test_a_database_that_takes_no_writes_is_told(app: Flask, session: Session) -> None:
    assert looked(app)[1]["database"].startswith("ok")
    session.execute(text("SET LOCAL transaction_read_only = on"))
    assert "DATABASE_URL names a standby" in looked(app)[1]["database"]


def test_a_key_that_data_need_is_named(app: Flask, session: Session, people: People) -> None:
    user_id = people.make().actor.user_id
    assert looked(app)[1]["keys"].startswith("ok")
    session.execute(update(User).where(User.id == user_id).values(openid_sealed=b"gone\x00" + bytes(40)))
    session.flush()
    assert "sealed with gone" in looked(app)[1]["keys"]


def test_a_scheduler_that_is_gone_is_told(app: Flask, session: Session) -> None:
    new = looked(app)[1]["schedule"]
    assert new.startswith("WRONG schedule: no scheduler has been at work yet"), "the migration is none"
    session.execute(insert(Heartbeat).values(name=SCHEDULE, at=datetime(2026, 1, 1, tzinfo=UTC)))
    session.commit()
    told = looked(app)[1]["schedule"]
    assert told.startswith("WRONG")
    assert "python -m workers" in told


def test_a_misspelt_setting_is_named(app: Flask) -> None:
    with replaced(config=replace(runtime().config, unknown=("WXAPI_TRUSTED_PROXY",))):
        assert "WXAPI_TRUSTED_PROXY" in looked(app)[1]["settings"]


def test_a_schema_of_another_release_is_named(app: Flask, session: Session) -> None:
    session.execute(text("UPDATE alembic_version SET version_num = '0001_platform'"))
    told = looked(app)[1]["schema"]
    assert told.startswith("WRONG")
    assert "stands at 0001_platform" in told


def test_a_schema_of_a_newer_release_is_not_to_be_upgraded(app: Flask, session: Session) -> None:
    session.execute(text("UPDATE alembic_version SET version_num = '9999_to_come'"))
    told = looked(app)[1]["schema"]
    assert told.startswith("WRONG")
    assert "of a newer release" in told
    assert "run `flask" not in told


def test_a_role_without_rights_on_a_table_is_told_here_and_by_readyz(app: Flask, session: Session) -> None:
    session.connection().exec_driver_sql(BEAT, {"name": SCHEDULE})
    session.execute(text("CREATE ROLE wxapi_short"))
    audit_grants.grant(session, "wxapi_short")
    session.execute(text("SET LOCAL ROLE wxapi_short"))
    session.commit()
    lines = looked(app)[1]
    assert all(lines[name].startswith("ok") for name in ("schema", "rights", "keys", "schedule")), lines
    assert app.test_client().get("/readyz").get_json()["rights"] == "ok"
    session.execute(text("RESET ROLE"))
    session.execute(text("REVOKE DELETE ON reports, photos FROM wxapi_short"))
    session.execute(text("SET LOCAL ROLE wxapi_short"))
    session.commit()
    told = looked(app)[1]["rights"]
    assert told.startswith("WRONG")
    assert "may not use photos, reports as" in told
    ready = app.test_client().get("/readyz")
    assert (ready.status_code, ready.get_json()["rights"], ready.get_json()["status"]) == (200, "missing", "degraded")


@pytest.mark.usefixtures("session")
def test_a_store_that_cannot_be_written_to_is_named(app: Flask, tmp_path: Path) -> None:
    parts = runtime()
    (tmp_path / "file").touch()
    gone = Storage(
        f"file://{tmp_path}/store", public_url="http://localhost", signing_keys=parts.config.signing_keys,
        clock=parts.clock,
    )  # fmt: skip
    with replaced(storage=gone):
        assert looked(app)[1]["store"].startswith("ok")
        (tmp_path / "store").rmdir()
        (tmp_path / "store").touch()
        assert "cannot be written to" in looked(app)[1]["store"]


@pytest.mark.usefixtures("session")
def test_a_redis_that_does_not_answer_is_named(app: Flask) -> None:
    with replaced(redis=connect(f"redis://127.0.0.1:{free_port()}")):
        assert looked(app)[1]["redis"] == "WRONG redis: Redis at REDIS_URL does not answer."


@pytest.mark.usefixtures("session")
def test_the_way_to_wechat_is_told_by_kind(app: Flask, fake: FakeControl) -> None:
    """By the product's own client: what the doctor calls well the product can use."""

    def told(url: str, secret: str = APP_SECRET) -> str:
        client = WeChatClient(url, APPID, secret, runtime().redis, runtime().clock, timeout=(0.5, 0.3))
        with replaced(config=replace(runtime().config, wechat_base_url=url), wechat=client):
            return looked(app)[1]["wechat"]

    assert told(fake.url) == "ok    wechat: 127.0.0.1 answers and knows this mini program"
    assert "WECHAT_SECRET is not this mini program's" in told(fake.url, "another")
    for fault, words in (
        ({"errcode": 40164}, "IP 白名单"),
        ({"errcode": -1}, "it refuses. (errcode -1"),
        ({"delay": 2}, "does not answer in time"),
        ({"html": True}, "something answers that is not WeChat"),
    ):
        fake.fault(TOKEN_PATH, count=1, **fault)
        assert words in told(fake.url)
    assert runtime().wechat.circuits() == []
    assert "the connection is refused" in told(f"http://127.0.0.1:{free_port()}")
    assert "its name is not known here (DNS)" in told("https://wechat.invalid")


@pytest.mark.usefixtures("session")
def test_a_clock_that_goes_wrong_is_named(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + timedelta(minutes=10))
    assert "600 s apart" in looked(app)[1]["clock"]


@pytest.mark.usefixtures("session")
def test_a_city_without_regions_is_told(app: Flask) -> None:
    assert "no region yet" in looked(app)[1]["boundaries"]


BOUNDARIES = {
    "none": ("421002001003", None, "1 regions have none: 421002001003 003村."),
    "no polygon": (
        "421002001003", b"nothing", "1 are no valid polygons: 421002001003 003村."
    ),
    "a bow tie": (
        "421002001003",
        shapely.to_wkb(shapely.Polygon([(112.22, 30.3), (112.23, 30.31), (112.23, 30.3), (112.22, 30.31)])),
        "1 are no valid polygons: 421002001003 003村.",
    ),
    "overlap": (
        "421002001003",
        shapely.to_wkb(shapely.box(112.219, 30.30, 112.23, 30.31)),
        "1 pairs overlap: 421002001002 002村 and 421002001003 003村 (0.1 km²).",
    ),
    "overlap of grids": (
        "421002001001001",
        shapely.to_wkb(shapely.box(112.20, 30.30, 112.206, 30.31)),
        "1 pairs overlap: 421002001001001 第1网格 and 421002001001002 第2网格 (0.1 km²).",
    ),
    "a strip too wide to be closed from both sides": (
        "421002001002",
        shapely.to_wkb(shapely.box(112.21, 30.30, 112.22, 30.31) - shapely.box(112.213, 30.303, 112.213125, 30.305)),
        "1 gaps are in no village: 2,666 m² between 421002001002 002村.",
    ),
    "a gap": (
        "421002001002",
        shapely.to_wkb(shapely.box(112.21, 30.30, 112.22, 30.31) - shapely.box(112.213, 30.303, 112.215, 30.305)),
        "1 gaps are in no village: 42,653 m² between 421002001002 002村.",
    ),
}  # fmt: skip


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize(("code", "boundary", "told"), BOUNDARIES.values(), ids=BOUNDARIES)
def test_boundaries_that_do_not_cover_the_ground_once_are_named(
    app: Flask, session: Session, code: str, boundary: bytes | None, told: str
) -> None:
    session.execute(update(Region).where(Region.code == code).values(boundary=boundary))
    session.commit()
    assert looked(app)[1]["boundaries"] == f"WRONG boundaries: {told}"


@pytest.mark.usefixtures("city")
def test_a_city_whose_folder_was_forgotten_is_told(app: Flask) -> None:
    before = city_rules.city()
    city_rules.use(replace(before, name="襄阳市", code="4206"))
    try:
        told = looked(app)[1]["boundaries"]
    finally:
        city_rules.use(before)
    assert told.startswith("WRONG boundaries: ")
    assert "regions are not of 襄阳市 (4206)" in told
    assert "WXAPI_CITY_FOLDER" in told


@pytest.mark.usefixtures("city")
def test_ground_as_large_as_a_lake_is_told_and_no_fault(app: Flask, session: Session) -> None:
    lake = shapely.box(112.20, 30.30, 112.30, 30.40) - shapely.box(112.24, 30.34, 112.26, 30.36)
    session.execute(update(Region).where(Region.code == "421003001001").values(boundary=shapely.to_wkb(lake)))
    session.execute(update(Region).where(Region.code.startswith("421002")).values(closed_on=date(2026, 11, 1)))
    session.commit()
    told = looked(app)[1]["boundaries"]
    assert told.startswith("ok")
    assert "km² between 421003001001" in told


def test_what_could_not_go_to_a_successor_is_named(app: Flask, session: Session, people: People) -> None:
    """The job that settles gives up after an hour and says so in the log only."""
    town = reporting.settle(people)
    report = reporting.file_routed(town.reporter)
    assert looked(app)[1]["closed regions"].startswith("ok")
    # What a process wrote that did not know of the change yet.
    values = {"closed_on": date(2026, 11, 1), "successor_code": reporting.NEIGHBOUR}
    session.execute(update(Region).where(Region.code == report["region"]["code"]).values(**values))
    session.commit()
    told = looked(app)[1]["closed regions"]
    assert told.startswith("WRONG")
    assert f"{reporting.VILLAGE} (" in told


@contextmanager
def replaced(**changed: Any) -> Iterator[None]:
    """Parts of the runtime exchanged for the block."""
    parts = runtime()
    before = {name: getattr(parts, name) for name in changed}
    for name, part in changed.items():
        setattr(parts, name, part)
    try:
        yield
    finally:
        for name, part in before.items():
            setattr(parts, name, part)
