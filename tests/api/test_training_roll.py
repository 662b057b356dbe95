"""The roll, leave, the review queue, hours, coverage, certificates and files over HTTP."""

import io
import uuid
import zipfile
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from icalendar import Calendar
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from tests.factories import Person
from tests.schooling import AT_THE_HALL, FIVE_KM_OFF, School, problem
from tests.statements import count_statements
from wxapi.identity.models import User
from wxapi.identity.services import erasure
from wxapi.kernel.clock import to_wire
from wxapi.kernel.permissions import Role
from wxapi.platform.runtime import runtime
from wxapi.training.models import Attendance, HourEntry
from wxapi.training.services import book_hours, session_end


def path(hall: dict[str, Any], *parts: object) -> str:
    return "/".join([f"/training/sessions/{hall['id']}", *map(str, parts)])


def correct(school: School, hall: dict[str, Any], person: Person, state: str, **more: Any):
    body = {"state": state, "reason": "核实", **more}
    return school.organiser.call("PUT", path(hall, "attendance", person.actor.user_id), json=body)


def name(session: Session, person: Person, nickname: str) -> None:
    session.execute(update(User).where(User.id == person.actor.user_id).values(nickname=nickname))
    session.commit()


def enrol(person: Person, hall: dict[str, Any]):
    return person.post(path(hall, "enrolments"))


class TestCorrections:
    def test_with_a_reason_in_the_history_and_taken_back(self, school):
        hall = school.make()
        enrol(school.member, hall)
        assert problem(
            school.organiser.call(
                "PUT", path(hall, "attendance", school.member.actor.user_id), json={"state": "present"}
            )
        ) == (422, "validation_failed")
        assert correct(school, hall, school.member, "exempt").json["state"] == "exempt"
        changed = correct(school, hall, school.member, "present").json
        assert [(e["from_state"], e["to_state"], e["reason"]) for e in changed["history"]] == [
            ("enrolled", "exempt", "核实"),
            ("exempt", "present", "核实"),
        ]
        undo = path(hall, "attendance", school.member.actor.user_id, "undo")
        assert [school.organiser.post(undo, {"reason": "误操作"}).json["state"] for _ in range(2)] == [
            "exempt",
            "enrolled",
        ]
        assert problem(school.organiser.post(undo, {"reason": "误操作"})) == (409, "nothing_to_undo")
        assert len(school.organiser.get(path(hall, "attendance", school.member.actor.user_id)).json["history"]) == 4

    def test_needs_review_is_not_for_hands(self, school):
        hall = school.make()
        assert problem(correct(school, hall, school.member, "needs_review")) == (422, "state_not_manual")

    def test_a_manual_present_stays_when_the_person_scans(self, school):
        hall = school.make(starts=-60)
        correct(school, hall, school.member, "present")
        answer = school.sign_in(hall, school.member)
        assert (answer.status_code, answer.json["state"]) == (201, "present")

    def test_somebody_unknown(self, school):
        hall = school.make()
        nobody = path(hall, "attendance", "00000000-0000-4000-8000-000000000000")
        body = {"state": "present", "reason": "x"}
        assert problem(school.organiser.call("PUT", nobody, json=body)) == (404, "not_found")
        assert problem(school.organiser.get(nobody)) == (404, "not_found")

    def test_a_make_up_names_where(self, school):
        missed, other = school.make(), school.make()
        assert problem(correct(school, missed, school.member, "made_up", made_up_in=other["id"])) == (
            422,
            "make_up_not_attended",
        )
        school.sign_in(other, school.member)
        done = correct(school, missed, school.member, "made_up", made_up_in=other["id"]).json
        assert (done["state"], done["made_up_in"]) == ("made_up", other["id"])

    def test_late_uploads_are_struck_in_bulk(self, school, clock):
        hall = school.make()
        code, scanned = school.code(hall), to_wire(clock.now())
        assert school.sign_in(hall, school.organiser, code=code).status_code == 201
        clock.advance(minutes=30)
        late = [school.people.make() for _ in range(3)]
        for person in late:
            assert school.sign_in(hall, person, code=code, client_time=scanned).json["late_upload"]
        bulk = {"state": "absent", "reason": "补传记录不实", "late_uploads": True}
        assert school.organiser.post(path(hall, "attendance/bulk"), bulk).json == {"changed": 3, "missing": []}
        assert {school.state(hall, person) for person in late} == {"absent"}
        assert school.state(hall, school.organiser) == "present"
        assert school.sign_in(hall, late[0], code=code, client_time=scanned).json["state"] == "absent"
        nobody = {"state": "absent", "reason": "x"}
        assert problem(school.organiser.post(path(hall, "attendance/bulk"), nobody)) == (422, "nobody_named")

    def test_in_bulk_walk_ins_are_added_and_the_unknown_named(self, school, session):
        hall = school.make(starts=-300, ends=-60)
        walk_in, erased = school.people.make(), school.people.make()
        session.execute(update(User).where(User.id == erased.actor.user_id).values(erased_at=func.now()))
        session.commit()
        enrol(school.member, hall)
        nobody = str(uuid.uuid4())
        ids = [str(person.actor.user_id) for person in (school.member, walk_in, erased)]
        bulk = {"state": "present", "reason": "纸质签到", "user_ids": [*ids, nobody, nobody]}
        answer = school.organiser.post(path(hall, "attendance/bulk"), bulk)
        assert answer.json == {"changed": 2, "missing": [ids[2], nobody]}
        row = school.organiser.get(path(hall, "attendance", walk_in.actor.user_id)).json
        assert (row["state"], row["walk_in"]) == ("present", True)
        assert walk_in.get("/me/training").json["hours"] == 4.0
        assert school.organiser.post(path(hall, "attendance/bulk"), bulk).json["changed"] == 0

    def test_in_bulk_late_uploads_of_those_named_add_nobody(self, school):
        hall = school.make()
        person = str(school.people.make().actor.user_id)
        bulk = {"state": "absent", "reason": "x", "user_ids": [person], "late_uploads": True}
        assert school.organiser.post(path(hall, "attendance/bulk"), bulk).json == {"changed": 0, "missing": [person]}


