"""A city changes its rules: what is under way keeps its limits, what is routed from then on has the new ones."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests import reporting
from tests.reporting import Town, file_routed
from wxapi.kernel import city
from wxapi.kernel.clock import FixedClock, local_day
from wxapi.reports.models import Report


@pytest.fixture(autouse=True)
def the_city_before() -> Iterator[None]:
    before = city.city()
    yield
    city.use(before)


def change(code: str, **changed: Any) -> None:
    """Change one class, as an edited categories.csv does at the next start."""
    now = city.city()
    rows = tuple(replace(row, **changed) if row.code == code else row for row in now.categories)
    assert rows != now.categories
    city.use(replace(now, categories=rows))


def stored(session: Session, report: dict[str, Any]) -> Report:
    return session.get_one(Report, uuid.UUID(report["id"]), populate_existing=True)


def act(town: Town, person: Any, report: dict[str, Any], action: str, **given: Any) -> dict[str, Any]:
    version = reporting.read(person, report["id"])["version"]
    answer = person.post(f"/reports/{report['id']}/actions", {"action": action, "version": version, **given})
    assert answer.status_code == 200, answer.get_json()
    body: dict[str, Any] = answer.get_json()
    return body


def test_limits_are_those_of_the_time_of_routing(town: Town, session: Session, clock: FixedClock) -> None:
    """Also when the old report's clock stops and starts, or it goes to another desk."""
    before = file_routed(town.reporter)
    old = stored(session, before)
    due, limit = old.resolve_due_at, old.resolve_limit_s
    assert limit
    hours = limit // 3600
    change("E0102", respond_hours=1, resolve_hours=hours + 7)
    after = stored(session, file_routed(town.reporter))
    assert after.resolve_limit_s == (hours + 7) * 3600
    assert after.resolve_due_at != due
    assert stored(session, before).resolve_due_at == due
    act(town, town.worker, before, "return", reason_code="not_ours", note="不在本村")
    act(town, town.officer, before, "assign_desk", desk_code=reporting.VILLAGE)
    again = stored(session, before)
    assert again.resolve_limit_s == limit
    unchanged = file_routed(town.reporter)
    act(town, town.worker, unchanged, "return", reason_code="not_ours", note="不在本村")
    clock.at += timedelta(minutes=1)
    assert stored(session, unchanged).resolve_limit_s == (hours + 7) * 3600


def test_a_class_that_retired_takes_nothing_new_and_stays_readable(town: Town) -> None:
    report = file_routed(town.reporter)
    change("E0102", retired=True)
    refused = town.reporter.post("/reports", reporting.body(), key=uuid.uuid4().hex)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "category_retired")
    name = reporting.read(town.reporter, report["id"])["category"]["name"]
    assert name == report["category"]["name"]
    listed = town.worker.get("/reports?scope=desk").get_json()["items"]
    assert [each["category"]["name"] for each in listed] == [name]


def test_a_class_that_is_gone_shows_its_code(town: Town) -> None:
    report = file_routed(town.reporter)
    now = city.city()
    city.use(replace(now, categories=tuple(row for row in now.categories if row.code != "E0102")))
    assert reporting.read(town.reporter, report["id"])["category"] == {
        "code": "E0102",
        "name": "已停用的类别（E0102）",
    }
    assert len(town.reporter.get("/reports?scope=mine").get_json()["items"]) == 1


def test_holds_and_extensions_are_as_long_as_the_city_lets_them(town: Town, clock: FixedClock) -> None:
    now = city.city()
    city.use(replace(now, workflow=replace(now.workflow, hold_days=5, extension_days=2)))
    report = file_routed(town.reporter)
    act(town, town.worker, report, "accept")
    version = reporting.read(town.worker, report["id"])["version"]
    day = local_day(clock.now())
    asked: dict[str, Any] = {"action": "request_hold", "version": version, "reason_code": "weather", "note": "待天晴"}
    path = f"/reports/{report['id']}/actions"
    refused = town.worker.post(path, asked | {"review_on": (day + timedelta(days=6)).isoformat()})
    assert refused.status_code == 422
    assert refused.get_json()["errors"] == {"review_on": ["须为明天起5天之内的日期。"]}
    longer = {"action": "request_extension", "version": version, "days": 3, "note": "需采购"}
    refused = town.worker.post(path, longer)
    assert refused.get_json()["errors"] == {"days": ["须为1至2天。"]}
    assert town.worker.post(path, longer | {"days": 2}).status_code == 200


def test_days_of_the_workflow_count_at_the_next_look(town: Town, clock: FixedClock) -> None:
    """A report that is open already can be reopened as long as the city says now."""
    report = file_routed(town.reporter)
    act(town, town.worker, report, "accept")
    act(town, town.worker, report, "resolve", note="已处理", photo_ids=[reporting.photo(town.worker)])
    act(town, town.reporter, report, "confirm", rating=5)
    clock.at += timedelta(days=4)
    now = city.city()
    assert "reopen" in reporting.read(town.reporter, report["id"])["available_actions"]
    city.use(replace(now, workflow=replace(now.workflow, reopen_days=3)))
    assert "reopen" not in reporting.read(town.reporter, report["id"])["available_actions"]
