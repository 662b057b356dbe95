"""A session's clockwork: reminders, the end, absence, crowds, and telling people."""

import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from tests.schooling import School, minutes
from workers.topics import TOPICS
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.ids import new_id
from wxapi.notifications.models import Message
from wxapi.platform.db import db
from wxapi.platform.outbox import OutboxRow
from wxapi.training.models import Attendance, AttendanceEvent, Flag, HourEntry
from wxapi.training.rules.codes import step_at
from wxapi.training.services import review_flags, session_end


def enrol(school: School, hall: dict[str, Any], person: Any) -> None:
    assert person.post(f"/training/sessions/{hall['id']}/enrolments").status_code in {200, 201}


def run_outbox(app: Flask) -> None:
    """Run the due jobs of training, as workers would; twice each, since any job may run twice."""
    now = app.extensions["wxapi"].clock.now()
    session = db.session()
    # Rows without a time of their own are due at once, whatever the machine's clock says.
    due = (OutboxRow.due_at <= now) | (OutboxRow.due_at == OutboxRow.created_at)
    rows = session.scalars(
        select(OutboxRow).where(OutboxRow.topic.startswith("training."), due).order_by(OutboxRow.id)
    ).all()
    work = [(TOPICS[row.topic], row.payload) for row in rows]
    session.execute(delete(OutboxRow).where(OutboxRow.id.in_([row.id for row in rows])))
    session.commit()
    for jobs, payload in work:
        for job in jobs:
            job.run(**payload)
            job.run(**payload)


def titles(session: Session, person: Any) -> list[str]:
    return list(session.scalars(select(Message.title).where(Message.user_id == person.actor.user_id)))


def test_a_sessions_whole_life_by_its_own_clockwork(
    school: School, app: Flask, clock: FixedClock, session: Session
) -> None:
    hall = school.make(title="轮训", starts=60 * 36, ends=60 * 38)
    absent = school.people.make()
    for person in (school.member, absent):
        enrol(school, hall, person)
    clock.advance(hours=12, minutes=1)
    run_outbox(app)
    assert titles(session, school.member) == ["明天培训：轮训"]
    clock.advance(hours=23)
    run_outbox(app)
    assert sorted(titles(session, school.member)) == ["一小时后培训：轮训", "明天培训：轮训"]
    clock.advance(hours=1)
    assert school.sign_in(hall, school.member).status_code == 201
    clock.advance(hours=2)
    run_outbox(app)
    assert [float(entry.hours) for entry in session.scalars(select(HourEntry))] == [2.0]
    assert school.state(hall, absent) == "enrolled"
    clock.advance(hours=24)
    run_outbox(app)
    assert school.state(hall, absent) == "absent"
    event = session.scalars(select(AttendanceEvent)).one()
    assert (event.action, event.actor_id) == ("close", None)
    assert session_end.close(uuid.UUID(hall["id"]), now=clock.now()) == 0


def test_a_moved_or_cancelled_session_reminds_of_nothing_old(
    school: School, app: Flask, clock: FixedClock, session: Session
) -> None:
    moved = school.make(title="A", starts=60 * 25, ends=60 * 26)
    off = school.make(title="B", starts=60 * 25, ends=60 * 26)
    for hall in (moved, off):
        enrol(school, hall, school.member)
    body = {name: moved[name] for name in ("title", "kind", "region_code", "parallel")}
    later = {"starts_at": minutes(clock.now(), 60 * 50), "ends_at": minutes(clock.now(), 60 * 52)}
    assert school.organiser.call("PUT", f"/training/sessions/{moved['id']}", json=body | later).status_code == 200
    school.organiser.post(f"/training/sessions/{off['id']}/cancel")
    clock.advance(hours=2)
    run_outbox(app)
    assert sorted(titles(session, school.member)) == ["培训取消：B", "培训调整：A"]
    clock.advance(hours=25)
    run_outbox(app)
    assert sorted(titles(session, school.member)) == ["培训取消：B", "培训调整：A", "明天培训：A"]


