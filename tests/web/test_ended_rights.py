"""A right that ends while a form is under way: every form of every page is refused and writes nothing.

Each is sent three times from the same state: as it is, when it must write something, or no refusal shows anything; and
with a right ended between the check of the request and its view. `tests/contract/test_ended_rights.py` does so by
permission, `tests/faults/test_ended_rights.py` on sockets.
"""

import io
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests import reporting, schooling
from tests.ended import ended, everything, is_erased, logs_out, loses_office, taken_back
from tests.factories import People, Person
from tests.reporting import COUNTY, NEIGHBOUR, TOWNSHIP, VILLAGE
from tests.web.browsing import Browser
from tests.web.test_hall import filled
from tests.web.test_phone import WORDS, shot
from tests.web.visits import Scene, set_scene
from wxapi.duties.models import Duty
from wxapi.identity.services import roster_imports
from wxapi.kernel.permissions import Permission
from wxapi.notifications.rules.notices import Notice
from wxapi.notifications.services.tell import tell
from wxapi.platform.db import db, transaction
from wxapi.platform.guard import permission_of
from wxapi.platform.refusals import counter_of
from wxapi.platform.runtime import runtime
from wxapi.reports.models import Report
from wxapi.reports.rules.messages import REPORT_PROGRESS
from wxapi.training.models import AttendanceEvent
from wxapi.web.kit.blueprint import Pages

LIST = f"姓名,职务,手机号,角色,区域\n孙,,13800000004,community_worker,{VILLAGE}\n".encode()


@dataclass(frozen=True)
class Form:
    """A form as its person finds it on a page, and what they fill in.

    Args:
        who: of the scene.
        page: where it stands.
        fields: filled in.
    """

    who: str
    page: str
    fields: dict[str, Any] = field(default_factory=dict)


