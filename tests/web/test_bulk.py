"""One action on what is ticked, each answered by itself; and what waits for a decision."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from sqlalchemy import select, update

from tests.conftest import NOW
from tests.ended import ends_midway
from tests.reporting import NEIGHBOUR, TOWNSHIP, VILLAGE, Town, file_routed, read, take
from tests.web.browsing import Browser, fields_of, form_to, soup_of
from wxapi.kernel.permissions import Role
from wxapi.moderation.models import Check
from wxapi.platform.db import db, transaction
from wxapi.reports.services import bulk, moderate


def bar(browser: Browser, path: str = "/desk") -> Tag:
    return form_to(browser.page(path), "/desk/bulk")


def chosen_from(page: BeautifulSoup) -> set[str]:
    return {str(each["value"]) for each in form_to(page, "/desk/bulk").select("#action option[value]")} - {""}


def tick(report: dict[str, Any]) -> str:
    return f"{report['number']}:{report['version']}"


def results(browser: Browser) -> dict[str, str]:
    page = soup_of(browser.last)
    return {
        str(row["data-key"]): row.find_all("td")[1].get_text(" ", strip=True) for row in page.select("tr[data-key]")
    }


def test_one_stale_among_several(town: Town, browser: Browser) -> None:
    reports = [file_routed(town.reporter) for _ in range(3)]
    take(town.colleague, reports[1], "note", note="看过")
    browser.sign_in(town.worker)
    answer = browser.submit(bar(browser), action="accept", pick=[tick(each) for each in reports])
    assert answer.status_code == 200
    said = results(browser)
    assert said[reports[0]["number"]] == said[reports[2]["number"]] == "成功"
    assert "已被他人更新" in said[reports[1]["number"]]
    states = [read(town.worker, each["id"])["state"] for each in reports]
    assert states == ["accepted", "routed", "accepted"]


def test_a_refusal_at_the_end_leaves_the_first_done(town: Town, browser: Browser) -> None:
    first, last = file_routed(town.reporter), file_routed(town.reporter, NEIGHBOUR)
    browser.sign_in(town.worker)
    browser.submit(bar(browser), action="accept", pick=[tick(first), tick(last), "JZ-00000000:1"])
    assert list(results(browser).values()) == ["成功", "内容不存在，或您无权查看。", "内容不存在，或您无权查看。"]
    assert read(town.worker, first["id"])["state"] == "accepted"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"action": "resolve", "note": "好了"}, 422),
        ({"action": "refuse", "note": "不办"}, 422),
        ({"action": "merge"}, 422),
        ({"action": ""}, 422),
        ({"pick": []}, 422),
        ({"pick": ["JZ-00000000:1"] * 51}, 422),
        ({"pick": ["JZ-00000000:x"]}, 422),
        ({"pick": ["<script>"]}, 422),
    ],
)
def test_what_is_never_done_in_bulk(town: Town, browser: Browser, fields: dict[str, Any], status: int) -> None:
    report = file_routed(town.reporter)
    form = bar(browser.sign_in(town.worker))
    answer = browser.submit(form, **{"action": "accept", "pick": [tick(report)], **fields})
    assert answer.status_code == status
    assert read(town.worker, report["id"])["state"] == "routed"


def test_holds_wait_for_the_township(town: Town, browser: Browser) -> None:
    report = take(town.worker, file_routed(town.reporter), "accept")
    until = (NOW + timedelta(days=5)).date().isoformat()
    report = take(town.worker, report, "request_hold", reason_code="weather", note="等天晴", review_on=until)
    assert browser.sign_in(town.worker).get("/desk/holds").status_code == 404
    queue = browser.page("/desk")
    assert "等待审批" not in queue.get_text()
    # What nobody of a village may ever do is not offered to them.
    assert chosen_from(queue) == {"accept", "hand_on", "note"}
    queue = browser.sign_in(town.officer).page("/desk")
    assert "有 1 件挂账或延期申请等待审批" in queue.get_text()
    assert chosen_from(queue) == {*bulk.BULK_ACTIONS}
    assert [str(row["data-key"]) for row in browser.page("/desk/holds").select("tr[data-key]")] == [report["number"]]
    asked = [cell.get_text() for cell in browser.page("/desk/holds").select("tr[data-key] td .what")][-1]
    assert asked.startswith("申请挂账 ")
    browser.submit(bar(browser, "/desk/holds"), action="approve_hold", pick=[tick(report)])
    assert read(town.officer, report["id"])["state"] == "on_hold"
    assert browser.page("/desk/holds").select("tr[data-key]") == []
    assert "等待审批" not in browser.page("/desk").get_text()
    supervisor = browser.sign_in(town.supervisor)
    assert supervisor.page("/desk").select("input[name=pick]") == []


def test_moderation_is_decided_on_its_page(town: Town, browser: Browser) -> None:
    report = file_routed(town.reporter)
    moderate.begin_checks(uuid.UUID(report["id"]), now=NOW)
    with transaction() as session:
        session.execute(update(Check).where(Check.subject_id == uuid.UUID(report["id"])).values(state="review"))
    assert browser.sign_in(town.worker).get("/desk/moderation").status_code == 404
    page = browser.sign_in(town.officer).page("/desk/moderation")
    form = page.select_one("section form")
    assert form is not None
    assert report["description"] in page.get_text()
    assert browser.submit(form).status_code == 422
    answer = browser.submit(form, decision="show")
    assert answer.status_code == 303
    after = browser.page(str(answer.location))
    assert after.select("section form") == []
    assert "已公开。" in after.get_text()
    # Whoever decided may think again; a colleague before an old list overturns nothing unawares.
    assert browser.submit(form, decision="hide", once="0123456789abcdef").status_code == 303
    late = browser.sign_in(town.people.make((Role.TOWNSHIP_OFFICER, TOWNSHIP)))
    sealed = fields_of(form_to(late.page("/account"), "/account"))
    answer = late.submit(form, decision="show", csrf=sealed["csrf"], once=sealed["once"])
    assert (answer.status_code, "已由其他人员审核" in answer.text) == (409, True)
    states = select(Check.state).where(Check.subject_id == uuid.UUID(report["id"]), Check.decided_by.is_not(None))
    assert db.session.scalars(states).all() == ["risky"]


@pytest.mark.parametrize("ends", [VILLAGE, None], ids=["one of two offices", "every office"])
def test_what_was_done_before_the_right_ended_is_answered(
    town: Town, browser: Browser, monkeypatch: pytest.MonkeyPatch, ends: str | None
) -> None:
    worker = town.people.make((Role.COMMUNITY_WORKER, VILLAGE), (Role.COMMUNITY_WORKER, NEIGHBOUR))
    reports = [file_routed(town.reporter, village) for village in (VILLAGE, VILLAGE, NEIGHBOUR)]
    form = bar(browser.sign_in(worker))
    monkeypatch.setattr(bulk, "act", ends_midway(bulk.act, worker, ends))
    filled = {"action": "accept", "pick": [tick(each) for each in reports]}
    answer = browser.submit(form, **filled)
    assert answer.status_code == 200, answer.text
    said = results(browser)
    gone = "内容不存在，或您无权查看。" if ends else "您的身份不能进行此操作。"
    assert list(said.values()) == ["成功", gone, "成功" if ends else gone]
    states = [read(town.officer, each["id"])["state"] for each in reports]
    assert states == ["accepted", "routed", "accepted" if ends else "routed"]
    again = browser.submit(form, **filled)
    if ends:
        assert (again.text, again.headers["Idempotency-Replayed"]) == (answer.text, "true")
    else:
        assert again.status_code == 404, "nobody without an office has this page"
    assert [read(town.officer, each["id"])["state"] for each in reports] == states
