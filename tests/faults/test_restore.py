"""A backup taken under writes, by docs/operations.md, put back after everything was lost: nothing acknowledged before it is missing."""

import io
import shutil
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from config import Config
from tests import pictures, reporting
from tests.conftest import NOW, random_key
from tests.factories import People, Person
from wxapi.app import create_app
from wxapi.demo import postgres
from wxapi.demo.errors import DemoError
from wxapi.kernel.clock import FixedClock
from wxapi.photos.services import develop as photos
from wxapi.photos.services.sandbox import client
from wxapi.platform import audit_chain, migrate
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime

pytestmark = pytest.mark.processes


@pytest.fixture
def programs() -> Path:
    """Where pg_dump and pg_restore lie: those of the wheel, of the server's own version."""
    try:
        found = postgres.program_folder()
    except DemoError:
        found = None
    if found is None or not (found / "pg_dump").exists():
        pytest.skip("There is no pg_dump beside the embedded PostgreSQL on this machine.")
    return found


@pytest.fixture
def app_on(make_config: Callable[..., Config], tmp_path: Path) -> Iterator[Callable[[str, Path], Flask]]:
    """Apps on a database and a folder of files; they really commit."""
    made: list[Flask] = []

    def make(url: str, folder: Path) -> Flask:
        app = create_app(make_config(database_url=url, storage_url=f"file://{folder}"), clock=FixedClock(NOW))
        made.append(app)
        return app

    yield make
    client.shared().close()
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def upload(person: Person, number: int) -> str:
    picture = io.BytesIO(pictures.encoded(pictures.scene(320 + number, 240), "JPEG"))
    answer = person.post("/photos", key=random_key(), data={"file": (picture, "photo.jpg")})
    assert answer.status_code == 201, answer.get_json()
    return str(answer.get_json()["id"])


def test_a_backup_under_writes_brings_everything_back(
    app_on: Callable[[str, Path], Flask], make_database: Callable[[], str], programs: Path, tmp_path: Path
) -> None:
    source, folder, dump = make_database(), tmp_path / "files", tmp_path / "wxapi.dump"
    migrate.upgrade(source)
    app = app_on(source, folder)
    with app.app_context():
        town = reporting.settle(People(app))
        ready = [upload(town.reporter, number) for number in range(3)]
        for photo_id in ready:
            photos.develop(uuid.UUID(photo_id), now=NOW)
        waiting, between = upload(town.reporter, 10), upload(town.reporter, 11)
        reports = [reporting.file_routed(town.reporter, photo_ids=[photo_id])["id"] for photo_id in ready]
        with transaction() as session:
            audit_chain.seal(session, runtime().cipher, now=NOW)
        head = str(audit_chain.head_of(db.session()))
        before = {report_id: reporting.read(town.reporter, report_id) for report_id in reports}
        pictures_before = {photo_id: pictures_of(town.reporter, photo_id) for photo_id in ready}
        over = threading.Event()
        during: list[str] = []

        def write_on() -> None:
            with app.app_context():
                while not over.is_set():
                    during.append(reporting.file(town.reporter)["id"])
                db.session.remove()

        writer = threading.Thread(target=write_on)
        writer.start()
        try:
            run(programs / "pg_dump", "--format=custom", f"--file={dump}", f"--dbname={source}")
            # The dump has it pending; the copy of the files has its variants, and its original no more.
            photos.develop(uuid.UUID(between), now=NOW)
            shutil.copytree(folder, tmp_path / "copy")
        finally:
            over.set()
            writer.join(30)
        assert during
        token, user = town.reporter.token, town.reporter.actor
        db.session.remove()
        db.engine.dispose()
    shutil.rmtree(folder)

    target = make_database()
    run(programs / "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={target}", str(dump))
    migrate.upgrade(target)
    restored = app_on(target, tmp_path / "copy")
    with restored.app_context():
        reporter = Person(restored, user, token)
        for report_id, was in before.items():
            now = reporting.read(reporter, report_id)
            assert (now["number"], now["state"], now["timeline"]) == (was["number"], was["state"], was["timeline"])
            assert [photo["state"] for photo in now["photos"]] == ["ready"]
        assert {photo_id: pictures_of(reporter, photo_id) for photo_id in ready} == pictures_before
        for photo_id in (waiting, between):
            assert_developed_after_all(reporter, photo_id)
        assert_whole(restored, head)


def assert_whole(app: Flask, head: str) -> None:
    """What the manual says to do after a restore, with the head noted before."""
    assert str(audit_chain.head_of(db.session())) == head
    told = app.test_cli_runner().invoke(args=["audit", "verify", "--head", head])
    assert (told.exit_code, told.output.startswith("Whole: ")) == (0, True), told.output
    seq, _, digest = head.partition(":")
    told = app.test_cli_runner().invoke(args=["audit", "verify", "--head", f"{seq}:{digest[::-1]}"])
    assert told.exit_code == 1, "another chain's head, and nobody says so"


def picture(person: Person, photo: dict[str, Any], name: str) -> bytes:
    address = urlsplit(photo["variants"][name]["url"])
    answer = person.app.test_client().get(f"{address.path}?{address.query}")
    assert answer.status_code == 200
    return answer.data


def pictures_of(person: Person, photo_id: str) -> dict[str, bytes]:
    """The bytes of each size, as a phone loads them."""
    shown = person.get(f"/photos/{photo_id}").get_json()
    return {name: picture(person, shown, name) for name in shown["variants"]}


def assert_developed_after_all(person: Person, photo_id: str) -> None:
    """As the dump has it the photo waits; its job finishes it, from its original or from what is left of it."""
    assert person.get(f"/photos/{photo_id}").get_json()["state"] == "pending"
    photos.develop(uuid.UUID(photo_id), now=NOW)
    shown = person.get(f"/photos/{photo_id}").get_json()
    assert shown["state"] == "ready"
    assert pictures_of(person, photo_id).keys() == {"large", "medium", "thumb"}


def run(*words: str | Path) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
