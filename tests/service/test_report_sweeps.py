"""What time does with reports; every job runs twice and does its work once."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tests.reporting import (
    COUNTY,
    TOWNSHIP,
    VILLAGE,
    Town,
    accepted,
    actions_of,
    file,
    file_routed,
    read,
    resolved,
    take,
)
from wxapi.identity.models import AppointmentRow
from wxapi.identity.services import personal_data
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.deadlines import Limits
from wxapi.platform.db import transaction
from wxapi.reports.models import Report, ReportEvent, ReportJoin
from wxapi.reports.queries import reports
from wxapi.reports.rules import categories
from wxapi.reports.services import apply, join, route, timers
from wxapi.reports.services.duties import folded
from wxapi.reports.services.duty_checks import stored as stored_duties


def twice(sweep: Callable[..., int], now: datetime) -> tuple[int, int]:
    return sweep(now=now), sweep(now=now)


def test_routing_twice_routes_once(town: Town, clock: FixedClock) -> None:
    report = file_routed(town.reporter)
    route.route_report(uuid.UUID(report["id"]), now=clock.now() + timedelta(hours=1))
    assert read(town.reporter, report["id"]) == report
    route.route_report(uuid.uuid4(), now=clock.now())  # what is not there is no fault


def test_a_withdrawn_report_is_not_routed(town: Town, clock: FixedClock) -> None:
    report = take(town.reporter, file(town.reporter), "withdraw")
    route.route_report(uuid.UUID(report["id"]), now=clock.now())
    assert read(town.reporter, report["id"])["state"] == "withdrawn"


def test_a_desk_nobody_is_appointed_to_is_the_townships_to_sort(town: Town, session: Session) -> None:
    for row in session.scalars(select(AppointmentRow).where(AppointmentRow.region_code == VILLAGE)):
        row.ended_at = datetime(2026, 11, 1, tzinfo=UTC)
    session.commit()
    report = file_routed(town.reporter)
    assert (report["state"], report["desk"]["code"]) == ("triage", TOWNSHIP)
    assert report["respond_due_at"] is not None


def test_confidential_reports_name_the_county_for_a_copy(town: Town, session: Session) -> None:
    report = file_routed(town.reporter, category_code="X0201")
    row = session.get_one(Report, uuid.UUID(report["id"]))
    assert (row.excluded_village_code, row.copy_codes) == (VILLAGE, [COUNTY])


def test_silence_closes(town: Town, clock: FixedClock) -> None:
    report = resolved(town)
    week = clock.now() + timedelta(days=7)
    assert twice(timers.close_silent, week - timedelta(seconds=1)) == (0, 0)
    assert twice(timers.close_silent, week) == (1, 0)
    closed = read(town.reporter, report["id"])
    assert (closed["state"], actions_of(closed)[-1]) == ("closed", "auto_close")


def test_a_hold_ends_on_the_morning_of_its_review(town: Town) -> None:
    hold = {"reason_code": "weather", "note": "等天晴", "review_on": "2026-12-01"}
    report = take(town.worker, accepted(town), "request_hold", **hold)
    take(town.officer, report, "approve_hold")
    assert twice(timers.resume_holds, datetime(2026, 11, 30, 15, 59, tzinfo=UTC)) == (0, 0)  # 23:59 in Shanghai
    assert twice(timers.resume_holds, datetime(2026, 11, 30, 16, 0, tzinfo=UTC)) == (1, 0)
    resumed = read(town.worker, report["id"])
    assert (resumed["state"], resumed["timeline"][-1]["by"]["role"]) == ("accepted", "system")


def test_reminder_then_yellow_then_red(town: Town) -> None:
    report = file_routed(town.reporter)  # due at noon, Monday
    assert twice(timers.remind, datetime(2026, 11, 23, 3, 35, tzinfo=UTC)) == (0, 0)
    assert twice(timers.remind, datetime(2026, 11, 23, 3, 36, tzinfo=UTC)) == (1, 0)  # 96 of 120 minutes
    assert twice(timers.mark_overdue, datetime(2026, 11, 23, 4, 0, tzinfo=UTC)) == (0, 0)
    assert twice(timers.mark_overdue, datetime(2026, 11, 23, 4, 1, tzinfo=UTC)) == (1, 0)
    assert read(town.reporter, report["id"])["card"] == "yellow"
    assert twice(timers.mark_overdue, datetime(2026, 11, 30, 3, 59, tzinfo=UTC)) == (0, 0)
    assert twice(timers.mark_overdue, datetime(2026, 11, 30, 8, 0, tzinfo=UTC)) == (1, 0)
    late = read(town.reporter, report["id"])
    assert (late["card"], actions_of(late)) == ("red", ["file", "route", "remind", "card", "card"])


def test_nobody_hears_that_time_runs_out_when_it_has(town: Town) -> None:
    report = file_routed(town.reporter)  # due at noon, Monday
    assert twice(timers.mark_overdue, datetime(2026, 11, 23, 4, 1, tzinfo=UTC)) == (1, 0)
    assert twice(timers.remind, datetime(2026, 11, 23, 4, 1, tzinfo=UTC)) == (0, 0)
    assert actions_of(read(town.reporter, report["id"])) == ["file", "route", "card"]


def test_a_second_yellow_is_found_at_once(town: Town) -> None:
    report = file_routed(town.reporter)
    timers.mark_overdue(now=datetime(2026, 11, 23, 4, 1, tzinfo=UTC))
    take(town.worker, read(town.worker, report["id"]), "accept")
    due = datetime.fromisoformat(report["resolve_due_at"])
    assert twice(timers.mark_overdue, due + timedelta(minutes=1)) == (1, 0)
    assert read(town.worker, report["id"])["card"] == "red"


def test_erasing_a_person_leaves_his_reports(town: Town, app: Flask, session: Session, clock: FixedClock) -> None:
    report = file_routed(town.reporter)
    town.stranger.post(f"/reports/{report['id']}/me-too", {})
    held = town.reporter.get("/me/data").get_json()["reports"]
    assert [each["number"] for each in held["filed"]] == [report["number"]]
    for person in (town.reporter, town.stranger):
        with transaction() as open_session:
            for part in app.extensions["wxapi.personal_data"]:
                assert isinstance(part, personal_data.PersonalData)
                part.erase(open_session, person.actor.user_id, clock.now())
    row = session.get_one(Report, uuid.UUID(report["id"]))
    session.refresh(row)
    assert (row.reporter_id, row.me_too_count) == (None, 1)
    actors = session.scalars(select(ReportEvent.actor_id).where(ReportEvent.report_id == row.id)).all()
    assert set(actors) == {None}
    seen = read(town.worker, report["id"])
    assert (seen["description"], seen["reporter"]["is_me"]) == (report["description"], False)


def test_a_report_whose_job_died_is_routed_by_the_sweep(town: Town, clock: FixedClock) -> None:
    report = file(town.reporter)
    assert twice(route.route_unrouted, clock.now() + timedelta(minutes=4)) == (0, 0)
    assert twice(route.route_unrouted, clock.now() + timedelta(minutes=6)) == (1, 0)
    assert read(town.reporter, report["id"])["state"] == "routed"


def test_yellows_that_wait_for_red_do_not_starve_new_cards(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "BATCH", 2)
    monday, later = datetime(2026, 11, 23, 4, 1, tzinfo=UTC), datetime(2026, 11, 29, 4, 0, tzinfo=UTC)
    old = [file_routed(town.reporter) for _ in range(2)]
    assert timers.mark_overdue(now=monday) == 2
    new = file_routed(town.reporter)
    with transaction() as session:
        session.get_one(Report, uuid.UUID(new["id"])).due_at = later - timedelta(days=2)
    # Six days, but not yet five working days past due: the old ones stay yellow, the new one gets its card.
    assert timers.mark_overdue(now=later) == 1
    assert read(town.reporter, new["id"])["card"] == "yellow"
    assert {read(town.reporter, each["id"])["card"] for each in old} == {"yellow"}


def test_one_report_that_fails_does_not_stop_a_sweep(town: Town, clock: FixedClock) -> None:
    poisoned, sound = resolved(town), resolved(town)
    with transaction() as session:
        session.get_one(Report, uuid.UUID(poisoned["id"])).extension = "nonsense"
    assert timers.close_silent(now=clock.now() + timedelta(days=8)) == 1
    assert read(town.reporter, sound["id"])["state"] == "closed"


def test_a_class_that_left_the_table_is_read_listed_and_swept(town: Town, clock: FixedClock) -> None:
    report = resolved(town)
    with transaction() as session:
        session.get_one(Report, uuid.UUID(report["id"])).category_code = "E0198"
    assert read(town.reporter, report["id"])["category"]["name"] == "已停用的类别（E0198）"
    assert twice(timers.close_silent, clock.now() + timedelta(days=8)) == (1, 0)


def test_a_change_of_the_table_of_classes_is_for_reports_routed_from_then_on(
    town: Town, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Due times, what an extension adds to and what the duties say stay those of the day it was routed."""
    before = accepted(town)
    table = dict(categories.all_categories())
    table["E0102"] = replace(table["E0102"], respond_hours=1, resolve_hours=2, urgent=True)
    monkeypatch.setattr(categories, "all_categories", lambda: table)
    after = accepted(town)
    stored = [session.get_one(Report, uuid.UUID(each["id"])) for each in (before, after)]
    assert [apply.case_of(report).limits for report in stored] == [
        Limits(timedelta(hours=2), timedelta(hours=8), urgent=False),
        Limits(timedelta(hours=1), timedelta(hours=2), urgent=True),
    ]
    report = take(town.worker, before, "ask", note="在哪一侧？")
    report = take(town.reporter, report, "answer", note="北侧")
    assert report["resolve_due_at"] == before["resolve_due_at"]
    for each in stored:
        assert sorted(
            folded(each, reports.events_of(session, each.id)), key=lambda duty: (duty.stage, duty.seq)
        ) == stored_duties(session, each.id)


def test_an_account_that_was_erased_and_comes_back_is_not_counted_again(
    town: Town, session: Session, clock: FixedClock
) -> None:
    """Its mark names nobody; another account counts."""
    report = file_routed(town.reporter)
    stored = session.get_one(Report, uuid.UUID(report["id"]))
    joiner, other = town.stranger.actor, town.officer.actor
    counts = []
    for person in (joiner, other, joiner):
        join.join(person, stored.id, (), now=clock.now())
        counts.append(stored.me_too_count)
        session.execute(delete(ReportJoin).where(ReportJoin.user_id == joiner.user_id))
    assert counts == [1, 2, 2]
