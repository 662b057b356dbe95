"""Signing in over HTTP: codes, tickets, windows, places, devices, repeats and refusals."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import random_key
from tests.schooling import AT_THE_HALL, FIVE_KM_OFF, School, minutes, problem
from tests.statements import count_statements
from wxapi.kernel.clock import FixedClock, to_wire
from wxapi.training.models import Attendance, Refusal


def refusals(session: Session) -> list[str]:
    return list(session.scalars(select(Refusal.code).order_by(Refusal.id)))


class TestTheCode:
    def test_once_201_then_200_with_the_same_body(self, school, session):
        hall = school.make()
        enrolled = school.people.make()
        enrolled.post(f"/training/sessions/{hall['id']}/enrolments")
        for person in (school.member, enrolled):  # the second by the short way: this process knows the session now
            first = school.sign_in(hall, person, device_id=person.actor.user_id.hex)
            again = school.sign_in(hall, person, device_id=person.actor.user_id.hex)
            assert (first.status_code, again.status_code) == (201, 200)
            assert first.json == again.json
        assert first.json["state"] == "present"
        assert first.json["flags"] == []
        row = session.scalars(select(Attendance).where(Attendance.user_id == school.member.actor.user_id)).one()
        assert row.step is not None
        assert row.walk_in

    def test_a_screen_gets_the_present_code_only_and_every_screen_the_same(self, school, clock):
        hall = school.make()
        path = f"/training/sessions/{hall['id']}/sign-in-code"
        one, two = school.organiser.get(path).json, school.organiser.get(path).json
        assert one == two
        assert one["qr_svg"].startswith("<svg")
        clock.advance(seconds=15)
        three = school.organiser.get(path).json
        assert three["code"] != one["code"]
        assert one["refresh_at"] < one["expires_at"]
        assert school.sign_in(hall, school.member, code=one["code"]).status_code == 201

    def test_an_old_code_expires_and_the_repeat_of_one_who_came_does_not(self, school, clock, session):
        hall = school.make()
        code = school.code(hall)
        assert school.sign_in(hall, school.member, code=code).status_code == 201
        clock.advance(seconds=40)
        late = school.people.make()
        assert problem(school.sign_in(hall, late, code=code)) == (410, "code_expired")
        assert school.sign_in(hall, school.member, code=code).status_code == 200
        assert refusals(session) == ["code_expired"]

    def test_what_keyboards_make_of_a_code_is_accepted(self, school):
        hall = school.make()
        typed = school.organiser.get(f"/training/sessions/{hall['id']}/sign-in-code").json["short_code"]
        assert len(typed) == 6
        full_width = "".join(chr(ord(c) + 0xFEE0) for c in typed.lower())
        slip = f"{typed[:3]} {typed[3:]}".replace("0", "o").replace("1", "I").lower()
        assert school.sign_in(hall, school.people.make(), code=slip).status_code == 201
        assert school.sign_in(hall, school.member, code=f" {full_width} ").status_code == 201
        assert school.sign_in(hall, school.people.make(), code=school.code(hall).lower()).status_code == 201

    def test_no_code_of_this_session(self, school, session):
        hall, other = school.make(), school.make()
        for code in (school.code(other), "x", "😀", school.code(hall)[:-1], "'; DROP TABLE users; --"):
            assert problem(school.sign_in(hall, school.member, code=code)) == (422, "code_invalid")
        assert refusals(session) == ["code_invalid"] * 5

    def test_typed_tries_are_limited_and_scanning_goes_on(self, school, clock):
        hall = school.make()
        for _ in range(5):
            assert problem(school.sign_in(hall, school.member, code="ABC-DEF")) == (422, "code_invalid")
        right = school.organiser.get(f"/training/sessions/{hall['id']}/sign-in-code").json["short_code"]
        stopped = school.sign_in(hall, school.member, code=right)
        assert problem(stopped) == (429, "too_many_tries")
        assert int(stopped.headers["Retry-After"]) > 0
        assert school.sign_in(hall, school.member).status_code == 201

    def test_a_short_code_gets_a_ticket_and_tells_old_from_wrong(self, school, clock):
        hall = school.make()
        path = f"/training/sessions/{hall['id']}/tickets"
        short = school.organiser.get(f"/training/sessions/{hall['id']}/sign-in-code").json["short_code"]
        ticket = school.member.post(path, {"code": f"{short[:3]} {short[3:]}"})
        assert ticket.status_code == 201
        clock.advance(minutes=2)
        late = school.people.make()
        for _ in range(6):
            assert problem(school.sign_in(hall, late, code=short)) == (410, "code_expired")
        assert problem(school.member.post(path, {"code": short})) == (410, "code_expired")
        assert school.sign_in(hall, school.member, ticket=ticket.json["ticket"]).status_code == 201

    def test_code_and_ticket_together_or_neither_are_no_request(self, school):
        hall = school.make()
        for body in ({"code": "a", "ticket": "b"}, {"code": None}):
            assert problem(school.sign_in(hall, school.member, **body)) == (422, "validation_failed")


class TestTickets:
    def test_a_ticket_outlives_the_code_and_counts_at_its_issue(self, school, clock):
        hall = school.make(starts=-9, late_after_min=10)
        path = f"/training/sessions/{hall['id']}/tickets"
        ticket = school.member.post(path, {"code": school.code(hall)})
        assert ticket.status_code == 201
        issued = to_wire(clock.now())
        clock.advance(minutes=9)
        used = school.sign_in(hall, school.member, ticket=ticket.json["ticket"])
        assert (used.status_code, used.json["state"], used.json["signed_in_at"]) == (201, "present", issued)
        assert school.sign_in(hall, school.member, ticket=ticket.json["ticket"]).status_code == 200

    def test_a_ticket_is_no_good_to_another_or_after_ten_minutes(self, school, clock):
        hall = school.make()
        path = f"/training/sessions/{hall['id']}/tickets"
        ticket = school.member.post(path, {"code": school.code(hall)}).json["ticket"]
        assert problem(school.sign_in(hall, school.people.make(), ticket=ticket)) == (422, "code_invalid")
        clock.advance(minutes=10, seconds=1)
        assert problem(school.sign_in(hall, school.member, ticket=ticket)) == (410, "code_expired")

    def test_a_ticket_is_refused_like_a_sign_in(self, school, session):
        hall = school.make(starts=120, ends=240)
        path = f"/training/sessions/{hall['id']}/tickets"
        assert problem(school.member.post(path, {"code": school.code(hall)})) == (409, "sign_in_not_open")
        assert problem(school.member.post(path, {"code": "no"})) == (422, "code_invalid")
        meant = school.make(audience={"user_ids": [str(school.organiser.actor.user_id)]})
        answer = school.member.post(f"/training/sessions/{meant['id']}/tickets", {"code": school.code(meant)})
        assert problem(answer) == (403, "not_in_audience")
        assert refusals(session) == ["sign_in_not_open", "code_invalid", "not_in_audience"]


class TestWindows:
    def test_present_late_not_open_closed(self, school, clock):
        assert school.sign_in(school.make(starts=-10), school.member).json["state"] == "present"
        assert school.sign_in(school.make(starts=-11), school.member).json["state"] == "late"
        soon = school.make(starts=31, ends=60)
        assert problem(school.sign_in(soon, school.member)) == (409, "sign_in_not_open")
        over = school.make(starts=-60, ends=-1)
        assert problem(school.sign_in(over, school.member)) == (409, "sign_in_closed")

    def test_a_cancelled_session(self, school, session):
        hall = school.make()
        code = school.code(hall)
        assert school.sign_in(hall, school.people.make(), code=code).status_code == 201
        assert school.organiser.post(f"/training/sessions/{hall['id']}/cancel").json["state"] == "cancelled"
        assert problem(school.sign_in(hall, school.member, code=code)) == (409, "session_cancelled")
        assert refusals(session) == ["session_cancelled"]

    def test_a_changed_session_is_known_at_the_next_sign_in(self, school):
        hall = school.make(starts=-5, late_after_min=10)
        assert school.sign_in(hall, school.member).json["state"] == "present"
        body = {name: hall[name] for name in ("title", "kind", "region_code", "starts_at", "ends_at", "parallel")}
        changed = school.organiser.call("PUT", f"/training/sessions/{hall['id']}", json={**body, "late_after_min": 1})
        assert changed.status_code == 200
        assert school.sign_in(hall, school.people.make()).json["state"] == "late"

    def test_an_upload_after_an_end_that_was_moved_gets_its_hours(self, school, clock):
        """This process knows the session with the end it had: who came by another one and set it earlier is not heard."""
        hall = school.make(starts=-200, ends=60)
        assert school.sign_in(hall, school.people.make()).status_code == 201
        body = {name: hall[name] for name in ("title", "kind", "region_code", "starts_at", "parallel")}
        ends_at = minutes(clock.now(), 2)
        moved = school.organiser.call("PUT", f"/training/sessions/{hall['id']}", json={**body, "ends_at": ends_at})
        assert moved.status_code == 200
        code, scanned_at = school.code(hall), to_wire(clock.now())
        clock.advance(minutes=5)
        assert school.sign_in(hall, school.member, code=code, client_time=scanned_at).json["late_upload"] is True
        assert school.member.get("/me/training").json["hours"] == 4.0

    def test_not_in_the_audience_but_on_the_roll(self, school, session):
        hall = school.make(audience={"region_codes": ["421003"], "user_ids": []})
        assert problem(school.sign_in(hall, school.member)) == (403, "not_in_audience")
        assert refusals(session) == ["not_in_audience"]
        path = f"/training/sessions/{hall['id']}/attendance/{school.member.actor.user_id}"
        assert school.organiser.call("PUT", path, json={"state": "enrolled", "reason": "特邀"}).status_code == 200
        assert school.sign_in(hall, school.member).status_code == 201

    def test_a_draft_or_no_session_is_not_there(self, school):
        made = school.organiser.post("/training/sessions", {**hall_body(school), "parallel": True}).json
        for session_id in (made["id"], "00000000-0000-4000-8000-000000000000"):
            answer = school.member.post(f"/training/sessions/{session_id}/sign-ins", {"code": "x"})
            assert problem(answer) == (404, "not_found")


def hall_body(school: School) -> dict:
    hall = school.make()
    return {name: hall[name] for name in ("title", "kind", "region_code", "starts_at", "ends_at")}


class TestOffline:
    def test_an_old_code_counts_at_the_time_it_proves(self, school, clock):
        hall = school.make(starts=-5, ends=55)
        code, scanned = school.code(hall), clock.now()
        clock.advance(hours=5)
        sent = school.sign_in(hall, school.member, code=code, client_time=to_wire(scanned))
        assert sent.status_code == 201
        assert sent.json["late_upload"]
        assert (sent.json["state"], sent.json["signed_in_at"]) == ("present", to_wire(scanned))

    @pytest.mark.parametrize(
        ("offline_hours", "off_by"),
        [(24, None), (24, timedelta(hours=1)), (24, timedelta(days=-3650)), (0, timedelta(0))],
        ids=["no client_time", "outside its window", "years off", "session takes none"],
    )
    def test_an_old_code_that_proves_nothing(self, school, clock, offline_hours, off_by):
        hall = school.make(offline_hours=offline_hours)
        code, scanned = school.code(hall), clock.now()
        clock.advance(minutes=20)
        body = {} if off_by is None else {"client_time": to_wire(scanned + off_by)}
        assert problem(school.sign_in(hall, school.member, code=code, **body)) == (410, "code_expired")

    def test_a_clock_years_off_does_not_matter_to_a_fresh_code(self, school):
        hall = school.make()
        assert school.sign_in(hall, school.member, client_time="1999-01-01T00:00:00Z").status_code == 201

    def test_after_the_last_upload(self, school, clock):
        hall = school.make(offline_hours=1, ends=10)
        code, scanned = school.code(hall), clock.now()
        clock.advance(hours=2)
        answer = school.sign_in(hall, school.member, code=code, client_time=to_wire(scanned))
        assert problem(answer) == (410, "code_expired")


class TestPlacesAndDevices:
    @pytest.mark.parametrize(
        ("location", "flag"),
        [
            (AT_THE_HALL, None),
            (FIVE_KM_OFF, "outside_radius"),
            ({**AT_THE_HALL, "accuracy": 3000}, "inaccurate_location"),
            (None, "no_location"),
            ({**AT_THE_HALL, "accuracy": 2_000_000}, "inaccurate_location"),
            ({**AT_THE_HALL, "accuracy": -1}, "no_location"),
            ({**AT_THE_HALL, "longitude": 0.0, "latitude": 0.0}, "no_location"),
            ({**AT_THE_HALL, "longitude": None}, "no_location"),
            ({**AT_THE_HALL, "longitude": 30.3, "latitude": 112.2}, "no_location"),
            ({}, "no_location"),
            ({**AT_THE_HALL, "speed": -1, "altitude": 0, "verticalAccuracy": 0}, "no_location"),
            ({"longitude": 112.2, "latitude": 30.3}, "no_location"),
        ],
    )
    def test_the_geofence_records_and_never_refuses(self, school, location, flag):
        hall = school.make(location={**AT_THE_HALL}, radius_m=200)
        answer = school.sign_in(hall, school.member, location=location)
        assert answer.status_code == 201
        assert answer.json["state"] == ("present" if flag is None else "needs_review")
        assert (flag is None) == (answer.json["flags"] == [])
        assert flag is None or flag in answer.json["flags"]

    def test_wgs84_is_converted(self, school):
        hall = school.make(location={**AT_THE_HALL}, radius_m=200)
        taken_for_wgs84 = {**AT_THE_HALL, "coord_type": "wgs84"}
        assert school.sign_in(hall, school.member, location=taken_for_wgs84).json["flags"] == ["outside_radius"]

    def test_one_device_for_two_people_and_one_person_in_two_halls(self, school):
        hall, other = school.make(), school.make()
        assert school.sign_in(hall, school.member, device_id="phone").json["flags"] == []
        assert school.sign_in(hall, school.people.make(), device_id="phone").json["flags"] == ["same_device"]
        second = school.sign_in(other, school.member, device_id="phone").json
        assert (second["flags"], second["state"]) == (["two_halls"], "present")
        off, instead, guest = school.make(), school.make(), school.people.make()
        school.sign_in(off, guest)
        school.organiser.post(f"/training/sessions/{off['id']}/cancel")
        assert school.sign_in(instead, guest).json["flags"] == [], "nobody is in a hall that was called off"
        queue = school.organiser.get(f"/training/sessions/{other['id']}/flags").json["items"]
        assert [(flag["reason"], bool(flag["sentence"])) for flag in queue] == [("two_halls", True)]


class TestRepeatsAndCost:
    def test_a_refusal_survives_an_idempotency_key_and_is_judged_anew(self, school, session):
        hall = school.make()
        path, key = f"/training/sessions/{hall['id']}/sign-ins", random_key()
        for _ in range(2):
            assert problem(school.member.post(path, {"code": "wrong"}, key=key)) == (422, "code_invalid")
        assert refusals(session) == ["code_invalid"] * 2
        assert school.member.post(path, {"code": school.code(hall)}, key=key).status_code == 201

    def test_two_statements_and_six_for_a_repeat(self, school):
        hall = school.make(location={**AT_THE_HALL}, radius_m=200)
        code = school.code(hall)
        assert school.sign_in(hall, school.people.make(), code=code).status_code == 201
        new = school.people.make()
        with count_statements() as statements:
            answer = school.sign_in(hall, new, code=code, location=AT_THE_HALL, device_id="d")
        assert answer.status_code == 201
        assert len(statements) == 2
        with count_statements() as statements:
            assert school.sign_in(hall, new, code=code, device_id="d").status_code == 200
        assert len(statements) <= 6


class TestSigningOut:
    def test_left_early_is_a_state_and_coming_back_mends_it(self, school, clock):
        hall = school.make(sign_out=True, starts=-5, ends=60)
        path = f"/training/sessions/{hall['id']}/sign-outs"
        assert problem(school.member.post(path, {"code": school.code(hall)})) == (409, "not_signed_in")
        school.sign_in(hall, school.member)
        clock.advance(minutes=20)
        early = school.member.post(path, {"code": school.code(hall)})
        assert (early.status_code, early.json["state"]) == (201, "left_early")
        clock.advance(minutes=41)
        late = school.member.post(path, {"code": school.code(hall)})
        assert (late.status_code, late.json["state"]) == (200, "present")

    def test_only_where_asked(self, school):
        hall = school.make()
        school.sign_in(hall, school.member)
        answer = school.member.post(f"/training/sessions/{hall['id']}/sign-outs", {"code": school.code(hall)})
        assert problem(answer) == (409, "sign_out_not_asked")


class TestBatch:
    def batch(self, person, hall, items, **kwargs):
        return person.post(f"/training/sessions/{hall['id']}/sign-ins/batch", {"items": items}, **kwargs)

    def test_each_item_stands_alone_and_again_gives_the_same(self, school, clock):
        hall = school.make(kind="bench_class")
        here, late = school.people.make(), school.people.make()
        now = clock.now()
        enrolled = school.member.post(f"/training/sessions/{hall['id']}/enrolments").json
        items = [
            {"key": "a", "user_id": str(here.actor.user_id), "client_time": minutes(now, -2)},
            {"key": "b", "user_id": str(late.actor.user_id), "client_time": minutes(now, 6)},
            {"key": "c", "user_id": "00000000-0000-4000-8000-000000000000", "client_time": minutes(now, 0)},
            {"key": "d", "code": enrolled["pass_code"], "client_time": minutes(now, 0)},
            {"key": "e", "code": "rubbish", "client_time": minutes(now, 0)},
            {"key": "f", "code": school.code(hall), "client_time": minutes(now, 0)},
            {"key": "g", "user_id": str(school.organiser.actor.user_id), "client_time": minutes(now, -300)},
        ]
        clock.advance(minutes=60)
        results = {line["key"]: line for line in self.batch(school.steward, hall, items).json["results"]}
        assert [results[key]["status"] for key in "abcdefg"] == [201, 201, 422, 201, 422, 201, 201]
        assert results["g"]["sign_in"]["state"] == "needs_review"
        assert [results[key]["sign_in"]["state"] for key in "abd"] == ["present", "late", "present"]
        assert all(results[key]["sign_in"]["late_upload"] for key in "abdf")
        assert (results["c"]["problem"]["code"], results["e"]["problem"]["code"]) == ("person_unknown", "code_invalid")
        again = {line["key"]: line for line in self.batch(school.steward, hall, items).json["results"]}
        assert [again[key]["status"] for key in "abdf"] == [200] * 4
        assert again["a"]["sign_in"] == results["a"]["sign_in"]

    @pytest.mark.parametrize("year", ["2015", "2036", "0001", "9999"])
    def test_a_wrong_clock_loses_nobody(self, school, clock, year):
        hall = school.make()
        item = {"key": "a", "user_id": str(school.member.actor.user_id), "client_time": f"{year}-06-01T00:00:00Z"}
        [line] = self.batch(school.steward, hall, [item]).json["results"]
        assert line["status"] == 201
        found = line["sign_in"]
        assert (found["state"], found["flags"], found["signed_in_at"]) == (
            "needs_review",
            ["clock_off"],
            to_wire(clock.now()),
        )
        [flag] = school.organiser.get(f"/training/sessions/{hall['id']}/flags").json["items"]
        assert (flag["reason"], flag["sentence"]) == ("clock_off", "登记手机的时间明显不准")
        path = f"/training/sessions/{hall['id']}/flags/{flag['id']}/decision"
        assert school.organiser.post(path, {"decision": "dismiss"}).status_code == 200
        roll = school.organiser.get(f"/training/sessions/{hall['id']}/attendance").json["items"]
        assert [row["state"] for row in roll] == ["present"]

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"user_id": "nobody"}, "user_id"),
            ({"user_id": None}, "user_id"),
            ({"user_id": None, "code": ""}, "code"),
            ({"client_time": "yesterday"}, "client_time"),
            ({"client_time": None}, "client_time"),
            ({"location": {}}, "location"),
            ({"\ud800": 1}, "\ud800"),
        ],
    )
    def test_an_item_that_cannot_be_read_leaves_the_others_alone(self, school, clock, wrong, field):
        hall = school.make()
        good = {"key": "a", "user_id": str(school.member.actor.user_id), "client_time": minutes(clock.now(), 0)}
        answer = self.batch(school.steward, hall, [{**good, "key": "b", **wrong}, good])
        assert answer.status_code == 200
        unread, written = answer.json["results"]
        assert (unread["key"], unread["status"], written["key"], written["status"]) == ("b", 422, "a", 201)
        assert unread["problem"]["code"] == "validation_failed"
        assert unread["problem"]["detail"]
        assert list(unread["problem"]["errors"]) == [field]

    def test_a_batch_of_nothing_readable_is_answered(self, school):
        results = self.batch(school.steward, school.make(), [{"key": "a"}, {"key": "b", "user_id": []}]).json["results"]
        assert [(line["key"], line["status"]) for line in results] == [("a", 422), ("b", 422)]

    @pytest.mark.parametrize("item", [7, None, [], {}, {"key": ""}, {"key": 1}, {"key": "k" * 65}, {"key": ["a"]}])
    def test_an_item_without_a_key_refuses_the_whole(self, school, clock, item):
        hall = school.make()
        good = {"key": "a", "user_id": str(school.member.actor.user_id), "client_time": minutes(clock.now(), 0)}
        answer = self.batch(school.steward, hall, [good, item])
        assert problem(answer) == (422, "validation_failed")
        assert next(iter(answer.json["errors"])).startswith("items.1")
        assert self.batch(school.steward, hall, [good]).json["results"][0]["status"] == 201

    def test_a_key_that_is_not_there_is_called_missing(self, school):
        answer = self.batch(school.steward, school.make(), [{}, {"key": None}])
        assert answer.json["errors"] == {"items.0.key": ["必填。"], "items.1.key": ["不能为空。"]}

    @pytest.mark.parametrize("body", [{}, {"items": None}, {"items": {}}, {"items": []}, {"items": "a"}])
    def test_a_batch_without_a_list_is_refused(self, school, body):
        answer = school.steward.post(f"/training/sessions/{school.make()['id']}/sign-ins/batch", body)
        assert problem(answer) == (422, "validation_failed")

    def test_whole_batch_by_key(self, school, clock):
        hall, key = school.make(), random_key()
        items = [{"key": "a", "user_id": str(school.member.actor.user_id), "client_time": minutes(clock.now(), 0)}]
        first = self.batch(school.steward, hall, items, key=key)
        again = self.batch(school.steward, hall, items, key=key)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert first.data == again.data

    def test_limits_and_scope(self, school, clock):
        hall = school.make()
        item = {"user_id": str(school.member.actor.user_id), "client_time": minutes(clock.now(), 0)}
        many = [{"key": str(n), **item} for n in range(501)]
        assert problem(self.batch(school.steward, hall, many)) == (422, "validation_failed")
        assert len(self.batch(school.steward, hall, many[:500]).json["results"]) == 500
        assert problem(self.batch(school.stranger, hall, many[:1])) == (404, "not_found")
        assert problem(self.batch(school.member, hall, many[:1])) == (403, "role_not_allowed")


def test_the_clock_fixture_is_the_servers_clock(clock: FixedClock, school: School):
    hall = school.make()
    code = school.code(hall)
    clock.advance(days=1)
    assert problem(school.sign_in(hall, school.member, code=code))[1] == "code_expired"
