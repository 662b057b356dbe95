"""Signing in on a phone's page: one colour, one sentence."""

from typing import Any

import pytest
from bs4 import BeautifulSoup

from tests.schooling import AT_THE_HALL, FIVE_KM_OFF, School
from tests.web.browsing import Browser, fields_of, form_to, soup_of
from tests.web.test_case import NASTY, harmless
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.coordinates import Point, gcj02_to_wgs84


def verdict(page: BeautifulSoup) -> tuple[str, str]:
    """Colour and sentence."""
    (found,) = page.select(".verdict")
    return str(found["class"][1]), found.get_text()


def typed(school: School, session: dict[str, Any]) -> str:
    return str(school.organiser.get(f"/training/sessions/{session['id']}/sign-in-code").json["short_code"])


def test_the_scanned_link_signs_in_with_one_button(school: School, browser: Browser, clock: FixedClock) -> None:
    session = school.make()
    browser.sign_in(school.member)
    link = f"/m/sign?session={session['id']}&code={school.code(session)}"
    form = form_to(browser.page(link), "/m/sign")
    assert school.organiser.get(f"/training/sessions/{session['id']}/attendance").json["items"] == []
    clock.advance(minutes=5)  # the code has left the screen; its reader was slow
    answer = browser.submit(form)
    assert (answer.status_code, answer.location) == (303, f"/m/sign?session={session['id']}")
    page = browser.page(str(answer.location))
    colour, sentence = verdict(page)
    assert colour == "good"
    assert sentence.startswith("已于今天")
    assert page.find("form") is None
    assert school.state(session, school.member) == "present"
    again = browser.submit(form)
    assert again.status_code == 303


def test_a_stranger_comes_back_with_session_and_code(school: School, browser: Browser) -> None:
    session = school.make()
    link = f"/m/sign?session={session['id']}&code={school.code(session)}"
    answer = browser.get(link)
    assert answer.status_code == 303
    assert str(answer.location).startswith("/login?next=/m/sign%3Fsession%3D")


def test_a_typed_code_and_the_only_session_that_is_on(school: School, browser: Browser) -> None:
    session = school.make()
    school.make(starts=600, ends=700)  # not open yet
    form = form_to(browser.sign_in(school.member).page("/m/sign"), "/m/sign")
    fields = fields_of(form)
    assert fields["session"] == session["id"]
    assert "code" in fields
    code = typed(school, session)
    answer = browser.submit(form, code=f" {code[:3].lower()} {code[3:]} ")
    assert answer.status_code == 303
    assert verdict(browser.page(str(answer.location)))[0] == "good"


def test_nothing_is_on(school: School, browser: Browser) -> None:
    page = browser.sign_in(school.member).page("/m/sign")
    assert "现在没有可以签到的培训" in page.get_text()


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        ({"code": "000000"}, 422, "签到码"),
        ({"code": NASTY}, 422, "签到码"),
        ({"code": "x" * 300}, 422, ""),
        ({"code": ""}, 422, "请填写签到码"),
        ({"session": ""}, 422, "请选择培训场次"),
        ({"session": "0d7a5f0e-7a51-4f0e-9a55-0c7c3a2d1b11", "code": "A"}, 404, "内容不存在"),
        ({"longitude": "999", "latitude": "1", "accuracy": "1", "code": "A"}, 422, ""),
    ],
)
def test_a_refusal_is_red_and_keeps_the_code(
    school: School, browser: Browser, fields: dict[str, str], status: int, told: str
) -> None:
    session = school.make()
    form = form_to(browser.sign_in(school.member).page(f"/m/sign?session={session['id']}"), "/m/sign")
    answer = browser.submit(form, **fields)
    assert answer.status_code == status
    page = soup_of(answer)
    harmless(page)
    assert told in page.get_text()
    if status == 422:
        assert verdict(page)[0] == "bad"
        assert fields_of(form_to(page, "/m/sign"))["code"] == fields.get("code", "")


def test_an_old_link_says_so(school: School, browser: Browser, clock: FixedClock) -> None:
    session = school.make()
    link = f"/m/sign?session={session['id']}&code={school.code(session)}"
    clock.advance(minutes=3)
    form = form_to(browser.sign_in(school.member).page(link), "/m/sign")
    answer = browser.submit(form)
    assert answer.status_code == 410
    assert verdict(soup_of(answer))[0] == "bad"


