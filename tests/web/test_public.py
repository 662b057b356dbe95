"""Pages for anybody: the reference, and where printed codes lead."""

from datetime import timedelta

import pytest

from tests.conftest import NOW
from tests.factories import People
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
    clock.advance(hours=4)
    assert "已结束" in browser.page(f"/t/{session_id}").get_text()


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
    assert {"states", "roles", "actions", "reasons", "person_kinds", "session_kinds", "cards", "version"} <= set(body)
    again = browser.client.get("/api/v1/vocabulary", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
