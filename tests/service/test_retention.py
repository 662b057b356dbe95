"""What is past its time goes, what is not stays; and an operator sees what is held about somebody, and why."""

import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from config import Config, ConfigError
from tests import reporting
from tests.conftest import NOW
from tests.factories import People, Person
from tests.reporting import Town, photo, take
from tests.schooling import open_school
from wxapi.app import RETENTION, create_app
from wxapi.duties.models import Duty, DutyAppeal
from wxapi.identity.models import Token, User
from wxapi.identity.services import erasure, login
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.moderation.models import Trace
from wxapi.notifications.models import Message, PushEvent
from wxapi.notifications.rules.notices import Notice
from wxapi.notifications.services import tell as telling
from wxapi.photos.models import Photo
from wxapi.platform import retention
from wxapi.platform.audit import AuditRow
from wxapi.platform.db import transaction
from wxapi.platform.outbox import OutboxRow
from wxapi.reports.models import ReportOriginal, ReportPhoto
from wxapi.reports.rules.messages import REPORT_PROGRESS
from wxapi.supervision.models import Export
from wxapi.supervision.rules.export_states import ExportState
from wxapi.training.models import Refusal

PHONE = "13812345678"
DOCS = Path(__file__).resolve().parents[2] / "docs"


def count(session: Session, model: Any, *conditions: Any) -> int:
    return session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def add_old(session: Session, row: Any) -> None:
    session.add(row)
    session.commit()


def message(session: Session, people: People) -> type[Message]:
    notice = Notice(REPORT_PROGRESS, f"report:{uuid.uuid4()}", "accepted:1", "标题", "正文", {})
    reader = people.make().actor.user_id
    with transaction() as own:
        telling.tell(own, [reader], notice, now=NOW)
    return Message


def push(session: Session, _people: People) -> type[PushEvent]:
    add_old(session, PushEvent(repeat_digest=b"d", event="e", received_at=NOW))
    return PushEvent


def trace(session: Session, _people: People) -> type[Trace]:
    add_old(session, Trace(trace_id="t", at=NOW))
    return Trace


def dead_letter(session: Session, _people: People) -> type[OutboxRow]:
    add_old(session, OutboxRow(topic="user.erase", payload={}, dead=True, created_at=NOW, due_at=NOW))
    return OutboxRow


def refusal(session: Session, people: People) -> type[Refusal]:
    school = open_school(people)
    hall = school.make()
    add_old(
        session,
        Refusal(
            session_id=uuid.UUID(hall["id"]), user_id=school.member.actor.user_id, at=NOW, code="x", tried="sign_in"
        ),
    )
    return Refusal


def export(session: Session, people: People) -> type[Export]:
    asker = people.make().actor.user_id
    for state in (ExportState.QUEUED, ExportState.EXPIRED):  # what is under way stays
        made = {"id": uuid.uuid4(), "user_id": asker, "kind": "reports", "format": "csv", "asked": {}}
        add_old(session, Export(**made, state=state, created_at=NOW))
    return Export


def days_of(name: str) -> int:
    """The period of a category as it is configured."""
    (kept,) = [category.kept() for category in retention.categories() if category.name == name]
    assert kept is not None
    return kept.days


def settable() -> list[str]:
    return [category.name for category in retention.categories() if category.forget]


def test_periods_are_the_features_unless_the_setting_changes_them(make_config: Callable[..., Config]) -> None:
    with create_app(make_config(retention={"photos": 400})).app_context():
        assert (days_of("photos"), days_of("people"), days_of("pushes")) == (400, 730, 7)
    assert all(category.days >= category.least for category in RETENTION if category.forget)


