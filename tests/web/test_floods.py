"""What one person may do so often by the API, they may do as often by a page, and both together."""

import uuid

import pytest
from flask import Flask

from tests import reporting
from tests.factories import People
from tests.reporting import Town
from tests.web.browsing import Browser, fields_of, form_to


@pytest.fixture
def town(limited_app: Flask) -> Town:
    return reporting.settle(People(limited_app))


def flood(browser: Browser, path: str, times: int, action: str | None = None) -> list[int]:
    """Send a page's form again and again, as it stands: a refusal of what it says counts, too."""
    form = form_to(browser.page(path), action or path)
    return [browser.submit(form).status_code for _ in range(times)]


def test_reports_from_a_browser(limited_app: Flask, town: Town) -> None:
    browser = Browser(limited_app).sign_in(town.reporter)
    statuses = flood(browser, "/m/new", 31)
    assert 429 not in statuses[:30]
    assert statuses[30] == 429
    assert int(browser.last.headers["Retry-After"]) > 0
    assert town.reporter.post("/reports", reporting.body(), key="x").status_code == 429
    assert town.stranger.post("/reports", reporting.body(), key="x").status_code == 201


def test_actions_from_a_browser(limited_app: Flask, town: Town) -> None:
    report = reporting.file_routed(town.reporter)
    for person, path, end in ((town.worker, "/desk/r/", "?"), (town.reporter, "/m/r/", "")):
        own = path + report["number"]
        browser = Browser(limited_app).sign_in(person)
        elsewhere = f"/reports/{uuid.uuid4()}/actions"
        assert {person.post(elsewhere, {"action": "note"}).status_code for _ in range(120)} == {422}
        assert flood(browser, own, 1, own + end) == [429]


def test_actions_on_many(limited_app: Flask, town: Town) -> None:
    browser = Browser(limited_app).sign_in(town.worker)
    reporting.file_routed(town.reporter)
    statuses = flood(browser, "/desk", 31, "/desk/bulk")
    assert 429 not in statuses[:30]
    assert statuses[30] == 429
    assert fields_of(form_to(browser.page("/desk"), "/desk/bulk")), "reading goes on"
