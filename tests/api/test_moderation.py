"""What WeChat says of reports decides what other citizens see of them, and nothing else."""

import itertools
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import reporting
from tests.factories import People, Person
from tests.fake_wechat_control import FakeControl
from tests.reporting import Town, file, file_routed, photo, read, take
from workers.topics import TOPICS
from wxapi.identity.services import erasure
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.moderation.models import Check
from wxapi.moderation.services import check as moderation
from wxapi.platform.audit import AuditRow
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import Runtime
from wxapi.platform.wechat.codes import MEDIA_CHECK_PATH, TEXT_CHECK_PATH
from wxapi.reports.rules.masking import WITHHELD
from wxapi.reports.services import moderate

_numbers = itertools.count()
HELD_BACK = "路边有人赌博"  # the fake calls it risky
PHONE, ID_NUMBER = "13812345678", "11010519491231002X"
REVIEWED = "加微信送礼品"


@pytest.fixture
def town(town: Town, wired: Runtime, fake: FakeControl, people: People) -> Town:
    # Whoever files has just logged in: WeChat takes an openid for two hours.
    openid = f"o-moderated-{next(_numbers)}"
    wired.wechat.code_to_session(fake.login_code(openid))
    return replace(town, reporter=people.make(openid=openid))


def work(session: Session, clock: FixedClock) -> None:
    """Run what is due of moderation, until nothing is."""
    while True:
        rows = [
            row
            for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id)).all()
            if row.topic.startswith(("moderation.", "wechat.")) or row.topic in {"report.filed", "report.photos_added"}
            if row.due_at <= clock.now() or row.due_at == row.created_at
        ]
        if not rows:
            return
        for row in rows:
            topic, payload = row.topic, row.payload
            session.delete(row)
            session.commit()
            for job in TOPICS[topic]:
                job.run(**payload)


def joiner_of(town: Town, report: dict[str, Any]) -> dict[str, Any]:
    answer = town.stranger.post(f"/reports/{report['id']}/me-too", {})
    assert answer.status_code == 200
    return dict(answer.get_json())


def text_state(town: Town, report: dict[str, Any]) -> str:
    return str(read(town.worker, report["id"])["moderation"]["text"])


def push(person: Person, session: Session, clock: FixedClock, trace_id: str, **verdict: Any) -> None:
    """A verdict as the push endpoint hands it on."""
    job = TOPICS["wechat.media_checked"][0]
    job.run(**{"trace_id": trace_id, "suggest": "pass", "label": 100, "errcode": 0} | verdict)
    work(session, clock)


def test_a_text_that_passes_is_shown_to_who_joins(town: Town, session: Session, clock: FixedClock) -> None:
    report = file(town.reporter)
    assert joiner_of(town, report)["description"] == WITHHELD
    work(session, clock)
    assert joiner_of(town, report)["description"] == "路口垃圾箱满溢"
    assert text_state(town, report) == "pass"
    (listed,) = town.stranger.get("/reports?scope=mine").get_json()["items"]
    assert listed["description"] == "路口垃圾箱满溢"


@pytest.mark.parametrize(("description", "state"), [(HELD_BACK, "risky"), (REVIEWED, "review")])
def test_what_is_held_back_is_seen_by_reporter_and_desk_only(
    town: Town, session: Session, clock: FixedClock, description: str, state: str
) -> None:
    report = file_routed(town.reporter, description=description)
    work(session, clock)
    assert report["state"] == "routed"
    assert read(town.reporter, report["id"])["description"] == description
    at_desk = read(town.worker, report["id"])
    assert (at_desk["description"], at_desk["moderation"]["text"]) == (description, state)
    assert "moderation" not in read(town.reporter, report["id"])
    joined = joiner_of(town, report)
    assert (joined["description"], joined["address"]) == (WITHHELD, None)
    (listed,) = town.stranger.get("/reports?scope=mine").get_json()["items"]
    assert (listed["description"], listed["address"]) == (WITHHELD, None)
    assert town.stranger.get("/reports", query_string={"scope": "mine", "q": description}).get_json()["items"] == []


