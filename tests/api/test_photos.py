"""Photos over HTTP: what a phone sends, what it gets back, who may look."""

import hashlib
import io
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select, update
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from tests import reporting
from tests.conftest import random_key
from tests.factories import People, Person
from tests.pictures import jpeg, png
from wxapi.kernel.clock import FixedClock
from wxapi.moderation.models import Check
from wxapi.photos.models import Photo
from wxapi.photos.rules.photos import MAX_BYTES
from wxapi.photos.services import develop
from wxapi.platform.db import transaction
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime
from wxapi.reports.services import moderate

PICTURE = jpeg(320, 240)


def send(person: Person, data: bytes | None, *, key: str | None = None, **form: str) -> TestResponse:
    fields: MultiDict[str, Any] = MultiDict(form)
    if data is not None:
        fields.add("file", FileStorage(io.BytesIO(data), "photo.jpg"))
    headers = {"Idempotency-Key": key or random_key()}
    # As bytes: the test client would leave a large form's temporary file open.
    boundary, body = encode_multipart(fields)
    form_type = f"multipart/form-data; boundary={boundary}"
    return person.call("POST", "/photos", data=body, content_type=form_type, headers=headers)


@pytest.fixture
def reporter(people: People) -> Person:
    return people.make()


def test_an_upload_is_stored_and_answered_before_it_is_decoded(reporter: Person, session: Any) -> None:
    response = send(reporter, PICTURE)
    assert response.status_code == 201
    body = response.get_json()
    assert uuid.UUID(body["id"]).version == 4
    assert body == {
        "id": body["id"],
        "sha256": hashlib.sha256(PICTURE).hexdigest(),
        "bytes": len(PICTURE),
        "state": "pending",
        "rejection": None,
        "width": None,
        "height": None,
        "variants": {},
    }
    row = session.scalars(select(OutboxRow).where(OutboxRow.topic == "photo.uploaded")).one()
    assert row.payload == {"photo_id": body["id"]}


def test_variants_load_without_a_header_once_the_worker_was_there(reporter: Person, client: FlaskClient) -> None:
    photo_id = send(reporter, PICTURE).get_json()["id"]
    develop.develop(uuid.UUID(photo_id), now=runtime().clock.now())
    body = reporter.get(f"/photos/{photo_id}").get_json()
    assert (body["state"], body["width"], body["height"]) == ("ready", 320, 240)
    assert set(body["variants"]) == {"large", "medium", "thumb"}
    for variant in body["variants"].values():
        address = urlsplit(variant["url"])
        answer = client.get(f"{address.path}?{address.query}")
        assert answer.status_code == 200
        assert answer.content_type == "image/jpeg"
        assert len(answer.data) == variant["bytes"]
        with Image.open(io.BytesIO(answer.data)) as image:
            assert image.size == (variant["width"], variant["height"])
        assert client.get(address.path).status_code == 403


def test_signed_addresses_expire(reporter: Person, client: FlaskClient, clock: FixedClock) -> None:
    photo_id = send(reporter, PICTURE).get_json()["id"]
    develop.develop(uuid.UUID(photo_id), now=runtime().clock.now())
    address = urlsplit(reporter.get(f"/photos/{photo_id}").get_json()["variants"]["thumb"]["url"])
    clock.advance(hours=3)
    assert client.get(f"{address.path}?{address.query}").status_code == 403


def test_a_refused_picture_says_why(reporter: Person) -> None:
    photo_id = send(reporter, jpeg(320, 240)[:2000]).get_json()["id"]
    develop.develop(uuid.UUID(photo_id), now=runtime().clock.now())
    body = reporter.get(f"/photos/{photo_id}").get_json()
    assert body["state"] == "rejected"
    assert body["rejection"]["code"] == "truncated"
    assert body["rejection"]["detail"].endswith("。")
    assert body["variants"] == {}


