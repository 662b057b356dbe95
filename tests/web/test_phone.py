"""The phone's pages without scripts: filing, following, mine and the inbox."""

import io
import uuid
from typing import Any

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests import pictures, places
from tests.factories import Person
from tests.reporting import (
    COUNTY,
    NEIGHBOUR,
    TOWNSHIP,
    VILLAGE,
    Town,
    accepted,
    file_routed,
    photo,
    read,
    resolved,
    take,
)
from tests.web.browsing import Browser, fields_of, form_to, soup_of
from tests.web.test_case import NASTY, harmless
from tests.web.test_frame import weight
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.coordinates import gcj02_to_wgs84
from wxapi.kernel.permissions import Role
from wxapi.notifications.rules.notices import Notice
from wxapi.notifications.services import tell as telling
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime
from wxapi.reports.models import Report
from wxapi.reports.rules.messages import DESK_TASK, REPORT_PROGRESS

WORDS = {"category_code": "E0102", "description": "路口垃圾箱满溢"}


def shot(name: str = "a.jpg") -> tuple[io.BytesIO, str]:
    return io.BytesIO(pictures.encoded(pictures.scene(640, 480), "JPEG")), name


def blank(browser: Browser, query: str = f"?region_code={VILLAGE}") -> Any:
    return form_to(browser.page(f"/m/new{query}"), "/m/new")


def number_of(answer: Any) -> str:
    assert answer.status_code == 303, answer.text[:800]
    return str(answer.location).split("?")[0].rpartition("/")[2]


def count_reports(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Report)) or 0


def stored(session: Session, number: str) -> Report:
    return session.scalars(select(Report).where(Report.number == number)).one()


def test_filing_without_scripts_with_a_photo_and_the_place_by_list(
    town: Town, browser: Browser, session: Session
) -> None:
    page = browser.sign_in(town.reporter).page("/m/new")
    for step in ("421002", TOWNSHIP, VILLAGE):  # county, township, village
        links = [str(link["href"]) for link in page.select("[data-place] .down a")]
        assert f"/m/new?region_code={step}" in links
        page = browser.page(f"/m/new?region_code={step}")
    form = form_to(page, "/m/new")
    assert form["enctype"] == "multipart/form-data"
    number = number_of(browser.submit(form, **WORDS, address="江津西路", photos=shot()))
    report = stored(session, number)
    assert (report.village_code, report.picked_by, report.accuracy) == (VILLAGE, "list", None)
    assert report.address == "江津西路"
    told = browser.page(f"/m/r/{number}?filed=1")
    assert "上报已提交" in told.get_text()
    assert len(read(town.reporter, str(report.id))["photos"]) == 1


def test_the_same_once_twice_is_one_report_even_under_another_pages_seal(
    town: Town, browser: Browser, session: Session
) -> None:
    form = blank(browser.sign_in(town.reporter))
    first = browser.submit(form, **WORDS, photos=shot())
    again = browser.submit(form, **WORDS, photos=shot(), csrf=fields_of(blank(browser))["csrf"])
    assert (again.status_code, again.location) == (first.status_code, first.location)
    assert count_reports(session) == 1
    assert browser.submit(form, **{**WORDS, "description": "别的"}).status_code == 422


def test_a_script_gets_json_and_the_same_once_again(town: Town, browser: Browser, session: Session) -> None:
    form = blank(browser.sign_in(town.reporter))
    answers = [
        browser.submit(form, headers={"Accept": "application/json"}, **WORDS, asked="1", photo_ids="") for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].get_json() == answers[1].get_json()
    assert answers[0].get_json()["path"] == f"/m/r/{answers[0].get_json()['number']}?filed=1"
    assert count_reports(session) == 1
    refused = browser.submit(blank(browser), headers={"Accept": "application/json"}, **{**WORDS, "category_code": "Z"})
    assert (refused.status_code, refused.mimetype) == (422, "application/problem+json")
    browser.client.delete_cookie("wx")
    ended = browser.submit(form, headers={"Accept": "application/json"}, **WORDS)
    assert ended.status_code == 401