class TestMakeUps:
    @pytest.fixture
    def made_up(self, school):
        """A session missed and one it was made up in, both over."""
        missed, other = school.make(starts=-300, ends=-60), school.make(starts=-300, ends=-60)
        correct(school, other, school.member, "present")
        done = correct(school, missed, school.member, "made_up", made_up_in=other["id"])
        assert done.json["made_up_in"] == other["id"]
        return missed, other

    def test_undoing_brings_the_session_back(self, school, made_up):
        missed, other = made_up
        assert correct(school, missed, school.member, "exempt").json["made_up_in"] is None
        undo = path(missed, "attendance", school.member.actor.user_id, "undo")
        back = school.organiser.post(undo, {"reason": "误操作"}).json
        assert (back["state"], back["made_up_in"]) == ("made_up", other["id"])

    def test_striking_in_bulk_forgets_the_session(self, school, made_up):
        missed, _ = made_up
        bulk = {"state": "absent", "reason": "x", "user_ids": [str(school.member.actor.user_id)]}
        assert school.organiser.post(path(missed, "attendance/bulk"), bulk).status_code == 200
        row = school.organiser.get(path(missed, "attendance", school.member.actor.user_id)).json
        assert (row["state"], row["made_up_in"]) == ("absent", None)

    def test_falls_with_the_attendance_it_rests_on(self, school, made_up):
        missed, other = made_up
        correct(school, missed, school.member, "exempt")
        correct(school, missed, school.member, "made_up", made_up_in=other["id"])
        correct(school, other, school.member, "absent")
        row = school.organiser.get(path(missed, "attendance", school.member.actor.user_id)).json
        assert (row["state"], row["made_up_in"]) == ("absent", None)
        assert "补课不再成立" in row["history"][-1]["reason"]
        assert school.member.get("/me/training").json["hours"] == 0
        undo = path(missed, "attendance", school.member.actor.user_id, "undo")
        assert problem(school.organiser.post(undo, {"reason": "x"})) == (422, "make_up_not_attended")

    def test_hours_count_once_where_they_were_attended(self, school, made_up):
        missed, other = made_up
        mine = school.member.get("/me/training").json
        assert mine["hours"] == 4.0
        assert {s["session_id"]: s["hours"] for s in mine["sessions"]} == {missed["id"]: 0.0, other["id"]: 4.0}
        # Who left early earns nothing there, and has made up what was missed.
        correct(school, other, school.member, "left_early")
        mine = school.member.get("/me/training").json
        assert {s["session_id"]: s["hours"] for s in mine["sessions"]} == {missed["id"]: 4.0, other["id"]: 0.0}
        runner = school.organiser.app.test_cli_runner()
        for _ in range(2):
            assert runner.invoke(args=["training", "recompute-hours", "--write"]).exit_code == 0
            assert "agrees" in runner.invoke(args=["training", "recompute-hours"]).output

    def test_a_make_up_carries_no_second_one(self, school, made_up):
        missed, _ = made_up
        third = school.make(starts=-300, ends=-60)
        assert problem(correct(school, third, school.member, "made_up", made_up_in=missed["id"])) == (
            422,
            "make_up_not_attended",
        )

    @pytest.mark.parametrize("end_of_it", ["cancelled", "worth nothing"])
    def test_counts_where_it_was_missed_once_it_counts_no_more_where_it_was_made_up(self, school, end_of_it):
        missed, other = school.make(starts=-300, ends=-60), school.make()
        correct(school, other, school.member, "present")
        correct(school, missed, school.member, "made_up", made_up_in=other["id"])
        assert school.member.get("/me/training").json["hours"] == 0
        if end_of_it == "cancelled":
            assert school.organiser.post(path(other, "cancel")).status_code == 200
        else:
            kept = ("title", "kind", "region_code", "starts_at", "ends_at", "parallel")
            body = {name: other[name] for name in kept} | {"credit_hours": 0}
            assert school.organiser.call("PUT", path(other), json=body).status_code == 200
        assert school.member.get("/me/training").json["hours"] == 4.0
        missing = book_hours.recompute([uuid.UUID(missed["id"])], now=runtime().clock.now(), write=False)
        assert missing == 0

    def test_outside_the_system_it_names_no_session(self, school):
        missed = school.make(starts=-300, ends=-60)
        assert correct(school, missed, school.member, "made_up").json["made_up_in"] is None