@pytest.mark.parametrize("page", ["operations.md", "operations.zh-CN.md"])
def test_an_operator_reads_of_every_period_that_can_be_set(page: str) -> None:
    said = re.findall(r"^\| `(\w+)` \| (\d+) \|", (DOCS / page).read_text(), re.MULTILINE)
    assert dict(said) == {category.name: str(category.days) for category in RETENTION if category.forget}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"fotos": 30}, "no category 'fotos' to set; there are .*photos"),
        ({"audit": 30}, "no category 'audit'"),
        ({"photos": 29}, "photos wants days from 30 to 36500"),
        ({"pushes": 0}, "pushes wants days from 1"),
        ({"pushes": 36501}, "to 36500"),
    ],
)
def test_a_wrong_period_stops_the_start(
    make_config: Callable[..., Config], given: dict[str, int], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        create_app(make_config(retention=given))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("messages", message),
        ("pushes", push),
        ("traces", trace),
        ("dead_letters", dead_letter),
        ("refusals", refusal),
        ("exports", export),
    ],
)
def test_rows_go_when_their_time_is_over(app: Flask, people: People, session: Session, name: str, make: Any) -> None:
    model = make(session, people)
    kept = timedelta(days=days_of(name))
    before = count(session, model)
    assert retention.forget_due(now=NOW + kept)[name] == 0
    (due,) = [each for each in retention.overview(now=NOW + kept + timedelta(seconds=1)) if each.category.name == name]
    assert due.due == 1
    assert retention.forget_due(now=NOW + kept + timedelta(seconds=1))[name] == 1
    assert count(session, model) == before - 1
    assert retention.forget_due(now=NOW + kept + timedelta(seconds=1))[name] == 0


