"""待办, 统计, 导出, 全景: the numbers of the API as pages, for those who may see them."""

import uuid
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import reporting
from tests.reporting import COUNTY, TOWNSHIP, VILLAGE, Town, file_routed
from tests.web.browsing import Browser, form_to
from wxapi.identity.services import roster_imports
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.platform.refusals import counter_of
from wxapi.platform.runtime import runtime
from wxapi.supervision.models import Export
from wxapi.supervision.rules.export_states import FAILURE_WORDS, STATE_WORDS, ExportState
from wxapi.supervision.services import export_making
from wxapi.web.kit.drawing import bars, line, shade, value_classes

PAGES = ("/work", "/statistics", "/exports", "/panorama")


@pytest.mark.parametrize("path", PAGES)
def test_offices_see_the_page_others_nothing(town: Town, browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 303
    browser.sign_in(town.reporter)
    assert browser.get(path).status_code == 404
    browser.sign_in(town.officer)
    page = browser.page(path)
    assert page.h1 is not None
    assert {"待办", "全景", "统计", "导出"} <= {link.text for link in page.select(".bar nav a")}


def test_the_inbox_shows_what_the_api_counts(town: Town, browser: Browser) -> None:
    report = file_routed(town.reporter)
    browser.sign_in(town.worker)
    page = browser.page("/work")
    assert [row.a.text for row in page.select("tbody tr")] == [report["number"]] * 2
    assert "受理" in page.select_one("tbody tr").text
    rows = browser.get("/work/rows")
    assert browser.get("/work/rows", headers={"If-None-Match": rows.headers["ETag"]}).status_code == 304
    reporting.take(town.worker, report, "accept")
    assert len(browser.page("/work").select("tbody tr")) == 1
    # What waits for the person themselves leads to where they say it.
    own = reporting.resolved(town, reporting.take(town.worker, file_routed(town.neighbour), "accept"))
    assert browser.sign_in(town.neighbour).page("/work").select(f'a[href="/m/r/{own["number"]}"]')


def test_who_stands_above_sees_what_is_late_below(town: Town, browser: Browser, clock: FixedClock) -> None:
    report = file_routed(town.reporter)
    clock.advance(days=9)
    browser.sign_in(town.worker)
    assert "所辖单位超期" not in browser.page("/work").text
    browser.sign_in(town.officer)
    assert browser.page("/work").select("tbody tr") == []
    late = browser.page("/work?scope=below").select("tbody tr")
    assert {row.a.text for row in late} == {report["number"]}


def test_few_cases_and_few_ratings_say_that_they_are_few(town: Town, browser: Browser, clock: FixedClock) -> None:
    done = reporting.resolved(town)
    reporting.take(town.reporter, done, "confirm", rating=5)
    clock.advance(days=9)
    browser.sign_in(town.supervisor)
    assert "（1 个评分，不足 5 个不显示）" in browser.page("/statistics").get_text()
    assert "（应办不足 10 件，仅供参考）" in browser.page("/panorama").get_text()


def test_statistics_show_the_table_of_the_api(town: Town, browser: Browser) -> None:
    file_routed(town.reporter)
    browser.sign_in(town.supervisor)
    page = browser.page(f"/statistics?region={COUNTY}")
    table = town.supervisor.get(f"/statistics?set=reports&region={COUNTY}").json
    shown = [[cell.text for cell in row.find_all(["th", "td"])] for row in page.select("table tbody tr")]
    assert [row[0] for row in shown] == [row["name"] for row in table["rows"]]
    assert [int(row[1]) for row in shown] == [row["filed"] for row in table["rows"]]
    months = browser.page(f"/statistics?region={COUNTY}&group_by=month").select("table tbody th")
    assert [month.text for month in months] == ["2026年10月", "2026年11月"]
    assert browser.get("/statistics?region=421003").status_code == 404
    assert browser.get("/statistics?from=2026-01-01&to=2027-06-01").status_code == 422


def test_an_export_is_asked_for_made_and_thrown_away(town: Town, browser: Browser) -> None:
    browser.sign_in(town.officer)
    form = form_to(browser.page("/exports"), "/exports")
    refused = browser.submit(form, kind="duties", format="geojson")
    assert refused.status_code == 422
    assert "不能导出为所选格式" in refused.text
    form = form_to(browser.page("/exports"), "/exports")
    assert browser.submit(form, kind="statistics", format="csv", region=TOWNSHIP).status_code == 303
    asked = town.officer.get("/exports").json["items"][0]
    export_making.make(uuid.UUID(asked["id"]), now=runtime().clock.now())
    page = browser.page("/exports")
    assert page.select_one("a[download]") is not None
    assert browser.submit(form_to(page, f"/exports/{asked['id']}/delete")).status_code == 303
    assert browser.page("/exports").select_one("a[download]") is None


def test_pages_say_how_long_this_city_keeps(app: Flask, town: Town, browser: Browser, monkeypatch: Any) -> None:
    config = replace(runtime().config, export_days=3, retention={"people_imports": 30})
    monkeypatch.setitem(app.extensions, "wxapi", replace(app.extensions["wxapi"], config=config))
    assert "保留 3 天" in browser.sign_in(town.officer).page("/exports").get_text()
    admin = town.people.make((Role.ADMIN, COUNTY))
    roster_imports.ask(admin.actor, "姓名,职务\n".encode(), dry_run=True, now=runtime().clock.now())
    assert "保留 30 天" in browser.sign_in(admin).page("/desk/people/imports").get_text()


def test_an_export_says_where_it_stands_and_why_it_failed(town: Town, browser: Browser, session: Session) -> None:
    browser.sign_in(town.officer)
    browser.submit(form_to(browser.page("/exports"), "/exports"), kind="statistics", format="csv", region=TOWNSHIP)
    export = session.scalars(select(Export)).one()
    for state in set(ExportState) - {ExportState.READY}:  # with its file: the test above
        export.state = state
        session.flush()
        assert STATE_WORDS[state] in browser.page("/exports").select_one("tbody .badge").text
    export.state = ExportState.FAILED
    for code, said in (*FAILURE_WORDS.items(), ("period_invalid", "所选条件已不可用")):
        export.code = code
        session.flush()
        for path in ("/exports", "/exports/rows"):
            text = browser.page(path).get_text()
            assert said in text
            assert code not in text


def test_the_panorama_has_a_map_and_the_same_numbers_as_a_table(
    town: Town, browser: Browser, clock: FixedClock
) -> None:
    file_routed(town.reporter)
    clock.advance(minutes=2)  # figures of another test are kept for a minute
    browser.sign_in(town.officer)
    page = browser.page("/panorama")
    paths = page.select("svg.map path")
    assert len(paths) == 3
    titles = {path.title.text for path in paths}
    assert "001村：1 件" in titles
    assert [sign.text for sign in page.select(".legend span") if sign.text] == ["0", "1", "（件）"]
    rows = {
        row.th.text: [cell.text for cell in row.find_all("td")] for row in page.select('[data-part="places"] tbody tr')
    }
    assert rows["001村"] == ["1", "1", "0"]
    assert browser.get(f"/panorama/{COUNTY}").status_code == 404
    assert browser.get("/panorama/%E4%B8%AD").status_code == 404


def test_a_wall_is_dark_and_has_no_menu(town: Town, browser: Browser) -> None:
    browser.sign_in(town.worker)
    page = browser.page(f"/panorama/{VILLAGE}?wall=1")
    assert "wall" in page.body["class"]
    assert page.select(".bar nav") == []
    assert len(page.select(".view")) == 3
    fragment = browser.get(page.select_one("[data-refresh]")["data-refresh"])
    assert fragment.status_code == 200


def test_a_shade_says_how_many_and_nothing_is_told_from_little() -> None:
    steps = value_classes((0, 1, 5, 9, 30))
    assert steps == [(1, 8), (9, 16), (17, 24), (25, 32)]
    assert [shade(value, steps) for value in (0, 1, 5, 9, 30)] == [0, 1, 1, 2, 4]
    # One place alone is dark where it has much, and equal values stand alike; few have a class each.
    assert shade(37, value_classes((0, 37))) == 4
    assert value_classes((2, 1)) == [(1, 1), (2, 2)]
    assert value_classes(()) == value_classes((0, 0)) == []
    assert shade(0, []) == 0


def test_the_longest_bar_and_the_highest_point_reach_the_edge() -> None:
    assert bars((0, 5, 10)) == [0, 50, 100]
    assert bars((0, 0)) == [0, 0]
    assert line((0, 2), width=10, height=10) == "0,10 10,0"


def test_what_was_refused_is_told_in_words(town: Town, browser: Browser, app: Flask) -> None:
    assert town.reporter.get("/audit").status_code == 403
    counter_of(app).write()
    browser.sign_in(town.people.make((Role.AUDITOR, "4210")))
    row = browser.page("/audit/refusals").select("tbody tr")[0].get_text(" ")
    for told in ("审计记录", "auditing.read_audit", "您的身份不能进行此操作", "role_not_allowed"):
        assert told in row