class TestReading:
    def test_pages_filters_and_search(self, school, session):
        hall = school.make()
        for n, nickname in enumerate(("张三", "张三丰", "李四", "王五")):
            person = school.people.make()
            name(session, person, nickname)
            enrol(person, hall)
            if n < 2:
                school.sign_in(hall, person)
        roll = path(hall, "attendance")
        first = school.steward.get(f"{roll}?limit=3").json
        rest = school.steward.get(f"{roll}?limit=3&cursor={first['next_cursor']}").json
        names = [row["name"] for row in first["items"] + rest["items"]]
        assert sorted(names) == sorted({"张三", "张三丰", "李四", "王五"})
        assert len(school.steward.get(f"{roll}?state=enrolled").json["items"]) == 2
        found = school.organiser.get(f"{roll}?q=张三").json["items"]
        assert sorted(row["name"] for row in found) == ["张三", "张三丰"]
        assert problem(school.organiser.get(f"{roll}?q=张")) == (422, "query_too_short")
        assert problem(school.steward.get(f"{roll}?q=张三")) == (403, "role_not_allowed")
        assert school.organiser.get(f"{roll}?q=%25%25").json["items"] == []

    def test_live_counts_cost_nothing_while_fresh(self, school, clock):
        hall = school.make()
        enrol(school.member, hall)
        live = path(hall, "attendance/live")
        one = school.organiser.get(live)
        assert one.json["counts"]["enrolled"] == 1
        school.sign_in(hall, school.member)
        with count_statements() as statements:
            again = school.organiser.get(live, headers={"If-None-Match": one.headers["ETag"]})
        assert (again.status_code, len(statements)) == (304, 1)  # the token
        clock.advance(seconds=1)
        new = school.organiser.get(live, headers={"If-None-Match": one.headers["ETag"]})
        assert (new.status_code, new.json["counts"]["present"], new.json["counts"]["enrolled"]) == (200, 1, 0)
        assert problem(school.stranger.get(live)) == (404, "not_found")