def test_a_position_of_a_phone_is_wgs84(town: Town, browser: Browser, session: Session) -> None:
    at = gcj02_to_wgs84(places.centre(NEIGHBOUR))
    query = f"?longitude={at.longitude:.7f}&latitude={at.latitude:.7f}&coord_type=wgs84&accuracy=12&picked_by=gps"
    browser.sign_in(town.reporter)
    number = number_of(browser.submit(blank(browser, query), **WORDS))
    report = stored(session, number)
    assert (report.village_code, report.picked_by, report.accuracy) == (NEIGHBOUR, "gps", 12.0)
    assert report.longitude == pytest.approx(places.centre(NEIGHBOUR).longitude, abs=1e-6)
    # Without a datum it is no position.
    assert browser.get("/m/new/place?longitude=112.2&latitude=30.3").status_code == 422


def test_at_a_border_the_reporter_says_which_village(town: Town, browser: Browser, session: Session) -> None:
    edge = places.WEST + places.SIDE - 0.00003
    query = f"?longitude={edge}&latitude={places.SOUTH + 0.005}&coord_type=gcj02&picked_by=map"
    form = blank(browser.sign_in(town.reporter), query)
    assert {str(each["value"]) for each in form.select("input[name=region_code]")} == {VILLAGE, NEIGHBOUR}
    number = number_of(browser.submit(form, **WORDS, region_code=NEIGHBOUR))
    assert stored(session, number).village_code == NEIGHBOUR


def test_a_place_outside_the_city_is_said_and_can_be_picked_otherwise(town: Town, browser: Browser) -> None:
    page = browser.sign_in(town.reporter).page("/m/new/place?longitude=116.4&latitude=39.9&coord_type=gcj02")
    assert "不在本市服务范围内" in page.get_text()
    assert page.select(".down a")


@pytest.mark.parametrize(
    ("changes", "query"),
    [
        ({"category_code": ""}, None),
        ({"category_code": "E9999"}, None),
        ({"category_code": "X0903"}, None),
        ({"category_code": "X0901"}, None),
        ({"description": None}, None),
        ({"description": "长" * 501}, None),
        ({"photo_ids": "none"}, None),
        ({"photo_ids": str(uuid.UUID(int=7))}, None),
        ({"join": "x"}, None),
        ({}, ""),
        ({}, "?region_code=421002"),
        ({}, "?region_code=999"),
        ({"longitude": "nan", "latitude": "1"}, None),
        ({"longitude": "112.2", "latitude": "30.3", "coord_type": "bd09"}, None),
    ],
)
def test_what_is_refused_keeps_what_was_typed_and_files_nothing(
    town: Town, browser: Browser, session: Session, changes: dict[str, Any], query: str | None
) -> None:
    form = blank(browser.sign_in(town.reporter), f"?region_code={VILLAGE}" if query is None else query)
    answer = browser.submit(form, **{**WORDS, "address": "江津西路", "photos": shot(), **changes})
    assert answer.status_code in {404, 422}
    assert count_reports(session) == 0
    if answer.status_code == 422:
        page = soup_of(answer)
        kept = fields_of(form_to(page, "/m/new"))
        assert kept["address"] == "江津西路"
        if "description" not in changes:
            assert kept["description"].strip() == WORDS["description"]
        if "photo_ids" not in changes:
            assert len(kept["photo_ids"]) == 36
        assert page.select_one(".notice.bad") is not None


