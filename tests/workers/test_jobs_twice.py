"""Every job may run twice: with something due the first time does something, and the second cannot be seen.

Each topic and each task has its arrangement here, by its name; one without fails.
"""

import io
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from config import Config
from tests import pictures, reporting, schooling
from tests.conftest import NOW, app_in_savepoint, random_key
from tests.ended import taken_back
from tests.factories import People, Person
from tests.fake_wechat_control import FakeControl
from tests.reporting import COUNTY, NEIGHBOUR, VILLAGE, Town
from tests.schooling import School
from workers import run
from workers.run import Outcome
from workers.timetable import TASKS
from workers.topics import TOPICS
from wxapi.duties.models import Duty
from wxapi.duties.services import climb
from wxapi.identity.models import AppointmentRow, User
from wxapi.identity.services import roster, roster_imports, web_sessions
from wxapi.identity.services.appointments import NewAppointment, appoint
from wxapi.identity.services.roster_files import RosterRow
from wxapi.identity.services.web_sessions import Device
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.notifications.models import PushEvent, Template
from wxapi.notifications.services import ledger, templates
from wxapi.photos.models import Photo
from wxapi.photos.services.sandbox import client
from wxapi.platform.db import db, transaction
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime
from wxapi.regions.services import changing
from wxapi.regions.services.changing import Merger
from wxapi.regions.services.snapshot import regions_cache
from wxapi.reports.models import Report
from wxapi.reports.rules.messages import REPORT_PROGRESS
from wxapi.supervision.services import export_making

# Every table but those that note that something was tried.
_TABLES = text(
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    " AND table_name NOT IN ('schedule', 'alembic_version') ORDER BY table_name"
)
# What rows name beside ids, of things that are not there.
GONE = {
    "rung": 200,
    "decision": "lift",
    "step": "added",
    "file_key": "exports/gone.csv",
    "event_id": 0,
    "push_id": 0,
    "kind": "day",
    "starts_at": "2026-11-24T02:00:00.000Z",
    "trace_id": "none",
    "suggest": "pass",
    "label": 100,
    "errcode": 0,
}
PHONE = "13800000001"
TEMPLATE = "template-progress"


@dataclass(frozen=True)
class World:
    """A town and a school in an app whose WeChat is the fake."""

    app: Flask
    people: People
    settled: Town
    opened: School
    fake: FakeControl
    storage: Path

    @property
    def session(self) -> Session:
        return db.session()

    @property
    def clock(self) -> FixedClock:
        clock = runtime().clock
        assert isinstance(clock, FixedClock)
        return clock

    def town(self) -> Town:
        """A town whose reporter has just been in the mini program."""
        return Town(**vars(self.settled) | {"reporter": self.newcomer()})

    def school(self) -> School:
        return self.opened

    def newcomer(self) -> Person:
        openid = f"o-twice-{uuid.uuid4().hex}"
        runtime().wechat.code_to_session(self.fake.login_code(openid))
        return self.people.make(openid=openid)

    def later(self, **span: float) -> None:
        self.clock.at += timedelta(**span)

    def work_off(self, *topics: str) -> None:
        """Do what is in the outbox of some topics, once."""
        rows = self.session.scalars(select(OutboxRow).where(OutboxRow.topic.in_(topics)).order_by(OutboxRow.id)).all()
        assert rows, topics
        for row in rows:
            topic, payload = row.topic, row.payload
            self.session.delete(row)
            self.session.commit()
            for job in TOPICS[topic]:
                job.run(**payload)


def upload(person: Person) -> str:
    picture = io.BytesIO(pictures.encoded(pictures.scene(640, 480), "JPEG"))
    answer = person.post("/photos", key=random_key(), data={"file": (picture, "photo.jpg")})
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def ok(answer: TestResponse) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json if answer.data else None


# Topics


def erased(world: World) -> None:
    ok(world.town().reporter.call("DELETE", "/me"))


def appointed(world: World) -> None:
    person, admin = world.town().stranger.actor, world.people.make((Role.ADMIN, COUNTY)).actor
    appoint(confirmed(admin), NewAppointment(person.user_id, Role.COMMUNITY_WORKER, VILLAGE), now=NOW)


def list_handed_in(world: World) -> None:
    world.town()
    rows = f"姓名,职务,手机号,角色,区域\n张三,书记,{PHONE},community_worker,{VILLAGE}\n"
    admin = world.people.make((Role.ADMIN, COUNTY)).actor
    roster_imports.ask(confirmed(admin), rows.encode(), dry_run=False, now=NOW)


