"""The work inbox, the ladder, cards and appeals, on real reports."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import reporting
from tests.factories import Person
from tests.reporting import COUNTY, TOWNSHIP, VILLAGE, Town, accepted, file_routed, resolved, take
from wxapi.duties.models import Duty
from wxapi.duties.queries.people import deciders_over, unit_people
from wxapi.duties.rules.scope import acts_for, stands_above
from wxapi.duties.services import climb, tell
from wxapi.kernel.clock import FixedClock, local_day
from wxapi.kernel.permissions import Role
from wxapi.platform.audit import AuditRow
from wxapi.platform.db import db
from wxapi.reports.models import Report
from wxapi.reports.services import timers


def inbox(person: Person, **query: Any) -> list[dict[str, Any]]:
    answer = person.get("/work", query_string={"scope": "unit", **query})
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def stages(person: Person) -> list[tuple[str, str]]:
    return [(duty["subject"]["number"], duty["stage"]) for duty in inbox(person)]


def test_a_routed_report_is_in_its_desks_inbox_and_in_nobody_elses(town: Town) -> None:
    report = file_routed(town.reporter)
    assert stages(town.worker) == [(report["number"], "respond"), (report["number"], "resolve")]
    assert stages(town.neighbour) == stages(town.officer) == stages(town.supervisor) == stages(town.reporter) == []
    first = inbox(town.worker)[0]
    assert first["unit"] == {"code": VILLAGE, "name": "001村"}
    assert first["due_at"] == report["respond_due_at"]
    assert "accept" in first["do"]
    assert first["rung"] == 0
    assert first["card"] is None
    above = town.officer.get("/duties").json["items"]
    assert [duty["stage"] for duty in above] == ["respond", "resolve"]


def test_a_duty_leaves_the_inbox_with_the_commit_that_meets_it(town: Town) -> None:
    report = take(town.worker, file_routed(town.reporter), "accept")
    assert stages(town.worker) == [(report["number"], "resolve")]
    report = take(town.worker, report, "hand_on", desk_code=reporting.NEIGHBOUR, note="在邻村")
    assert stages(town.worker) == []
    assert stages(town.neighbour) == [(report["number"], "respond"), (report["number"], "resolve")]
    take(town.reporter, report, "withdraw")
    assert stages(town.neighbour) == []


def test_what_is_returned_is_the_townships(town: Town) -> None:
    report = take(town.worker, file_routed(town.reporter), "return", reason_code="not_ours", note="不在本村")
    assert stages(town.officer) == [(report["number"], "triage"), (report["number"], "resolve")]
    assert stages(town.worker) == []


def test_a_hold_stops_the_clock_and_gives_the_township_a_review(town: Town, clock: FixedClock) -> None:
    review = (local_day(clock.now()) + timedelta(days=10)).isoformat()
    report = take(town.worker, accepted(town), "request_hold", reason_code="weather", note="连雨", review_on=review)
    take(town.officer, report, "approve_hold")
    assert [duty["stage"] for duty in inbox(town.officer)] == ["hold_review"]
    held = town.worker.get("/duties?state=stopped").json["items"]
    assert [duty["stage"] for duty in held] == ["resolve"]
    assert held[0]["stopped_at"] is not None


def test_what_waits_for_a_reporter_waits_for_nobody_else(town: Town) -> None:
    report = resolved(town)
    mine = town.reporter.get("/work?scope=mine").json["items"]
    assert [(item["id"], item["do"]) for item in mine] == [(report["id"], ["confirm", "dispute"])]
    assert town.worker.get("/work?scope=mine").json["items"] == []


def test_counts_change_with_the_inbox_and_answer_304_without(town: Town) -> None:
    before = town.worker.get("/work/counts")
    assert before.json["open"] == 0
    file_routed(town.reporter)
    after = town.worker.get("/work/counts", headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, after.json["open"], after.json["by_type"]) == (200, 2, {"report": 2})
    again = town.worker.get("/work/counts", headers={"If-None-Match": after.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_confidential_duties_are_the_owners_alone(town: Town) -> None:
    report = file_routed(town.reporter, category_code="X0201")
    assert {number for number, _ in stages(town.officer)} == {report["number"]}
    for person in (town.worker, town.neighbour, town.chief):
        assert stages(person) == []
    for person in (town.worker, town.neighbour, town.chief, town.officer, town.supervisor):
        for state in ("open", "overdue", "stopped", "met"):
            assert person.get(f"/duties?state={state}").json["items"] == [], "in no other list than the inbox"
    both = town.people.make((Role.TOWNSHIP_OFFICER, TOWNSHIP), (Role.COMMUNITY_WORKER, VILLAGE))
    assert stages(both) == []
    assert both.get("/work/counts").json["open"] == 0
    duty = inbox(town.officer)[0]["id"]
    assert town.officer.get(f"/duties/{duty}").status_code == 200
    assert both.get(f"/duties/{duty}").status_code == 404
    assert town.worker.get(f"/duties/{duty}").status_code == 404


def test_pages_go_on_where_they_ended(town: Town) -> None:
    numbers = {file_routed(town.reporter)["number"] for _ in range(3)}
    seen: list[str] = []
    query: dict[str, Any] = {"scope": "unit", "limit": 2}
    while True:
        page = town.worker.get("/work", query_string=query).json
        seen += [duty["id"] for duty in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 6
    assert {number for number, _ in stages(town.worker)} == numbers


def overdue(town: Town, clock: FixedClock, **past: float) -> Duty:
    report = file_routed(town.reporter)
    row = first_duty(report["id"])
    clock.at = row.due_at + timedelta(**past)
    climb.climb(now=clock.now())
    return first_duty(report["id"])


def first_duty(report_id: str) -> Duty:

    session = db.session()
    session.expire_all()
    return session.scalars(select(Duty).where(Duty.subject_id == uuid.UUID(report_id), Duty.stage == "respond")).one()


def test_the_climb_takes_each_rung_once(town: Town, clock: FixedClock) -> None:
    duty = overdue(town, clock, minutes=1)
    assert (duty.rung, duty.card, duty.carded_at) == (100, "yellow", duty.due_at)
    assert climb.climb(now=clock.now()).steps == 0
    clock.at = duty.due_at + timedelta(days=30)
    climb.climb(now=clock.now())
    duty = first_duty(str(duty.subject_id))
    assert (duty.rung, duty.card) == (200, "red")
    assert duty.next_rung_at is None
    assert climb.climb(now=clock.now()).duties == 0


def test_a_second_yellow_of_one_run_is_red(town: Town, clock: FixedClock, session: Session) -> None:
    report = file_routed(town.reporter)
    rows = select(Duty).where(Duty.subject_id == uuid.UUID(report["id"])).order_by(Duty.due_at)
    last = session.scalars(rows).all()[-1]
    clock.at = last.due_at + timedelta(minutes=1)
    climb.climb(now=clock.now())
    session.expire_all()
    first, second = session.scalars(rows).all()
    assert (first.stage, first.card is not None) == ("respond", True)
    # Within five working days of its own due time: red only for the other's card.
    assert (second.stage, second.card, second.carded_at) == ("resolve", "red", second.due_at)


def told(person: Person) -> list[str]:
    return [message["title"] for message in person.get("/me/messages").json["items"]]


def test_twice_the_limit_is_heard_of_two_steps_above_and_by_the_chief(town: Town, clock: FixedClock) -> None:
    duty = overdue(town, clock, days=3)
    assert duty.rung == 200
    for rung in (80, 100, 200, None, 200):
        tell.tell_of_rung(duty.id, rung, now=clock.now())
    late = "有事项已超期一倍时限"
    assert told(town.supervisor) == [late]
    assert told(town.chief) == [late]
    # Reports tell of their own reminders and cards; nothing is told twice.
    for person in (town.worker, town.officer, town.neighbour, town.reporter, town.stranger):
        assert late not in told(person)


def test_a_confidential_rung_reaches_nobody_of_the_village(town: Town, clock: FixedClock) -> None:
    report = file_routed(town.reporter, category_code="X0201")
    duty = first_duty(report["id"])
    both = town.people.make((Role.SUPERVISOR, "4210"), (Role.COMMUNITY_WORKER, VILLAGE))
    city = town.people.make((Role.SUPERVISOR, "4210"))
    tell.tell_of_rung(duty.id, 200, now=clock.now())
    assert told(both) == []
    assert len(told(city)) == 1


def test_the_people_of_a_unit_are_those_the_rules_let_act(town: Town, clock: FixedClock) -> None:
    made = [
        town.people.make((role, code))
        for role in Role
        if role is not Role.UNIT_OFFICER
        for code in ("4210", COUNTY, TOWNSHIP, VILLAGE, f"{VILLAGE}001", "421003")
    ]
    everybody = [*made, town.worker, town.colleague, town.neighbour, town.officer, town.chief, town.supervisor]
    for unit in ("4210", COUNTY, TOWNSHIP, VILLAGE, reporting.NEIGHBOUR):
        found = unit_people(db.session(), unit, (), today=local_day(clock.now()))
        assert found == {person.actor.user_id for person in everybody if acts_for(person.actor).holds(unit)}
        over = deciders_over(db.session(), unit, (), roles=frozenset(), today=local_day(clock.now()))
        assert over <= {person.actor.user_id for person in everybody if stands_above(person.actor, unit)} - found
        assert bool(over) == (unit != "4210")


def test_a_carded_unit_appeals_once_and_the_one_above_decides(town: Town, clock: FixedClock) -> None:
    other = file_routed(town.reporter)
    duty = overdue(town, clock, minutes=1)
    timers.mark_overdue(now=clock.now())
    path = f"/duties/{duty.id}/appeal"
    appeal = {"note": "已移交产权单位", "photo_ids": []}
    assert town.officer.post(path, appeal).json["code"] == "role_not_allowed"
    assert town.neighbour.post(path, appeal).status_code == 404
    assert town.worker.post(path, appeal).status_code == 200
    assert town.worker.post(path, appeal).json["code"] == "appealed_before"
    decision = {"decision": "lift", "note": "属实"}
    assert town.worker.post(f"{path}/decision", decision).json["code"] == "role_not_allowed"
    lifted = town.officer.post(f"{path}/decision", decision)
    assert (lifted.status_code, lifted.json["card"], lifted.json["card_lifted"]) == (200, "yellow", True)
    assert town.supervisor.post(f"{path}/decision", decision).json["code"] == "decided_before"
    # The card of another report of the unit hangs on, there and on no other.
    left = [each["id"] for each in town.worker.get("/duties?card=yellow").json["items"]]
    assert left == [str(first_duty(other["id"]).id)]
    cards = [town.worker.get(f"/reports/{each}").json["card"] for each in (duty.subject_id, other["id"])]
    assert cards == [None, "yellow"]
    said = select(AuditRow.action, AuditRow.actor_id).where(
        AuditRow.subject == f"duty:{duty.id}", AuditRow.actor_id.is_not(None)
    )
    assert {tuple(row) for row in db.session.execute(said)} == {
        ("duty.appeal", town.worker.actor.user_id),
        ("duty.lift", town.officer.actor.user_id),
    }


def test_an_appeal_is_heard_of_and_read_by_who_decides(town: Town, clock: FixedClock) -> None:
    duty = overdue(town, clock, minutes=1)
    path = f"/duties/{duty.id}"
    assert town.worker.get(path).json["appeal"] is None
    photo = reporting.photo(town.worker)
    asked = town.worker.post(f"{path}/appeal", {"note": "已移交产权单位", "photo_ids": [photo]})
    assert asked.status_code == 200, asked.json
    for person in (town.worker, town.officer, town.chief, town.supervisor):
        said = person.get(path).json["appeal"]
        assert (said["note"], [each["id"] for each in said["photos"]]) == ("已移交产权单位", [photo])
        assert (said["decision"], said["decision_note"], said["decided_at"]) == (None, None, None)
        assert person.get(f"/photos/{photo}").status_code == 200
    for person in (town.neighbour, town.reporter, town.stranger):
        assert person.get(f"/photos/{photo}").status_code == 404
    tell.tell_of_appeal(duty.id, None, now=clock.now())
    waits, decided = "有督办牌申诉待处理", "督办牌申诉已处理：维持"
    assert waits in told(town.officer)
    for person in (town.worker, town.supervisor, town.neighbour):
        assert waits not in told(person)
    upheld = town.officer.post(f"{path}/appeal/decision", {"decision": "uphold", "note": "超期属实"})
    assert (upheld.json["card_lifted"], upheld.json["appeal"]["decision_note"]) == (False, "超期属实")
    assert town.worker.get(path).json["appeal"] == upheld.json["appeal"] | {
        "photos": town.worker.get(path).json["appeal"]["photos"]
    }
    tell.tell_of_appeal(duty.id, "uphold", now=clock.now())
    assert decided in told(town.worker)
    assert decided not in told(town.officer)


def test_the_card_of_a_village_affair_is_decided_above_its_owner_and_never_by_the_village(
    town: Town, clock: FixedClock
) -> None:
    report = file_routed(town.reporter, category_code="X0201")
    clock.at = first_duty(report["id"]).due_at + timedelta(minutes=1)
    climb.climb(now=clock.now())
    path = f"/duties/{first_duty(report['id']).id}"
    asked, decision = {"note": "已约谈", "photo_ids": []}, {"decision": "lift", "note": "属实"}
    held = [(Role.SUPERVISOR, COUNTY), (Role.SUPERVISOR, "4210")]
    tied = [town.people.make(each, (role, VILLAGE)) for each in held for role in (Role.COMMUNITY_WORKER, Role.AUDITOR)]
    blind = [town.worker, town.neighbour, town.chief, town.reporter, town.stranger, *tied]
    photo = reporting.photo(town.officer)
    for person in blind:
        assert person.post(f"{path}/appeal", asked).status_code in (403, 404)
        assert person.post(f"{path}/appeal", asked).status_code == person.get(f"/duties/{uuid.uuid4()}").status_code
    assert town.supervisor.post(f"{path}/appeal", asked).json["code"] == "role_not_allowed"
    assert town.officer.post(f"{path}/appeal", asked | {"photo_ids": [photo]}).status_code == 200
    assert town.officer.post(f"{path}/appeal/decision", decision).json["code"] == "role_not_allowed"
    for person in blind:
        unknown = person.get(f"/duties/{uuid.uuid4()}")
        for answer in (person.get(path), person.post(f"{path}/appeal/decision", decision)):
            assert (answer.status_code, answer.json["code"]) == (unknown.status_code, unknown.json["code"])
        assert person.get(f"/photos/{photo}").status_code == 404
    tell.tell_of_appeal(first_duty(report["id"]).id, None, now=clock.now())
    assert "有督办牌申诉待处理" in told(town.supervisor)
    assert not any("有督办牌申诉待处理" in told(person) for person in blind)
    assert town.supervisor.get(path).json["appeal"]["note"] == "已约谈"
    assert town.supervisor.get(f"/photos/{photo}").status_code == 200
    for listing in ("/duties", "/duties?card=yellow", "/work?scope=unit"):
        assert town.supervisor.get(listing).json["items"] == [], "in no other list than its owner's"
    lifted = town.supervisor.post(f"{path}/appeal/decision", decision)
    assert (lifted.status_code, lifted.json["card_lifted"]) == (200, True), lifted.json


def test_a_red_card_after_a_lifted_yellow_is_not_lifted(town: Town, clock: FixedClock) -> None:
    duty = overdue(town, clock, minutes=1)
    assert town.worker.post(f"/duties/{duty.id}/appeal", {"note": "停电", "photo_ids": []}).status_code == 200
    lifted = town.officer.post(f"/duties/{duty.id}/appeal/decision", {"decision": "lift", "note": "属实"})
    assert lifted.json["card_lifted"]
    assert town.worker.get("/work/counts").json["yellow"] == 0
    clock.at = duty.due_at + timedelta(days=30)
    climb.climb(now=clock.now())
    red = town.worker.get(f"/duties/{duty.id}").json
    assert (red["card"], red["card_lifted"]) == ("red", False)
    assert str(duty.id) in {each["id"] for each in town.worker.get("/duties?card=red").json["items"]}


def test_the_inbox_is_cut_by_what_is_past_due_or_is_not(town: Town, clock: FixedClock) -> None:
    overdue(town, clock, minutes=1)
    whole = [duty["stage"] for duty in inbox(town.worker)]
    assert ([duty["stage"] for duty in inbox(town.worker, overdue="true")], whole) == (
        ["respond"],
        ["respond", "resolve"],
    )
    assert [duty["stage"] for duty in inbox(town.worker, overdue="false")] == ["resolve"]


@pytest.mark.parametrize(
    "page", ["/work?scope=unit&type=", "/work?scope=mine&type=", "/duties?type=", "/duties?stage="]
)
def test_a_kind_or_stage_that_there_is_not_is_refused(town: Town, page: str) -> None:
    """As the document says by its enumeration: an empty list would hide the slip."""
    known = "report" if page.endswith("type=") else "resolve"
    file_routed(town.reporter)
    assert town.worker.get(page + known).status_code == 200
    refused = town.worker.get(page + "rocket")
    assert (refused.status_code, refused.json["code"]) == (422, "validation_failed")
    assert known in str(refused.json["errors"])


def test_appeals_have_an_end(town: Town, clock: FixedClock) -> None:
    duty = overdue(town, clock, days=20)
    late = town.worker.post(f"/duties/{duty.id}/appeal", {"note": "来不及", "photo_ids": []})
    assert late.json["code"] == "appeal_too_late"
    other = file_routed(town.reporter)
    uncarded = first_duty(other["id"])
    refused = town.worker.post(f"/duties/{uncarded.id}/appeal", {"note": "没有牌", "photo_ids": []})
    assert refused.json["code"] == "no_card"


def test_duties_and_report_say_the_same_of_due_times(town: Town, session: Session, clock: FixedClock) -> None:
    report = accepted(town)
    clock.advance(hours=3)
    report = take(town.worker, report, "ask", note="在哪个单元？")
    clock.advance(days=2)
    report = take(town.reporter, report, "answer", note="三单元")
    row = session.get_one(Report, uuid.UUID(report["id"]))
    duty = session.scalars(select(Duty).where(Duty.subject_id == row.id, Duty.stage == "resolve")).one()
    session.refresh(duty)
    assert (duty.due_at, duty.stopped_at) == (row.resolve_due_at, None)


def test_a_closed_unit_hands_its_duties_on(town: Town, session: Session, app: Flask, clock: FixedClock) -> None:
    admin = town.people.make((Role.ADMIN, COUNTY))
    for suffix in ("zjj", "cgj"):
        unit = {"region_code": COUNTY, "suffix": suffix, "name": suffix, "kind": "department", "field": None}
        assert admin.post("/units", unit).status_code == 201
    report = file_routed(town.reporter)
    session.execute(
        Duty.__table__.update().where(Duty.subject_id == uuid.UUID(report["id"])).values(unit_code="421002-zjj")
    )
    session.commit()
    today = local_day(clock.now()).isoformat()
    refused = admin.post("/units/421002-zjj/close", {"on": today})
    assert (refused.json["code"], refused.json["count"]) == ("unit_has_open_duties", 2)
    closed = admin.post("/units/421002-zjj/close", {"on": today, "successor_code": "421002-cgj"})
    assert closed.status_code == 200, closed.json
    session.expire_all()
    rows = session.scalars(select(Duty).where(Duty.subject_id == uuid.UUID(report["id"]))).all()
    assert sorted((row.unit_code, row.drop_reason) for row in rows if row.stage == "respond") == [
        ("421002-cgj", None),
        ("421002-zjj", "moved"),
    ]
