"""The inbox over HTTP."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.conftest import NOW
from tests.factories import People, Person
from wxapi.kernel.clock import FixedClock
from wxapi.notifications.models import Template
from wxapi.notifications.rules.notices import Notice
from wxapi.notifications.services import ledger, templates
from wxapi.notifications.services import tell as telling
from wxapi.platform.db import transaction
from wxapi.reports.rules.messages import DESK_TASK, REPORT_CONFIRM, REPORT_PROGRESS


def tell(person: Person, step: str, *, now: Any = NOW, not_before: Any = None) -> None:
    notice = Notice(REPORT_PROGRESS, f"report:{uuid.UUID(int=1)}", step, f"标题 {step}", "内容")
    with transaction() as session:
        telling.tell(session, [person.actor.user_id], notice, now=now, not_before=not_before)


@pytest.fixture
def person(people: People) -> Person:
    return people.make()


def test_the_inbox_newest_first_page_by_page(person: Person) -> None:
    for number in range(5):
        tell(person, str(number), now=NOW - timedelta(minutes=number))
    titles: list[str] = []
    cursor = None
    for _ in range(3):
        page = person.get("/me/messages", query_string={"limit": 2, **({"cursor": cursor} if cursor else {})}).json
        titles += [item["title"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert titles == [f"标题 {number}" for number in range(5)]
    assert cursor is None


def test_a_message_on_the_wire(person: Person) -> None:
    tell(person, "accepted")
    (item,) = person.get("/me/messages").json["items"]
    assert uuid.UUID(item.pop("id"))
    assert item == {
        "kind": "report_progress",
        "title": "标题 accepted",
        "body": "内容",
        "subject": {"type": "report", "id": str(uuid.UUID(int=1))},
        "created_at": "2026-11-23T02:00:00.000Z",
        "read_at": None,
    }


def test_reading_is_noted_once(person: Person, clock: FixedClock) -> None:
    tell(person, "a")
    tell(person, "b")
    first = person.get("/me/messages").json["items"][0]["id"]
    assert person.post(f"/me/messages/{first}/read").status_code == 204
    clock.advance(minutes=5)
    assert person.post(f"/me/messages/{first}/read").status_code == 204
    read = {item["id"]: item["read_at"] for item in person.get("/me/messages").json["items"]}
    assert read.pop(first) == "2026-11-23T02:00:00.000Z"
    unread = person.get("/me/messages?unread=true").json["items"]
    assert [item["id"] for item in unread] == list(read)


def test_somebody_elses_message_is_not_there(person: Person, people: People) -> None:
    tell(person, "a")
    message_id = person.get("/me/messages").json["items"][0]["id"]
    stranger = people.make()
    assert stranger.get("/me/messages").json["items"] == []
    assert stranger.post(f"/me/messages/{message_id}/read").status_code == 404
    assert person.get("/me/messages").json["items"][0]["read_at"] is None


def test_a_delayed_message_cannot_be_marked_before_its_time(person: Person) -> None:
    tell(person, "a", not_before=NOW + timedelta(hours=2))
    assert person.get("/me/messages").json["items"] == []
    (held,) = person.get("/me/data").json["notifications"]["messages"]
    assert person.post(f"/me/messages/{held['id']}/read").status_code == 404


@pytest.mark.parametrize("query", ["cursor=x", "cursor=WyJhIiwgImIiXQ", "limit=0", "limit=101", "unread=maybe"])
def test_wrong_queries(person: Person, query: str) -> None:
    answer = person.get(f"/me/messages?{query}")
    assert answer.status_code in {400, 422}
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("path", ["/me/messages", "/message-templates"])
def test_strangers_have_no_inbox(app: Flask, path: str) -> None:
    assert app.test_client().get(f"/api/v1{path}").status_code == 401


def test_the_templates_a_phone_may_ask_for(person: Person) -> None:
    assert person.get("/message-templates").json == {"items": [], "next_cursor": None}
    templates.set_template(
        Template(kind=DESK_TASK.code, template_id="T-desk", fields={"thing1": "what"}, long_term=True), now=NOW
    )
    templates.set_template(
        Template(kind=REPORT_CONFIRM.code, template_id="T-confirm", fields={"thing1": "what"}, long_term=False), now=NOW
    )
    with transaction() as session:
        ledger.note_answer(session, person.actor.user_id, "T-confirm", accepted=True, at=NOW, source="x")
    assert person.get("/message-templates").json["items"] == [
        {"kind": "desk_task", "template_id": "T-desk", "long_term": True, "granted": 0},
        {"kind": "report_confirm", "template_id": "T-confirm", "long_term": False, "granted": 1},
    ]


def test_an_operator_chooses_templates(app: Flask) -> None:
    runner = app.test_cli_runner()
    assert "No template is chosen" in runner.invoke(args=["messages", "templates"]).output
    chosen = ["messages", "set-template", "report_progress", "T1", "thing1=what", "time3=at", "--long-term"]
    assert runner.invoke(args=chosen).exit_code == 0
    assert runner.invoke(args=["messages", "templates"]).output == (
        "report_progress: T1 thing1=what time3=at (long-term)\n"
    )
    for wrong in (
        ["nothing", "T", "thing1=what"],
        ["desk_task", "T", "const1=what"],
        ["desk_task", "T", "thing1=openid"],
        ["desk_task", "T", "thing1=what", "--page", "/pages/x"],
    ):
        refused = runner.invoke(args=["messages", "set-template", *wrong])
        assert refused.exit_code == 2
        assert "Error" in refused.output