def confirmed(actor: Actor) -> Actor:
    return replace(actor, confirmed_at=NOW)


def list_written(world: World) -> None:
    list_handed_in(world)
    world.work_off("people.import_asked")


def browser_signed_in(world: World) -> None:
    person = world.newcomer()
    with transaction() as session:
        web_sessions.open_session(session, person.actor.user_id, Device("Firefox", "荆州"), now=NOW)


def step_told(world: World) -> None:
    town = world.town()
    openid = runtime().cipher.open(
        world.session.get_one(User, town.reporter.actor.user_id).openid_sealed or b"", purpose="user.openid"
    )
    fields = {"character_string1": "number", "thing2": "what", "phrase3": "state", "time4": "at"}
    world.fake.order("POST", "template", template_id=TEMPLATE, keys=list(fields))
    world.fake.order("POST", "grant", openid=openid, template_id=TEMPLATE, count=3)
    kind = REPORT_PROGRESS.code
    row = Template(kind=kind, template_id=TEMPLATE, fields=fields, page="pages/report?id={id}", long_term=False)
    templates.set_template(row, now=NOW)
    with transaction() as session:
        ledger.note_answer(session, town.reporter.actor.user_id, TEMPLATE, accepted=True, at=NOW, source="test")
    reporting.accepted(town)
    world.work_off("report.changed")


def photo_dropped(world: World) -> None:
    owner = world.newcomer()
    upload(owner)
    world.work_off("photo.uploaded")
    ok(owner.call("DELETE", "/me"))
    world.work_off("user.erase")


def photo_sent(world: World) -> None:
    upload(world.newcomer())


def pushed(world: World) -> None:
    person = world.newcomer()
    user = world.session.get_one(User, person.actor.user_id)
    event = {
        "ToUserName": "gh_000000000001",
        "FromUserName": runtime().cipher.open(user.openid_sealed or b"", purpose="user.openid"),
        "CreateTime": str(int(NOW.timestamp())),
        "MsgType": "event",
        "Event": "subscribe_msg_popup_event",
        "List": {"TemplateId": "T", "SubscribeStatusString": "accept", "PopupScene": "0"},
    }
    templates.set_template(
        Template(kind=REPORT_PROGRESS.code, template_id="T", fields={"thing1": "what"}, long_term=False), now=NOW
    )
    sealed = runtime().cipher.seal(json.dumps(event), purpose="push.event")
    with transaction() as session:
        row = PushEvent(repeat_digest=b"r", event=event["Event"], body_sealed=sealed, received_at=NOW)
        session.add(row)
        session.flush()
        session.add(OutboxRow(topic="wechat.pushed", payload={"push_id": row.id}, created_at=NOW, due_at=NOW))


def checks_begun(world: World) -> None:
    town = world.town()
    photo = upload(town.reporter)
    world.work_off("photo.uploaded")
    reporting.file(town.reporter, photo_ids=[photo])
    world.work_off("report.filed")


def verdict_pushed(world: World) -> None:
    checks_begun(world)
    world.work_off("moderation.picture")
    trace_id = world.session.scalar(text("SELECT trace_id FROM moderation_traces"))
    payload = {"trace_id": trace_id, "suggest": "pass", "label": 100, "errcode": 0}
    with transaction() as session:
        session.add(OutboxRow(topic="wechat.media_checked", payload=payload, created_at=NOW, due_at=NOW))


def report_moved(world: World) -> None:
    reporting.accepted(world.town())


def report_filed(world: World) -> None:
    reporting.file(world.town().reporter)


def photos_added(world: World) -> None:
    town = world.town()
    report = reporting.file_routed(town.reporter)
    ok(town.stranger.post(f"/reports/{report['id']}/me-too", {"photo_ids": [reporting.photo(town.stranger)]}))


def rung_reached(world: World) -> None:
    reporting.file_routed(world.town().reporter)
    world.later(days=4)
    climb.climb(now=world.clock.now())


def card_appealed(world: World) -> None:
    town = world.town()
    reporting.file_routed(town.reporter)
    world.later(days=4)
    climb.climb(now=world.clock.now())
    carded = next(duty for duty in town.worker.get("/duties").json["items"] if duty["card"])
    ok(town.worker.post(f"/duties/{carded['id']}/appeal", {"note": "已移交", "photo_ids": []}))


def export_asked(world: World) -> None:
    town = world.town()
    reporting.file_routed(town.reporter)
    ok(town.officer.post("/exports", {"kind": "reports", "format": "csv", "filter": {}, "coord_type": "gcj02"}))