class TestReports:
    def closed(self, town: Town) -> dict[str, Any]:
        report = reporting.accepted(town, description=f"联系 {PHONE}", photo_ids=[photo(town.reporter)])
        report = take(town.worker, report, "resolve", note="已清运", photo_ids=[photo(town.worker)])
        return take(town.reporter, reporting.read(town.reporter, report["id"]), "confirm")

    def test_pictures_and_sealed_words_of_finished_reports_go(self, town: Town, session: Session) -> None:
        report, still_open = (
            self.closed(town),
            reporting.file_routed(town.reporter, description=f"联系 {PHONE}", photo_ids=[photo(town.reporter)]),
        )
        later = NOW + timedelta(days=days_of("photos"), seconds=1)
        done = retention.forget_due(now=later)
        assert (done["photos"], done["originals"]) == (2, 1)
        assert (count(session, Photo), count(session, ReportPhoto), count(session, ReportOriginal)) == (1, 1, 1)
        assert count(session, OutboxRow, OutboxRow.topic == "photo.dropped") == 2
        seen = reporting.read(town.worker, report["id"])
        assert (seen["state"], seen["photos"], seen["description"]) == ("closed", [], "联系 〔手机号〕")
        assert len(reporting.read(town.worker, still_open["id"])["photos"]) == 1

    def test_duties_go_six_years_after_the_last_of_their_subject(
        self, town: Town, session: Session, app: Flask, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = timedelta(days=days_of("duties"))
        self.closed(town)
        again = take(town.reporter, self.closed(town), "reopen", note="又堆起来了")
        several = count(session, Duty, Duty.subject_id == uuid.UUID(again["id"]))
        of_both = count(session, Duty)
        assert several > of_both - several
        # A batch of one duty takes its whole subject: none is numbered anew beside an old one.
        monkeypatch.setattr(retention, "BATCH", 1)
        assert retention.forget_due(now=NOW + kept)["duties"] == 0
        session.execute(update(Duty).where(Duty.subject_id == uuid.UUID(again["id"])).values(card="red", carded_at=NOW))
        session.add(DutyAppeal(duty_id=session.scalars(select(Duty.id)).first(), asked_at=NOW, note="不服"))
        session.commit()
        assert retention.forget_due(now=NOW + kept + timedelta(days=1))["duties"] == 1
        assert count(session, Duty) == several
        # Nor is what has no duties any more said to differ from its history.
        clock.advance(days=kept.days + 1)
        told = app.test_cli_runner().invoke(args=["statistics", "verify", "--from", "2000-01-01"])
        assert told.exit_code == 0, told.output

    def test_nothing_goes_before(self, town: Town) -> None:
        self.closed(town)
        assert retention.forget_due(now=NOW + timedelta(days=1)) == dict.fromkeys(settable(), 0)

    def test_batches_go_on_until_nothing_is_left(
        self, town: Town, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "BATCH", 1)
        self.closed(town)
        assert retention.forget_due(now=NOW + timedelta(days=2000))["photos"] == 2
        assert count(session, Photo) == 0


class TestPeople:
    LATER = NOW + timedelta(days=731)

    def end_tokens(self, at: datetime) -> None:
        with transaction() as session:
            login.forget_idle(session, at, 100)

    def test_who_was_not_seen_for_two_years_is_erased_once(self, city: None, people: People, session: Session) -> None:
        idle, officer = people.make(), people.make((Role.TOWNSHIP_OFFICER, "421002001"))
        self.end_tokens(self.LATER)
        assert retention.forget_due(now=self.LATER)["people"] == 1
        assert retention.forget_due(now=self.LATER)["people"] == 0  # on its way already
        rows = session.scalars(select(OutboxRow).where(OutboxRow.topic == "user.erase")).all()
        assert {row.payload["user_id"] for row in rows} == {str(idle.actor.user_id)}
        erasure.erase(idle.actor.user_id, now=self.LATER)
        for row in rows:
            session.delete(row)
        session.commit()
        assert retention.forget_due(now=self.LATER)["people"] == 0
        assert session.get_one(User, officer.actor.user_id).erased_at is None

    def test_a_login_or_a_token_in_use_keeps_a_person(self, app: Flask, people: People, session: Session) -> None:
        person = people.make()
        used = NOW + timedelta(days=700)
        token = session.scalars(select(Token)).one()
        token.last_used_at = used
        session.commit()
        assert retention.forget_due(now=self.LATER)["people"] == 0
        self.end_tokens(used + timedelta(days=31))
        assert session.get_one(User, person.actor.user_id, populate_existing=True).seen_at == used
        assert retention.forget_due(now=self.LATER)["people"] == 0
        assert retention.forget_due(now=used + timedelta(days=731))["people"] == 1


def test_the_list_is_whole_and_changes_nothing(app: Flask, session: Session) -> None:
    shown = app.test_cli_runner().invoke(args=["retention", "show"])
    assert shown.exit_code == 0
    lines = dict(line.split(": ", 1) for line in shown.output.splitlines())
    assert set(lines) == {
        *settable(),
        "tokens",
        "web_sessions",
        "idempotency",
        "unused_photos",
        "people_import_files",
        "audit",
    }
    assert "Kept 1095 days; 0 past it" in lines["photos"]
    assert "Kept for ever" in lines["audit"]
    assert "Kept 2 days" in lines["idempotency"]
    assert "Kept 1 day;" in lines["people_import_files"]
    assert "Kept 8 hours" in lines["web_sessions"]
    ran = app.test_cli_runner().invoke(args=["retention", "run"])
    assert "photos: 0 forgotten" in ran.output


class TestHeld:
    def ask(self, app: Flask, openid: str) -> str:
        done = app.test_cli_runner().invoke(args=["people", "held"], input=f"{openid}\n")
        assert done.exit_code == 0, done.output
        return done.output

    def test_an_operator_sees_what_and_why_and_the_look_is_on_record(
        self, app: Flask, people: People, session: Session, clock: FixedClock
    ) -> None:
        town = reporting.settle(people)
        person = people.make(openid="o-held")
        reporting.file(person, photo_ids=[photo(person)], description=f"联系 {PHONE}")
        assert town.reporter.actor != person.actor
        said = self.ask(app, "o-held")
        assert "openid 1, tokens 1" in said
        assert "photos: entries 1. Why: pictures for reports." in said
        assert "reports: filed 1, steps 1. Why: " in said
        assert "o-held" not in said
        assert PHONE not in said
        row = session.scalars(select(AuditRow).where(AuditRow.action == "user.held_shown")).one()
        assert (row.actor_id, row.subject) == (None, f"user:{person.actor.user_id}")

    def test_nothing_is_held_of_a_stranger_or_the_erased(self, app: Flask, people: People) -> None:
        person: Person = people.make(openid="o-gone")
        erasure.erase(person.actor.user_id, now=NOW)
        for openid in ("o-gone", "o-never-seen", ""):
            assert self.ask(app, openid) == "Nothing is held about this openid.\n"