@pytest.mark.parametrize("errcode", [61010, 40003, 47001, 87009])
def test_what_wechat_does_not_judge_waits_for_an_officer(
    town: Town, fake: FakeControl, session: Session, clock: FixedClock, errcode: int
) -> None:
    fake.fault(TEXT_CHECK_PATH, errcode=errcode)
    report = file_routed(town.reporter)
    work(session, clock)
    assert text_state(town, report) == "manual"
    (queued,) = town.officer.get("/moderation/queue").get_json()["items"]
    assert (queued["kind"], queued["state"], queued["errcode"]) == ("text", "manual", errcode)
    assert queued["report"] == {"id": report["id"], "number": report["number"]}
    assert joiner_of(town, report)["description"] == WITHHELD
    decided = town.officer.post(f"/moderation/{queued['id']}/decision", {"decision": "show"})
    assert (decided.status_code, decided.get_json()["state"]) == (200, "pass")
    assert joiner_of(town, report)["description"] == "路口垃圾箱满溢"
    assert town.officer.get("/moderation/queue").get_json()["items"] == []
    assert session.scalar(select(AuditRow.subject).where(AuditRow.action == "moderation.decide")) == (
        f"report:{report['id']}"
    )
    town.officer.post(f"/moderation/{queued['id']}/decision", {"decision": "hide"})
    assert joiner_of(town, report)["description"] == WITHHELD


def test_an_outage_is_waited_for_and_then_left_to_an_officer(
    town: Town, fake: FakeControl, session: Session, clock: FixedClock
) -> None:
    fake.fault(TEXT_CHECK_PATH, count=-1, errcode=-1)
    report = file_routed(town.reporter)
    work(session, clock)
    assert text_state(town, report) == "pending"
    clock.at += timedelta(minutes=30)
    work(session, clock)
    assert text_state(town, report) == "pending"
    clock.at += timedelta(minutes=31)
    work(session, clock)
    assert text_state(town, report) == "manual"


def test_an_outage_that_ends_in_time_is_never_noticed(
    town: Town, fake: FakeControl, session: Session, clock: FixedClock
) -> None:
    fake.fault(TEXT_CHECK_PATH, count=2, drop="after")
    report = file_routed(town.reporter)
    for _ in range(3):
        work(session, clock)
        clock.at += timedelta(seconds=10)
    assert text_state(town, report) == "pass"


def test_confidential_reports_are_never_sent_out(
    town: Town, fake: FakeControl, session: Session, clock: FixedClock
) -> None:
    report = file(town.reporter, category_code="X0201", photo_ids=[photo(town.reporter)])
    work(session, clock)
    assert session.scalars(select(Check)).all() == []
    assert fake.calls(TEXT_CHECK_PATH) == fake.calls(MEDIA_CHECK_PATH) == 0
    mark = read(town.officer, report["id"])["moderation"]
    assert mark == {"text": "not_sent", "checks": []}


def test_the_queue_is_the_officers_own(town: Town, fake: FakeControl, session: Session, clock: FixedClock) -> None:
    fake.fault(TEXT_CHECK_PATH, errcode=61010, count=-1)
    file_routed(town.reporter)
    work(session, clock)
    (queued,) = town.supervisor.get("/moderation/queue").get_json()["items"]
    elsewhere = town.people.make((Role.TOWNSHIP_OFFICER, reporting.OTHER_TOWNSHIP))
    assert elsewhere.get("/moderation/queue").get_json()["items"] == []
    path = f"/moderation/{queued['id']}/decision"
    assert elsewhere.post(path, {"decision": "show"}).status_code == 404
    assert town.officer.post(f"/moderation/{uuid.uuid4()}/decision", {"decision": "show"}).status_code == 404
    for person in (town.worker, town.reporter):
        assert person.get("/moderation/queue").status_code == 403
        assert person.post(path, {"decision": "show"}).status_code == 403
    assert town.officer.post(path, {"decision": "maybe"}).status_code == 422


def test_the_queue_has_pages(town: Town, fake: FakeControl, session: Session, clock: FixedClock) -> None:
    fake.fault(TEXT_CHECK_PATH, errcode=61010, count=-1)
    for _ in range(3):
        file_routed(town.reporter)
        work(session, clock)
        clock.at += timedelta(seconds=1)
    first = town.officer.get("/moderation/queue?limit=2").get_json()
    rest = town.officer.get("/moderation/queue", query_string={"limit": 2, "cursor": first["next_cursor"]}).get_json()
    ids = [row["id"] for row in first["items"] + rest["items"]]
    assert (len(ids), len(set(ids)), rest["next_cursor"]) == (3, 3, None)
    assert town.officer.get("/moderation/queue?cursor=WzEsMl0").status_code == 400


