"""Mini-program codes: drawn once, stored, and understood when scanned."""

import io
import re
import uuid
from urllib.parse import urlsplit

import pytest
from flask import Flask
from PIL import Image

from tests.factories import People, Person
from tests.fake_wechat_control import FakeControl
from tests.schooling import open_school
from wxapi.kernel.permissions import Role
from wxapi.platform.wechat.codes import QR_PATH

VILLAGE, TOWNSHIP, OTHER = "421002001001", "421002001", "421002002"
pytestmark = pytest.mark.usefixtures("wired", "fake")


@pytest.fixture
def officer(city: None, people: People) -> Person:
    return people.make((Role.TOWNSHIP_OFFICER, TOWNSHIP))


def test_a_code_is_drawn_once_and_loads_without_a_header(officer: Person, app: Flask, fake: FakeControl) -> None:
    codes = [officer.get(f"/regions/{VILLAGE}/mini-program-code").get_json() for _ in range(2)]
    assert codes[0]["scene"] == codes[1]["scene"]
    assert re.fullmatch(r"[0-9A-Za-z_-]{22}", codes[0]["scene"])
    assert fake.calls(QR_PATH) == 1
    address = urlsplit(codes[0]["url"])
    picture = app.test_client().get(f"{address.path}?{address.query}")
    assert (picture.status_code, picture.content_type) == (200, "image/jpeg")
    with Image.open(io.BytesIO(picture.data)) as drawn:
        assert drawn.size == (1280, 1280)


def test_a_scanned_code_tells_what_it_stands_for(officer: Person, people: People) -> None:
    scene = officer.get(f"/regions/{VILLAGE}/mini-program-code").get_json()["scene"]
    answer = people.make().get(f"/scenes/{scene}").get_json()
    assert (answer["kind"], answer["id"]) == ("region", VILLAGE)
    assert answer["name"]
    for unknown in ("A" * 22, scene[:-1], "x"):
        assert officer.get(f"/scenes/{unknown}").status_code == 404


def test_codes_are_for_ones_own_regions(officer: Person, people: People) -> None:
    assert officer.get(f"/regions/{OTHER}/mini-program-code").status_code == 404
    assert officer.get("/regions/421002001999/mini-program-code").status_code == 404
    worker = people.make((Role.COMMUNITY_WORKER, VILLAGE))
    assert worker.get(f"/regions/{VILLAGE}/mini-program-code").status_code == 403
    admin = people.make((Role.ADMIN, "4210"))
    assert admin.get(f"/regions/{OTHER}/mini-program-code").status_code == 200


@pytest.mark.parametrize("trouble", [{"errcode": 45009}, {"errcode": 40169}, {"html": True}, {"drop": "after"}])
def test_an_answer_is_judged_by_its_body(officer: Person, fake: FakeControl, trouble: dict[str, object]) -> None:
    fake.fault(QR_PATH, **trouble)
    refused = officer.get(f"/regions/{VILLAGE}/mini-program-code")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "wechat_unavailable")
    assert refused.headers["Retry-After"]
    # Nothing wrong was stored: the next call draws it.
    assert officer.get(f"/regions/{VILLAGE}/mini-program-code").status_code == 200


def test_a_session_has_a_code_for_its_organiser(people: People) -> None:
    school = open_school(people)
    hall = school.make()
    path = f"/training/sessions/{hall['id']}/mini-program-code"
    scene = school.organiser.get(path).get_json()["scene"]
    assert school.member.get(f"/scenes/{scene}").get_json() == {
        "kind": "training_session",
        "id": hall["id"],
        "name": None,
    }
    assert school.member.get(path).status_code == 403
    assert school.organiser.get(f"/training/sessions/{uuid.uuid4()}/mini-program-code").status_code == 404
