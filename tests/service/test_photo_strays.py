"""Photos whose job is lost, files whose row is, and a store that is asked for nothing while a transaction is open."""

import io
import os
import shutil
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from tests.conftest import NOW, random_key
from tests.factories import People, Person
from tests.pictures import jpeg
from tests.service.test_photos import PICTURE, stored, topics, upload
from wxapi.kernel.errors import TooManyRequestsError
from wxapi.photos.models import Photo, original_key, variant_key
from wxapi.photos.services import develop, send, strays
from wxapi.platform.db import db
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime
from wxapi.platform.storage import Storage

LATE = NOW + timedelta(hours=2)


@pytest.fixture
def owner(people: People) -> Person:
    return people.make()


def state_of(session: Session, photo_id: uuid.UUID) -> tuple[str, str | None]:
    session.expire_all()
    photo = session.get_one(Photo, photo_id)
    return photo.state, photo.rejection


def lose_jobs(session: Session) -> None:
    session.execute(delete(OutboxRow))
    session.commit()


def test_a_photo_without_a_job_gets_one_and_only_one(owner: Person, session: Session) -> None:
    upload(owner)
    assert strays.heal_pending(now=LATE) == 0  # its job is there
    lose_jobs(session)
    assert strays.heal_pending(now=NOW + timedelta(minutes=59)) == 0
    assert strays.heal_pending(now=LATE) == 1
    assert topics(session) == ["photo.uploaded"]
    assert strays.heal_pending(now=LATE) == 0
    assert topics(session) == ["photo.uploaded"]


def test_a_job_that_was_given_up_begins_again(owner: Person, session: Session) -> None:
    upload(owner)
    session.execute(update(OutboxRow).values(dead=True, attempts=24))
    session.commit()
    assert strays.heal_pending(now=LATE) == 1
    [row] = session.execute(select(OutboxRow.dead, OutboxRow.attempts)).all()
    assert (row.dead, row.attempts) == (False, 0)


def test_what_has_no_file_at_all_is_refused_after_a_day(owner: Person, session: Session) -> None:
    photo_id = upload(owner)
    runtime().storage.delete(original_key(photo_id))
    lose_jobs(session)
    strays.heal_pending(now=LATE)
    assert state_of(session, photo_id) == ("pending", None)  # its files may still be on their way back
    strays.heal_pending(now=NOW + timedelta(hours=25))
    assert state_of(session, photo_id) == ("rejected", "truncated")


def test_one_bad_photo_stops_no_other(owner: Person, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    poisoned, fine = upload(owner), upload(owner)
    lose_jobs(session)
    real = Storage.has

    def has(self: Storage, key: str) -> bool:
        if str(poisoned) in key:
            raise OSError("this one cannot be read")
        return real(self, key)

    monkeypatch.setattr(Storage, "has", has)
    assert strays.heal_pending(now=LATE) == 2
    assert session.scalars(select(OutboxRow.payload["photo_id"].astext)).all() == [str(fine)]


@pytest.fixture(autouse=True)
def _nothing_of_other_tests(app: Flask) -> None:
    shutil.rmtree(folder_of_files() / "photos", ignore_errors=True)


def folder_of_files() -> Path:
    folder = runtime().storage._folder
    assert folder is not None
    return folder


def age(at: datetime) -> Path:
    """Make everything stored as old as this; returns the folder."""
    folder = folder_of_files()
    for place in folder.rglob("*"):
        os.utime(place, (at.timestamp(), at.timestamp()))
    return folder


def test_files_without_a_row_go_after_a_day(owner: Person, session: Session) -> None:
    waiting, ready = upload(owner), upload(owner)
    develop.develop(ready, now=NOW)
    lost, half = uuid.uuid4(), uuid.uuid4()
    runtime().storage.put(original_key(lost), PICTURE)
    runtime().storage.put(variant_key(half, "large"), PICTURE)
    folder = age(NOW)
    (folder / "photos" / "empty").mkdir()
    (folder / "photos" / "somebodys.txt").write_text("not ours")
    age(NOW)

    assert strays.sweep_files(now=NOW + timedelta(hours=23)) == 0
    assert stored(original_key(lost))
    assert strays.sweep_files(now=NOW + timedelta(hours=25)) == 2
    assert {place.name for place in (folder / "photos").iterdir()} == {str(waiting), str(ready), "somebodys.txt"}
    assert stored(original_key(waiting))
    assert stored(variant_key(ready, "large"))
    assert strays.sweep_files(now=NOW + timedelta(hours=25)) == 0


def test_a_deleted_photo_leaves_no_folder(owner: Person) -> None:
    photo_id = upload(owner, PICTURE[: len(PICTURE) // 2])
    folder = folder_of_files() / "photos" / str(photo_id)
    assert folder.is_dir()
    develop.develop(photo_id, now=NOW)
    assert not folder.exists()


@pytest.fixture
def open_transactions(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether a transaction was open, at each put."""
    seen: list[bool] = []
    real = Storage.put

    def put(self: Storage, key: str, data: bytes) -> None:
        seen.append(db.session().in_transaction())
        real(self, key, data)

    monkeypatch.setattr(Storage, "put", put)
    return seen


def files() -> int:
    return sum(1 for place in folder_of_files().rglob("original"))


def sent(owner: Person, data: bytes, key: str) -> Any:
    return owner.post("/photos", key=key, data={"file": (io.BytesIO(data), "photo.jpg")})


def test_no_transaction_is_open_while_a_file_is_stored(
    owner: Person, session: Session, open_transactions: list[bool]
) -> None:
    assert sent(owner, PICTURE, "k1").status_code == 201
    assert open_transactions == [False]
    # A repeat has the first answer, another file under the same key none; neither leaves a file.
    assert sent(owner, PICTURE, "k1").headers["Idempotency-Replayed"] == "true"
    assert sent(owner, jpeg(100, 90), "k1").status_code == 422
    assert (files(), len(session.scalars(select(Photo.id)).all())) == (1, 1)


def test_what_is_refused_leaves_no_file(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "MAX_UNUSED", 0)
    assert sent(owner, PICTURE, random_key()).status_code == 429
    with pytest.raises(TooManyRequestsError):
        upload(owner)
    assert files() == 0


def test_a_commit_of_unknown_outcome_keeps_the_file(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> Callable[..., Any]:
        raise ConnectionError("gone while the commit was under way")

    monkeypatch.setattr(send, "enter", lost)
    with pytest.raises(ConnectionError):
        upload(owner)
    assert files() == 1