class TestPictures:
    @pytest.fixture
    def report(self, town: Town, session: Session, clock: FixedClock) -> dict[str, Any]:
        filed = file_routed(town.reporter, photo_ids=[photo(town.reporter)])
        work(session, clock)
        return filed

    @staticmethod
    def traces(fake: FakeControl, report: dict[str, Any]) -> list[str]:
        """What the fake called the askings about the report's photo, oldest first."""
        photo_id = report["photos"][0]["id"]
        return [one["trace_id"] for one in fake.order("GET", "checks")["items"] if photo_id in one["media_url"]]

    @staticmethod
    def state(town: Town, report: dict[str, Any]) -> str:
        checks = read(town.worker, report["id"])["moderation"]["checks"]
        return next(str(check["state"]) for check in checks if check["kind"] == "picture")

    def test_a_picture_is_shown_once_the_push_says_so(
        self, town: Town, fake: FakeControl, session: Session, clock: FixedClock, report: dict[str, Any]
    ) -> None:
        photo_path = f"/photos/{report['photos'][0]['id']}"
        assert joiner_of(town, report)["photos"] == []
        assert town.stranger.get(photo_path).status_code == 404
        assert town.worker.get(photo_path).status_code == 200
        (trace_id,) = self.traces(fake, report)
        push(town.worker, session, clock, trace_id)
        assert len(joiner_of(town, report)["photos"]) == 1
        assert town.stranger.get(photo_path).status_code == 200
        assert self.state(town, report) == "pass"

    def test_a_risky_picture_stays_at_the_desk_and_goes_into_the_queue(
        self, town: Town, fake: FakeControl, session: Session, clock: FixedClock, report: dict[str, Any]
    ) -> None:
        (trace_id,) = self.traces(fake, report)
        push(town.worker, session, clock, trace_id, suggest="risky", label=20002)
        # A repeat under the same name, and a change of mind, change nothing.
        push(town.worker, session, clock, trace_id, suggest="pass")
        assert joiner_of(town, report)["photos"] == []
        assert len(read(town.reporter, report["id"])["photos"]) == 1
        (queued,) = town.officer.get("/moderation/queue").get_json()["items"]
        assert (queued["state"], queued["label"], queued["text"]) == ("risky", 20002, None)
        assert queued["photo"]["id"] == report["photos"][0]["id"]

    def test_a_verdict_may_be_faster_than_our_own_row(
        self, town: Town, fake: FakeControl, session: Session, clock: FixedClock
    ) -> None:
        filed = file_routed(town.reporter, photo_ids=[photo(town.reporter)])
        moderate.begin_checks(uuid.UUID(filed["id"]), now=clock.now())
        check = session.scalars(select(Check).where(Check.kind == "picture")).one()
        check.state, check.asked_at, check.asks = "asked", clock.now(), 1
        session.commit()
        push(town.worker, session, clock, "t-early", suggest="review", label=10001)
        assert self.state(town, filed) == "pending"
        moderation._conclude(session, check.id, "t-early", None, now=clock.now())
        session.commit()
        assert self.state(town, filed) == "review"

    def test_a_picture_wechat_cannot_load_is_handed_in_once_more(
        self, town: Town, fake: FakeControl, session: Session, clock: FixedClock, report: dict[str, Any]
    ) -> None:
        (first,) = self.traces(fake, report)
        push(town.worker, session, clock, first, suggest=None, label=None, errcode=-1008)
        _, second = self.traces(fake, report)
        assert self.state(town, report) == "pending"
        push(town.worker, session, clock, second, suggest=None, label=None, errcode=-1008)
        assert (self.state(town, report), len(self.traces(fake, report))) == ("manual", 2)

    def test_a_verdict_that_does_not_come_is_asked_for_once_more(
        self, town: Town, fake: FakeControl, session: Session, clock: FixedClock, report: dict[str, Any]
    ) -> None:
        chase = TOPICS["schedule.moderation.chase_missing"][0].run
        chase()
        assert len(self.traces(fake, report)) == 1
        for asks in (2, 2):
            clock.at += timedelta(minutes=36)
            chase()
            work(session, clock)
            assert len(self.traces(fake, report)) == asks
        assert self.state(town, report) == "manual"
        # Late is better than never.
        push(town.worker, session, clock, self.traces(fake, report)[0])
        assert self.state(town, report) == "pass"

    def test_an_officers_word_stands_over_a_late_verdict(
        self, town: Town, fake: FakeControl, session: Session, clock: FixedClock, report: dict[str, Any]
    ) -> None:
        (check,) = (c for c in read(town.officer, report["id"])["moderation"]["checks"] if c["kind"] == "picture")
        town.officer.post(f"/moderation/{check['id']}/decision", {"decision": "hide"})
        push(town.worker, session, clock, self.traces(fake, report)[0])
        assert self.state(town, report) == "risky"

    def test_a_picture_is_handed_in_when_it_is_developed(
        self, town: Town, fake: FakeControl, session: Session, clock: FixedClock
    ) -> None:
        report = file_routed(town.reporter, photo_ids=[photo(town.reporter, "pending")])
        work(session, clock)
        assert self.traces(fake, report) == []
        clock.at += timedelta(hours=1, minutes=1)
        work(session, clock)
        assert (self.traces(fake, report), self.state(town, report)) == ([], "manual")

    def test_a_joiners_picture_is_checked_too_and_kept_from_the_reporter(
        self, town: Town, fake: FakeControl, session: Session, clock: FixedClock, report: dict[str, Any]
    ) -> None:
        town.stranger.post(f"/reports/{report['id']}/me-too", {"photo_ids": [photo(town.stranger)]})
        work(session, clock)
        assert len(read(town.reporter, report["id"])["photos"]) == 1
        assert len(read(town.worker, report["id"])["photos"]) == 2
        # The stranger has not used the mini program lately.
        (queued,) = town.officer.get("/moderation/queue").get_json()["items"]
        assert (queued["state"], queued["errcode"]) == ("manual", 40003)