NEW_PERSON = {"name": "孙", "post": "书记", "phone": "13800000005", "role": "community_worker", "region_code": VILLAGE}
HALL, PEOPLE, CASE = "/hall/{session_id}", "/desk/people", "/desk/r/{number}"
OFFICE = f"{PEOPLE}/offices/{{appointment_id}}"
FORMS: dict[str, Form] = {
    "/account": Form("worker", "/account", {"nickname": "小李"}),
    "/account/erase": Form("reporter", "/account", {"understood": "on"}),
    "/account/invitation": Form("steward", "/account", {"invitation": "{invitation}"}),
    "/account/logout": Form("worker", "/account"),
    "/account/sessions/<uuid:session_id>/end": Form("worker", "/account"),
    "/account/sessions/end": Form("worker", "/account"),
    "/desk/bulk": Form("worker", "/desk", {"action": "accept", "pick": "{number}:2"}),
    "/desk/filters": Form("worker", "/desk?card=yellow", {"name": "黄牌"}),
    "/desk/moderation/<uuid:check_id>": Form("officer", "/desk/moderation", {"decision": "show"}),
    "/desk/people/<uuid:person_id>/appoint": Form(
        "admin", f"{PEOPLE}/{{person_id}}/appoint", {"role": "supervisor", "region_code": COUNTY}
    ),
    "/desk/people/<uuid:person_id>/remove": Form(
        "admin", f"{PEOPLE}/{{listed_id}}"
    ),
    "/desk/people/<uuid:person_id>/sessions/end": Form("admin", f"{PEOPLE}/{{person_id}}/sessions"),
    "/desk/people/imports": Form("admin", f"{PEOPLE}/imports", {"file": lambda: (io.BytesIO(LIST), "名单.csv")}),
    "/desk/people/imports/<uuid:import_id>/apply": Form(
        "admin", f"{PEOPLE}/imports/{{right_id}}"
    ),
    "/desk/people/imports/<uuid:import_id>/cancel": Form(
        "admin", f"{PEOPLE}/imports/{{right_id}}"
    ),
    "/desk/people/new": Form("admin", f"{PEOPLE}/new", NEW_PERSON),
    "/desk/people/offices/<uuid:appointment_id>/end": Form("admin", OFFICE, {"last_day": "2026-12-01"}),
    "/desk/people/offices/<uuid:appointment_id>/move": Form("admin", OFFICE, {"region_code": NEIGHBOUR}),
    "/desk/people/offices/<uuid:appointment_id>/sign-out": Form("admin", OFFICE),
    "/desk/people/offices/<uuid:appointment_id>/stand-in": Form(
        "admin", f"{OFFICE}?q=大河", {"user_id": "{stranger_id}", "from": "2026-11-24", "to": "2026-11-26"}
    ),
    "/desk/people/slips": Form("admin", PEOPLE, {"pick": "{listed_id}"}),
    "/desk/r/<string:number>": Form("worker", CASE, {"action": "accept"}),
    "/desk/r/<string:number>/merge": Form("officer", f"{CASE}/merge?into={{other}}", {"note": "同一处"}),
    "/exports": Form("officer", "/exports", {"kind": "statistics", "format": "csv", "region": TOWNSHIP}),
    "/exports/<uuid:export_id>/delete": Form("officer", "/exports"),
    "/hall/<uuid:session_id>/cancel": Form("organiser", f"{HALL}/cancel"),
    "/hall/<uuid:session_id>/change": Form("organiser", f"{HALL}/change", {"title": "改过的名称"}),
    "/hall/<uuid:session_id>/leave": Form(
        "organiser", f"{HALL}/leave", {"pick": "{request_id}", "decision": "approve", "note": "同意"}
    ),
    "/hall/<uuid:session_id>/publish": Form("organiser", "/hall/{draft_id}"),
    "/hall/<uuid:session_id>/review": Form(
        "organiser", f"{HALL}/review", {"pick": "{flag_id}", "decision": "dismiss", "note": "当面核实"}
    ),
    "/hall/<uuid:session_id>/roll": Form(
        "organiser", f"{HALL}/roll", {"pick": "{absent_id}", "state": "exempt", "reason": "支援防汛"}
    ),
    "/hall/<uuid:session_id>/roll/<uuid:user_id>": Form(
        "organiser", f"{HALL}/roll/{{absent_id}}", {"state": "exempt", "reason": "支援防汛"},
    ),
    "/hall/<uuid:session_id>/roll/<uuid:user_id>/undo": Form(
        "organiser", "/hall/{over_id}/roll/{user_id}", {"reason": "误操作"}
    ),
    "/hall/<uuid:session_id>/tick": Form("steward", f"{HALL}/roll", {"user_id": "{absent_id}", "code": None}),
    "/hall/new": Form("organiser", "/hall/new", filled()),
    "/m/messages/<uuid:message_id>": Form("reporter", "/m?tab=inbox"),
    "/m/new": Form("reporter", f"/m/new?region_code={VILLAGE}", {**WORDS, "photos": shot, "asked": "1"}),
    "/m/r/<string:number>": Form("reporter", "/m/r/{number}", {"action": "withdraw", "note": "已经好了"}),
    "/work/<uuid:duty_id>": Form("worker", "/work/{duty}", {"note": "已移交"}),
}  # fmt: skip
LEFT = {
    "/confirm/demo": "the demo's alone",
    "/desk/filters/delete": "as `/desk/filters`",
    "/desk/people/<uuid:person_id>/sessions/<uuid:session_id>/end": "as the one for all of them",
    "/m/sign": "asks what the API's `training.sign_in` asks, and redirects",
    "/photos": "no form of a page; the same file comes with `/m/new`",
}