def test_already_reported_nearby_is_asked_once(town: Town, browser: Browser, session: Session) -> None:
    known = file_routed(town.stranger)
    at = known["location"]
    query = f"?longitude={at['longitude']}&latitude={at['latitude']}&coord_type=gcj02&accuracy=10&picked_by=gps"
    answer = browser.submit(blank(browser.sign_in(town.reporter), query), **WORDS, photos=shot())
    assert answer.status_code == 409
    page = soup_of(answer)
    assert [each.get_text(" ", strip=True) for each in page.select(".near span")] == [
        f"暴露垃圾 {known['number']}，约 1 米，待受理"
    ]
    form = form_to(page, "/m/new")
    kept = fields_of(form)
    assert len(kept["photo_ids"]) == 36
    assert [str(each["value"]) for each in form.select("button[name=join]")] == [known["id"]]
    filed = number_of(browser.submit(form, asked="1"))
    assert stored(session, filed).picked_by == "gps"
    assert filed != known["number"]
    # Afterwards joining is still offered.
    after = browser.page(f"/m/r/{filed}")
    joined = browser.submit(form_to(after, "/m/new"), join=known["id"])
    assert number_of(joined) == known["number"]
    assert "您已加入本条上报" in browser.page(joined.location).get_text()
    assert read(town.stranger, known["id"])["me_too_count"] == 1


def test_joining_instead_takes_the_photo_along(town: Town, browser: Browser, session: Session) -> None:
    known = file_routed(town.stranger)
    at = known["location"]
    query = f"?longitude={at['longitude']}&latitude={at['latitude']}&coord_type=gcj02&accuracy=10&picked_by=gps"
    page = soup_of(browser.submit(blank(browser.sign_in(town.reporter), query), **WORDS, photos=shot()))
    number = number_of(browser.submit(form_to(page, "/m/new"), join=known["id"]))
    assert number == known["number"]
    assert count_reports(session) == 1
    shown = browser.page(f"/m/r/{number}")
    assert "您是共同上报人" in shown.get_text()
    assert len(shown.select(".shots .photo")) == 1


def test_nearby_as_a_fragment_has_no_form_and_hides_village_affairs(town: Town, browser: Browser) -> None:
    known = file_routed(town.stranger)
    file_routed(town.stranger, category_code="X0201")
    query = f"longitude={known['location']['longitude']}&latitude={known['location']['latitude']}&coord_type=gcj02"
    browser.sign_in(town.reporter)
    page = browser.page(f"/m/new/nearby?category_code=E0103&{query}&accuracy=5")
    assert known["number"] in page.get_text()
    assert page.find("form") is None
    assert browser.page(f"/m/new/nearby?category_code=X0201&{query}").get_text(strip=True) == ""
    # What is wrong with a question is said when the report is filed.
    for wrong in ("category_code=E0102", f"category_code=E9999&{query}", "longitude=x&latitude=1"):
        assert browser.page(f"/m/new/nearby?{wrong}").get_text(strip=True) == ""


def test_mine_says_what_waits_for_me_on_top(town: Town, browser: Browser) -> None:
    empty = browser.sign_in(town.reporter).page("/m")
    assert "您还没有上报过问题" in empty.get_text()
    report = resolved(town)
    other = file_routed(town.reporter)
    page = browser.page("/m")
    assert [str(link["href"]) for link in page.select(".wait a")] == [f"/m/r/{report['number']}"]
    assert "请核实办理结果" in page.get_text()
    assert {str(link["href"]) for link in page.select(".cards a")} == {
        f"/m/r/{each['number']}" for each in (other, report)
    }
    take(town.worker, other, "ask", note="请补充门牌号")
    assert "请补充说明" in browser.page("/m").select(".wait")[0].get_text()


def test_mine_goes_on_to_the_next_page(town: Town, browser: Browser) -> None:
    for _ in range(21):
        file_routed(town.reporter)
    page = browser.sign_in(town.reporter).page("/m")
    assert len(page.select(".cards .card")) == 20
    following = page.select_one("a[rel=next]")
    assert following is not None
    assert len(browser.page("/m" + str(following["href"])).select(".cards .card")) == 1
    assert browser.get("/m?cursor=nonsense").status_code in {400, 422}


def tell(
    person: Person, step: str, subject: str, kind: Any = REPORT_PROGRESS, title: str = "您上报的问题已受理"
) -> None:
    with transaction() as session:
        notice = Notice(kind, subject, step, title, "内容")
        telling.tell(session, [person.actor.user_id], notice, now=runtime().clock.now())