class TestLeave:
    def test_what_is_decided_is_told_as_the_lists_tell_it(self, school, session):
        hall = school.make(starts=20, location={**AT_THE_HALL}, radius_m=200)
        far = school.people.make()
        for person, nickname in ((school.member, "张三"), (far, "李四")):
            name(session, person, nickname)
            enrol(person, hall)
        assert school.member.post(path(hall, "leave-requests"), {"reason": "出差"}).status_code == 201
        assert school.sign_in(hall, far, location=FIVE_KM_OFF).json["state"] == "needs_review"
        for queue, decision in (("leave-requests", "approve"), ("flags", "dismiss")):
            [waiting] = school.organiser.get(path(hall, queue)).json["items"]
            ways = (
                path(hall, queue, waiting["id"], "decision"),
                f"/training/sessions/{queue}/{waiting['id']}/decision",
            )
            told = [school.organiser.post(way, {"decision": decision}).json for way in ways]
            assert [each["name"] for each in told] == [waiting["name"]] * 2

    def test_asked_approved_and_overridden_by_coming(self, school):
        hall = school.make(starts=20)
        ask = path(hall, "leave-requests")
        assert problem(school.member.post(ask, {"reason": "出差"})) == (404, "not_found")
        enrol(school.member, hall)
        request = school.member.post(ask, {"reason": "出差"})
        assert (request.status_code, request.json["state"]) == (201, "pending")
        assert problem(school.member.post(ask, {"reason": "出差"})) == (409, "leave_pending")
        assert [item["id"] for item in school.organiser.get(ask).json["items"]] == [request.json["id"]]
        decide = f"/training/sessions/leave-requests/{request.json['id']}/decision"
        assert problem(school.stranger.post(decide, {"decision": "approve"})) == (404, "not_found")
        assert school.organiser.post(decide, {"decision": "approve"}).json["state"] == "approved"
        assert school.organiser.post(decide, {"decision": "approve"}).status_code == 200
        assert problem(school.organiser.post(decide, {"decision": "deny"})) == (409, "already_decided")
        assert school.state(hall, school.member) == "on_leave"
        assert school.sign_in(hall, school.member).json["state"] == "present"
        assert problem(school.member.post(ask, {"reason": "出差"})) == (409, "already_signed_in")

    def test_afterwards_and_by_the_path_of_the_session(self, school, clock):
        hall, other = school.make(ends=1, offline_hours=0), school.make()
        enrol(school.member, hall)
        clock.advance(minutes=2)
        with school.organiser.app.app_context():
            assert session_end.close(_id(hall), now=clock.now()) == 1
        assert school.state(hall, school.member) == "absent"
        request = school.member.post(path(hall, "leave-requests"), {"reason": "住院"}).json
        wrong = path(other, "leave-requests", request["id"], "decision")
        assert problem(school.organiser.post(wrong, {"decision": "deny"})) == (404, "not_found")
        right = path(hall, "leave-requests", request["id"], "decision")
        assert school.organiser.post(right, {"decision": "approve"}).status_code == 200
        assert school.state(hall, school.member) == "on_leave"


class TestFlags:
    def test_dismissed_makes_present_upheld_strikes(self, school):
        hall = school.make(location={**AT_THE_HALL}, radius_m=200)
        far, liar = school.people.make(), school.people.make()
        for person in (far, liar):
            assert school.sign_in(hall, person, location=FIVE_KM_OFF).json["state"] == "needs_review"
        queue = school.organiser.get(path(hall, "flags")).json["items"]
        by_person = {flag["user_id"]: flag for flag in queue}
        assert {flag["reason"] for flag in queue} == {"outside_radius"}
        mine = by_person[str(far.actor.user_id)]["id"]
        done = school.organiser.post(f"/training/sessions/flags/{mine}/decision", {"decision": "dismiss"})
        assert done.json["decision"] == "dismiss"
        assert school.state(hall, far) == "present"
        other = by_person[str(liar.actor.user_id)]["id"]
        struck = school.organiser.post(path(hall, "flags", other, "decision"), {"decision": "uphold", "note": "不在场"})
        assert struck.status_code == 200
        assert school.state(hall, liar) == "absent"
        assert school.organiser.get(path(hall, "flags")).json["items"] == []
        assert len(school.organiser.get(path(hall, "flags") + "?decided=true").json["items"]) == 2
        assert problem(school.stranger.post(f"/training/sessions/flags/{mine}/decision", {"decision": "dismiss"})) == (
            404,
            "not_found",
        )