class TestWords:
    TYPED = f"垃圾没人清,联系{PHONE},证件{ID_NUMBER},车鄂D·12345"

    def test_others_read_them_without_personal_data(self, town: Town, session: Session, clock: FixedClock) -> None:
        report = file_routed(town.reporter, description=self.TYPED, address=f"江津西路 {PHONE}")
        work(session, clock)
        assert (report["description"], report["address"]) == (self.TYPED, f"江津西路 {PHONE}")
        for seen in (read(town.worker, report["id"]), joiner_of(town, report)):
            assert "〔手机号〕" in seen["description"]
            assert PHONE not in str(seen)
            assert "12345" not in seen["description"]
        for person, scope in ((town.worker, "desk"), (town.stranger, "mine"), (town.reporter, "mine")):
            assert PHONE not in person.get(f"/reports?scope={scope}").text
        assert town.worker.get(f"/reports?scope=desk&q={PHONE}").get_json()["items"] == []

    def test_the_desk_opens_them_and_that_is_on_record(self, town: Town, session: Session) -> None:
        report = file_routed(town.reporter, description=self.TYPED)
        opened = town.worker.post(f"/reports/{report['id']}/original")
        assert opened.get_json() == {"description": self.TYPED, "address": "江津西路", "notes": []}
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "report.original_open")).all()
        assert [(row.actor_id, row.subject) for row in rows] == [(town.worker.actor.user_id, f"report:{report['id']}")]
        for person, status in ((town.chief, 403), (town.reporter, 403), (town.stranger, 404), (town.neighbour, 404)):
            assert person.post(f"/reports/{report['id']}/original").status_code == status
        assert len(session.scalars(select(AuditRow).where(AuditRow.action == "report.original_open")).all()) == 1

    def test_plates_stay_where_they_are_the_matter(self, town: Town) -> None:
        report = file_routed(town.reporter, category_code="E0505", description="鄂D12345占道,车主13812345678")
        assert read(town.worker, report["id"])["description"] == "鄂D12345占道,车主〔手机号〕"

    def test_notes_of_citizens_are_between_them_and_the_desk(self, town: Town) -> None:
        report = file_routed(town.reporter)
        joiner_of(town, report)
        report = take(town.worker, read(town.worker, report["id"]), "ask", note=f"请致电 {PHONE}")
        report = take(town.reporter, report, "answer", note=f"我是 {PHONE}")
        assert report["timeline"][-1]["note"] == f"我是 {PHONE}"
        assert report["timeline"][-2]["note"] == f"请致电 {PHONE}"
        assert read(town.worker, report["id"])["timeline"][-1]["note"] == "我是 〔手机号〕"
        joined = read(town.stranger, report["id"])["timeline"]
        assert [line["note"] for line in joined[-2:]] == ["请致电 〔手机号〕", None]
        (note,) = town.worker.post(f"/reports/{report['id']}/original").get_json()["notes"]
        assert (note["role"], note["note"]) == ("reporter", f"我是 {PHONE}")

    def test_they_go_with_the_person(self, town: Town, app: Flask, session: Session) -> None:
        report = file_routed(town.reporter, description=self.TYPED)
        mine = town.reporter.get("/me/data").get_json()
        assert mine["reports"]["filed"][0]["description"] == self.TYPED
        erasure.erase(town.reporter.actor.user_id, now=app.extensions["wxapi"].clock.now())
        opened = town.worker.post(f"/reports/{report['id']}/original").get_json()
        assert PHONE not in opened["description"]
        assert "〔手机号〕" in opened["description"]
