"""The roll on pages: filters, ticks, corrections of one and many, undo; flags and requests for leave."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import func, select, update

from tests.ended import ends_midway
from tests.factories import Person
from tests.schooling import AT_THE_HALL, FIVE_KM_OFF, School
from tests.statements import count_statements
from tests.web.browsing import Browser, fields_of, form_to, soup_of
from wxapi.identity.models import User
from wxapi.kernel.clock import FixedClock
from wxapi.platform.db import db, transaction
from wxapi.training.models import Attendance, Flag
from wxapi.training.services import correct_roll
from wxapi.web.hall.views import decisions

EVIL = '"><svg onload=alert(1)>'


def named(person: Person, nickname: str) -> Person:
    with transaction() as session:
        session.execute(update(User).where(User.id == person.actor.user_id).values(nickname=nickname))
    return person


def crowd(school: School, hall: dict[str, Any], *names: str) -> list[Person]:
    people = [named(school.people.make(), name) for name in names]
    for person in people:
        assert person.post(f"/training/sessions/{hall['id']}/enrolments").status_code == 201
    return people


def ticks(browser: Browser, *people: Person) -> list[str]:
    """What the boxes of these people send, as the roll stands that the browser has open."""
    boxes = {str(row["data-key"]): row for row in soup_of(browser.last).select("tr[data-key]")}
    return [str(box["value"]) for each in people for box in boxes[key(each)].select("input[name=pick]")]


def key(person: Person) -> str:
    return str(person.actor.user_id)


def names(page: BeautifulSoup) -> list[str]:
    return [cell.get_text(" ", strip=True) for cell in page.select(".roll tbody .name")]


def state_of(hall: dict[str, Any], person: Person) -> str | None:
    mine = Attendance.user_id == person.actor.user_id, Attendance.session_id == uuid.UUID(hall["id"])
    return db.session.scalar(select(Attendance.state).where(*mine))


def forms(hall: dict[str, Any]) -> tuple[str, str, str]:
    path = f"/hall/{hall['id']}/roll"
    return path, f"{path}?", f"/hall/{hall['id']}/tick?"


class TestFilters:
    def test_who_is_where(self, school: School, browser: Browser, clock: FixedClock) -> None:
        hall = school.make(starts=-5, location=AT_THE_HALL | {"accuracy": None}, radius_m=100)
        here, late, doubtful, missing = crowd(school, hall, "陈一", "李二", "王三", "赵四")
        school.sign_in(hall, here, location=AT_THE_HALL)
        school.sign_in(hall, doubtful, location=FIVE_KM_OFF)
        clock.at += timedelta(minutes=10)
        school.sign_in(hall, late, location=AT_THE_HALL)
        clock.at += timedelta(seconds=2)
        browser.sign_in(school.organiser)
        path = f"/hall/{hall['id']}/roll"
        assert names(browser.page(path)) == ["李二", "王三", "赵四", "陈一"]
        assert names(browser.page(f"{path}?missing=true")) == ["赵四"]
        assert names(browser.page(f"{path}?state=late")) == ["李二"]
        assert names(browser.page(f"{path}?state=needs_review")) == ["王三"]
        assert names(browser.page(f"{path}?q=陈一")) == ["陈一"]
        assert names(browser.page(f"{path}?q=陈一&missing=true")) == []
        assert "这里没有人员" in soup_of(browser.last).get_text()
        tabs = [tab.get_text(" ", strip=True) for tab in browser.page(path).select("[data-part=tabs] a")]
        assert tabs[:4] == ["全部 4", "未到 1", "迟到 1", "待核 1"]
        del missing

    @pytest.mark.parametrize(
        "query", ["q=陈", "state=nobody", "missing=perhaps", "cursor=x", "unknown=1", f"q={EVIL}x"]
    )
    def test_what_an_address_may_not_ask(self, school: School, browser: Browser, query: str) -> None:
        hall = school.make()
        crowd(school, hall, "陈一")
        answer = browser.sign_in(school.organiser).get(f"/hall/{hall['id']}/roll?{query}")
        assert answer.status_code in {200, 400, 422}
        assert "<svg onload" not in answer.text
        if query == "q=陈":
            assert "至少两个字" in answer.text
            assert names(soup_of(answer)) == []

    def test_a_steward_searches_nobody(self, school: School, browser: Browser) -> None:
        hall = school.make()
        browser.sign_in(school.steward)
        assert browser.page(f"/hall/{hall['id']}/roll").select("input[type=search]") == []
        assert browser.get(f"/hall/{hall['id']}/roll?q=陈一").status_code == 404

    def test_a_fragment_with_nothing_new_is_small(self, school: School, browser: Browser) -> None:
        hall = school.make()
        crowd(school, hall, "陈一")
        path = f"/hall/{hall['id']}/roll/rows"
        first = browser.sign_in(school.organiser).get(path)
        assert "<form" not in first.text
        again = browser.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304
        assert len(f"HTTP/1.1 304 NOT MODIFIED\r\n{again.headers}") <= 300

    def test_names_are_escaped(self, school: School, browser: Browser) -> None:
        hall = school.make()
        (person,) = crowd(school, hall, EVIL)
        browser.sign_in(school.organiser)
        for path in ("/roll", "/roll/rows", f"/roll/{key(person)}"):
            assert "<svg onload" not in browser.get(f"/hall/{hall['id']}{path}").text
            assert "svg onload" in browser.last.text


class TestTicks:
    def test_a_steward_signs_somebody_in(self, app: Flask, school: School, browser: Browser) -> None:
        hall = school.make()
        (person,) = crowd(school, hall, "陈一")
        path, _, tick = forms(hall)
        page = browser.sign_in(school.steward).page(path)
        button = page.select_one("button[data-tick]")
        assert button is not None
        assert (button["form"], button["aria-label"]) == ("tick", "为 陈一 签到")
        form = form_to(page, tick)
        answer = browser.submit(form, user_id=button["value"], code=None)
        assert (answer.status_code, answer.location) == (303, f"{path}?done=ticked")
        assert school.state(hall, person) == "present"
        page = browser.page(answer.location)
        assert "签到成功" in page.get_text()
        assert page.select("button[data-tick]") == []
        again = browser.submit(form_to(page, tick), user_id=key(person))
        assert again.location == f"{path}?done=known"

    def test_by_the_pass_of_the_phone(self, school: School, browser: Browser) -> None:
        hall = school.make()
        (person,) = crowd(school, hall, "陈一")
        code = person.post(f"/training/sessions/{hall['id']}/enrolments").json["pass_code"]
        path, _, tick = forms(hall)
        form = form_to(browser.sign_in(school.steward).page(path), tick)
        assert browser.submit(form, code=code).status_code == 303
        assert school.state(hall, person) == "present"

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({"code": ""}, 422),
            ({"code": "NONSENSE"}, 422),
            ({"user_id": "x"}, 422),
            ({"user_id": str(uuid.UUID(int=7))}, 422),
            ({"code": "陈\x00一"}, 422),
        ],
    )
    def test_refusals_stand_on_the_roll(
        self, school: School, browser: Browser, fields: dict[str, str], status: int
    ) -> None:
        hall = school.make()
        path, _, tick = forms(hall)
        form = form_to(browser.sign_in(school.steward).page(path), tick)
        assert browser.submit(form, **fields).status_code == status
        assert soup_of(browser.last).select("[role=alert]")

    def test_too_early_and_the_script_hears_it(self, school: School, browser: Browser) -> None:
        hall = school.make(starts=120, ends=180)
        (person,) = crowd(school, hall, "陈一")
        path, _, tick = forms(hall)
        form = form_to(browser.sign_in(school.steward).page(path), tick)
        answer = browser.submit(form, headers={"Accept": "application/json"}, user_id=key(person), code=None)
        assert (answer.status_code, answer.json["code"]) == (409, "sign_in_not_open")

    def test_the_script_hears_of_success(self, school: School, browser: Browser) -> None:
        hall = school.make()
        (person,) = crowd(school, hall, "陈一")
        path, _, tick = forms(hall)
        form = form_to(browser.sign_in(school.steward).page(path), tick)
        for created in (True, True):  # the same `once`: the first answer again
            answer = browser.submit(form, headers={"Accept": "application/json"}, user_id=key(person), code=None)
            assert answer.json == {"state": "出席", "created": created}


class TestCorrections:
    def test_many_and_taken_back_together(self, school: School, browser: Browser) -> None:
        hall = school.make()
        one, two, three = crowd(school, hall, "陈一", "李二", "王三")
        correction = {"state": "exempt", "reason": "上级抽调"}
        school.organiser.call("PUT", f"/training/sessions/{hall['id']}/attendance/{key(three)}", json=correction)
        path, bulk, _ = forms(hall)
        form = form_to(browser.sign_in(school.organiser).page(path), bulk)
        with count_statements() as statements:
            answer = browser.submit(form, pick=ticks(browser, one, two, three), state="exempt", reason="支援防汛")
        assert answer.status_code == 200
        by_themselves = [each for each in statements if "FROM training_attendance_events" in each]
        assert by_themselves == [], "all who were ticked are read at once"
        assert [school.state(hall, each) for each in (one, two, three)] == ["exempt"] * 3
        page = soup_of(answer)
        assert "更正 2 人" in page.get_text()
        undo = form_to(page, path)
        changed = {f"{key(each)}:exempt" for each in (one, two)}
        assert set(fields_of(undo)["pick"]) == changed, "who had been exempt before stays so"
        answer = browser.submit(undo, reason="勾错了")
        assert answer.status_code == 200
        assert [school.state(hall, each) for each in (one, two, three)] == ["enrolled", "enrolled", "exempt"]

    @pytest.mark.parametrize("state", ["absent", "undo"])
    def test_who_has_come_since_the_tick_is_left_alone(self, school: School, browser: Browser, state: str) -> None:
        hall = school.make()
        one, two = crowd(school, hall, "陈一", "李二")
        for person in (one, two):
            correction = {"state": "exempt", "reason": "上级抽调"}
            school.organiser.call("PUT", f"/training/sessions/{hall['id']}/attendance/{key(person)}", json=correction)
        path, bulk, _ = forms(hall)
        form = form_to(browser.sign_in(school.organiser).page(path), bulk)
        seen = ticks(browser, one, two)
        correction = {"state": "present", "reason": "已到场"}
        school.organiser.call("PUT", f"/training/sessions/{hall['id']}/attendance/{key(two)}", json=correction)
        page = soup_of(browser.submit(form, pick=seen, state=state, reason="未到"))
        assert [state_of(hall, each) for each in (one, two)] == [
            "absent" if state == "absent" else "enrolled",
            "present",
        ]
        said = {row["data-key"]: row.find_all("td")[2].get_text() for row in page.select("tr[data-key]")}
        assert "已被他人更新" in said[key(two)]
        assert ("1 人在勾选之后有变化" in page.get_text()) == (state == "absent")
        again = browser.submit(form, pick=seen[1:], state=state, reason="未到", once=uuid.uuid4().hex)
        assert (again.status_code, state_of(hall, two)) == (200, "present")

    def test_undo_of_many_each_by_itself(self, school: School, browser: Browser) -> None:
        hall = school.make()
        one, two = crowd(school, hall, "陈一", "李二")
        correction = {"state": "exempt", "reason": "上级抽调"}
        school.organiser.call("PUT", f"/training/sessions/{hall['id']}/attendance/{key(two)}", json=correction)
        path, bulk, _ = forms(hall)
        form = form_to(browser.sign_in(school.organiser).page(path), bulk)
        answer = browser.submit(form, pick=ticks(browser, two, one), state="undo", reason="更正有误")
        said = {row["data-key"]: row.find_all("td")[2].get_text() for row in soup_of(answer).select("tr[data-key]")}
        assert said == {key(two): "已撤销", key(one): "没有可以撤销的更正。"}
        assert school.state(hall, two) == "enrolled"

    def test_undo_of_many_tells_what_was_done_before_the_right_ended(
        self, school: School, browser: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hall = school.make()
        people = crowd(school, hall, "陈一", "李二", "王三")
        correction = {"state": "exempt", "reason": "上级抽调", "user_ids": [key(person) for person in people]}
        school.organiser.post(f"/training/sessions/{hall['id']}/attendance/bulk", correction)
        path, bulk, _ = forms(hall)
        form = form_to(browser.sign_in(school.organiser).page(path), bulk)
        monkeypatch.setattr(correct_roll, "undo", ends_midway(correct_roll.undo, school.organiser))
        answer = browser.submit(form, pick=ticks(browser, *people), state="undo", reason="更正有误")
        said = {row["data-key"]: row.find_all("td")[2].get_text() for row in soup_of(answer).select("tr[data-key]")}
        over = "您的身份不能进行此操作。"
        assert said == dict(zip(correction["user_ids"], ["已撤销", over, over], strict=True))
        assert [state_of(hall, person) for person in people] == ["enrolled", "exempt", "exempt"]

    def test_decisions_on_many_tell_how_many_were_made_before_the_right_ended(
        self, school: School, browser: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hall = school.make(location=AT_THE_HALL | {"accuracy": None}, radius_m=100)
        for person in crowd(school, hall, "陈一", "李二", "王三"):
            school.sign_in(hall, person, location=FIVE_KM_OFF)
        path = f"/hall/{hall['id']}/review"
        form = form_to(browser.sign_in(school.organiser).page(path), path)
        ticks = [str(each["value"]) for each in browser.page(path).select("input[name=pick]")]
        late = replace(decisions._FLAGS, decide=ends_midway(decisions._FLAGS.decide, school.organiser))
        monkeypatch.setattr(decisions, "_FLAGS", late)
        answer = browser.submit(form, pick=ticks, decision="dismiss", note="当面核实")
        assert answer.status_code == 403, answer.text
        assert f"已处理 1 项，其余 {len(ticks) - 1} 项未处理" in answer.text
        undecided = select(func.count()).where(Flag.session_id == uuid.UUID(hall["id"]), Flag.decision.is_(None))
        assert db.session.scalar(undecided) == len(ticks) - 1

    @pytest.mark.parametrize(
        "fields",
        [
            {"reason": ""},
            {"state": ""},
            {"state": "needs_review"},
            {"state": "undo", "reason": ""},
            {"pick": []},
            {"pick": ["x"]},
            {"pick": [str(uuid.UUID(int=number)) for number in range(51)]},
        ],
    )
    def test_a_refusal_keeps_ticks_and_text(self, school: School, browser: Browser, fields: dict[str, Any]) -> None:
        hall = school.make()
        (one,) = crowd(school, hall, "陈一")
        path, bulk, _ = forms(hall)
        form = form_to(browser.sign_in(school.organiser).page(path), bulk)
        sent = {"pick": ticks(browser, one), "state": "exempt", "reason": "支援防汛"} | fields
        answer = browser.submit(form, **sent)
        assert answer.status_code == 422
        page = soup_of(answer)
        assert fields_of(form_to(page, bulk))["reason"] == sent["reason"]
        if "pick" not in fields:
            assert [box["value"] for box in page.select("input[name=pick][checked]")] == sent["pick"]
        assert school.state(hall, one) == "enrolled"

    def test_one_with_its_history_and_undo(self, school: School, browser: Browser) -> None:
        hall = school.make()
        (one,) = crowd(school, hall, "陈一")
        path = f"/hall/{hall['id']}/roll/{key(one)}"
        browser.sign_in(school.organiser)
        assert browser.submit(form_to(browser.page(path), path), state="on_leave").status_code == 422
        answer = browser.submit(form_to(browser.page(path), path), state="on_leave", reason="家中有事")
        assert (answer.status_code, answer.location) == (303, f"{path}?done=corrected")
        page = browser.page(answer.location)
        assert "已报名 → 请假" in page.select(".events li")[0].get_text(" ", strip=True)
        assert "家中有事" in page.get_text()
        assert browser.submit(form_to(page, f"{path}/undo"), reason="误操作").status_code == 303
        assert school.state(hall, one) == "enrolled"
        assert form_to(browser.page(path), path)
        assert browser.page(path).select(f"form[action='{path}/undo']") == []

    def test_somebody_was_faster(self, school: School, browser: Browser) -> None:
        hall = school.make()
        (one,) = crowd(school, hall, "陈一")
        path = f"/hall/{hall['id']}/roll/{key(one)}"
        form = form_to(browser.sign_in(school.organiser).page(path), path)
        other = {"state": "exempt", "reason": "上级抽调"}
        school.organiser.call("PUT", f"/training/sessions/{hall['id']}/attendance/{key(one)}", json=other)
        answer = browser.submit(form, state="absent", reason="没有到场")
        assert answer.status_code == 409
        page = soup_of(answer)
        assert len(page.select(".events li.new")) == 1
        again = form_to(page, path)
        assert (fields_of(again)["state"], fields_of(again)["reason"]) == ("absent", "没有到场")
        assert school.state(hall, one) == "exempt"
        assert browser.submit(again).status_code == 303

    def test_somebody_not_on_the_roll_is_not_found(self, school: School, browser: Browser) -> None:
        hall = school.make()
        browser.sign_in(school.organiser)
        assert browser.get(f"/hall/{hall['id']}/roll/{key(school.member)}").status_code == 404


class TestDecisions:
    def test_flags_one_and_many(self, school: School, browser: Browser) -> None:
        hall = school.make(location=AT_THE_HALL | {"accuracy": None}, radius_m=100)
        one, two, three = crowd(school, hall, "陈一", "李二", EVIL)
        for person in (one, two, three):
            school.sign_in(hall, person, location=FIVE_KM_OFF)
        path = f"/hall/{hall['id']}/review"
        page = browser.sign_in(school.organiser).page(path)
        assert "<svg onload" not in browser.last.text
        items = page.select(".waiting li")
        assert len(items) == 3
        assert all("签到位置" in item.get_text() for item in items)
        whose = {str(item["data-key"]): str(item.select("a")[0]["href"]).rpartition("/")[2] for item in items}
        ids = sorted(whose, key=lambda flag_id: [key(each) for each in (one, two, three)].index(whose[flag_id]))
        assert browser.submit(form_to(page, path), decision="dismiss").status_code == 422
        assert browser.submit(form_to(page, path), pick=[ids[0]]).status_code == 422
        answer = browser.submit(form_to(page, path), pick=ids[:2], decision="dismiss", note="当面核实")
        assert answer.location == f"{path}?done=2"
        assert [school.state(hall, each) for each in (one, two, three)] == ["present", "present", "needs_review"]
        stale = browser.submit(
            form_to(page, path), pick=ids, decision="uphold", note="三人都不在", once=uuid.uuid4().hex
        )
        assert stale.status_code == 409
        assert "已处理 1 项" in stale.text
        assert [school.state(hall, each) for each in (one, two, three)] == ["present", "present", "absent"]
        decided = browser.page(f"{path}?decided=true")
        assert "当面核实" in decided.get_text()
        assert decided.find_all("form") == []

    def test_leave(self, school: School, browser: Browser) -> None:
        hall = school.make(starts=60, ends=120)
        one, two = crowd(school, hall, "陈一", "李二")
        for person, reason in ((one, "外出务工"), (two, EVIL)):
            person.post(f"/training/sessions/{hall['id']}/leave-requests", {"reason": reason})
        path = f"/hall/{hall['id']}/leave"
        page = browser.sign_in(school.organiser).page(path)
        assert "<svg onload" not in browser.last.text
        items = sorted(page.select(".waiting li"), key=lambda item: "外出务工" not in item.get_text())
        ids = [str(item["data-key"]) for item in items]
        assert browser.submit(form_to(page, path), pick=ids[:1], decision="approve", note="同意").status_code == 303
        stale = browser.submit(form_to(page, path), pick=ids, decision="deny", note="人手不足", once=uuid.uuid4().hex)
        assert stale.status_code == 409
        assert [school.state(hall, each) for each in (one, two)] == ["on_leave", "enrolled"]
        everything = browser.page(f"{path}?pending=false").get_text()
        assert "同意" in everything
        assert "人手不足" in everything
        assert browser.page(path).select(".waiting li") == []
