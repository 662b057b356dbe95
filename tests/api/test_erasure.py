"""Erasure is final and whole: a marker in every text that a person, or an officer about them, can write is gone after.

Reports stay, without their author: their words are about a place, and phone numbers in them are masked at rest. So the
marker in the words of a report is a phone number, and everywhere else a name.
"""

import threading
import uuid
from collections.abc import Iterator
from typing import Any

from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests import reporting, schooling
from tests.conftest import NOW
from tests.factories import People, Person
from tests.fake_wechat_control import FakeControl
from tests.reporting import Town
from tests.schooling import School
from wxapi.identity.models import AppointmentRow, Token, User, WebLogin
from wxapi.identity.services import erasure, login, web_logins
from wxapi.identity.services.web_sessions import Device
from wxapi.kernel.permissions import Role
from wxapi.platform.db import Base, transaction
from wxapi.platform.outbox import OutboxRow

MARKER = "赵铁柱的标记"
NUMBER = "13987654321"


def rows_with(session: Session, *marks: str) -> Iterator[str]:
    """Tables in a row of which one of the marks stands, and the row."""
    session.expire_all()
    for table in Base.metadata.sorted_tables:
        for row in session.execute(text(f'SELECT t::text FROM "{table.name}" t')):
            if any(mark in row[0] for mark in marks):
                yield f"{table.name}: {row[0]}"


def forget(person: Person, session: Session) -> None:
    """What happens after DELETE /me: the jobs that it recorded."""
    assert person.call("DELETE", "/me").status_code == 202
    for row in session.scalars(select(OutboxRow).where(OutboxRow.topic == "user.erase")).all():
        erasure.erase(uuid.UUID(row.payload["user_id"]), now=NOW)


def says(person: Person, method: str, path: str, json: Any, **kwargs: Any) -> Any:
    answer = person.call(method, path, json=json, **kwargs)
    assert answer.status_code in {200, 201, 204}, (path, answer.text)
    return answer.get_json()


def test_no_word_of_a_reporter_stays(town: Town, session: Session) -> None:
    me = town.reporter
    says(me, "PUT", "/me", {"nickname": MARKER, "kind": "courier", "consent_version": MARKER})
    words = {"description": f"井盖没了，找我{NUMBER}", "address": f"路口，电话{NUMBER}"}
    report = reporting.file_routed(me, **words)
    says(me, "POST", f"/reports/{report['id']}/actions", _note(report, f"打{NUMBER}"), headers=_key())
    report = reporting.take(town.worker, reporting.read(town.worker, report["id"]), "accept")
    assert list(rows_with(session, MARKER)), "the marker was never written"
    forget(me, session)
    assert list(rows_with(session, MARKER, NUMBER)) == []
    assert town.worker.get(f"/reports/{report['id']}").status_code == 200


def test_nothing_tells_who_filed_what(town: Town, session: Session) -> None:
    """Not even the audit: two reports of one forgotten person are not tied together by an id."""
    for _ in range(2):
        reporting.file_routed(town.reporter)
    forget(town.reporter, session)
    mine = str(town.reporter.actor.user_id)
    left = {row.partition(":")[0] for row in rows_with(session, mine)}
    # The person's empty row, and what the person did about themselves; no report.
    assert left <= {"users", "audit", "outbox"}, left
    assert not [row for row in rows_with(session, mine) if row.startswith("audit") and "report" in row]


def test_no_word_about_a_member_stays(school: School, session: Session) -> None:
    me, mine = school.member, school.member.actor.user_id
    says(me, "PUT", "/me", {"nickname": MARKER})
    series = says(school.organiser, "POST", "/training/series", {"title": "轮训", "region_code": schooling.COUNTY})
    hall = school.make(starts=-90, ends=5, location={**schooling.AT_THE_HALL}, radius_m=200)
    later = school.make(starts=60, ends=90, series_id=series["id"])
    over = school.make(starts=-300, ends=-60)
    school.sign_in(hall, me, location=schooling.FIVE_KM_OFF, device_id=MARKER)
    [flag] = says(school.organiser, "GET", f"/training/sessions/{hall['id']}/flags", None)["items"]
    says(
        school.organiser,
        "POST",
        f"/training/sessions/flags/{flag['id']}/decision",
        {"decision": "uphold", "note": MARKER},
    )
    says(me, "POST", f"/training/sessions/{later['id']}/enrolments", None)
    asked = says(me, "POST", f"/training/sessions/{later['id']}/leave-requests", {"reason": MARKER})
    says(
        school.organiser,
        "POST",
        f"/training/sessions/leave-requests/{asked['id']}/decision",
        {"decision": "approve", "note": MARKER},
    )
    says(
        school.organiser,
        "PUT",
        f"/training/sessions/{hall['id']}/attendance/{mine}",
        {"state": "present", "reason": MARKER},
    )
    roll = f"/training/sessions/{over['id']}/attendance"
    says(school.organiser, "POST", f"{roll}/bulk", {"state": "late", "reason": MARKER, "user_ids": [str(mine)]})
    says(school.organiser, "PUT", f"{roll}/{mine}", {"state": "present", "reason": MARKER})
    says(school.organiser, "POST", f"{roll}/{mine}/undo", {"reason": MARKER})
    certificate = says(me, "POST", "/me/training/certificates", {"session_id": over["id"]})
    written = {row.partition(":")[0] for row in rows_with(session, MARKER)}
    assert {
        "training_attendance_events",
        "training_certificates",
        "training_flags",
        "training_leave_requests",
        "users",
    } <= written
    # What is held is told before it goes.
    held = says(me, "GET", "/me/data", None)["training"]
    assert {line["reason"] for line in held["decisions"]} >= {MARKER}
    assert [line["note"] for line in held["flags"]] == [MARKER]
    assert [line["note"] for line in held["leave_requests"]] == [MARKER]
    assert [line["name"] for line in held["certificates"]] == [MARKER]
    assert [line["series_id"] for line in held["series"]] == [series["id"]]
    assert [line["accuracy_m"] for line in held["attendance"] if line["signed_in_at"]] == [20]
    forget(me, session)
    assert list(rows_with(session, MARKER)) == []
    assert school.stranger.get(f"/training/certificates/{certificate['check_code']}").status_code == 404