class TestHours:
    def test_booked_at_the_end_corrected_and_against_the_goal(self, school, clock, session):
        hall = school.make(starts=-5, ends=115)
        school.sign_in(hall, school.member)
        assert school.member.get("/me/training").json["hours"] == 0
        clock.advance(hours=2)
        session_end.at_the_end(_id(hall), now=clock.now())
        session_end.at_the_end(_id(hall), now=clock.now())
        mine = school.member.get("/me/training?year=2026").json
        assert (mine["hours"], mine["goal_hours"]) == (2.0, 32)
        assert [(s["title"], s["hours"], s["state"]) for s in mine["sessions"]] == [("党课开讲啦", 2.0, "present")]
        correct(school, hall, school.member, "absent")
        assert school.member.get("/me/training").json["hours"] == 0
        assert [float(e.hours) for e in session.scalars(select(HourEntry).order_by(HourEntry.id))] == [2.0, -2.0]
        chief = school.people.make((Role.STREET_CHIEF, "421002001"))
        assert chief.get("/me/training").json["goal_hours"] == 56

    def test_recomputing_changes_nothing(self, school, clock, session):
        hall = school.make(starts=-300, ends=-1, credit_hours=3.5)
        correct(school, hall, school.member, "present")
        runner = school.organiser.app.test_cli_runner()
        told = runner.invoke(args=["training", "recompute-hours"])
        assert (told.exit_code, "agrees" in told.output) == (0, True)
        session.execute(update(HourEntry).values(hours=1))
        session.commit()
        wrong = runner.invoke(args=["training", "recompute-hours", "--year", "2026"])
        assert (wrong.exit_code, "1 entries are missing" in wrong.output) == (1, True)
        assert runner.invoke(args=["training", "recompute-hours", "--write"]).exit_code == 0
        assert school.member.get("/me/training").json["hours"] == 3.5
        new_year = school.make(starts_at="2025-12-31T15:00:00Z", ends_at="2025-12-31T17:00:00Z")
        correct(school, new_year, school.member, "present")
        session.execute(delete(HourEntry).where(HourEntry.session_id == _id(new_year)))
        session.commit()
        lost = runner.invoke(args=["training", "recompute-hours", "--year", "2025"])
        assert "2 entries are missing" in lost.output, "it gives hours to both years"

    def test_a_make_up_of_yesterday_counts_at_once(self, school):
        hall = school.make(starts=-300, ends=-60)
        correct(school, hall, school.member, "made_up")
        assert school.member.get("/me/training").json["hours"] == 4.0


class TestCoverage:
    def test_by_township_in_scope_only(self, school, session):
        trained, missing = (school.people.make((Role.COMMUNITY_WORKER, "421002001002")) for _ in range(2))
        name(session, missing, "未训")
        elsewhere = school.people.make((Role.COMMUNITY_WORKER, "421003001001"))
        hall = school.make(kind="rotation")
        school.sign_in(hall, trained)
        school.sign_in(school.make(kind="lecture"), missing)
        found = school.organiser.get("/training/coverage?since=2026-01-01&region=421002001&limit=100").json
        assert [(t["code"], t["appointed"], t["trained"], t["missing"]) for t in found["townships"]] == [
            ("421002001", 3, 1, 2)
        ]
        people = {item["user_id"] for item in found["items"]}
        assert people == {str(p.actor.user_id) for p in (missing, school.member)}
        everywhere = school.organiser.get("/training/coverage?since=2026-01-01").json
        assert str(elsewhere.actor.user_id) not in {item["user_id"] for item in everywhere["items"]}
        assert everywhere["appointed"] == 5
        assert problem(school.organiser.get("/training/coverage?since=2026-01-01&region=421003")) == (404, "not_found")
        assert problem(school.organiser.get("/training/coverage?since=2027-01-01")) == (422, "since_in_future")
        assert problem(school.member.get("/training/coverage?since=2026-01-01")) == (403, "role_not_allowed")


class TestCertificates:
    def test_issued_once_checked_by_anyone_and_gone_with_the_hours(self, school, session, client):
        hall = school.make(starts=-300, ends=-60)
        name(session, school.member, "李四")
        issue = {"session_id": hall["id"]}
        assert problem(school.member.post("/me/training/certificates", issue)) == (409, "no_credit_hours")
        correct(school, hall, school.member, "present")
        made = school.member.post("/me/training/certificates", issue)
        assert made.status_code == 201
        assert school.member.post("/me/training/certificates", issue).json == made.json
        file = school.member.get(made.json["pdf_url"].removeprefix("/api/v1"))
        assert (file.mimetype, file.data[:5]) == ("application/pdf", b"%PDF-")
        assert school.steward.get(made.json["pdf_url"].removeprefix("/api/v1")).status_code == 404
        code = made.json["check_code"]
        assert made.json["verify_url"] == f"http://localhost/c/{code}"  # for people: a page, never /api
        assert "证书有效" in client.get(f"/c/{code}").get_data(as_text=True)
        check = f"/api/v1/training/certificates/{code}"
        checked = client.get(check)
        assert checked.json == {
            "valid": True,
            "name": "李四",
            "title": "党课开讲啦",
            "date": "2026-11-23",
            "hours": 4.0,
        }
        # Under another name later: the paper keeps the one it was issued to, and is given again as it is.
        name(session, school.member, "李四（买家）𠮷")
        assert client.get(check).json == checked.json
        assert school.member.post("/me/training/certificates", issue).json == made.json
        assert school.member.get(made.json["pdf_url"].removeprefix("/api/v1")).data == file.data
        name(session, school.member, "李四")
        year = school.member.post("/me/training/certificates", {"year": 2026}).json
        assert (year["title"], year["hours"]) == ("年度培训", 4.0)
        correct(school, hall, school.member, "absent")
        assert client.get(check).status_code == 404
        assert client.get("/api/v1/training/certificates/" + "0" * 16).status_code == 404

    def test_a_name_that_cannot_be_drawn_gets_no_certificate(self, school, session):
        hall = school.make(starts=-300, ends=-60)
        name(session, school.member, "𠮷云")
        correct(school, hall, school.member, "present")
        refused = school.member.post("/me/training/certificates", {"session_id": hall["id"]})
        assert problem(refused) == (409, "not_printable")
        assert "𠮷" in refused.json["detail"]