def test_an_empty_file_is_taken_and_then_rejected_by_the_worker(reporter: Person) -> None:
    response = send(reporter, b"")
    assert response.status_code == 201
    develop.develop(uuid.UUID(response.get_json()["id"]), now=runtime().clock.now())
    assert reporter.get(f"/photos/{response.get_json()['id']}").get_json()["rejection"]["code"] == "empty_file"


@pytest.mark.parametrize("data", [b"hello, this is text", b"%PDF-1.7 ...", bytes(2000), b"<html></html>"])
def test_what_is_no_picture_is_refused_at_the_door(reporter: Person, data: bytes) -> None:
    response = send(reporter, data)
    assert response.status_code == 415
    assert response.get_json()["code"] == "unsupported_format"


def test_the_checksum_guards_the_transfer(reporter: Person) -> None:
    good = hashlib.sha256(PICTURE).hexdigest()
    assert send(reporter, PICTURE, sha256=good.upper()).status_code == 201
    for wrong in ("0" * 64, "not hex", ""):
        response = send(reporter, PICTURE, sha256=wrong)
        assert (response.status_code, response.get_json()["code"]) == (422, "checksum_mismatch")


def test_size_limits(reporter: Person) -> None:
    at_limit = jpeg(320, 240).ljust(MAX_BYTES, b"\x00")
    assert send(reporter, at_limit).status_code == 201
    for too_large in (at_limit + b"\x00", at_limit + bytes(1 << 20)):
        response = send(reporter, too_large)
        assert response.status_code == 413
        assert response.content_type == "application/problem+json"


def test_malformed_uploads(reporter: Person, client: FlaskClient) -> None:
    assert send(reporter, None).get_json()["code"] == "malformed_request"
    for named, wrong in (
        ("file", {"data": None, "sha256": ""}),
        ("file", {"data": None, "file": "text instead of a file"}),
        ("file", {"data": PICTURE, "file": "one more of that name"}),
        ("extra", {"data": PICTURE, "extra": "1"}),
        ("sha256", {"data": PICTURE, "sha256": "a\n"}),
    ):
        refused = send(reporter, **wrong)
        assert (refused.status_code, list(refused.get_json()["errors"])) == (422, [named])
    assert reporter.post("/photos", {"file": "x"}, key=random_key()).status_code == 400
    assert reporter.call("POST", "/photos", data={"file": (io.BytesIO(PICTURE), "a.jpg")}).status_code == 400
    assert client.post("/api/v1/photos", data={"file": (io.BytesIO(PICTURE), "a.jpg")}).status_code == 401


PART = b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
BROKEN = {
    "another boundary": b"--other\r\n" + PART + PICTURE + b"\r\n--other--\r\n",
    "another boundary of a large photo": b"--other\r\n" + PART + PICTURE.ljust(400_000, b"\0") + b"\r\n--other--\r\n",
    "nothing": b"",
    "no form": PICTURE,
    "cut off in the photo": b"--b\r\n" + PART + PICTURE,
    "cut off in the head": b"--b\r\n" + PART[:20],
    "a part that says nothing of itself": b"--b\r\nContent-Type: image/jpeg\r\n\r\n" + PICTURE + b"\r\n--b--\r\n",
    "a head that is no text": b"--b\r\n" + PART[:40] + b"\xff" + PART[40:] + PICTURE + b"\r\n--b--\r\n",
}
FORM = "multipart/form-data; boundary=b"


def sent_as(reporter: Person, content_type: str, **given: Any) -> tuple[int, str]:
    answer = reporter.call(
        "POST", "/photos", headers={"Idempotency-Key": random_key()}, content_type=content_type, **given
    )
    return answer.status_code, answer.get_json()["code"]


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_a_form_that_cannot_be_read_is_malformed(reporter: Person, sent: bytes) -> None:
    assert sent_as(reporter, FORM, data=sent) == (400, "malformed_request")
    chunks = {"wsgi.input_terminated": True}
    assert sent_as(reporter, FORM, input_stream=io.BytesIO(sent), environ_base=chunks) == (400, "malformed_request")


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=\xff"])
def test_a_form_without_a_boundary_is_malformed(reporter: Person, boundary: str) -> None:
    assert sent_as(reporter, f"multipart/form-data{boundary}", data=b"--b--\r\n") == (400, "malformed_request")