def test_the_moment_it_is_asked_everything_of_the_person_is_cut(
    people: People, session: Session, fake: FakeControl, city: None
) -> None:
    person = people.make((Role.COMMUNITY_WORKER, "421002001001"), openid="comes-back")
    other = people.make((Role.COMMUNITY_WORKER, "421002001001"))
    says(person, "PUT", "/me", {"nickname": MARKER})
    device = Device("Edge（Windows）", "荆州")
    for each in (person, other):
        asking, _ = web_logins.begin(device, "/desk", asks=each.actor.user_id, now=NOW)
        signed_in, _ = web_logins.begin(device, "/desk", now=NOW)
        web_logins.confirm(each.actor, signed_in.id, signed_in.number, now=NOW)
    assert person.call("DELETE", "/me").status_code == 202
    # No job has run, and nobody else is cut.
    session.expire_all()
    user = session.get_one(User, person.actor.user_id)
    assert (user.openid_digest, user.openid_sealed, user.phone_digest, user.nickname) == (None, None, None, "")
    assert session.scalars(select(Token.user_id)).all() == [other.actor.user_id]
    lasting = select(AppointmentRow.user_id).where(AppointmentRow.ended_at.is_(None))
    assert session.scalars(lasting).all() == [other.actor.user_id]
    assert {row.id for row in session.scalars(select(WebLogin))} == {asking.id, signed_in.id}
    with transaction() as again:
        assert login.register_openid(again, "comes-back", now=NOW).id != person.actor.user_id


def test_a_dirty_row_is_found_and_cleaned_again(people: People, session: Session) -> None:
    person = people.make()
    forget(person, session)
    session.execute(text("DELETE FROM outbox"))
    user = session.get_one(User, person.actor.user_id)
    user.nickname = MARKER
    session.commit()
    erasure.erase(person.actor.user_id, now=NOW)
    assert list(rows_with(session, MARKER)) == []


def test_a_login_that_waits_for_the_erasure_is_a_new_person(open_app: Flask) -> None:
    """The login finds the person's row locked by the erasure, and their openid gone when it goes on."""
    person = People(open_app).make(openid="at-once")
    made: list[uuid.UUID] = []

    def log_in() -> None:
        with open_app.app_context(), transaction() as session:
            user = login.register_openid(session, "at-once", now=NOW)
            session.add(Token(digest=b"x" * 32, user_id=user.id, created_at=NOW, last_used_at=NOW))
            made.append(user.id)

    with transaction(locking=(person.actor.user_id,)) as session:
        erasure.begin_erasure(session, person.actor.user_id, now=NOW)
        thread = threading.Thread(target=log_in)
        thread.start()
        thread.join(timeout=0.3)
        assert thread.is_alive(), "the login did not wait"
    thread.join(timeout=10)
    assert made
    assert made[0] != person.actor.user_id


def test_an_appointment_that_is_on_its_way_comes_to_nobody(city: None, people: People, session: Session) -> None:
    person, admin = people.make(), people.make((Role.ADMIN, "4210"))
    erasure.ask_erasure(person.actor, now=NOW)
    wanted = {"user_id": str(person.actor.user_id), "role": "supervisor", "region_code": "421002"}
    assert admin.post("/appointments", wanted).status_code == 404


def _note(report: dict[str, Any], words: str) -> dict[str, Any]:
    return {"action": "note", "version": report["version"], "note": words}


def _key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}
