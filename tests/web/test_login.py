"""Signing a browser in: by scan with a number, and out again."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.factories import People, Person
from tests.web.browsing import Browser, form_to, soup_of
from wxapi.identity.models import WebLogin, WebSession
from wxapi.kernel.clock import FixedClock
from wxapi.notifications.services.browsers import tell_of_browser
from wxapi.platform.runtime import runtime
from wxapi.web.kit.access import local_path


def attempt_on(browser: Browser) -> tuple[str, int]:
    """(id, number) of the attempt on the login page."""
    page = browser.page("/login?next=/account")
    found = re.search(r"/l/([\w-]{22})", page.get_text())
    number = page.select_one(".number b")
    assert found
    assert number
    return found.group(1), int(number.text)


@pytest.fixture
def phone(people: People) -> Person:
    return people.make()


def test_login_by_scan(browser: Browser, phone: Person) -> None:
    login_id, number = attempt_on(browser)
    assert browser.get("/login/state").json == {"state": "waiting", "next": None}
    asked = phone.get(f"/auth/web-logins/{login_id}").json
    assert number in asked["numbers"]
    assert len(set(asked["numbers"])) == 3
    assert set(asked) == {"what", "browser", "place", "at", "numbers"}
    assert phone.post(f"/auth/web-logins/{login_id}/confirm", {"number": number}).status_code == 200
    granted = browser.get("/login/state")
    assert granted.json == {"state": "granted", "next": "/account"}
    cookie = next(text for text in granted.headers.getlist("Set-Cookie") if text.startswith("wx="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie  # plain http on loopback
    assert browser.get("/account").status_code == 200
    # Used once.
    assert browser.get("/login/state").json["state"] == "ended"


def test_over_https_the_cookie_is_bound_to_the_host(app: Flask, phone: Person) -> None:
    client = app.test_client()
    answer = client.get("/login", base_url="https://wx.example.gov.cn")
    cookies = answer.headers.getlist("Set-Cookie")
    assert [text.split("=")[0] for text in cookies] == ["__Host-wx-login"]
    assert "Secure" in cookies[0]
    assert "HttpOnly" in cookies[0]
    assert "Domain" not in cookies[0]


def test_a_wrong_number_ends_the_attempt(browser: Browser, phone: Person) -> None:
    login_id, number = attempt_on(browser)
    wrong = next(n for n in phone.get(f"/auth/web-logins/{login_id}").json["numbers"] if n != number)
    assert phone.post(f"/auth/web-logins/{login_id}/confirm", {"number": wrong}).status_code == 422
    assert browser.get("/login/state").json == {"state": "ended", "next": None}
    assert phone.post(f"/auth/web-logins/{login_id}/confirm", {"number": number}).status_code == 410
    assert phone.get(f"/auth/web-logins/{login_id}").status_code == 410


def test_refused(browser: Browser, phone: Person) -> None:
    login_id, number = attempt_on(browser)
    assert phone.post(f"/auth/web-logins/{login_id}/refuse").status_code == 200
    assert browser.get("/login/state").json["state"] == "ended"
    assert phone.post(f"/auth/web-logins/{login_id}/confirm", {"number": number}).status_code == 410


def test_an_attempt_lives_two_minutes(browser: Browser, phone: Person, clock: FixedClock) -> None:
    login_id, number = attempt_on(browser)
    clock.advance(seconds=120)
    assert phone.post(f"/auth/web-logins/{login_id}/confirm", {"number": number}).status_code == 410
    assert browser.get("/login/state").json["state"] == "ended"


def test_the_session_goes_only_to_the_browser_that_showed_the_code(app: Flask, browser: Browser, phone: Person) -> None:
    login_id, number = attempt_on(browser)
    phone.post(f"/auth/web-logins/{login_id}/confirm", {"number": number})
    other = Browser(app)
    assert other.get("/login/state").json["state"] == "ended"
    attempt_on(other)
    assert other.get("/login/state").json["state"] == "waiting"
    assert browser.get("/login/state").json["state"] == "granted"


def test_unknown_attempts(phone: Person, browser: Browser) -> None:
    assert phone.get("/auth/web-logins/AAAAAAAAAAAAAAAAAAAAAA").status_code == 404
    assert phone.post("/auth/web-logins/x/confirm", {"number": 12}).status_code == 404
    assert browser.get("/login/state").json["state"] == "ended"
    assert browser.get("/l/AAAA").status_code == 200


def test_without_javascript(browser: Browser, phone: Person) -> None:
    login_id, number = attempt_on(browser)
    waiting = browser.get("/login/continue")
    assert str(number) in waiting.text
    phone.post(f"/auth/web-logins/{login_id}/confirm", {"number": number})
    answer = browser.get("/login/continue")
    assert (answer.status_code, answer.location) == (303, "/account")
    assert browser.get("/account").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil",
        "",
    ],
)
def test_only_local_paths_are_followed(browser: Browser, phone: Person, path: str) -> None:
    answer = browser.get("/login", query_string={"next": path})
    found = re.search(r"/l/([\w-]{22})", answer.text)
    number = soup_of(answer).select_one(".number b")
    assert found
    assert number
    phone.post(f"/auth/web-logins/{found.group(1)}/confirm", {"number": int(number.text)})
    assert browser.get("/login/state").json["next"] == "/"


@pytest.mark.parametrize("path", ["/a\nb", "/\tevil", "/a b", "/\x7f", "/" + "a" * 1001, None])
def test_a_path_with_anything_odd_in_it_is_none(path: str | None) -> None:
    assert local_path(path) == "/"


@pytest.mark.parametrize("path", ["/desk", "/desk?state=triage&q=%E4%BA%95", "/desk/r/JZ-8KQ2M7TW"])
def test_a_local_path_is_kept(path: str) -> None:
    assert local_path(path) == path


def test_no_session_leads_to_the_login_and_back(browser: Browser) -> None:
    answer = browser.get("/account?x=1")
    assert (answer.status_code, answer.location) == (303, "/login?next=/account%3Fx%3D1")


def test_a_bearer_opens_no_page_and_a_cookie_no_call(browser: Browser, phone: Person) -> None:
    assert browser.get("/account", headers={"Authorization": f"Bearer {phone.token}"}).status_code == 303
    browser.sign_in(phone)
    assert browser.client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(("idle", "alive"), [(timedelta(hours=7, minutes=59), True), (timedelta(hours=8), False)])
def test_eight_hours_idle(browser: Browser, phone: Person, clock: FixedClock, idle: timedelta, alive: bool) -> None:
    browser.sign_in(phone)
    clock.at += idle
    assert browser.get("/account").status_code == (200 if alive else 303)


def test_seven_days_at_most(browser: Browser, phone: Person, clock: FixedClock) -> None:
    browser.sign_in(phone)
    for _ in range(7 * 4 - 1):
        clock.advance(hours=6)
        assert browser.get("/account").status_code == 200
    clock.advance(hours=6)
    assert browser.get("/account").status_code == 303


def test_log_out(browser: Browser, phone: Person) -> None:
    browser.sign_in(phone)
    stolen = browser.client.get_cookie("wx")
    answer = browser.submit(form_to(browser.page("/account"), "/account/logout"))
    assert answer.status_code == 303
    assert browser.get("/account").status_code == 303
    assert stolen is not None
    browser.client.set_cookie("wx", stolen.value)
    assert browser.get("/account").status_code == 303
    assert "您已退出登录" in browser.page(str(answer.location)).get_text()
    browser.sign_in(phone)
    answer = browser.submit(form_to(browser.page("/account"), "/account/erase"), understood="1")
    assert "您的账户已注销" in browser.page(str(answer.location)).get_text()


def test_log_out_everywhere(app: Flask, browser: Browser, phone: Person) -> None:
    browser.sign_in(phone)
    other = Browser(app).sign_in(phone)
    assert len(browser.page("/account").select(".sessions li")) == 2
    browser.submit(form_to(browser.page("/account"), "/account/sessions/end"))
    assert other.get("/account").status_code == 303
    assert browser.get("/account").status_code == 303


def test_one_of_my_sessions_and_nobody_elses(app: Flask, browser: Browser, people: People, phone: Person) -> None:
    other = Browser(app).sign_in(phone)
    stranger = Browser(app).sign_in(people.make())
    form = browser.sign_in(phone).page("/account").select_one(".sessions form")
    assert form is not None
    foreign = form_to(stranger.page("/account"), "/account/logout")
    foreign["action"] = form["action"]
    assert stranger.submit(foreign).status_code == 404
    assert other.get("/account").status_code == 200
    assert browser.submit(form).status_code == 303
    assert other.get("/account").status_code == 303
    assert browser.get("/account").status_code == 200


def test_nothing_readable_is_stored(browser: Browser, session: Session) -> None:
    login_id, _ = attempt_on(browser)
    cookie = browser.client.get_cookie("wx-login")
    row = session.get(WebLogin, login_id)
    assert row is not None
    assert cookie is not None
    assert cookie.value.encode() not in row.browser_digest
    assert len(row.browser_digest) == 32


def test_the_person_hears_of_a_login_once(browser: Browser, phone: Person, session: Session) -> None:
    browser.sign_in(phone)
    opened = session.scalars(select(WebSession.id).where(WebSession.user_id == phone.actor.user_id)).one()
    for _ in range(2):
        tell_of_browser(opened, now=runtime().clock.now())
    inbox = phone.get("/me/messages").get_json()["items"]
    assert [message["title"] for message in inbox] == ["您的账户已在浏览器中登录"]
    assert "Chrome 浏览器" in inbox[0]["body"]
