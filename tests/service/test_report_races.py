"""Many hands on one report at the same moment, each on a connection of its own."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from tests import reporting
from tests.at_once import at_once
from tests.conftest import NOW, random_key
from tests.factories import People
from tests.processes import await_true
from tests.reporting import Town, body, file_routed, read, refused, take, try_to
from wxapi.platform.db import db
from wxapi.platform.outbox import OutboxRow
from wxapi.reports.models import Report, ReportEvent, ReportJoin
from wxapi.reports.services import route

Result = TypeVar("Result")
_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@pytest.fixture(scope="module")
def committing_app(make_committing_app: Callable[..., AbstractContextManager[Flask]]) -> Iterator[Flask]:
    with make_committing_app() as made:
        yield made


@pytest.fixture(scope="module")
def town(committing_app: Flask) -> Town:
    return reporting.settle(People(committing_app))


def count_of(query: object) -> int:
    with db.engine.connect() as connection:
        return int(connection.scalar(query) or 0)


def test_twenty_identical_filings_make_one_report(town: Town) -> None:
    file_routed(town.reporter)  # all threads know the city by now: none of them finds the place outside of it
    key, sent = random_key(), body(description="二十次")
    answers = at_once([lambda: town.reporter.post("/reports", sent, key=key)] * 20)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 19
    assert count_of(select(func.count()).where(Report.description == "二十次")) == 1
    report_id = answers[0].get_json()["id"]
    filed = select(func.count()).where(OutboxRow.payload["report_id"].astext == report_id)
    assert count_of(filed) == 1


def test_of_two_actions_on_one_version_exactly_one_wins(town: Town) -> None:
    for _ in range(5):
        report = file_routed(town.reporter)
        answers = at_once(
            [
                lambda report=report: try_to(town.worker, report, "accept"),
                lambda report=report: try_to(town.colleague, report, "accept"),
                lambda report=report: try_to(town.reporter, report, "withdraw"),
            ]
        )
        won = [answer.get_json() for answer in answers if answer.status_code == 200]
        assert len(won) == 1
        lost = [answer for answer in answers if answer.status_code != 200]
        assert {refused(answer)[:2] for answer in lost} == {(409, "version_conflict")}
        now = read(town.reporter, report["id"])
        assert {(p.get_json()["version"], p.get_json()["state"]) for p in lost} == {(now["version"], now["state"])}
        assert now["version"] == won[0]["version"] == report["version"] + 1


def test_a_job_that_runs_many_times_at_once_routes_once(town: Town) -> None:
    report_id = uuid.UUID(reporting.file(town.reporter)["id"])
    app = town.reporter.app

    def route_once() -> None:
        with app.app_context():
            route.route_report(report_id, now=NOW)
            db.session.remove()

    at_once([route_once] * 6)
    routes = select(func.count()).where(ReportEvent.report_id == report_id, ReportEvent.action == "route")
    assert count_of(routes) == 1


def test_joining_counts_persons_while_the_desk_works(town: Town) -> None:
    report = file_routed(town.reporter)
    people = [town.people.make() for _ in range(6)]
    path = f"/reports/{report['id']}/me-too"
    calls = [lambda person=person: person.post(path, {}) for person in people for _ in range(2)]
    answers = at_once([*calls, lambda: try_to(town.worker, report, "accept")])
    assert {answer.status_code for answer in answers} == {200}
    now = read(town.worker, report["id"])
    assert (now["me_too_count"], now["state"], now["version"]) == (6, "accepted", report["version"] + 1)


def test_reports_merged_into_one_another_at_once_do_not_deadlock(town: Town) -> None:
    for _ in range(3):
        one, two = file_routed(town.reporter), file_routed(town.reporter)
        answers = at_once(
            [
                lambda one=one, two=two: try_to(town.worker, one, "merge", into=two["id"]),
                lambda one=one, two=two: try_to(town.colleague, two, "merge", into=one["id"]),
            ]
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]


def test_an_unmerge_that_waited_while_the_report_above_was_merged_on_leaves_nobody_behind(town: Town) -> None:
    other, last = town.people.make(), file_routed(town.reporter)
    while True:  # locks are taken in the order of the ids: the merged one's first
        merged, survivor = file_routed(other), file_routed(town.reporter)
        if merged["id"] < survivor["id"]:
            break
    take(town.worker, merged, "merge", into=survivor["id"])
    merged, survivor = (read(town.worker, each["id"]) for each in (merged, survivor))
    with ThreadPoolExecutor() as pool:
        with db.engine.begin() as connection:
            connection.execute(select(Report.id).where(Report.id == merged["id"]).with_for_update())
            unmerge = pool.submit(try_to, town.worker, merged, "unmerge")
            await_true(lambda: count_of(_WAITING))
            take(town.colleague, survivor, "merge", into=last["id"])
        answer = unmerge.result()
    assert refused(answer)[:2] == (409, "version_conflict")
    take(town.worker, merged, "unmerge")
    joined = select(func.count()).where(ReportJoin.user_id == other.actor.user_id)
    assert count_of(joined) == read(town.worker, last["id"])["me_too_count"] == 0


def test_two_at_once_with_one_after_photo_resolve_once(town: Town) -> None:
    report = take(town.worker, file_routed(town.reporter), "accept")
    picture = reporting.photo(town.worker)
    resolve = {"note": "好了", "photo_ids": [picture]}
    answers = at_once([lambda: try_to(town.worker, report, "resolve", **resolve)] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