def export_made(world: World) -> Person:
    town = world.town()
    reporting.file_routed(town.reporter)
    asked = {"kind": "reports", "format": "csv", "filter": {}, "coord_type": "gcj02"}
    export = ok(town.officer.post("/exports", asked))
    export_making.make(uuid.UUID(export["id"]), now=world.clock.now())
    assert town.officer.get(f"/exports/{export['id']}").json["state"] == "ready"
    return town.officer


def export_dropped(world: World) -> None:
    person = export_made(world)
    ok(person.call("DELETE", "/me"))
    world.work_off("user.erase")


def enrolled(world: World, **changes: Any) -> tuple[School, dict[str, Any]]:
    school = world.school()
    hall = school.make(**changes)
    ok(school.member.post(f"/training/sessions/{hall['id']}/enrolments"))
    return school, hall


def cancelled(world: World) -> None:
    school, hall = enrolled(world, starts=60, ends=90)
    ok(school.organiser.post(f"/training/sessions/{hall['id']}/cancel"))


def moved(world: World) -> None:
    days = {"starts": 60 * 24 * 5, "ends": 60 * 24 * 5 + 30}
    school, hall = enrolled(world, **days)
    whole = schooling.plan(**days) | {"place": "区委党校二楼"}
    ok(school.organiser.call("PUT", f"/training/sessions/{hall['id']}", json=whole))


def certificate_issued(world: World) -> None:
    school = world.school()
    hall = school.make()
    ok(school.sign_in(hall, school.member))
    world.later(hours=3)
    world.work_off("training.settle")
    ok(school.member.post("/me/training/certificates", {"session_id": hall["id"]}))


def came_and_not(world: World) -> None:
    """One came, one did not, and the session is over."""
    school, hall = enrolled(world)
    ok(school.sign_in(hall, school.people.make((Role.COMMUNITY_WORKER, VILLAGE))))
    world.later(days=4)


def leave_decided(world: World) -> None:
    school, hall = enrolled(world, starts=600, ends=700)
    ok(school.member.post(f"/training/sessions/{hall['id']}/leave-requests", {"reason": "外出"}))
    (asked,) = school.organiser.get(f"/training/sessions/{hall['id']}/leave-requests").json["items"]
    ok(school.organiser.post(f"/training/sessions/leave-requests/{asked['id']}/decision", {"decision": "approve"}))


def reminder_due(world: World) -> None:
    enrolled(world, starts=60 * 26, ends=60 * 28)


def seat_given(world: World) -> None:
    school, hall = enrolled(world, starts=60, ends=90, capacity=1)
    waits = school.people.make((Role.COMMUNITY_WORKER, VILLAGE))
    ok(waits.post(f"/training/sessions/{hall['id']}/enrolments"))
    ok(school.member.call("DELETE", f"/training/sessions/{hall['id']}/enrolments/me"))


BY_TOPIC: dict[str, Callable[[World], object]] = {
    "user.erase": erased,
    "appointment.changed": appointed,
    "people.import_asked": list_handed_in,
    "people.imported": list_written,
    "web_session.opened": browser_signed_in,
    "message.due": step_told,
    "photo.dropped": photo_dropped,
    "photo.uploaded": photo_sent,
    "wechat.pushed": pushed,
    "moderation.picture": checks_begun,
    "moderation.text": checks_begun,
    "wechat.media_checked": verdict_pushed,
    "report.changed": report_moved,
    "report.filed": report_filed,
    "report.photos_added": photos_added,
    "duty.appealed": card_appealed,
    "duty.climbed": rung_reached,
    "export.asked": export_asked,
    "export.dropped": export_dropped,
    "training.cancelled": cancelled,
    "training.certificate_issued": certificate_issued,
    "training.close": came_and_not,
    "training.leave_decided": leave_decided,
    "training.moved": moved,
    "training.reminder": reminder_due,
    "training.seat_given": seat_given,
    "training.settle": came_and_not,
}


# Tasks


def jobs_lost(world: World) -> None:
    with transaction() as session:
        session.execute(delete(OutboxRow))


def router_lost(world: World) -> None:
    report_filed(world)
    jobs_lost(world)
    world.later(hours=1)


def half_the_time_gone(world: World) -> None:
    reporting.accepted(world.town())
    remind_at = world.session.scalars(select(Report.remind_at)).one()
    assert remind_at is not None
    world.clock.at = remind_at


def overdue(world: World) -> None:
    reporting.file_routed(world.town().reporter)
    world.later(days=30)


def resolved_and_silent(world: World) -> None:
    reporting.resolved(world.town())
    world.later(days=8)


