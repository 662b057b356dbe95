"""Pages for anybody: the reference, and where printed codes lead."""

import re
from datetime import timedelta

import pytest

from tests.conftest import NOW
from tests.factories import People
from tests.schooling import open_school
from tests.web.browsing import Browser
from wxapi.kernel.clock import FixedClock, to_wire
from wxapi.kernel.permissions import Role
from wxapi.platform import openapi


@pytest.fixture
def session_id(city: None, people: People) -> str:
    organiser = people.make((Role.TRAINING_ORGANISER, "421002"))
    plan = {
        "title": "<script>alert(1)</script>党课",
        "kind": "lecture",
        "region_code": "421002",
        "starts_at": to_wire(NOW + timedelta(hours=2)),
        "ends_at": to_wire(NOW + timedelta(hours=4)),
        "place": "中山街道会议室",
        "audience": {"region_codes": ["421002"], "user_ids": []},
    }
    made = organiser.post("/training/sessions", plan)
    assert made.status_code == 201, made.get_json()
    made_id = str(made.get_json()["id"])
    assert Browser(organiser.app).get(f"/t/{made_id}").status_code == 404  # a draft
    assert organiser.post(f"/training/sessions/{made_id}/publish").status_code == 200
    return made_id


def test_a_poster_tells_what_when_where(session_id: str, browser: Browser, clock: FixedClock) -> None:
    page = browser.page(f"/t/{session_id}")
    text = page.get_text(" ", strip=True)
    for told in ("党课", "党课开讲啦", "今天 12:00", "中山街道会议室", "已发布"):
        assert told in text
    assert page.find_all("script", src=False) == []
    assert page.select('a[href^="/m/sign"]')
    clock.advance(hours=4, seconds=1)
    over = browser.page(f"/t/{session_id}")
    assert "本场培训已结束" in over.get_text()
    assert not over.select('a[href^="/m/sign"]')


def test_a_certificate_tells_name_title_date_and_hours_and_nothing_more(people: People, browser: Browser) -> None:
    school = open_school(people)
    hall = school.make(starts=-300, ends=-60)
    named = {"nickname": "李四", "kind": "party_member"}
    assert school.member.call("PUT", "/me", json=named).status_code == 200
    path = f"/training/sessions/{hall['id']}/attendance/{school.member.actor.user_id}"
    present = {"state": "present", "reason": "现场核对"}
    assert school.organiser.call("PUT", path, json=present).status_code == 200
    made = school.member.post("/me/training/certificates", {"session_id": hall["id"]}).get_json()
    code = made["check_code"]
    page = browser.page(f"/c/{code}")
    assert "证书有效" in page.get_text()
    facts = [(str(term.text), str(term.find_next("dd").text)) for term in page.select("dl.facts dt")]  # type: ignore[union-attr]
    assert facts == [
        ("姓名（本人填写）", "李四"),
        ("培训内容", "党课开讲啦"),
        ("时间", "2026年11月23日"),
        ("学时", "4.0"),
    ]
    assert browser.get(f"/c/{code.lower()}").status_code == 200  # as somebody types it
    for secret in (str(school.member.actor.user_id), hall["id"], made["id"]):
        assert secret not in page.decode()
    assert school.organiser.call("PUT", path, json={"state": "absent", "reason": "登记有误"}).status_code == 200
    gone = browser.page(f"/c/{code}", 404)
    assert "没有查到有效的证书" in gone.get_text()
    assert "李四" not in gone.get_text()


@pytest.mark.parametrize(
    "path", ["/t/x", "/t/0d7a5f0e-7a51-4f0e-9a55-0c7c3a2d1b11", "/c/nonsense", "/c/%00", "/c/中文"]
)
def test_codes_of_nothing(browser: Browser, city: None, path: str) -> None:
    assert browser.get(path).status_code in {404, 422}


def test_the_reference_has_every_call_and_is_searched(browser: Browser) -> None:
    document = openapi.document()
    calls = sum(
        1 for item in document["paths"].values() for method in item if method in {"get", "post", "put", "delete"}
    )
    assert len(browser.page("/docs").select("details")) == calls
    found = browser.page("/docs?q=web-logins confirm").select("details code")
    assert [code.text for code in found if code.parent and code.parent.name == "summary"] == [
        "/api/v1/auth/web-logins/{login_id}/confirm"
    ]
    assert "没有找到" in browser.page("/docs?q=zzzz").get_text()


def test_the_vocabulary_is_public_and_cheap(browser: Browser) -> None:
    first = browser.client.get("/api/v1/vocabulary")
    body = first.get_json()
    assert {"code": "triage", "zh": "待分派", "colour": "amber", "order": 1} in body["states"]
    held = next(each for each in body["states"] if each["code"] == "on_hold")
    assert (held["zh"], held["office"]) == ("暂缓办理", "挂账")
    assert {"states", "roles", "actions", "reasons", "person_kinds", "session_kinds", "cards", "version"} <= set(body)
    again = browser.client.get("/api/v1/vocabulary", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_the_reference_names_the_refusals_of_a_call(browser: Browser) -> None:
    call = browser.page("/docs?q=sign-ins").select_one("details[id='training.sign_in']")
    assert call is not None
    assert "code_expired：签到码已过期，请重新扫描屏幕上的最新签到码。" in call.get_text()


def test_the_reference_speaks_chinese(browser: Browser) -> None:
    page = browser.page("/docs")
    chinese = re.compile(r"[\u4e00-\u9fff]")
    summaries = page.select("summary")
    assert len(summaries) > 100
    for told in (summaries, page.select("section h2"), page.select(".said"), page.select("td:last-child")):
        assert [str(each.get_text()) for each in told if not chinese.search(each.get_text())] == []
    assert "`" not in "".join(each.get_text() for each in page.select(".said, td"))
