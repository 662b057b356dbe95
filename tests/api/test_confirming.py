"""The phone is asked again before somebody changes who holds which office."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from config import Config
from tests.conftest import app_in_savepoint
from tests.factories import People, Person
from tests.fake_wechat_control import FakeControl
from tests.web.browsing import Browser
from wxapi.identity.models import Token, WebSession
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.platform.audit import AuditRow
from wxapi.platform.db import db

COUNTY, VILLAGE = "421002", "421002001001"


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


def wanted(person: Person) -> dict[str, str]:
    return {"user_id": str(person.actor.user_id), "role": "community_worker", "region_code": VILLAGE}


def test_an_old_login_appoints_nobody(city: None, people: People, clock: FixedClock) -> None:
    admin, worker = people.make((Role.ADMIN, COUNTY)), people.make()
    clock.advance(minutes=14, seconds=59)
    made = admin.post("/appointments", wanted(worker))
    assert made.status_code == 201
    clock.advance(seconds=1)
    office = f"/appointments/{made.json['id']}"
    other = people.make()
    refused = [
        admin.post("/appointments", wanted(other)),
        admin.post(f"{office}/move", {"region_code": "421002001002"}),
        admin.post(
            f"{office}/stand-ins", {"user_id": str(other.actor.user_id), "from": "2026-11-23", "to": "2026-11-24"}
        ),
    ]
    assert {(answer.status_code, answer.json["code"]) for answer in refused} == {(403, "confirmation_required")}
    assert other.get("/me").json["appointments"] == []
    # To end an office must always be possible at once.
    assert admin.call("DELETE", office).status_code == 204


def test_a_fresh_code_of_the_same_phone_confirms(
    make_config: Callable[..., Config], fake_wechat: str, fake: FakeControl
) -> None:
    with app_in_savepoint(make_config(wechat_base_url=fake_wechat)) as app:
        from_phone, other = People(app).make(openid="confirming-1"), People(app).make()
        clock = app.extensions["wxapi"].clock
        clock.advance(minutes=16)
        wrong = from_phone.post("/auth/confirm", {"code": fake.login_code("confirming-2")})
        assert (wrong.status_code, wrong.json["code"]) == (422, "wrong_person")
        dead = from_phone.post("/auth/confirm", {"code": "never-made"})
        assert dead.status_code == 401
        right = from_phone.post("/auth/confirm", {"code": fake.login_code("confirming-1")})
        assert right.json == {"confirmed_until": "2026-11-23T02:31:00.000Z"}
        tokens = dict(db.session.execute(select(Token.user_id, Token.confirmed_at)).all())
        assert tokens[from_phone.actor.user_id] == clock.now()
        assert tokens[other.actor.user_id] != clock.now()


def question_on(browser: Browser) -> tuple[str, int]:
    page = browser.page("/confirm?next=/account")
    found = re.search(r"/l/([\w-]{22})", page.get_text())
    number = page.select_one(".number b")
    assert found
    assert number
    return found.group(1), int(number.text)


@pytest.fixture
def admin(city: None, people: People) -> Person:
    return people.make((Role.ADMIN, COUNTY))


def test_a_browser_is_confirmed_by_its_persons_phone_alone(
    app: Flask, session: Session, people: People, browser: Browser, admin: Person, clock: FixedClock
) -> None:
    browser.sign_in(admin)
    clock.advance(minutes=20)
    asked, number = question_on(browser)
    assert browser.get("/confirm/state").json == {"state": "waiting", "next": None}
    stranger = people.make((Role.ADMIN, COUNTY))
    assert stranger.get(f"/auth/web-logins/{asked}").status_code == 404
    assert stranger.post(f"/auth/web-logins/{asked}/confirm", {"number": number}).status_code == 404
    shown = admin.get(f"/auth/web-logins/{asked}").json
    assert shown["what"] == "确认本人操作（任职管理）"
    assert admin.post(f"/auth/web-logins/{asked}/confirm", {"number": number}).status_code == 200
    # The question signs nobody in, whoever asks with its secret.
    assert browser.get("/login/state").json["state"] == "ended"
    assert browser.get("/confirm/state").json == {"state": "granted", "next": "/account"}
    assert browser.get("/confirm/state").json["state"] == "ended"
    session.expire_all()
    confirmed = session.scalars(select(WebSession.confirmed_at).where(WebSession.user_id == admin.actor.user_id)).all()
    assert confirmed == [clock.now()]
    assert session.scalars(select(AuditRow.action).where(AuditRow.action == "session.confirm")).all()


def test_another_browser_cannot_fetch_the_answer(
    app: Flask, session: Session, people: People, browser: Browser, admin: Person, clock: FixedClock
) -> None:
    """With the secret of the question, but not the session of its person."""
    browser.sign_in(admin)
    asked, number = question_on(browser)
    admin.post(f"/auth/web-logins/{asked}/confirm", {"number": number})
    thief = Browser(app).sign_in(people.make())
    secret = browser.client.get_cookie("wx-login")
    assert secret is not None
    thief.client.set_cookie("wx-login", secret.value)
    assert thief.get("/confirm/state").json["state"] == "ended"
    assert session.scalars(select(WebSession.confirmed_at).where(WebSession.confirmed_at.is_not(None))).all() == []