class TestFiles:
    def test_the_sheet_is_harmless(self, school, session):
        hall = school.make(title="=HYPERLINK(1)")
        for nickname in ("=1+1", "@SUM(A1)", "+86", "-2", "张三"):
            person = school.people.make()
            name(session, person, nickname)
            school.sign_in(hall, person)
        answer = school.organiser.get(path(hall, "attendance.xlsx"))
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.status_code == 200
        names = "filename=\"roll.xlsx\"; filename*=UTF-8''%E8%80%83%E5%8B%A4%E8%A1%A8.xlsx"
        assert answer.headers["Content-Disposition"] == f"attachment; {names}"
        with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
            answer.close()
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        texts = [
            t.text for t in ET.fromstring(sheet).iter("{http://schemas.openxmlformats.org/spreadsheetml/2006/main}t")
        ]
        assert "姓名" in texts
        assert "张三" in texts
        assert not [text for text in texts if text and text[0] in "=+-@"]

    def test_calendar_and_posters(self, school):
        hall = school.make(title="党课;开讲,啦" * 10)
        text = school.member.get(path(hall, "calendar.ics")).data.decode()
        assert text.startswith("BEGIN:VCALENDAR\r\n")
        assert "DTSTART:20261123T015500Z" in text
        assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
        assert r"党课\;开讲\,啦" in text.replace("\r\n ", "")
        (entry,) = Calendar.from_ical(text).events
        assert (entry["summary"], entry["location"], entry["status"]) == (hall["title"], "沙市区委党校", "CONFIRMED")
        assert (to_wire(entry.start), to_wire(entry.end)) == (hall["starts_at"], hall["ends_at"])
        assert [alarm["trigger"].dt for alarm in entry.subcomponents] == [-timedelta(hours=1)]
        assert school.member.get(path(hall, "poster.svg")).data.startswith(b"<svg")
        assert school.member.get(path(hall, "poster.png")).data.startswith(b"\x89PNG")
        # No picture has empty boxes instead of characters; who reads the SVG has fonts of their own.
        odd = school.make(title="𠮷云讲堂")
        refused = school.member.get(path(odd, "poster.png"))
        assert problem(refused) == (409, "not_printable")
        assert "“𠮷”" in refused.json["detail"]
        assert "𠮷云讲堂" in school.member.get(path(odd, "poster.svg")).text


def test_everything_of_a_person_is_told_and_forgotten(school: School, session: Session, clock):
    past, coming, on = school.make(), school.make(starts=60, ends=90, capacity=1), school.make(capacity=1)
    seated = school.people.make()
    for person in (seated, school.member):
        enrol(person, on)
    school.sign_in(past, school.member, device_id="d")
    enrol(school.member, coming)
    waiting = school.people.make()
    enrol(waiting, coming)
    held = school.member.get("/me/data").json["training"]
    assert [row["state"] for row in held["attendance"]] == ["present", "enrolled"]
    erasure.erase(school.member.actor.user_id, now=clock.now())
    erasure.erase(school.member.actor.user_id, now=clock.now())
    row = session.scalars(select(Attendance).where(Attendance.user_id == school.member.actor.user_id)).one()
    assert (row.state, row.device_digest) == ("present", None)
    assert waiting.get(path(coming)).json["mine"]["enrolment"] == "enrolled"
    seated.call("DELETE", path(on, "enrolments", "me"))
    assert school.organiser.get(path(on)).json["enrolled_count"] == 0, "nobody moves up who was erased"


def _id(hall: dict[str, Any]):

    return uuid.UUID(hall["id"])
