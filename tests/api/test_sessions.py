"""Where somebody is signed in: phones and browsers, each ended alone or all at once."""

import uuid

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.factories import People, Person
from wxapi.identity.models import Token
from wxapi.identity.queries import digest_of
from wxapi.identity.services.web_sessions import Device, open_session
from wxapi.kernel.ids import new_token
from wxapi.platform.db import transaction


def another_phone(person: Person) -> Person:
    token = new_token()
    with transaction() as session:
        session.add(Token(digest=digest_of(token), user_id=person.actor.user_id, created_at=NOW, last_used_at=NOW))
    return Person(person.app, person.actor, token)


@pytest.fixture
def person(app: Flask, people: People) -> Person:
    made = people.make()
    with transaction() as session:
        open_session(session, made.actor.user_id, Device("Edge（Windows）", "荆州"), now=NOW)
    return made


def test_phones_and_browsers_are_listed_without_what_opens_them(person: Person, session: Session) -> None:
    other = another_phone(person)
    shown = person.get("/me/sessions")
    items = shown.get_json()["items"]
    assert sorted((each["kind"], each["current"]) for each in items) == [
        ("browser", False), ("phone", False), ("phone", True),
    ]  # fmt: skip
    for token in (person.token, other.token):
        assert token not in shown.text
        assert digest_of(token).hex()[:16] not in shown.text.replace("-", "")


def test_one_is_ended_and_the_others_go_on(person: Person) -> None:
    other = another_phone(person)
    items = person.get("/me/sessions").get_json()["items"]
    (theirs,) = [each["id"] for each in items if each["kind"] == "phone" and not each["current"]]
    (browser,) = [each["id"] for each in items if each["kind"] == "browser"]
    assert person.call("DELETE", f"/me/sessions/{theirs}").status_code == 204
    assert (other.get("/me").status_code, person.get("/me").status_code) == (401, 200)
    assert person.call("DELETE", f"/me/sessions/{browser}").status_code == 204
    assert [each["current"] for each in person.get("/me/sessions").get_json()["items"]] == [True]
    assert person.call("DELETE", f"/me/sessions/{theirs}").status_code == 404


def test_nobody_ends_another_s(person: Person, people: People) -> None:
    stranger = people.make()
    for each in person.get("/me/sessions").get_json()["items"]:
        assert stranger.call("DELETE", f"/me/sessions/{each['id']}").status_code == 404
    assert stranger.call("DELETE", f"/me/sessions/{uuid.uuid4()}").status_code == 404
    assert len(person.get("/me/sessions").get_json()["items"]) == 2


def test_all_are_ended_at_once(person: Person) -> None:
    other = another_phone(person)
    assert person.call("DELETE", "/me/sessions").status_code == 204
    assert (other.get("/me").status_code, person.get("/me").status_code) == (401, 401)