def held(world: World) -> None:
    town = world.town()
    hold = {"reason_code": "weather", "note": "等天晴", "review_on": "2026-11-26"}
    report = reporting.take(town.worker, reporting.accepted(town), "request_hold", **hold)
    reporting.take(town.officer, report, "approve_hold")
    world.later(days=4)


def written_for_a_closed_village(world: World) -> None:
    """By a process that did not know of the closing yet."""
    town = world.town()
    changing.close_regions(Merger((VILLAGE,), NEIGHBOUR), on=NOW.date(), now=NOW)
    row = AppointmentRow(
        id=uuid.uuid4(),
        user_id=town.stranger.actor.user_id,
        role=Role.COMMUNITY_WORKER,
        region_code=VILLAGE,
        starts_on=NOW.date(),
    )
    with transaction() as session:
        session.add(row)


def named_on_a_list(world: World) -> None:
    """Whose login died between the phone and the list."""
    world.town()
    row = RosterRow("张三", "书记", PHONE, Role.COMMUNITY_WORKER, VILLAGE)
    roster.import_people([row], now=NOW, dry_run=False)
    user = world.session.get_one(User, world.people.make().actor.user_id)
    user.phone_sealed = runtime().cipher.seal(PHONE, purpose="user.phone")
    user.phone_digest = runtime().cipher.digest(PHONE, purpose="user.phone")
    world.session.commit()


def file_kept_for_a_day(world: World) -> None:
    list_handed_in(world)
    jobs_lost(world)
    world.later(days=2)


def export_expired(world: World) -> None:
    export_made(world)
    world.later(days=30)


def duties_lost(world: World) -> None:
    reporting.file_routed(world.town().reporter)
    with transaction() as session:
        session.execute(delete(Duty))


def month_over(world: World) -> None:
    reporting.file_routed(world.town().reporter)
    world.later(days=40)


def no_verdict_came(world: World) -> None:
    checks_begun(world)
    world.work_off("moderation.picture")
    world.later(hours=2)


def photo_unused(world: World) -> None:
    upload(world.newcomer())
    world.work_off("photo.uploaded")
    world.later(days=3)


def photo_job_lost(world: World) -> None:
    upload(world.newcomer())
    jobs_lost(world)
    world.later(hours=2)


def file_without_a_row(world: World) -> None:
    upload(world.newcomer())
    with transaction() as session:
        session.execute(delete(Photo))
    for file in filter(Path.is_file, world.storage.rglob("*")):
        os.utime(file, (0, 0))


def something_audited(world: World) -> None:
    reporting.accepted(world.town())


def key_expired(world: World) -> None:
    reporting.file(world.town().reporter)
    world.later(days=3)


def browser_idle(world: World) -> None:
    browser_signed_in(world)
    world.later(days=8)


def long_past(world: World) -> None:
    step_told(world)
    world.later(days=800)


def token_idle(world: World) -> None:
    world.newcomer()
    world.later(days=31)


def session_not_closed(world: World) -> None:
    came_and_not(world)
    jobs_lost(world)


BY_TASK: dict[str, Callable[[World], object]] = {
    "reports.route_unrouted": router_lost,
    "reports.remind": half_the_time_gone,
    "reports.mark_overdue": overdue,
    "reports.close_silent": resolved_and_silent,
    "reports.resume_holds": held,
    "regions.settle": written_for_a_closed_village,
    "people.match_waiting": named_on_a_list,
    "people.forget_files": file_kept_for_a_day,
    "duties.climb": overdue,
    "exports.expire": export_expired,
    "duties.heal": duties_lost,
    "figures.keep": month_over,
    "training.close_due": session_not_closed,
    "moderation.chase_missing": no_verdict_came,
    "photos.sweep_unused": photo_unused,
    "photos.heal_pending": photo_job_lost,
    "photos.sweep_files": file_without_a_row,
    "audit.seal": something_audited,
    "idempotency.forget_expired": key_expired,
    "web.forget_browsers": browser_idle,
    "retention.forget_due": long_past,
    "tokens.forget_idle": token_idle,
}


@pytest.fixture(scope="module", autouse=True)
def _decoder_ends() -> Iterator[None]:
    yield
    client.shared().close()


@contextmanager
def world_of(app: Flask, fake: FakeControl, storage: Path) -> Iterator[World]:
    people = People(app)
    town = reporting.settle(people)
    yield World(app, people, town, schooling.enrol(people, schooling.COUNTY), fake, storage)
    shutil.rmtree(storage)


