"""What is owed for a session: written with every change of what waits, and shown to those who decide."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.schooling import AT_THE_HALL, COUNTY, FIVE_KM_OFF, School, minutes
from wxapi.duties.models import Duty
from wxapi.duties.services import appeal as appeals
from wxapi.duties.services import climb, tell
from wxapi.duties.services import region_moves as duty_moves
from wxapi.kernel.clock import FixedClock, to_wire
from wxapi.kernel.permissions import Role
from wxapi.kernel.working_time import OFFICE
from wxapi.notifications.models import Message
from wxapi.platform.audit import AuditRow
from wxapi.regions.rules.changes import RegionMove
from wxapi.training.services import region_moves, session_end
from wxapi.units.queries import make_offices
from wxapi.units.services import region_moves as unit_moves


def inbox(person: Any) -> list[dict[str, Any]]:
    return list(person.get("/work?scope=unit").json["items"])


def duties(session: Session, hall: dict[str, Any]) -> list[tuple[str, bool, bool]]:
    rows = session.scalars(
        select(Duty).where(Duty.subject_id == uuid.UUID(hall["id"])).order_by(Duty.stage, Duty.seq)
    ).all()
    for row in rows:
        session.refresh(row)
    return [(row.stage, row.met_at is not None, row.dropped_at is not None) for row in rows]


def decide(school: School, hall: dict[str, Any], decision: str = "dismiss") -> None:
    path = f"/training/sessions/{hall['id']}/flags"
    for flag in school.organiser.get(path).json["items"]:
        answer = school.organiser.post(f"{path}/{flag['id']}/decision", {"decision": decision})
        assert answer.status_code == 200, answer.text


class TestFlags:
    def test_owed_from_the_end_until_the_last_is_decided(self, school, session, clock):
        hall = school.make(ends=60, location={**AT_THE_HALL}, radius_m=200)
        for person in (school.member, school.people.make()):
            school.sign_in(hall, person, location=FIVE_KM_OFF)
        assert inbox(school.organiser) == []
        clock.advance(minutes=61)
        session_end.at_the_end(uuid.UUID(hall["id"]), now=clock.now())
        session_end.at_the_end(uuid.UUID(hall["id"]), now=clock.now())
        [item] = inbox(school.organiser)
        assert (item["subject"]["type"], item["subject"]["id"], item["subject"]["title"]) == (
            "training",
            hall["id"],
            "党课开讲啦",
        )
        assert (item["stage"], item["unit"]["code"]) == ("flag_review", COUNTY)
        assert item["do"] == ["decide_flags", "decide_leave"]
        ends_at = clock.now() - timedelta(minutes=1)
        assert item["due_at"] == to_wire(OFFICE.add(ends_at, 3 * OFFICE.day))
        path = f"/training/sessions/{hall['id']}/flags"
        first, last = school.organiser.get(path).json["items"]
        school.organiser.post(f"{path}/{first['id']}/decision", {"decision": "dismiss"})
        assert len(inbox(school.organiser)) == 1
        school.organiser.post(f"{path}/{last['id']}/decision", {"decision": "uphold"})
        assert inbox(school.organiser) == []
        assert duties(session, hall) == [("flag_review", True, False)]

    def test_a_late_upload_in_doubt_is_owed_at_once(self, school, session, clock):
        hall = school.make(ends=60)
        clock.advance(minutes=90)
        item = {"key": "a", "user_id": str(school.member.actor.user_id), "client_time": "2015-01-01T00:00:00Z"}
        answer = school.steward.post(f"/training/sessions/{hall['id']}/sign-ins/batch", {"items": [item]})
        assert answer.json["results"][0]["sign_in"]["state"] == "needs_review"
        assert [item["stage"] for item in inbox(school.organiser)] == ["flag_review"]
        decide(school, hall)
        assert duties(session, hall) == [("flag_review", True, False)]

    def test_decided_before_the_end_nothing_was_owed(self, school, session, clock):
        hall = school.make(ends=60, location={**AT_THE_HALL}, radius_m=200)
        school.sign_in(hall, school.member, location=FIVE_KM_OFF)
        decide(school, hall)
        clock.advance(minutes=61)
        session_end.at_the_end(uuid.UUID(hall["id"]), now=clock.now())
        assert duties(session, hall) == []

    def test_a_closed_regions_undecided_session_goes_to_its_successor_with_what_is_owed(self, school, session, clock):
        hall = school.make(ends=60, region_code="421002001", location={**AT_THE_HALL}, radius_m=200, offline_hours=0)
        school.sign_in(hall, school.member, location=FIVE_KM_OFF)
        clock.advance(minutes=61)
        session_end.at_the_end(uuid.UUID(hall["id"]), now=clock.now())
        unit_moves.HOLDING.move(session, [RegionMove("421002001", "421002002")], clock.now())
        for holding in (region_moves.HOLDING, duty_moves.HOLDING):
            assert holding.move(session, [RegionMove("421002001", "421002002")], clock.now()) == 1
        session.commit()
        session.expire_all()
        assert [item["unit"]["code"] for item in inbox(school.organiser)] == ["421002002"]
        decide(school, hall)
        assert inbox(school.organiser) == []
        told = select(AuditRow.subject).where(AuditRow.action == "training.move")
        assert session.scalars(told).all() == [f"training:{hall['id']}"], "as all that was done with it"


class TestLeave:
    def ask(self, hall, person) -> str:
        person.post(f"/training/sessions/{hall['id']}/enrolments")
        return str(person.post(f"/training/sessions/{hall['id']}/leave-requests", {"reason": "外出"}).json["id"])

    def test_each_oldest_request_is_a_duty(self, school, session, clock):
        hall = school.make(starts=600, ends=700)
        one = self.ask(hall, school.member)
        clock.advance(minutes=30)
        two, three = self.ask(hall, school.people.make()), self.ask(hall, school.people.make())
        decision = "/training/sessions/leave-requests/{}/decision".format
        [before] = inbox(school.organiser)
        assert before["stage"] == "leave_decision"
        # Not the oldest: what is owed stays as it is.
        school.organiser.post(decision(three), {"decision": "deny"})
        assert inbox(school.organiser) == [before]
        school.organiser.post(decision(one), {"decision": "approve"})
        [after] = inbox(school.organiser)
        assert after["due_at"] > before["due_at"]
        school.organiser.post(decision(two), {"decision": "approve"})
        assert inbox(school.organiser) == []
        assert duties(session, hall) == [("leave_decision", True, False)] * 2

    def test_nobody_owes_an_answer_to_who_withdrew(self, school, session):
        hall = school.make(starts=600, ends=700)
        self.ask(hall, school.member)
        mine = f"/training/sessions/{hall['id']}/enrolments/me"
        assert school.member.call("DELETE", mine).status_code == 204
        assert inbox(school.organiser) == []
        assert self.ask(hall, school.member), "who enrols again may ask again"

    def test_a_cancelled_session_owes_nothing(self, school, session):
        hall = school.make(starts=600, ends=700)
        self.ask(hall, school.member)
        assert school.organiser.post(f"/training/sessions/{hall['id']}/cancel").status_code == 200
        assert inbox(school.organiser) == []
        assert duties(session, hall) == [("leave_decision", False, True)]

    def test_a_session_moved_to_another_region_takes_it_along(self, school, session):
        hall = school.make(starts=600, ends=700)
        self.ask(hall, school.member)
        kept = ("title", "kind", "starts_at", "ends_at", "place", "parallel")
        body = {name: hall[name] for name in kept if name in hall} | {"region_code": "421002001", "parallel": True}
        assert school.organiser.call("PUT", f"/training/sessions/{hall['id']}", json=body).status_code == 200
        assert [item["unit"]["code"] for item in inbox(school.organiser)] == ["421002001"]
        assert duties(session, hall) == [("leave_decision", False, True), ("leave_decision", False, False)]

    def test_who_decides_sees_it_and_hears_of_it_and_nobody_else(self, school, session, clock):
        other = school.people.make((Role.SUPERVISOR, COUNTY))
        hall = school.make(starts=60_000, ends=60_100)
        self.ask(hall, school.member)
        assert len(inbox(school.organiser)) == 1
        assert school.organiser.get("/work/counts").json["by_type"] == {"training": 1}
        assert inbox(school.stranger) == inbox(other) == inbox(school.member) == []
        assert other.get("/work/counts").json["open"] == 0
        [item] = inbox(school.organiser)
        tell.tell_of_rung(uuid.UUID(item["id"]), 80, now=clock.now())
        told = session.execute(select(Message.user_id, Message.kind, Message.body)).all()
        assert [row[:2] for row in told] == [(school.organiser.actor.user_id, "work_due")]
        assert "请假审批环节" in told[0].body


def test_who_decides_on_leave_appeals_against_its_card_and_no_other_office(school, session, clock):
    city, officer = (school.people.make((Role.SUPERVISOR, code)) for code in ("4210", COUNTY))
    hall = school.make(starts=60_000, ends=60_100)
    school.member.post(f"/training/sessions/{hall['id']}/enrolments")
    school.member.post(f"/training/sessions/{hall['id']}/leave-requests", {"reason": "外出"})
    [item] = inbox(school.organiser)
    clock.advance(days=6)
    climb.climb(now=clock.now())
    path, said = f"/duties/{item['id']}/appeal", {"note": "停电", "photo_ids": []}
    assert officer.post(path, said).json["code"] == "role_not_allowed"
    assert school.organiser.post(path, said).status_code == 200
    tell.tell_of_appeal(uuid.UUID(item["id"]), None, now=clock.now())
    assert set(session.scalars(select(Message.user_id))) == {city.actor.user_id}
    assert [len(appeals.waiting_appeals(who.actor, limit=9, now=clock.now()).items) for who in (officer, city)] == [
        0,
        1,
    ]
    decision = {"decision": "lift", "note": "属实"}
    assert officer.post(f"{path}/decision", decision).json["code"] == "role_not_allowed"
    assert city.post(f"{path}/decision", decision).json["card_lifted"]


class TestVerify:
    def told(self, school: School) -> tuple[int, str]:
        found = school.organiser.app.test_cli_runner().invoke(args=["statistics", "verify"])
        return found.exit_code, found.stdout.strip()

    @pytest.mark.parametrize(
        "slip",
        [
            "UPDATE duties SET due_at = due_at + interval '1 hour'",
            "UPDATE duties SET unit_code = '421002001'",
            "UPDATE duties SET dropped_at = started_at, drop_reason = 'ended'",
            "UPDATE training_leave_requests SET decision = 'deny'",
        ],
    )
    def test_a_session_that_owes_what_does_not_wait_is_named(self, school, session, clock, slip):
        make_offices(session, ["421002001"], now=clock.now())
        hall = school.make(starts=600, ends=700)
        school.member.post(f"/training/sessions/{hall['id']}/enrolments")
        school.member.post(f"/training/sessions/{hall['id']}/leave-requests", {"reason": "外出"})
        assert self.told(school) == (0, "")
        session.execute(text(slip))
        session.commit()
        assert self.told(school) == (1, hall["id"])

    def test_flags_are_owed_from_the_end_on_and_the_job_has_its_time(self, school, session, clock):
        hall = school.make(ends=60, location={**AT_THE_HALL}, radius_m=200)
        school.sign_in(hall, school.member, location=FIVE_KM_OFF)
        for minutes_on, expected in ((0, (0, "")), (61, (0, "")), (61, (1, hall["id"]))):
            clock.advance(minutes=minutes_on)
            assert self.told(school) == expected
        session_end.at_the_end(uuid.UUID(hall["id"]), now=clock.now())
        assert self.told(school) == (0, "")


class TestMine:
    def test_sessions_of_the_next_seven_days_that_i_have_not_come_to(self, school, clock: FixedClock):
        near, now_on = school.make(starts=600, ends=700, title="明天的课"), school.make(title="正在上的课")
        far = school.make(starts=8 * 1440, ends=8 * 1440 + 90)
        for hall in (near, now_on, far):
            school.member.post(f"/training/sessions/{hall['id']}/enrolments")

        def mine() -> list[tuple[str, list[str], str]]:
            items = school.member.get("/work?scope=mine").json["items"]
            return [(item["title"], item["do"], item["until"]) for item in items if item["type"] == "training"]

        now = clock.now()
        assert mine() == [
            ("正在上的课", ["sign_in"], minutes(now, -5)),
            ("明天的课", ["withdraw", "ask_leave"], minutes(now, 600)),
        ]
        school.sign_in(now_on, school.member)
        assert [item[0] for item in mine()] == ["明天的课"]