@pytest.fixture
def scene(app: Flask, people: People) -> Scene:
    made = set_scene(people, counter_of(app))
    admin, organiser, now = made.persons["admin"], made.persons["organiser"], runtime().clock.now()
    person = admin.post("/people", {**NEW_PERSON, "phone": "13800000006"}).get_json()["id"]
    slip = admin.post("/people/invitations", {"person_ids": [person]}).get_json()["items"][0]
    checked = roster_imports.ask(admin.actor, LIST, dry_run=True, now=now).id
    roster_imports.run(checked, now=now)
    hall = made.names["session_id"]
    draft = organiser.post("/training/sessions", schooling.plan()).get_json()["id"]
    flag = organiser.get(f"/training/sessions/{hall}/flags").get_json()["items"][0]["id"]
    asked = organiser.get(f"/training/sessions/{hall}/leave-requests").get_json()["items"][0]
    over = db.session.scalars(select(AttendanceEvent.session_id)).first()
    reporting.take(made.persons["worker"], reporting.file_routed(made.persons["reporter"]), "accept")
    with transaction() as session:
        report = session.scalars(select(Report.id).where(Report.number == made.names["number"])).one()
        notice = Notice(REPORT_PROGRESS, f"report:{report}", "route:1", "您上报的问题已转交", made.names["number"])
        tell(session, [made.persons["reporter"].actor.user_id], notice, now=now)
        card = update(Duty).where(Duty.id == uuid.UUID(made.names["duty"]))
        session.execute(card.values(card="yellow", carded_at=now))
    extra = {
        "listed_id": person, "invitation": slip["code"], "right_id": str(checked), "draft_id": draft, "flag_id": flag,
        "request_id": asked["id"], "absent_id": asked["user_id"], "over_id": str(over),
        "stranger_id": str(people.make().actor.user_id),
    }  # fmt: skip
    return Scene(made.persons, made.names | extra)


def rules(app: Flask) -> dict[str, tuple[str, Permission]]:
    """Every address of a page that takes the form of somebody signed in: its endpoint, and what it needs."""
    found = {}
    for rule in app.url_map.iter_rules():
        permission = permission_of(app.view_functions[rule.endpoint])
        room = app.blueprints.get(rule.endpoint.partition(".")[0])
        if isinstance(room, Pages) and "POST" in (rule.methods or ()) and permission is not Permission.PUBLIC:
            assert permission is not None
            found[rule.rule] = (rule.endpoint, permission)
    return found


def test_every_form_is_sent_or_has_its_reason(app: Flask) -> None:
    assert not FORMS.keys() & LEFT.keys()
    assert rules(app).keys() == FORMS.keys() | LEFT.keys()


def test_a_form_whose_right_ended_writes_nothing(app: Flask, scene: Scene) -> None:
    for rule, (endpoint, permission) in rules(app).items():
        if rule not in FORMS:
            continue
        person, send = prepared(app, scene, rule)
        with taken_back(app):
            before = everything(db.session())
            answer = send()
            assert answer.status_code in {200, 303}, (rule, answer.text[-3000:])
            assert everything(db.session()) != before, (rule, answer.status_code, answer.location, answer.text)
        for end in (logs_out, is_erased, *([] if permission is Permission.SIGNED_IN else [loses_office])):
            with taken_back(app):
                status, changed = ended(app, endpoint, person, end, send)
                assert status in {303, 401, 403, 404}, (rule, end)
                assert not changed, (rule, end)


def prepared(app: Flask, scene: Scene, rule: str) -> tuple[Person, Callable[[], TestResponse]]:
    """The person of a form, and what sends it as they filled it in."""
    form, person = FORMS[rule], scene.persons[FORMS[rule].who]
    browser = Browser(app).sign_in(person)
    page = browser.page(form.page.format(**scene.names))
    address = re.compile(re.sub(r"<[^>]+>", "[^/?]+", rule) + r"(\?.*)?")
    found = [each for each in page.find_all("form", method="post") if address.fullmatch(str(each["action"]))]
    assert found, (rule, [str(each["action"]) for each in page.find_all("form", method="post")])

    cookie = browser.client.get_cookie("wx")
    assert cookie is not None

    def send() -> TestResponse:
        browser.client.set_cookie("wx", cookie.value)  # the one before may have signed out
        given = {name: value() if callable(value) else value for name, value in form.fields.items()}
        texts = {
            name: value.format(**scene.names) if isinstance(value, str) else value for name, value in given.items()
        }
        return browser.submit(found[0], **texts)

    return person, send
