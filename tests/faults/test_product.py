"""The product's own promises under faults: a report filed without Redis, a photo whose worker is killed."""

import io
from collections.abc import Iterator

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