def test_moving_up_and_leave_are_told(school: School, app: Flask, clock: FixedClock, session: Session) -> None:
    hall = school.make(title="A", starts=60, ends=120, capacity=1)
    waiting = school.people.make()
    for person in (school.member, waiting):
        enrol(school, hall, person)
    school.member.call("DELETE", f"/training/sessions/{hall['id']}/enrolments/me")
    off = school.make(title="B", starts=60, ends=120, capacity=1)
    for person in (school.member, waiting):
        enrol(school, off, person)
    school.member.call("DELETE", f"/training/sessions/{off['id']}/enrolments/me")
    school.organiser.post(f"/training/sessions/{off['id']}/cancel")  # before anybody was told of the seat
    request = waiting.post(f"/training/sessions/{hall['id']}/leave-requests", {"reason": "出差"}).json
    path = f"/training/sessions/leave-requests/{request['id']}/decision"
    school.organiser.post(path, {"decision": "deny", "note": "请参加"})
    clock.advance(seconds=1)
    run_outbox(app)
    assert sorted(titles(session, waiting)) == ["候补成功：A", "培训取消：B", "请假未批准：A"]


def test_a_certificate_is_told_once(school: School, app: Flask, clock: FixedClock, session: Session) -> None:
    hall = school.make(title="轮训", starts=-300, ends=-60)
    row = f"/training/sessions/{hall['id']}/attendance/{school.member.actor.user_id}"
    assert school.organiser.call("PUT", row, json={"state": "present", "reason": "核实"}).status_code == 200
    issued = []
    for body in ({"session_id": hall["id"]}, {"session_id": hall["id"]}, {"year": 2026}):
        issued.append(school.member.post("/me/training/certificates", body).json["id"])
        run_outbox(app)
    assert sorted(titles(session, school.member)) == ["证书已生成：2026 年度培训", "证书已生成：轮训"]
    told = school.member.get("/me/messages").json["items"]
    assert {message["kind"] for message in told} == {"certificate_ready"}
    assert {message["subject"]["id"] for message in told} == set(issued)
    assert {message["subject"]["type"] for message in told} == {"certificate"}


def test_absence_waits_for_the_last_upload(school: School, clock: FixedClock) -> None:
    hall = school.make(ends=10, offline_hours=2)
    enrol(school, hall, school.member)
    clock.advance(hours=2)
    assert session_end.close(uuid.UUID(hall["id"]), now=clock.now()) == 0
    clock.advance(minutes=11)
    assert session_end.close(uuid.UUID(hall["id"]), now=clock.now()) == 1


def test_what_a_lost_job_left_open_is_swept(school: School, clock: FixedClock) -> None:
    hall = school.make(ends=10, offline_hours=1)
    enrol(school, hall, school.member)
    clock.advance(hours=3)
    assert session_end.close_due(now=clock.now()) == 1
    assert session_end.close_due(now=clock.now()) == 0


@pytest.mark.parametrize(
    ("crowd", "late", "reasons"),
    [(9, True, []), (10, True, ["burst"]), (29, False, []), (30, False, ["crowded_step"])],
)
def test_crowds_at_one_step(
    school: School, session: Session, clock: FixedClock, crowd: int, late: bool, reasons: list[str]
) -> None:
    hall = school.make(starts=-30 if late else -5)
    step = step_at(clock.now())
    rows = [
        {
            "session_id": uuid.UUID(hall["id"]),
            "user_id": school.people.make().actor.user_id,
            "id": new_id(),
            "state": "present",
            "signed_in_at": clock.now(),
            "step": step,
            "via": "scan",
        }
        for _ in range(crowd)
    ]
    session.execute(insert(Attendance), rows)
    session.commit()
    review_flags.review(uuid.UUID(hall["id"]), now=clock.now())
    assert list(session.scalars(select(Flag.reason).order_by(Flag.reason))) == reasons
    assert session.scalar(select(func.count()).where(Attendance.state == "present")) == crowd