def test_the_inbox_leads_to_what_it_is_about_and_is_read_then(town: Town, browser: Browser) -> None:
    report = file_routed(town.reporter)
    browser.sign_in(town.reporter)
    assert "还没有消息" in browser.page("/m?tab=inbox").get_text()
    tell(town.reporter, "a", f"report:{report['id']}", title=NASTY[:40])
    page = browser.page("/m?tab=inbox")
    harmless(page)
    assert page.select_one(".tabs a[aria-current] b").get_text() == "1"  # type: ignore[union-attr]
    form = page.select_one(".cards form")
    assert form is not None
    assert browser.submit(form).location == f"/m/r/{report['number']}"
    assert browser.submit(form).location == f"/m/r/{report['number']}"  # the button once more
    assert browser.page("/m?tab=inbox").select(".unread") == []
    stranger = Browser(browser.app).sign_in(town.stranger)
    foreign = fields_of(form_to(stranger.page("/account"), "/account/logout"))
    assert stranger.submit(form, **foreign).status_code == 404


@pytest.mark.parametrize(
    ("subject", "kind", "path"),
    [
        ("report", DESK_TASK, "/desk/r/"),
        (f"session:{uuid.UUID(int=1)}", REPORT_PROGRESS, f"/t/{uuid.UUID(int=1)}"),
        (f"browser:{uuid.UUID(int=1)}", REPORT_PROGRESS, "/account"),
        (f"certificate:{uuid.UUID(int=1)}", REPORT_PROGRESS, "/m?tab=inbox"),
        (f"report:{uuid.UUID(int=1)}", REPORT_PROGRESS, "/m?tab=inbox"),
    ],
)
def test_where_a_message_leads(town: Town, browser: Browser, subject: str, kind: Any, path: str) -> None:
    report = file_routed(town.reporter)
    tell(town.worker, "a", f"report:{report['id']}" if subject == "report" else subject, kind)
    form = browser.sign_in(town.worker).page("/m?tab=inbox").select_one(".cards form")
    assert form is not None
    assert str(browser.submit(form).location).startswith(path)


@pytest.mark.parametrize("office", ["held", "ended"])
def test_a_message_leads_to_no_page_of_an_office_that_ended(town: Town, browser: Browser, office: str) -> None:
    """A report that they filed themselves is still theirs."""
    person = town.people.make(*([(Role.COMMUNITY_WORKER, VILLAGE), (Role.ADMIN, COUNTY)] if office == "held" else []))
    report, of_import = file_routed(person), uuid.UUID(int=1)
    led = []
    for subject, kind in ((f"report:{report['id']}", DESK_TASK), (f"people_import:{of_import}", REPORT_PROGRESS)):
        tell(person, subject, subject, kind)
        form = browser.sign_in(person).page("/m?tab=inbox").select_one(".cards .unread form")
        assert form is not None
        led.append(browser.submit(form).location)
    at_desk, lists = f"/desk/r/{report['number']}", f"/desk/people/imports/{of_import}"
    assert led == ([at_desk, lists] if office == "held" else [f"/m/r/{report['number']}", "/m?tab=inbox"])


def acting(page: BeautifulSoup, number: str) -> set[str]:
    return {str(box["value"]) for box in form_to(page, f"/m/r/{number}").select("input[name=action]")}


def say(browser: Browser, number: str, **fields: Any) -> Any:
    return browser.submit(form_to(browser.page(f"/m/r/{number}"), f"/m/r/{number}"), **fields)


def test_confirm_with_a_rating(town: Town, browser: Browser) -> None:
    report = resolved(town)
    page = browser.sign_in(town.reporter).page(f"/m/r/{report['number']}")
    assert acting(page, report["number"]) == {"confirm", "dispute"}
    assert "请核实办理结果" in page.get_text()
    answer = say(browser, report["number"], action="confirm", rating="5")
    assert (answer.status_code, answer.location) == (303, f"/m/r/{report['number']}?done=confirm")
    assert read(town.reporter, report["id"])["state"] == "closed"
    after = browser.page(str(answer.location))
    assert "已提交：确认办结" in after.get_text()
    assert acting(after, report["number"]) == {"reopen"}


