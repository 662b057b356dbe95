"""Sessions and seats over HTTP."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.factories import Person
from tests.schooling import AT_THE_HALL, COUNTY, OTHER_COUNTY, School, minutes, plan, problem
from tests.statements import count_statements
from wxapi.kernel.clock import to_wire
from wxapi.kernel.permissions import Role
from wxapi.platform.outbox import OutboxRow
from wxapi.training.services import tell


def put(person: Person, hall: dict[str, Any], **changes: Any):
    body = {
        name: hall[name] for name in ("title", "kind", "region_code", "starts_at", "ends_at", "parallel", "capacity")
    }
    return person.call("PUT", f"/training/sessions/{hall['id']}", json=body | changes)


def enrol(person: Person, hall: dict[str, Any]):
    return person.post(f"/training/sessions/{hall['id']}/enrolments")


def news(person: Person) -> list[tuple[str, str]]:
    items = person.get("/me/messages").json["items"]
    return [(item["title"], item["body"]) for item in items if item["kind"] == "training_news"]


class TestMoving:
    def test_who_means_to_come_hears_of_another_time_or_place(self, school, session, clock):
        hall = school.make(starts=60, ends=120, capacity=1)
        assert enrol(school.member, hall).json["state"] == "enrolled"
        late = school.people.make()
        assert enrol(late, hall).json["state"] == "waiting"
        hall |= {"place": "区委党校二楼"}
        assert put(school.organiser, hall, place=hall["place"]).status_code == 200
        body = "“党课开讲啦”的时间或地点有调整：11月23日 11:00 在区委党校二楼开始，请留意。"
        assert [tell.tell_of_change(uuid.UUID(hall["id"]), now=clock.now()) for _ in range(2)] == [2, 0]
        assert news(school.member) == news(late) == [("培训调整：党课开讲啦", body)]
        later = minutes(clock.now(), 90)
        assert put(school.organiser, hall, starts_at=later, place=hall["place"]).status_code == 200
        assert tell.tell_of_change(uuid.UUID(hall["id"]), now=clock.now()) == 2
        assert sum("11:30" in said for _, said in news(school.member)) == 1

    def test_who_came_in_time_by_the_new_times_is_late_no_more(self, school, clock):
        """A beginning that was mistyped by an hour, and an end that came before its time; what was set by hand stays."""
        hall = school.make(starts=-30, ends=90, sign_out=True)
        leaver, by_hand, on_time = school.member, school.people.make(), school.people.make()
        for person in (leaver, by_hand):
            assert school.sign_in(hall, person).json["state"] == "late"
        row = f"/training/sessions/{hall['id']}/attendance/{by_hand.actor.user_id}"
        school.organiser.call("PUT", row, json={"state": "late", "reason": "中途才到"})
        later = hall | {"starts_at": minutes(clock.now(), 10)}
        assert put(school.organiser, later, sign_out=True).status_code == 200
        assert [school.state(hall, person) for person in (leaver, by_hand)] == ["present", "late"]
        clock.advance(minutes=15)
        school.sign_in(hall, on_time)
        out = f"/training/sessions/{hall['id']}/sign-outs"
        assert leaver.post(out, {"code": school.code(hall)}).json["state"] == "left_early"
        sooner = later | {"starts_at": hall["starts_at"], "ends_at": minutes(clock.now(), 1)}
        assert put(school.organiser, sooner, sign_out=True).status_code == 200
        assert [school.state(hall, person) for person in (leaver, by_hand, on_time)] == ["present", "late", "present"]

    def test_nobody_hears_of_what_is_no_other_time_or_place(self, school, session):
        hall = school.make(starts=60, ends=120)
        assert put(school.organiser, hall, title="另一个题目", place=hall["place"]).status_code == 200
        draft = school.organiser.post("/training/sessions", plan(starts=60, ends=90)).json
        assert put(school.organiser, draft, place="别处").status_code == 200
        assert session.scalar(select(OutboxRow.id).where(OutboxRow.topic == "training.moved")) is None

    def test_who_has_come_and_what_is_over_or_called_off_is_left_alone(self, school, clock):
        hall = school.make(starts=-5, ends=60)
        assert enrol(school.member, hall).status_code == 201
        school.sign_in(hall, school.member)
        assert tell.tell_of_change(uuid.UUID(hall["id"]), now=clock.now()) == 0
        assert enrol(school.people.make(), hall).status_code == 201
        assert tell.tell_of_change(uuid.UUID(hall["id"]), now=clock.now() + timedelta(hours=2)) == 0
        assert school.organiser.post(f"/training/sessions/{hall['id']}/cancel").status_code == 200
        assert tell.tell_of_change(uuid.UUID(hall["id"]), now=clock.now()) == 0


class TestMaking:
    def test_draft_publish_change_cancel(self, school, session):
        made = school.organiser.post("/training/sessions", plan(starts=60 * 48, ends=60 * 50)).json
        assert (made["state"], made["version"]) == ("draft", 1)
        path = f"/training/sessions/{made['id']}"
        assert problem(school.member.get(path)) == (404, "not_found")
        assert problem(school.stranger.get(path)) == (404, "not_found")
        # Who signs people in has nothing to do before it is published.
        for get in ("", "/attendance", "/attendance/live"):
            assert problem(school.steward.get(path + get)) == (404, "not_found"), get
        assert school.organiser.post(f"{path}/publish").json["state"] == "published"
        assert school.organiser.post(f"{path}/publish").json["version"] == 2
        seen = school.member.get(path).json
        assert (seen["state"], seen["audience"]) == ("published", None)
        changed = put(school.organiser, made, title="改期", place="二楼", version=2)
        assert (changed.json["title"], changed.json["version"]) == ("改期", 3)
        assert problem(put(school.organiser, made, version=2)) == (409, "version_conflict")
        assert school.organiser.post(f"{path}/cancel").json["state"] == "cancelled"
        assert problem(put(school.organiser, made)) == (409, "session_cancelled")
        assert problem(enrol(school.member, made)) == (409, "session_cancelled")
        topics = list(session.scalars(select(OutboxRow.topic).where(OutboxRow.topic.startswith("training"))))
        assert sorted(topics) == [
            "training.cancelled",
            "training.close",
            "training.moved",
            "training.reminder",
            "training.reminder",
            "training.settle",
        ]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"ends": -5}, "ends_before_start"),
            ({"ends": 60 * 24 * 40}, "session_too_long"),
            ({"starts_at": "1900-01-01T00:00:00Z"}, "session_time_invalid"),
            ({"radius_m": 200}, "radius_without_location"),
            ({"location": {**AT_THE_HALL, "longitude": 12}}, "outside_service_area"),
            ({"location": {"longitude": 112.2, "latitude": 30.3}}, "validation_failed"),
            ({"starts_at": "2026-11-23T10:00:00"}, "validation_failed"),
            ({"capacity": 0}, "validation_failed"),
            ({"title": " "}, "validation_failed"),
            ({"nonsense": 1}, "validation_failed"),
            ({"\ud800": 1}, "validation_failed"),
            ({"sign_out": "yes"}, "validation_failed"),
            ({"sign_out": 1}, "validation_failed"),
            ({"parallel": "false"}, "validation_failed"),
            ({"parallel": None}, "validation_failed"),
            ({"credit_hours": 1.55}, "validation_failed"),
            ({"credit_hours": 0.04}, "validation_failed"),
            ({"audience": {"user_ids": [str(uuid.UUID(int=n)) for n in range(5001)]}}, "audience_too_large"),
        ],
    )
    def test_bad_plans(self, school, changes, code):
        assert problem(school.organiser.post("/training/sessions", plan(**changes))) == (422, code)

    @pytest.mark.parametrize(
        ("audience", "code", "field"),
        [
            ({"region_codes": ["421002", "421999"]}, "unknown_region", "audience.region_codes"),
            ({"user_ids": [str(uuid.UUID(int=7))]}, "person_unknown", "audience.user_ids"),
        ],
    )
    def test_an_audience_that_is_not_there(self, school, audience, code, field):
        answer = school.organiser.post("/training/sessions", plan(audience=audience))
        assert problem(answer) == (422, code)
        assert list(answer.json["errors"]) == [field]

    def test_what_is_published_is_not_moved_into_the_past(self, school):
        hall, past = school.make(), plan(starts=-300, ends=0)
        times = {name: past[name] for name in ("starts_at", "ends_at")}
        assert problem(put(school.organiser, hall, **times)) == (422, "session_time_invalid")
        assert school.organiser.get(f"/training/sessions/{hall['id']}").json["state"] == "published"
        draft = school.organiser.post("/training/sessions", plan()).json
        assert put(school.organiser, draft, **times).status_code == 200

    @pytest.mark.parametrize("hours", [None, 0, 0.1, 0.3, 1.5, 3, 499.9, 500])
    def test_credit_hours_come_back_as_sent(self, school, hours):
        assert school.make(credit_hours=hours)["credit_hours"] == hours

    @pytest.mark.parametrize("wanted", [True, False])
    def test_a_boolean_is_taken_as_it_is(self, school, wanted):
        assert school.make(sign_out=wanted)["sign_out"] is wanted

    def test_overlapping_my_own(self, school):
        first = school.make(parallel=False)

        def warned(answer):
            assert answer.status_code in {200, 201}
            return [(warning["code"], warning["session_id"]) for warning in answer.json["warnings"]]

        def draft(**changes):
            return school.organiser.post("/training/sessions", plan(**changes))

        overlapping = draft(parallel=False)
        assert warned(overlapping) == [("session_overlaps", first["id"])]
        assert "重叠" in overlapping.json["warnings"][0]["detail"]
        assert warned(draft(parallel=True)) == []
        assert warned(draft(parallel=False, starts=115, ends=200)) == []
        assert warned(put(school.organiser, first, parallel=False)) == [("session_overlaps", overlapping.json["id"])]
        school.organiser.post(f"/training/sessions/{first['id']}/cancel")
        school.organiser.post(f"/training/sessions/{overlapping.json['id']}/cancel")
        assert warned(draft(parallel=False)) == []

    def test_capacity_below_the_enrolled_and_above(self, school):
        hall = school.make(capacity=2)
        people = [school.people.make() for _ in range(3)]
        assert [enrol(person, hall).json["place"] for person in people] == [None, None, 1]
        lower = put(school.organiser, hall, capacity=1)
        assert problem(lower) == (409, "capacity_below_enrolled")
        assert lower.json["enrolled"] == 2
        assert put(school.organiser, hall, capacity=3).json["enrolled_count"] == 3
        assert enrol(people[2], hall).json["state"] == "enrolled"

    def test_what_belongs_to_another_county(self, school):
        hall = school.make()
        path = f"/training/sessions/{hall['id']}"
        assert problem(school.organiser.post("/training/sessions", plan(region_code=OTHER_COUNTY))) == (
            404,
            "not_found",
        )
        assert problem(put(school.stranger, hall)) == (404, "not_found")
        for call in ("publish", "cancel"):
            assert problem(school.stranger.post(f"{path}/{call}")) == (404, "not_found")
        user = school.member.actor.user_id
        for get in (
            "sign-in-code",
            "attendance",
            "attendance/live",
            "attendance.xlsx",
            "flags",
            "leave-requests",
            f"attendance/{user}",
        ):
            assert problem(school.stranger.get(f"{path}/{get}")) == (404, "not_found"), get
            assert problem(school.member.get(f"{path}/{get}")) == (403, "role_not_allowed"), get
        body = {"state": "present", "reason": "x"}
        assert problem(school.stranger.call("PUT", f"{path}/attendance/{user}", json=body)) == (404, "not_found")
        assert problem(school.steward.call("PUT", f"{path}/attendance/{user}", json=body)) == (403, "role_not_allowed")


class TestLists:
    def test_open_mine_organised(self, school):
        mine = school.make(title="A")
        for changes in (
            {"title": "B", "audience": {"region_codes": ["421002001"]}},
            {"title": "C", "audience": {"region_codes": ["421003"]}},
            {"title": "D", "audience": {"roles": ["supervisor"]}},
            {"title": "E", "audience": {"user_ids": [str(school.member.actor.user_id)]}},
            {"title": "F", "audience": {"region_codes": ["421002"], "roles": ["community_worker"]}},
            {"title": "G", "starts": -60, "ends": -1},
        ):
            school.make(**changes)
        enrol(school.member, mine)

        def titles(person: Person, scope: str) -> str:
            items = person.get(f"/training/sessions?scope={scope}&limit=100").json["items"]
            return "".join(sorted(item["title"] for item in items))

        assert titles(school.member, "open") == "ABEF"
        assert titles(school.people.make(), "open") == "A"
        assert titles(school.member, "mine") == "A"
        assert titles(school.organiser, "organised") == "ABCDEFG"
        assert titles(school.stranger, "organised") == ""

    def test_pages_and_their_cost(self, school):
        halls = [school.make(starts=n, ends=200 + n) for n in range(7)]
        seen, cursor = [], ""
        while True:
            page = school.member.get(f"/training/sessions?limit=3{cursor}").json
            seen += [item["id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == [hall["id"] for hall in halls]
        costs = []
        for limit in (1, 7):
            with count_statements() as statements:
                school.member.get(f"/training/sessions?limit={limit}")
            costs.append(len(statements))
        assert costs[0] == costs[1] <= 6
        assert problem(school.member.get("/training/sessions?cursor=WyJ4IiwieSJd")) == (400, "cursor_invalid")


class TestSeats:
    def test_again_is_the_same_and_withdrawing_moves_the_first_up(self, school, session):
        hall = school.make(capacity=1)
        a, b, c = (school.people.make() for _ in range(3))
        first = enrol(a, hall)
        assert (first.status_code, first.json["state"]) == (201, "enrolled")
        assert (enrol(a, hall).status_code, enrol(a, hall).json) == (200, first.json)
        assert [enrol(p, hall).json["place"] for p in (b, c)] == [1, 2]
        path = f"/training/sessions/{hall['id']}/enrolments/me"
        assert a.call("DELETE", path).status_code == 204
        assert a.call("DELETE", path).status_code == 204
        assert enrol(b, hall).json["state"] == "enrolled"
        assert enrol(c, hall).json["place"] == 1
        assert enrol(a, hall).json["place"] == 2
        moved = session.scalars(select(OutboxRow).where(OutboxRow.topic == "training.seat_given")).one()
        assert moved.payload["user_id"] == str(b.actor.user_id)
        seen = school.organiser.get(f"/training/sessions/{hall['id']}").json
        assert (seen["enrolled_count"], seen["waiting_count"]) == (1, 2)

    def test_audience_draft_and_end(self, school):
        meant = school.make(audience={"region_codes": ["421003"]})
        assert problem(enrol(school.member, meant)) == (403, "not_in_audience")
        draft = school.organiser.post("/training/sessions", plan()).json
        assert problem(enrol(school.member, draft)) == (404, "not_found")
        assert problem(enrol(school.member, school.make(starts=-60, ends=-1))) == (409, "session_over")

    def test_one_who_came_cannot_withdraw(self, school):
        hall = school.make()
        enrol(school.member, hall)
        school.sign_in(hall, school.member)
        answer = school.member.call("DELETE", f"/training/sessions/{hall['id']}/enrolments/me")
        assert problem(answer) == (409, "already_signed_in")

    def test_a_series_is_enrolled_once(self, school):
        series = school.organiser.post("/training/series", {"title": "轮训", "region_code": COUNTY}).json
        first = school.make(series_id=series["id"], starts=60, ends=120, capacity=1)
        second = school.make(series_id=series["id"], starts=180, ends=240)
        assert enrol(school.member, first).json["state"] == "enrolled"
        other = school.people.make()
        assert enrol(other, first).json["place"] == 1
        assert enrol(school.member, second).status_code == 200
        gone = school.make(series_id=series["id"], starts=200, ends=240)
        assert school.member.call("DELETE", f"/training/sessions/{gone['id']}/enrolments/me").status_code == 204
        assert enrol(school.member, first).status_code == 200
        seen = school.member.get(f"/training/sessions/{gone['id']}").json["mine"]
        assert seen["enrolment"] == "withdrawn", "a repeat takes no withdrawal back"
        third = school.make(series_id=series["id"], starts=300, ends=360, capacity=1)
        mine = {s["id"]: s["mine"] for s in school.member.get("/training/sessions?scope=mine").json["items"]}
        assert {mine[hall["id"]]["enrolment"] for hall in (first, second, third)} == {"enrolled"}
        assert other.get(f"/training/sessions/{third['id']}").json["mine"]["place"] == 1
        assert school.member.call("DELETE", f"/training/series/{series['id']}/enrolments/me").status_code == 204
        assert other.get(f"/training/sessions/{third['id']}").json["mine"]["enrolment"] == "enrolled"
        assert school.member.get("/training/sessions?scope=mine").json["items"] == []

    def test_a_series_seats_nobody_whom_a_session_is_not_for(self, school):
        """Published after somebody enrolled in the series as before it: the same people are in."""
        series = school.organiser.post("/training/series", {"title": "轮训", "region_code": COUNTY}).json
        guest = school.people.make()
        times = {"series_id": series["id"], "starts": 60, "ends": 120}
        for_all, early = school.make(**times), school.make(**times, audience={"region_codes": [COUNTY]})
        for person in (guest, school.member):
            assert enrol(person, for_all).status_code == 201
        by_list = {"region_codes": [OTHER_COUNTY], "user_ids": [str(guest.actor.user_id)]}
        later = school.make(**times, audience={"region_codes": [COUNTY], "roles": ["community_worker"]})
        listed = school.make(**times, audience=by_list)
        seats = {
            hall["id"]: [
                person.get(f"/training/sessions/{hall['id']}").json["mine"]["enrolment"]
                for person in (guest, school.member)
            ]
            for hall in (early, later, listed)
        }
        assert seats == {
            early["id"]: [None, "enrolled"],
            later["id"]: [None, "enrolled"],
            listed["id"]: ["enrolled", None],
        }


def test_times_are_utc_on_the_wire(school: School, session: Session, clock):
    made = school.organiser.post(
        "/training/sessions", plan(starts_at="2026-11-23T10:00:00+08:00", ends_at=minutes(clock.now(), 60))
    ).json
    assert made["starts_at"] == to_wire(clock.now())
    assert Role.TRAINING_STEWARD not in {held.role for held in school.member.actor.appointments}
