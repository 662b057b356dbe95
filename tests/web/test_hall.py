"""The hall's pages: who sees which, making, changing, publishing and cancelling a session, and the screen."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import update

from tests.factories import People, Person
from tests.schooling import COUNTY, OTHER_COUNTY, School, plan
from tests.statements import count_statements
from tests.web.browsing import Browser, fields_of, form_to, soup_of
from tests.web.test_frame import weight
from wxapi.identity.models import User
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db, transaction
from wxapi.training.models import TrainingSession
from wxapi.training.services.hall_screen import LOOK_LIFE

EVIL = '<script>alert(1)</script>"><svg onload=alert(2)>'
PAGES = ("", "/change", "/cancel", "/screen", "/screen/state", "/roll", "/roll/rows", "/roll.xlsx", "/review", "/leave")
FOR_STEWARDS = {"/roll", "/roll/rows"}
ACTIONS = ("/change", "/publish", "/cancel", "/roll", "/review", "/leave", "/tick")


def draft(school: School, **changes: Any) -> dict[str, Any]:
    made = school.organiser.post("/training/sessions", plan(**changes))
    assert made.status_code == 201, made.text
    return dict(made.json)


def stored(session_id: str) -> TrainingSession:
    row = db.session.get(TrainingSession, uuid.UUID(session_id), populate_existing=True)
    assert row is not None
    return row


def named(person: Person, nickname: str) -> None:
    with transaction() as session:
        session.execute(update(User).where(User.id == person.actor.user_id).values(nickname=nickname))


def filled(**changes: Any) -> dict[str, Any]:
    return {
        "title": "冬季轮训第一课",
        "kind": "rotation",
        "region_code": COUNTY,
        "starts_at": "2026-12-01T09:00",
        "ends_at": "2026-12-01T11:30",
        "place": "区委党校报告厅",
    } | changes


class TestWhoSeesWhat:
    def test_roles_and_pages(self, app: Flask, school: School, people: People) -> None:
        hall = school.make()
        expected: list[tuple[Person, set[str]]] = [
            (school.organiser, set(PAGES)),
            (school.steward, FOR_STEWARDS),
            (school.stranger, set()),
            (people.make((Role.TRAINING_STEWARD, OTHER_COUNTY)), set()),
            (school.member, set()),
            (people.make((Role.SUPERVISOR, COUNTY)), set()),
            (people.make(), set()),
        ]
        for person, seen in expected:
            browser = Browser(app).sign_in(person)
            for path in PAGES:
                with browser.get(f"/hall/{hall['id']}{path}") as answer:
                    assert answer.status_code == (200 if path in seen else 404), (person.actor, path)

    def test_what_is_sent_to_another_region_is_not_found(self, app: Flask, school: School) -> None:
        hall = school.make()
        foreign = Browser(app).sign_in(school.stranger)
        sealed = fields_of(form_to(foreign.page("/hall/new"), "/hall/new"))
        for path in ACTIONS:
            sent = {"csrf": sealed["csrf"], "once": uuid.uuid4().hex, "version": "1"}
            answer = foreign.client.post(f"/hall/{hall['id']}{path}", data=sent, headers={"Accept": "text/html"})
            assert answer.status_code == 404, path

    def test_a_steward_only_ticks(self, app: Flask, school: School) -> None:
        hall = school.make()
        browser = Browser(app).sign_in(school.steward)
        page = browser.page(f"/hall/{hall['id']}/roll")
        assert {str(form["action"]) for form in page.find_all("form")} == {f"/hall/{hall['id']}/tick?"}
        sealed = fields_of(form_to(page, f"/hall/{hall['id']}/tick?"))
        for path in set(ACTIONS) - {"/tick"}:
            sent = {**sealed, "once": uuid.uuid4().hex}
            answer = browser.client.post(f"/hall/{hall['id']}{path}", data=sent, headers={"Accept": "text/html"})
            assert answer.status_code == 404, path

    def test_drafts_are_for_organisers(self, app: Flask, school: School) -> None:
        hall = draft(school)
        for person, status in ((school.organiser, 200), (school.steward, 404), (school.stranger, 404)):
            assert Browser(app).sign_in(person).get(f"/hall/{hall['id']}/roll").status_code == status
        assert hall["id"] not in Browser(app).sign_in(school.steward).get("/hall").text

    def test_strangers_are_led_to_the_login(self, school: School, browser: Browser) -> None:
        hall = school.make()
        for path in PAGES:
            answer = browser.get(f"/hall/{hall['id']}{path}")
            assert (answer.status_code, answer.location.split("?")[0]) == (303, "/login")

    def test_the_organisers_start(self, school: School, browser: Browser) -> None:
        assert browser.sign_in(school.organiser).get("/").location == "/hall"
        assert browser.sign_in(school.steward).get("/").location == "/hall"
        assert "本区域目前没有已发布的培训" in browser.page("/hall").get_text()


class TestMaking:
    def test_from_form_to_draft_to_published(self, school: School, browser: Browser) -> None:
        browser.sign_in(school.organiser)
        form = form_to(browser.page("/hall/new"), "/hall/new")
        sent = filled(capacity="120", credit_hours="2.5", audience_regions=[COUNTY], audience_roles=["street_chief"])
        answer = browser.submit(form, **sent, sign_out="1")
        assert answer.status_code == 303
        row = stored(answer.location.split("?")[0].rpartition("/")[2])
        assert (row.title, row.capacity, float(row.credit_hours or 0), row.sign_out) == (
            "冬季轮训第一课",
            120,
            2.5,
            True,
        )
        assert row.starts_at.isoformat() == "2026-12-01T01:00:00+00:00"
        assert (row.audience_region_codes, row.audience_roles, row.state) == ([COUNTY], ["street_chief"], "draft")
        page = browser.page(answer.location)
        assert "草稿已保存" in page.get_text()
        assert "发布后不能退回草稿" in page.get_text()
        assert browser.submit(form_to(page, f"/hall/{row.id}/publish")).status_code == 303
        assert stored(str(row.id)).state == "published"

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"title": ""}, "必填"),
            ({"ends_at": "2026-12-01T08:00"}, "必须晚于开始时间"),
            ({"starts_at": "昨天"}, ""),
            ({"capacity": "many"}, ""),
            ({"capacity": "-5"}, ""),
            ({"credit_hours": "2.55"}, "最多一位小数"),
            ({"longitude": "112.2"}, ""),
            ({"radius_m": "200"}, "缺少会场位置"),
            ({"audience_regions": ["999999"]}, "未知区域代码"),
            ({"audience_roles": ["king"]}, ""),
            ({"kind": "party"}, ""),
        ],
    )
    def test_a_refusal_keeps_what_was_typed(
        self, school: School, browser: Browser, changes: dict[str, Any], sentence: str
    ) -> None:
        browser.sign_in(school.organiser)
        answer = browser.submit(form_to(browser.page("/hall/new"), "/hall/new"), **filled(**changes))
        assert answer.status_code == 422, answer.text
        page = soup_of(answer)
        assert sentence in page.get_text()
        assert page.select(".error"), "the refusal stands at its field"
        kept = fields_of(form_to(page, "/hall/new"))
        assert kept["place"] == "区委党校报告厅"
        assert db.session.query(TrainingSession).count() == 0

    def test_another_region_is_not_found(self, school: School, browser: Browser) -> None:
        form = form_to(browser.sign_in(school.organiser).page("/hall/new"), "/hall/new")
        assert browser.submit(form, **filled(region_code=OTHER_COUNTY)).status_code == 404

    def test_seals(self, school: School, browser: Browser) -> None:
        form = form_to(browser.sign_in(school.organiser).page("/hall/new"), "/hall/new")
        assert browser.submit(form, **filled(), csrf=None).status_code == 403
        assert browser.submit(form, **filled(), once=None).status_code == 403
        first, again = (browser.submit(form, **filled()) for _ in range(2))
        assert (first.status_code, first.location) == (again.status_code, again.location)
        assert db.session.query(TrainingSession).count() == 1

    def test_an_overlap_is_said(self, school: School, browser: Browser) -> None:
        browser.sign_in(school.organiser)
        for _ in range(2):
            answer = browser.submit(form_to(browser.page("/hall/new"), "/hall/new"), **filled())
        assert "时间重叠" in browser.page(answer.location).get_text()

    def test_everything_typed_is_escaped(self, app: Flask, school: School, browser: Browser) -> None:
        hall = school.make(title=EVIL[:100], place=EVIL)
        browser.sign_in(school.organiser)
        for path in PAGES:
            if path not in {"/roll.xlsx", "/screen/state"}:
                assert "<script>alert" not in browser.get(f"/hall/{hall['id']}{path}").text
                assert "<svg onload" not in browser.last.text
        answer = browser.submit(form_to(browser.page("/hall/new"), "/hall/new"), **filled(title=EVIL, kind=EVIL))
        assert answer.status_code == 422
        assert "<svg onload" not in answer.text


class TestChanging:
    def test_a_change(self, school: School, browser: Browser) -> None:
        hall = draft(school, audience={"region_codes": [], "roles": [], "user_ids": [str(school.member.actor.user_id)]})
        path = f"/hall/{hall['id']}/change"
        form = form_to(browser.sign_in(school.organiser).page(path), path)
        assert browser.submit(form, title="改过的名称", parallel=None).status_code == 303
        row = stored(hall["id"])
        assert (row.title, row.version, row.parallel) == ("改过的名称", 2, False)
        assert row.audience_user_ids == [school.member.actor.user_id]

    def test_somebody_was_faster(self, school: School, browser: Browser) -> None:
        hall = draft(school)
        path = f"/hall/{hall['id']}/change"
        form = form_to(browser.sign_in(school.organiser).page(path), path)
        faster = school.organiser.call(
            "PUT", f"/training/sessions/{hall['id']}", json={**plan(place="三楼会议室"), "version": 1}
        )
        assert faster.status_code == 200, faster.text
        answer = browser.submit(form, title="我写的名称")
        assert answer.status_code == 409
        page = soup_of(answer)
        news = [item.get_text(" ", strip=True) for item in page.select(".notice li")]
        assert news == ["新 地点：三楼会议室"]
        again = form_to(page, path)
        assert fields_of(again)["title"] == "我写的名称"
        assert stored(hall["id"]).title == "党课开讲啦"
        assert browser.submit(again).status_code == 303
        assert stored(hall["id"]).title == "我写的名称"

    @pytest.mark.parametrize("seen", ["", "[]", "{", "[" * 30000, '{"title": 3}'])
    def test_whatever_comes_back_as_seen(self, school: School, browser: Browser, seen: str) -> None:
        hall = draft(school)
        path = f"/hall/{hall['id']}/change"
        form = form_to(browser.sign_in(school.organiser).page(path), path)
        assert browser.submit(form, seen=seen, version="7").status_code == 409
        assert browser.submit(form, seen=seen, version="x").status_code == 422

    def test_cancelling_asks_first_and_says_what_happens(self, school: School, browser: Browser) -> None:
        hall = school.make(starts=60, ends=180)
        school.member.post(f"/training/sessions/{hall['id']}/enrolments")
        browser.sign_in(school.organiser)
        page = browser.page(f"/hall/{hall['id']}")
        assert [form["action"] for form in page.find_all("form")] == [], "no button cancels without a question"
        asked = browser.page(f"/hall/{hall['id']}/cancel")
        assert stored(hall["id"]).state == "published"
        assert "已报名的 1 人会收到取消通知" in asked.get_text()
        form = form_to(asked, f"/hall/{hall['id']}/cancel")
        assert browser.submit(form, version="1").status_code == 409
        assert stored(hall["id"]).state == "published"
        again = form_to(soup_of(browser.last), f"/hall/{hall['id']}/cancel")
        assert browser.submit(again).status_code == 303
        assert stored(hall["id"]).state == "cancelled"
        assert "已取消" in browser.page(browser.last.location).get_text()
        assert browser.get(f"/hall/{hall['id']}/screen").status_code == 409

    def test_what_is_over_is_not_cancelled(self, school: School, browser: Browser, clock: FixedClock) -> None:
        hall = school.make()
        browser.sign_in(school.organiser)
        form = form_to(browser.page(f"/hall/{hall['id']}/cancel"), f"/hall/{hall['id']}/cancel")
        clock.at += timedelta(hours=3)
        assert browser.submit(form).status_code == 409
        assert "培训已结束" in browser.last.text


def test_phases(school: School, browser: Browser, clock: FixedClock) -> None:
    hall = draft(school, starts=60, ends=120, late_after_min=10, offline_hours=2)
    browser.sign_in(school.organiser)

    def phase() -> str:
        page = browser.page(f"/hall/{hall['id']}")
        current = page.select_one(".phases [aria-current] b")
        assert current is not None
        return current.get_text()

    assert phase() == "草稿"
    school.organiser.post(f"/training/sessions/{hall['id']}/publish")
    seen = [phase()]
    for minutes in (30, 41, 51, 121):
        clock.at += timedelta(minutes=minutes)
        seen.append(phase())
    assert seen == ["报名中", "签到中", "授课中", "补签核实", "已归档"]
    titles = [each.get_text() for each in browser.page("/hall").select("h2")]
    assert titles == ["已归档"]


class TestScreen:
    def test_the_code_the_counts_and_no_names(self, school: School, browser: Browser, clock: FixedClock) -> None:
        hall = school.make(starts=-5)
        for person in (school.member, school.people.make()):
            person.post(f"/training/sessions/{hall['id']}/enrolments")
        school.sign_in(hall, school.member)
        named(school.member, "张小满")
        clock.at += timedelta(seconds=2)
        page = browser.sign_in(school.organiser).page(f"/hall/{hall['id']}/screen")
        assert page.select_one(".code svg path") is not None
        assert (text(page, "[data-arrived]"), text(page, "[data-expected]")) == ("1", "2")
        assert "张小满" not in page.get_text()
        typed = school.organiser.get(f"/training/sessions/{hall['id']}/sign-in-code").json
        shown = text(page, "[data-short]")
        assert (shown, len(shown)) == (typed["short_code"], 6)

    def test_nothing_new_is_small(self, school: School, browser: Browser, clock: FixedClock) -> None:
        hall = school.make()
        path = f"/hall/{hall['id']}/screen/state"
        first = browser.sign_in(school.organiser).get(path)
        assert first.status_code == 200
        clock.at += timedelta(seconds=3)
        again = browser.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304
        assert len(f"HTTP/1.1 304 NOT MODIFIED\r\n{again.headers}") <= 300
        school.sign_in(hall, school.member)
        clock.at += timedelta(seconds=2)
        fresh = browser.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (fresh.status_code, fresh.json["arrived"], fresh.json["code"]) == (200, 1, first.json["code"])
        assert fresh.json["refresh_ms"] == first.json["refresh_ms"] - 5000
        clock.at += timedelta(seconds=15)
        other = browser.get(path, headers={"If-None-Match": fresh.headers["ETag"]})
        assert other.json["code"] != first.json["code"]

    def test_one_look_serves_all_screens_of_a_second(
        self, app: Flask, school: School, people: People, browser: Browser, clock: FixedClock
    ) -> None:
        """And each is asked for the right it has: a look at a session is shared, what one person may see is not."""
        hall = school.make()
        path = f"/hall/{hall['id']}/screen/state"
        other = Browser(app).sign_in(people.make((Role.TRAINING_ORGANISER, OTHER_COUNTY)))
        assert browser.sign_in(school.organiser).get(path).status_code == 200
        with count_statements() as statements:
            again = browser.get(path)
        assert (again.status_code, len(statements)) == (200, 1)  # the cookie's session, with its rights
        assert other.get(path).status_code == 404
        cancelled = school.organiser.post(f"/training/sessions/{hall['id']}/cancel")
        assert cancelled.status_code == 200, cancelled.text
        clock.at += LOOK_LIFE
        assert browser.get(path).status_code == 409

    def test_words_for_each_time(self, school: School, browser: Browser, clock: FixedClock) -> None:
        hall = school.make(starts=60, ends=120)
        path = f"/hall/{hall['id']}/screen/state"
        browser.sign_in(school.organiser)
        assert browser.get(path).json["say"] == "签到将于 今天 10:30 开始。"
        clock.at += timedelta(minutes=45)
        assert browser.get(path).json["say"] == "请扫码签到，今天 11:10 以后记为迟到。"
        clock.at += timedelta(minutes=30)
        assert "记为迟到" in browser.get(path).json["say"]
        clock.at += timedelta(minutes=60)
        state = browser.get(path).json
        assert (state["code"], state["short"]) == ("", "")
        page = browser.page(f"/hall/{hall['id']}/screen")
        assert "本场培训已结束" in text(page, "[data-cover]")

    def test_a_draft_has_none(self, school: School, browser: Browser) -> None:
        hall = draft(school)
        assert browser.sign_in(school.organiser).get(f"/hall/{hall['id']}/screen").status_code == 409
        assert "请先发布" in browser.last.text


def test_bytes_of_the_hall(school: School, browser: Browser) -> None:
    hall = school.make()
    for number in range(50):
        school.people.make(openid=f"crowd-{number}").post(f"/training/sessions/{hall['id']}/enrolments")
    browser.sign_in(school.organiser)
    for path in ("", "/roll", "/screen", "/change", "/review"):
        everything, scripts = weight(browser, f"/hall/{hall['id']}{path}")
        assert everything <= 30 * 1024, path
        assert scripts <= 20 * 1024, path


def test_no_template_escapes_the_words(school: School, browser: Browser) -> None:
    """Chinese sentences have full-width punctuation."""
    hall = school.make(title="轮训", place="党校", parallel=False)
    browser.sign_in(school.organiser)
    for path in ("", "/change", "/cancel", "/screen", "/roll", "/review", "/leave"):
        page = browser.page(f"/hall/{hall['id']}{path}")
        for time in page.find_all("time"):
            time.decompose()
        assert not re.findall(r"[\u4e00-\u9fff][,;:?!]", page.get_text()), path


def text(page: BeautifulSoup, selector: str) -> str:
    found = page.select_one(selector)
    assert found is not None
    return found.get_text()