def test_a_form_whose_field_is_too_large_is_too_large(reporter: Person) -> None:
    assert send(reporter, PICTURE, sha256="0" * 400_000).status_code == 413


def test_a_repeat_gets_the_first_answer_and_another_file_is_refused(reporter: Person, session: Any) -> None:
    first = send(reporter, PICTURE, key="k1")
    again = send(reporter, PICTURE, key="k1")
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert send(reporter, png(320, 240), key="k1").get_json()["code"] == "idempotency_key_reused"
    assert len(session.scalars(select(Photo)).all()) == 1


def test_another_persons_photo_does_not_exist(reporter: Person, people: People) -> None:
    photo_id = send(reporter, PICTURE).get_json()["id"]
    theirs = people.make().get(f"/photos/{photo_id}")
    nobodys = reporter.get(f"/photos/{uuid.uuid4()}")
    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert theirs.get_json()["code"] == nobodys.get_json()["code"]


def test_the_original_is_never_served(reporter: Person, client: FlaskClient, app: Flask) -> None:
    photo_id = send(reporter, PICTURE).get_json()["id"]
    for path in (f"/api/v1/files/photos/{photo_id}/original", f"/api/v1/photos/{photo_id}/original"):
        assert client.get(path).status_code in {403, 404}


def test_what_tells_one_original_from_another_is_its_owners_alone(people: People) -> None:
    """Nobody can tell by a picture's digest or size that one person filed two reports, whoever has the file at hand."""
    town = reporting.settle(people)
    photo = send(town.reporter, PICTURE).get_json()
    develop.develop(uuid.UUID(photo["id"]), now=runtime().clock.now())
    report = reporting.accepted(town, photo_ids=[photo["id"]])
    moderate.begin_checks(uuid.UUID(report["id"]), now=runtime().clock.now())
    with transaction() as session:
        session.execute(update(Check).where(Check.photo_id.is_not(None)).values(state="manual"))
    digest, after = hashlib.sha256(PICTURE).hexdigest(), jpeg(330, 240)
    proof = send(town.worker, after).get_json()["id"]
    develop.develop(uuid.UUID(proof), now=runtime().clock.now())
    reporting.take(town.worker, report, "resolve", note="已清运", photo_ids=[proof])
    paths = (
        f"/reports/{report['id']}",
        f"/photos/{photo['id']}",
        "/moderation/queue",
        "/me/data",
        "/reports?scope=desk",
    )
    for person in (town.worker, town.officer, town.supervisor):
        texts = [person.get(path).text for path in paths]
        assert photo["id"] in texts[0], "shows the photo"
        for text in texts:
            assert digest not in text
            assert f'"bytes":{len(PICTURE)}' not in text.replace(" ", "")
    assert photo["id"] in town.officer.get("/moderation/queue").text
    mine = reporting.read(town.reporter, report["id"])
    assert (mine["photos"][0]["sha256"], mine["photos"][0]["bytes"]) == (digest, len(PICTURE))
    assert (mine["after_photos"][0]["sha256"], mine["after_photos"][0]["bytes"]) == (None, None)
    assert town.reporter.get(f"/photos/{photo['id']}").get_json()["sha256"] == digest
    assert digest in town.reporter.get("/me/data").text
    lines = [line for line in reporting.read(town.worker, report["id"])["timeline"] if line["photos"]]
    assert [line["photos"][0]["sha256"] for line in lines] == [hashlib.sha256(after).hexdigest()]
