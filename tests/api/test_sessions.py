"""Where somebody is signed in: phones and browsers, each ended alone or all at once."""

import uuid
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.factories import People, Person
from wxapi.identity.models import Token, WebSession
from wxapi.identity.queries import digest_of
from wxapi.identity.services.web_sessions import Device, open_session
from wxapi.kernel.ids import new_token
from wxapi.kernel.permissions import Role
from wxapi.platform.audit import AuditRow
from wxapi.platform.db import transaction


def another_phone(person: Person) -> Person:
    token = new_token()
    with transaction() as session:
        session.add(Token(digest=digest_of(token), user_id=person.actor.user_id, created_at=NOW, last_used_at=NOW))
    return Person(person.app, person.actor, token)


def with_browser(made: Person) -> Person:
    with transaction() as session:
        open_session(session, made.actor.user_id, Device("Edge（Windows）", "荆州"), now=NOW)
    return made


@pytest.fixture
def person(app: Flask, people: People) -> Person:
    return with_browser(people.make())


@pytest.fixture
def bystander(app: Flask, people: People) -> Iterator[Person]:
    """Somebody with a phone and a browser of their own, whom no end of another's concerns."""
    made = with_browser(people.make())
    yield made
    assert len(made.get("/me/sessions").get_json()["items"]) == 2


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


@pytest.mark.usefixtures("bystander")
def test_all_are_ended_at_once(person: Person, session: Session) -> None:
    other = another_phone(person)
    assert person.call("DELETE", "/me/sessions").status_code == 204
    assert (other.get("/me").status_code, person.get("/me").status_code) == (401, 401)
    browsers = select(WebSession.id).where(WebSession.user_id == person.actor.user_id)
    assert session.scalars(browsers).all() == []


@pytest.mark.usefixtures("city")
def test_an_administrator_signs_an_office_holder_out(app: Flask, people: People, session: Session) -> None:
    """Of their own regions only, never a citizen; both the look and the end are in the audit."""
    worker = people.make((Role.COMMUNITY_WORKER, "421002001001"))
    admin, elsewhere = people.make((Role.ADMIN, "421002")), people.make((Role.ADMIN, "421003"))
    path = f"/people/{worker.actor.user_id}/sessions"
    assert [each["kind"] for each in admin.get(path).get_json()["items"]] == ["phone"]
    assert elsewhere.get(path).status_code == 404
    assert elsewhere.call("DELETE", path).status_code == 404
    citizen = people.make()
    assert admin.get(f"/people/{citizen.actor.user_id}/sessions").status_code == 404
    assert worker.get(path).status_code == 403
    assert worker.get("/me").status_code == 200
    assert admin.call("DELETE", path).status_code == 204
    assert worker.get("/me").status_code == 401
    audited = select(AuditRow.action, AuditRow.actor_id).where(
        AuditRow.subject == f"user:{worker.actor.user_id}", AuditRow.action.startswith("session.")
    )
    by = admin.actor.user_id
    assert {tuple(row) for row in session.execute(audited)} == {("session.list", by), ("session.end", by)}


@pytest.mark.usefixtures("bystander")
def test_an_operator_lists_and_ends_somebodys_sessions(app: Flask, person: Person) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = app.test_cli_runner().invoke(args=["people", "sessions", str(person.actor.user_id), *words])
        return done.exit_code, done.output

    code, said = run()
    assert (code, len(said.splitlines())) == (0, 2)
    assert "Edge（Windows）  荆州" in said
    assert run("--end") == (0, "2 sessions ended.\n")
    assert run() == (0, "Signed in nowhere.\n")
    assert person.get("/me").status_code == 401
    unknown = app.test_cli_runner().invoke(args=["people", "sessions", str(uuid.UUID(int=5))])
    assert (unknown.exit_code, unknown.output.count("\n")) == (1, 1)