def test_guessing_typed_codes_is_stopped(school: School, browser: Browser) -> None:
    session = school.make()
    browser.sign_in(school.member)
    right = typed(school, session)
    for last in [letter for letter in "0123456789" if letter != right[-1]][:6]:
        form = form_to(browser.page(f"/m/sign?session={session['id']}"), "/m/sign")
        answer = browser.submit(form, code=right[:-1] + last)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def position(place: dict[str, Any]) -> dict[str, str]:
    """A place as a browser tells it: WGS-84."""
    at = gcj02_to_wgs84(Point(place["longitude"], place["latitude"]))
    return {"longitude": f"{at.longitude:.7f}", "latitude": f"{at.latitude:.7f}", "accuracy": "20.0"}


@pytest.mark.parametrize(
    ("where", "colour", "state"),
    [
        (position(AT_THE_HALL), "good", "present"),
        (position(FIVE_KM_OFF), "late", "needs_review"),
        ({}, "late", "needs_review"),
        ({"longitude": "nonsense", "latitude": "1", "accuracy": "1"}, "late", "needs_review"),
    ],
)
def test_where_the_phone_is(school: School, browser: Browser, where: dict[str, str], colour: str, state: str) -> None:
    session = school.make(location=AT_THE_HALL, radius_m=200)
    link = f"/m/sign?session={session['id']}&code={school.code(session)}"
    form = form_to(browser.sign_in(school.member).page(link), "/m/sign")
    assert form.has_attr("data-position")
    answer = browser.submit(form, **where)
    assert verdict(browser.page(str(answer.location)))[0] == colour
    assert school.state(session, school.member) == state


def test_late_is_said(school: School, browser: Browser) -> None:
    session = school.make(starts=-60)
    form = form_to(
        browser.sign_in(school.member).page(f"/m/sign?session={session['id']}&code={school.code(session)}"), "/m/sign"
    )
    page = browser.page(str(browser.submit(form).location))
    colour, sentence = verdict(page)
    assert colour == "late"
    assert sentence.endswith("按迟到记录。")


def test_signing_out_where_the_session_asks_for_it(school: School, browser: Browser, clock: FixedClock) -> None:
    session = school.make(sign_out=True, starts=-5, ends=60)
    browser.sign_in(school.member)
    link = f"/m/sign?session={session['id']}"
    browser.submit(form_to(browser.page(f"{link}&code={school.code(session)}"), "/m/sign"))
    page = browser.page(link)
    assert "签退" in form_to(page, "/m/sign").get_text()
    clock.advance(minutes=58)
    form = form_to(browser.page(f"{link}&code={school.code(session)}"), "/m/sign")
    page = browser.page(str(browser.submit(form).location))
    colour, sentence = verdict(page)
    assert colour == "good"
    assert "签退" in sentence
    # The last time counts: one may sign out again.
    assert page.find("form") is not None


def test_leaving_early_is_said(school: School, browser: Browser, clock: FixedClock) -> None:
    session = school.make(sign_out=True)
    browser.sign_in(school.member)
    link = f"/m/sign?session={session['id']}"
    browser.submit(form_to(browser.page(f"{link}&code={school.code(session)}"), "/m/sign"))
    clock.advance(minutes=5)
    form = form_to(browser.page(f"{link}&code={school.code(session)}"), "/m/sign")
    assert "按早退记录" in verdict(browser.page(str(browser.submit(form).location)))[1]


def test_a_cancelled_session_and_one_of_others(school: School, browser: Browser) -> None:
    session = school.make(title=NASTY)
    school.organiser.post(f"/training/sessions/{session['id']}/cancel")
    page = browser.sign_in(school.member).page(f"/m/sign?session={session['id']}")
    harmless(page)
    assert verdict(page) == ("bad", "本场培训已取消。")
    closed = school.make(audience={"region_codes": ["421003"], "user_ids": []})
    form = form_to(browser.page(f"/m/sign?session={closed['id']}&code={school.code(closed)}"), "/m/sign")
    answer = browser.submit(form)
    assert answer.status_code == 403
    assert verdict(soup_of(answer))[0] == "bad"
    assert browser.get("/m/sign?session=0d7a5f0e-7a51-4f0e-9a55-0c7c3a2d1b11").status_code == 404
    assert browser.get("/m/sign?session=x&code=%3Cscript%3E").status_code == 404


def test_looking_at_a_link_writes_nothing(school: School, browser: Browser) -> None:
    session = school.make()
    browser.sign_in(school.member)
    for _ in range(7):
        assert browser.get(f"/m/sign?session={session['id']}&code=000000").status_code == 200
    form = form_to(browser.page(f"/m/sign?session={session['id']}"), "/m/sign")
    assert browser.submit(form, code=typed(school, session)).status_code == 303