@pytest.fixture(scope="module")
def one_world(
    make_config: Callable[..., Config], fake_wechat: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One app, town and school for all, in a savepoint."""
    storage = tmp_path_factory.mktemp("twice")
    config = make_config(wechat_base_url=fake_wechat, storage_url=f"file://{storage}")
    with app_in_savepoint(config) as app, world_of(app, FakeControl(fake_wechat), storage) as made:
        yield made


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    make_committing_app: Callable[..., AbstractContextManager[Flask]],
    fake_wechat: str,
    fake: FakeControl,
    redis: Any,
    tmp_path: Path,
) -> Iterator[World]:
    """What a test does there is taken back; what has to do with exports is done in a database of its own, for they read
    by their own connection.
    """
    if "export" in request.node.callspec.id:
        where = {"wechat_base_url": fake_wechat, "storage_url": f"file://{tmp_path}"}
        with make_committing_app(**where) as app, world_of(app, fake, tmp_path) as made:
            yield made
        return
    shared: World = request.getfixturevalue("one_world")
    shared.clock.at = NOW
    with taken_back(shared.app):
        regions_cache().expire()
        yield shared
    for each in shared.storage.iterdir():
        shutil.rmtree(each)


def everything(world: World, *, but: int | None = None) -> dict[str, Any]:
    """All rows of all tables, all files, and how often WeChat was asked to send something."""
    session = world.session
    session.expire_all()
    tables = session.scalars(_TABLES).all()
    found: dict[str, Any] = {
        table: sorted(map(str, session.execute(text(f'SELECT * FROM "{table}"')).all())) for table in tables
    }
    if but is not None:
        found["outbox"] = sorted(map(str, session.execute(text(f"SELECT * FROM outbox WHERE id <> {but}")).all()))
    session.rollback()
    files = sorted(path for path in world.storage.rglob("*") if path.is_file())
    found["files"] = [(str(path.relative_to(world.storage)), path.read_bytes()) for path in files]
    found["sent"] = world.fake.calls("/cgi-bin/message/subscribe/send")
    return found


def units_of_work(work: Callable[[], None]) -> int:
    """How many transactions it opens."""
    begun: list[int] = []
    extensions = current_app.extensions
    hooks = extensions.get("wxapi.on_begin", ())
    extensions["wxapi.on_begin"] = (*hooks, lambda *_args, **_also: begun.append(1))
    try:
        work()
    finally:
        extensions["wxapi.on_begin"] = hooks
    return len(begun)


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in after if before[name] != after[name]}


def test_every_topic_and_every_task_has_its_arrangement() -> None:
    assert set(BY_TOPIC) | {task.topic for task in TASKS} == set(TOPICS)
    assert set(BY_TASK) == {task.name for task in TASKS}


@pytest.mark.parametrize("topic", BY_TOPIC)
def test_a_job_twice(world: World, topic: str) -> None:
    BY_TOPIC[topic](world)
    rows = world.session.scalars(select(OutboxRow).where(OutboxRow.topic == topic).order_by(OutboxRow.id)).all()
    work = [(row.id, dict(row.payload), row.due_at) for row in rows]
    assert work, "nothing is due"
    world.session.rollback()
    did: set[str] = set()
    for row_id, payload, due_at in work:
        world.clock.at = max(world.clock.at, min(due_at, NOW + timedelta(days=3)))
        for job in TOPICS[topic]:
            before = everything(world, but=row_id)
            begun = units_of_work(partial(job.run, **payload))
            assert begun == 1 or not job.whole, f"{job.name} is not one transaction"
            once = everything(world, but=row_id)
            job.run(**payload)
            assert changed(once, everything(world, but=row_id)) == set(), f"{job.name} does something the second time"
            did |= changed(before, once)
    assert did, "nothing was done the first time"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_twice(world: World, task: Any) -> None:
    BY_TASK[task.name](world)
    before = everything(world)
    task.job.run()
    once = everything(world)
    assert changed(before, once), "nothing was due"
    task.job.run()
    assert changed(once, everything(world)) == set()


def test_work_that_is_gone_is_no_failure(app: Flask, session: Session) -> None:
    """Ids of rows that are not there any more: erased, swept, or never committed by a relay that died."""
    run.prepare(app, TOPICS)
    nowhere = "00000000-0000-4000-8000-000000000000"
    for topic, jobs in TOPICS.items():
        for job in jobs:
            payload = dict.fromkeys(job.ids, nowhere) | {name: GONE[name] for name in job.values}
            row = OutboxRow(topic=topic, job=job.name, payload=payload, attempts=1)
            session.add(row)
            session.commit()
            run.run(row.id, 1, job.lease_s, name=job.name)
            assert run.outcome.read() is Outcome.DONE, f"{topic}: {job.name}"
