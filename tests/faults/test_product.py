"""The product's own promises under faults: a report filed without Redis, a photo and an export whose worker is killed."""

import hashlib
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from flask import Flask

from tests import pictures, reporting
from tests.conftest import random_key
from tests.factories import People, Person
from tests.faults.conftest import Bench
from tests.processes import Program, await_true
from tests.reporting import Town
from wxapi.app import create_app
from wxapi.platform.db import db

pytestmark = pytest.mark.processes

# After Redis is back.
ROUTED_WITHIN_S = 5.0


@pytest.fixture
def app(bench: Bench) -> Iterator[Flask]:
    made = create_app(bench.config)
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def town(app: Flask) -> Town:
    return reporting.settle(People(app))


def upload(person: Person, picture: bytes) -> str:
    answer = person.post("/photos", key=random_key(), data={"file": (io.BytesIO(picture), "photo.jpg")})
    assert answer.status_code == 201, answer.get_json()
    return str(answer.get_json()["id"])


def work(bench: Bench, *arguments: str) -> Program:
    """The product's workers."""
    return bench.start(*arguments, module="workers")


def test_report_filed_while_redis_is_away(bench: Bench, town: Town) -> None:
    work(bench).await_event("worker_ready", count=4)
    bench.valkey.kill()
    filed = reporting.file(town.reporter)
    assert filed["state"] == "submitted"
    bench.valkey.start()
    await_true(lambda: reporting.read(town.reporter, filed["id"])["state"] == "routed", ROUTED_WITHIN_S)
    assert reporting.read(town.worker, filed["id"])["desk"]["code"] == reporting.VILLAGE


def test_photo_worker_killed_mid_photo(bench: Bench, town: Town) -> None:
    """The parent, the forked job and the decoder at once. The lease's 50 s are not waited for but put forward."""
    work(bench, "relay").await_event("relay_ready")
    victim = work(bench, "worker", "--queue", "photos")
    victim.await_event("worker_ready")
    idle = victim.family()
    for decoder in idle[1:]:
        decoder.suspend()  # so that the photo is under way for as long as this test wants
    photo = upload(town.reporter, pictures.encoded(pictures.scene(1200, 900), "JPEG"))
    await_true(lambda: len(victim.family()) > len(idle))
    victim.kill_family()
    assert state_of(town.reporter, photo) == "pending"

    work(bench, "worker", "--queue", "photos").await_event("worker_ready")
    assert bench.sql("SELECT due_at <= now() + interval '50 s' FROM outbox WHERE topic = 'photo.uploaded'") == [True]
    bench.sql("UPDATE outbox SET due_at = now()")
    await_true(lambda: state_of(town.reporter, photo) == "ready", 30)


def state_of(person: Person, photo: str) -> str:
    return str(person.get(f"/photos/{photo}").get_json()["state"])


def test_export_worker_killed_half_way(
    bench: Bench, town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 when half a file is written: nothing half is offered, the next run makes it whole and leaves nothing."""
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.setenv("TMPDIR", str(working))
    of_others = set(kept_files(bench))  # the store is that of all tests of this process
    reporting.file_routed(town.reporter)
    many = "jsonb_build_object('id', gen_random_uuid(), 'number', 'JZ-' || n)"
    bench.sql(
        f"INSERT INTO reports SELECT (jsonb_populate_record(r, {many})).* FROM reports r, generate_series(1, 24000) n"
    )
    asked = town.officer.post("/exports", {"kind": "reports", "format": "csv", "filter": {}, "coord_type": "gcj02"})
    export = f"/exports/{asked.json['id']}"
    with psycopg.connect(bench.config.database_url.replace("+psycopg", "", 1)) as connection:
        # The run waits for this row when it begins, when it has counted, and at every 5,000th of 24,001 rows; on a busy
        # machine it may pass one of these before the row is held again.
        connection.execute("SELECT FROM exports FOR UPDATE")
        work(bench, "relay").await_event("relay_ready")
        victim = work(bench, "worker", "--queue", "exports")
        victim.await_event("worker_ready")
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%exports%%'"
        await_true(lambda: bench.sql(waiting), 30)
        while not half_files(working, at_least=100_000):
            connection.commit()
            connection.execute("SELECT FROM exports FOR UPDATE")
            await_true(lambda: bench.sql(waiting), 30)
        victim.kill_family()
    seen = town.officer.get(export).json
    assert (seen["state"], seen["file"]) == ("running", None)
    assert set(kept_files(bench)) == of_others

    for left in half_files(working):
        for path in (left, left.parent):
            os.utime(path, (time.time() - 7200,) * 2)
    work(bench, "worker", "--queue", "exports").await_event("worker_ready")
    bench.sql("UPDATE outbox SET due_at = now()")
    made = await_true(lambda: (found := town.officer.get(export).json)["state"] == "ready" and found, 60)
    assert made["file"]["rows"] == 24_001
    (kept,) = set(kept_files(bench)) - of_others
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == made["file"]["sha256"]
    await_true(lambda: bench.sql("SELECT count(*) FROM outbox WHERE topic = 'export.asked'") == [0])
    assert half_files(working) == []
    assert bench.sql("SELECT count(*) FROM messages WHERE subject LIKE 'export:%%'") == [0]


def half_files(working: Path, *, at_least: int = 0) -> list[Path]:
    return [path for path in working.glob("wxapi-export-*/*") if path.stat().st_size >= at_least]


def kept_files(bench: Bench) -> list[Path]:
    return [path for path in Path(urlsplit(bench.config.storage_url).path).rglob("*.csv") if path.is_file()]
