"""Using photos, forgetting photos, and the job that develops them, run as often and as badly as it may be."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import current_app
from sqlalchemy import exists, false, select, true, update
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.factories import People, Person
from tests.pictures import jpeg
from wxapi.identity.services import erasure, personal_data
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import DomainError, InvalidError, NotFoundError
from wxapi.photos.models import Photo, original_key, variant_key
from wxapi.photos.queries import photos, visibility
from wxapi.photos.services import develop, forget, send
from wxapi.photos.services.claim import claim as claim_photos
from wxapi.photos.wire.photos import photo_dict
from wxapi.platform.db import transaction
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime

PICTURE = jpeg(320, 240)


@pytest.fixture
def owner(people: People) -> Person:
    return people.make()


def upload(owner: Person, data: bytes = PICTURE) -> uuid.UUID:
    return send.upload(owner.actor, data, sha256=None, now=NOW).id


def claim(owner: Person, *photo_ids: uuid.UUID, subject_id: uuid.UUID | None = None) -> list[Photo]:
    with transaction() as session:
        return claim_photos(
            session, owner.actor.user_id, photo_ids, kind="report", subject_id=subject_id or uuid.uuid4()
        )


def refused(owner: Person, *photo_ids: uuid.UUID) -> str:
    with pytest.raises(InvalidError) as caught:
        claim(owner, *photo_ids)
    return caught.value.code


def stored(key: str) -> bool:
    try:
        runtime().storage.get(key)
    except FileNotFoundError:
        return False
    return True


def topics(session: Session) -> list[str]:
    return list(session.scalars(select(OutboxRow.topic).order_by(OutboxRow.id)))


def test_the_original_is_gone_once_the_photo_is_ready(owner: Person, session: Session) -> None:
    photo_id = upload(owner)
    assert stored(original_key(photo_id))
    develop.develop(photo_id, now=NOW)
    assert not stored(original_key(photo_id))
    assert all(stored(variant_key(photo_id, name)) for name in ("large", "medium", "thumb"))
    photo = send.read(owner.actor, photo_id)
    assert (photo.state, photo.width, photo.height, photo.judged_at) == ("ready", 320, 240, NOW)


def test_the_original_is_gone_once_the_photo_is_rejected(owner: Person, session: Session) -> None:
    photo_id = upload(owner, PICTURE[:2000])
    develop.develop(photo_id, now=NOW)
    assert send.read(owner.actor, photo_id).rejection == "truncated"
    assert not stored(original_key(photo_id))


@pytest.mark.parametrize("data", [PICTURE, PICTURE[:2000]])
def test_the_original_stays_until_what_became_of_it_is_decided(
    owner: Person, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    photo_id = upload(owner, data)

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the database went away")

    with monkeypatch.context() as away:
        away.setattr(develop, "decide", fail)
        with pytest.raises(RuntimeError):
            develop.develop(photo_id, now=NOW)
    assert stored(original_key(photo_id))
    develop.develop(photo_id, now=NOW)
    assert send.read(owner.actor, photo_id).state != "pending"
    assert not stored(original_key(photo_id))


@pytest.mark.parametrize("data", [PICTURE, PICTURE[:2000]])
def test_developing_twice_changes_nothing(owner: Person, data: bytes) -> None:
    photo_id = upload(owner, data)
    develop.develop(photo_id, now=NOW)
    first = photo_dict(send.read(owner.actor, photo_id), owner.actor.user_id)
    develop.develop(photo_id, now=NOW + timedelta(hours=1))
    again = send.read(owner.actor, photo_id)
    assert photo_dict(again, owner.actor.user_id) == first
    assert again.judged_at == NOW


def test_a_run_that_died_after_the_decision_is_tidied_by_the_next(owner: Person) -> None:
    photo_id = upload(owner)
    develop.develop(photo_id, now=NOW)
    runtime().storage.put(original_key(photo_id), PICTURE)  # as if the first run had died before deleting it
    develop.develop(photo_id, now=NOW)
    assert not stored(original_key(photo_id))
    assert send.read(owner.actor, photo_id).state == "ready"


def test_a_photo_swept_while_it_was_developed_leaves_no_file(owner: Person, session: Session) -> None:
    photo_id = upload(owner)
    for name in ("large", "medium", "thumb"):
        runtime().storage.put(variant_key(photo_id, name), b"written by the job that is still running")
    with transaction() as opened:
        forget.forget_owner(opened, owner.actor.user_id)
    develop.develop(photo_id, now=NOW)
    assert not any(stored(variant_key(photo_id, name)) for name in ("large", "medium", "thumb"))
    assert not stored(original_key(photo_id))


def test_a_lost_file_decides_nothing(owner: Person) -> None:
    photo_id = upload(owner)
    runtime().storage.delete(original_key(photo_id))
    with pytest.raises(FileNotFoundError):
        develop.develop(photo_id, now=NOW)
    assert send.read(owner.actor, photo_id).state == "pending"


def variants_of_an_earlier_run(owner: Person, session: Session) -> uuid.UUID:
    """A photo as a restored backup has it: pending in the database, its original gone, its variants there."""
    photo_id = upload(owner)
    develop.develop(photo_id, now=NOW)
    with transaction() as opened:
        before = {"state": "pending", "variants": None, "width": None, "height": None, "judged_at": None}
        opened.execute(update(Photo).where(Photo.id == photo_id).values(**before))
    session.expire_all()
    return photo_id


def test_a_photo_whose_original_went_is_finished_by_its_variants(owner: Person, session: Session) -> None:
    photo_id = variants_of_an_earlier_run(owner, session)
    develop.develop(photo_id, now=NOW)
    photo = send.read(owner.actor, photo_id)
    assert (photo.state, photo.width, photo.height) == ("ready", 320, 240)
    assert photo.variants is not None
    assert photo.variants["thumb"]["width"] == 160


def test_some_of_the_variants_are_not_enough(owner: Person, session: Session) -> None:
    photo_id = variants_of_an_earlier_run(owner, session)
    runtime().storage.delete(variant_key(photo_id, "thumb"))
    with pytest.raises(FileNotFoundError):
        develop.develop(photo_id, now=NOW)
    assert send.read(owner.actor, photo_id).state == "pending"


def test_claiming_keeps_the_order_and_takes_pending_photos(owner: Person) -> None:
    wanted = [upload(owner) for _ in range(4)]
    wanted.reverse()
    subject = uuid.uuid4()
    assert [photo.id for photo in claim(owner, *wanted, subject_id=subject)] == wanted
    photo = send.read(owner.actor, wanted[0])
    assert (photo.used_by_kind, photo.used_by_id) == ("report", subject)
    assert claim(owner) == []


def test_refused_claims(owner: Person, people: People) -> None:
    mine, used, bad, theirs = upload(owner), upload(owner), upload(owner, PICTURE[:2000]), upload(people.make())
    claim(owner, used)
    develop.develop(bad, now=NOW)
    assert refused(owner, mine, used) == "photo_used"
    assert refused(owner, mine, mine) == "photo_used"
    assert refused(owner, bad, mine) == "photo_rejected"
    assert refused(owner, theirs) == "photo_not_yours"
    assert refused(owner, uuid.uuid4()) == "photo_not_yours"
    assert [photo.id for photo in claim(owner, mine)] == [mine]  # no refusal took it


def test_unused_photos_are_swept_after_48_hours(owner: Person, session: Session) -> None:
    used, old = upload(owner), upload(owner)
    claim(owner, used)
    young = send.upload(owner.actor, PICTURE, sha256=None, now=NOW + timedelta(hours=2)).id
    assert forget.sweep_unused(now=NOW + timedelta(hours=48)) == 0
    assert forget.sweep_unused(now=NOW + timedelta(hours=48, seconds=1)) == 1
    assert set(photos.photos_by_ids(session, [used, old, young])) == {used, young}
    assert topics(session).count("photo.dropped") == 1
    forget.remove_files(old)
    forget.remove_files(old)
    assert not stored(original_key(old))


def test_erasing_a_person_drops_unused_photos_and_unties_used_ones(owner: Person, session: Session) -> None:
    used, unused = upload(owner), upload(owner)
    claim(owner, used)
    held = personal_data.read_everything(owner.actor, now=NOW).parts["photos"]
    assert {photo["id"]: photo["used_by"] for photo in held} == {str(used): "report", str(unused): None}
    erasure.erase(owner.actor.user_id, now=NOW)
    session.expire_all()
    left = photos.photos_by_ids(session, [used, unused])
    assert set(left) == {used}
    assert left[used].owner_id is None
    assert "photo.dropped" in topics(session)


def test_there_is_an_end_to_unused_photos(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "MAX_UNUSED", 2)
    claim(owner, upload(owner))
    upload(owner)
    upload(owner)
    with pytest.raises(DomainError) as caught:
        upload(owner)
    assert caught.value.code == "too_many_unused_photos"


def test_a_store_that_went_away_hides_no_refusal(owner: Person, tmp_path: Path) -> None:
    """What cannot be taken back is the sweep's; the answer says why nothing was taken."""
    folder = Path(runtime().config.storage_url.removeprefix("file://")) / "photos"
    with pytest.raises(InvalidError, match="refused"), send.stored(PICTURE, sha256=None):
        folder.rename(tmp_path / "aside")
        folder.write_bytes(b"a file where a folder should be")
        raise InvalidError("refused", "")
    folder.unlink()
    (tmp_path / "aside").rename(folder)


def test_a_feature_above_can_show_photos_of_its_things(
    owner: Person, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    colleague, stranger = people.make(), people.make()
    photo_id, other = upload(owner), upload(owner)

    def of_the_case(actor: Actor) -> Any:
        sees = true() if actor.user_id == colleague.actor.user_id else false()
        return exists(select(1).where(Photo.id == photo_id, sees)).correlate(Photo)

    extensions = dict(current_app.extensions)
    monkeypatch.setattr(current_app, "extensions", extensions)
    visibility.install(current_app._get_current_object(), (of_the_case,))  # type: ignore[attr-defined]
    assert send.read(colleague.actor, photo_id).id == photo_id
    for actor, hidden in ((stranger.actor, photo_id), (colleague.actor, other)):
        with pytest.raises(NotFoundError):
            send.read(actor, hidden)
