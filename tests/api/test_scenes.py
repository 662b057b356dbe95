"""Mini-program codes: drawn once, stored, and understood when scanned; those of logins live for minutes."""

import io
import re
import uuid
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from PIL import Image
from sqlalchemy import select

from tests.factories import People, Person
from tests.fake_wechat_control import FakeControl
from tests.schooling import open_school
from tests.web.browsing import Browser
from wxapi.identity.models import WebLogin
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db
from wxapi.platform.runtime import Runtime
from wxapi.platform.wechat.codes import QR_PATH
from wxapi.web.login import demo

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


@pytest.fixture
def linkless(wired: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A city whose links WeChat does not open; no demo, which shows its link always."""
    monkeypatch.setattr(wired, "config", replace(wired.config, login_link=False))
    monkeypatch.setattr(demo, "is_open", lambda config: False)
    yield
    for key in wired.redis.scan_iter("wxapi:login-code:*"):
        wired.redis.delete(key)


def shown_code(page: BeautifulSoup) -> str | None:
    """The address of the picture that a page of a login shows; None where it is drawn here, of a link."""
    picture, drawn = page.select_one(".code img"), page.select_one(".code svg")
    assert (picture is None) != (drawn is None)
    return str(picture["src"]) if picture else None


@pytest.mark.usefixtures("linkless")
def test_a_login_is_scanned_by_a_code_of_the_mini_program(app: Flask, people: People, fake: FakeControl) -> None:
    browser = Browser(app)
    address = shown_code(browser.page("/login"))
    assert address
    assert shown_code(browser.page("/login/continue")) == address
    assert fake.calls(QR_PATH) == 1, "drawn once for an attempt, however often its page is asked for"
    with Image.open(io.BytesIO(b64decode(address.partition(",")[2]))) as drawn:
        assert f"image/{str(drawn.format).lower()}" in address
    phone = people.make()
    login_id = db.session.scalars(select(WebLogin.id).order_by(WebLogin.created_at.desc())).first()
    assert phone.get(f"/scenes/{login_id}").get_json() == {"kind": "web_login", "id": login_id, "name": None}
    assert phone.get(f"/auth/web-logins/{login_id}").status_code == 200
    browser.sign_in(phone)
    assert shown_code(browser.page("/confirm"))


@pytest.mark.usefixtures("linkless")
@pytest.mark.parametrize("trouble", [{"errcode": 45009}, {"drop": "after"}, {"delay": 3}])
def test_a_login_has_its_link_while_wechat_is_slow_or_away(
    app: Flask, fake: FakeControl, trouble: dict[str, object]
) -> None:
    fake.fault(QR_PATH, **trouble)
    assert shown_code(Browser(app).page("/login")) is None