def test_every_word_of_a_reporter(town: Town, browser: Browser) -> None:
    browser.sign_in(town.reporter)
    report = file_routed(town.reporter)
    take(town.worker, report, "ask", note="请补充门牌号")
    number = report["number"]
    assert say(browser, number, action="answer", note="12 号", photo_ids=photo(town.reporter)).status_code == 303
    assert say(browser, number, action="withdraw").status_code == 303
    assert read(town.reporter, report["id"])["state"] == "withdrawn"
    other = resolved(town)
    assert say(browser, other["number"], action="dispute", note="没有清走").status_code == 303
    assert read(town.reporter, other["id"])["state"] == "accepted"
    refused = take(town.worker, file_routed(town.reporter), "refuse", reason_code="not_a_problem", note="未发现")
    assert "可申诉一次" in browser.page(f"/m/r/{refused['number']}").get_text()
    assert say(browser, refused["number"], action="appeal", note="还在").status_code == 303
    assert read(town.reporter, refused["id"])["state"] == "triage"
    again = resolved(town)
    say(browser, again["number"], action="confirm")
    assert say(browser, again["number"], action="reopen", note="又满了").status_code == 303
    assert read(town.reporter, again["id"])["state"] == "accepted"


def test_somebody_was_faster_and_nothing_typed_is_lost(town: Town, browser: Browser) -> None:
    report = file_routed(town.reporter)
    path = f"/m/r/{report['number']}"
    form = form_to(browser.sign_in(town.reporter).page(path), path)
    take(town.worker, report, "accept")
    answer = browser.submit(form, action="withdraw", note="已经好了", photos=shot())
    assert answer.status_code == 409
    page = soup_of(answer)
    assert [line.b.get_text() for line in page.select(".timeline .new") if line.b] == ["受理"]
    assert "已标“新”" in page.get_text()
    take(town.worker, read(town.worker, report["id"]), "ask", note="请补充门牌号")
    kept = fields_of(form_to(soup_of(browser.submit(form, action="answer", note="已经好了", photos=shot())), path))
    assert kept["note"].strip() == "已经好了"
    assert len(kept["photo_ids"]) == 36
    assert kept["action"] == "answer"


@pytest.mark.parametrize("action", ["", "fly", "note", "accept", "merge"])
def test_only_what_a_reporter_says(town: Town, browser: Browser, action: str) -> None:
    report = file_routed(town.reporter)
    browser.sign_in(town.reporter)
    assert say(browser, report["number"], action=action, note="看过").status_code == 422
    assert len(read(town.reporter, report["id"])["timeline"]) == len(report["timeline"])


def test_a_report_is_followed_by_its_own_people_only(town: Town, browser: Browser) -> None:
    report = file_routed(town.reporter)
    path = f"/m/r/{report['number']}"
    form = form_to(browser.sign_in(town.reporter).page(path), path)
    for person in (town.worker, town.officer, town.stranger, town.neighbour):
        other = Browser(browser.app).sign_in(person)
        assert other.get(path).status_code == 404
        foreign = fields_of(form_to(other.page("/account"), "/account/logout"))
        assert other.submit(form, **foreign, action="withdraw").status_code == 404
        assert report["number"] not in other.page("/m").get_text()
    assert browser.get("/m/r/JZ-00000000").status_code == 404
    assert browser.get(path.lower()).status_code == 200  # a number typed by hand


def test_village_affairs_stay_with_who_filed_them(town: Town, browser: Browser) -> None:
    report = file_routed(town.reporter, category_code="X0201")
    assert town.worker.post(f"/reports/{report['id']}/me-too", {"photo_ids": []}).status_code == 404
    page = browser.sign_in(town.reporter).page(f"/m/r/{report['number']}")
    assert "村" not in (page.select_one(".standing") or page).get_text()
    assert Browser(browser.app).sign_in(town.worker).get(f"/m/r/{report['number']}").status_code == 404


def test_what_is_late_is_said_to_be_late(town: Town, browser: Browser, clock: FixedClock) -> None:
    browser.sign_in(town.reporter)
    path = f"/m/r/{file_routed(town.reporter)['number']}"
    assert "已超期" not in browser.page(path).select(".standing")[0].get_text()
    clock.advance(hours=3)
    assert "受理时限为今天 12:00，已超期。" in browser.page(path).select(".standing")[0].get_text()


def test_where_it_stands_is_said_in_words_with_times_and_no_names(town: Town, browser: Browser) -> None:
    browser.sign_in(town.reporter)
    report = file_routed(town.reporter)
    path = f"/m/r/{report['number']}"
    page = browser.page(path)
    assert "等待受理" in page.select(".standing")[0].get_text()
    assert [each["aria-label"] for each in page.select(".ladder")] == ["受理时限", "办结时限"]
    assert [each.b.get_text() for each in page.select(".ladder")[0].select("li") if each.b] == [
        "到期提醒",
        "受理时限",
        "逾期报上级",
    ]
    taken = take(town.worker, report, "accept")
    assert "正在处理" in browser.page(path).select(".standing")[0].get_text()
    resolved(town, taken)
    assert "将自动结案" in browser.page(path).select(".standing")[0].get_text()


def test_a_hold_tells_its_day(town: Town, browser: Browser) -> None:
    report = accepted(town)
    asked = take(
        town.worker, report, "request_hold", reason_code="weather", note="汛期无法施工", review_on="2026-12-10"
    )
    take(town.officer, asked, "approve_hold")
    page = browser.sign_in(town.reporter).page(f"/m/r/{report['number']}")
    assert "暂缓办理，12月10日复核" in page.select(".standing")[0].get_text()
    assert page.select(".ladder.stopped")


def test_what_people_typed_is_only_text(town: Town, browser: Browser) -> None:
    browser.sign_in(town.reporter)
    report = file_routed(town.reporter, description=NASTY, address=NASTY)
    take(town.worker, report, "ask", note=NASTY)
    refused = say(browser, report["number"], action="answer", note=NASTY, version="1")
    assert refused.status_code == 409
    form = blank(browser)
    bad = browser.submit(form, category_code=NASTY, description=NASTY, address=NASTY, photo_ids=NASTY)
    for page in (
        soup_of(refused),
        soup_of(bad),
        browser.page("/m"),
        browser.page(f"/m/r/{report['number']}"),
        browser.page("/m/new?region_code=%3Cscript%3E&picked_by=%22%3E%3Csvg+onload%3D1%3E"),
    ):
        harmless(page)
    assert NASTY in browser.page(f"/m/r/{report['number']}").get_text()


def test_home_leads_people_without_office_to_their_own(town: Town, browser: Browser) -> None:
    assert browser.sign_in(town.reporter).get("/").location == "/m"
    assert Browser(browser.app).sign_in(town.worker).get("/").location == "/desk"


def test_drafts_are_known_by_their_person(town: Town, browser: Browser) -> None:
    def mark(person: Person) -> str:
        box = Browser(browser.app).sign_in(person).page("/m/new").select_one("[data-drafts]")
        assert box is not None
        return str(box["data-owner"])

    assert mark(town.reporter) == mark(town.reporter)
    assert mark(town.reporter) != mark(town.stranger)
    assert str(town.reporter.actor.user_id) not in mark(town.reporter)


def test_bytes_of_the_phone(town: Town, browser: Browser) -> None:
    browser.sign_in(town.reporter)
    for _ in range(20):
        report = file_routed(town.reporter)
    for path in ("/m/new", f"/m/new?region_code={TOWNSHIP}", "/m", "/m/sign", f"/m/r/{report['number']}"):
        everything, scripts = weight(browser, path)
        assert everything <= 25 * 1024, (path, everything)
        assert scripts <= 20 * 1024, path
