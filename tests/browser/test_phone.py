"""The phone's pages in a browser: photos made small, the place, drafts without a network."""

import io
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from tests import pictures, places
from tests.browser.conftest import Open
from tests.factories import Person
from tests.reporting import VILLAGE, Town, file_routed, resolved
from tests.schooling import AT_THE_HALL, COUNTY, enrol
from wxapi.kernel.coordinates import gcj02_to_wgs84
from wxapi.photos.models import Photo, original_key
from wxapi.platform.db import db
from wxapi.platform.runtime import runtime
from wxapi.reports.models import Report, ReportPhoto

pytestmark = pytest.mark.processes

# The server has it; the answer never arrives.
LOSE_ANSWERS = (
    "() => { const real = window.fetch; window.fetch = async (address, options) => {"
    " const answer = await real(address, options);"
    " if (address === '/m/new') { throw new TypeError('lost'); } return answer; }; }"
)
SMALL: dict[str, Any] = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture
def reporter(site: Flask, town: Town) -> Iterator[Person]:
    """Somebody who has filed nothing yet."""
    with site.app_context():
        yield town.people.make()
        db.session.remove()


def shot(width: int = 640, height: int = 480) -> dict[str, Any]:
    return {
        "name": "a.jpg",
        "mimeType": "image/jpeg",
        "buffer": pictures.encoded(pictures.scene(width, height), "JPEG"),
    }


def at(village: str, north: float = 0.0) -> dict[str, float]:
    """Where a phone in the middle of a village says it is."""
    point = gcj02_to_wgs84(places.centre(village))
    return {"longitude": point.longitude, "latitude": point.latitude + north, "accuracy": 9}


def here(village: str = VILLAGE, north: float = 0.0) -> dict[str, Any]:
    return {**SMALL, "permissions": ["geolocation"], "geolocation": at(village, north)}


def fill(page: Page, category: str = "E0104", words: str = "路面有积水和落叶") -> None:
    page.locator("#category_code").select_option(category)
    page.get_by_label("问题描述").fill(words)


def add_photo(page: Page, count: int = 1, **size: int) -> None:
    page.locator("input[type=file]").set_input_files(shot(**size))
    expect(page.locator(".photos img")).to_have_count(count)


def mine(site: Flask, person: Person) -> list[Report]:
    with site.app_context():
        found = list(db.session.scalars(select(Report).where(Report.reporter_id == person.actor.user_id)))
        db.session.remove()
    return found


def photos_of(report: Report) -> list[Photo]:
    chosen = select(Photo).join(ReportPhoto, ReportPhoto.photo_id == Photo.id).where(ReportPhoto.report_id == report.id)
    return list(db.session.scalars(chosen))


def test_a_report_with_a_photo_from_where_one_stands(open_page: Open, reporter: Person, site: Flask) -> None:
    page = open_page(reporter, "/m/new", **here(north=0.001))
    expect(page.locator(".picked")).to_contain_text("001村")  # allowed before: no button needed
    expect(page.locator(".map circle")).to_have_count(1)
    add_photo(page, width=4000, height=3000)
    fill(page)
    page.get_by_role("button", name="提交上报").click()
    expect(page.get_by_text("上报已提交")).to_be_visible()
    (report,) = mine(site, reporter)
    assert (report.village_code, report.picked_by, report.accuracy) == (VILLAGE, "gps", 9.0)
    assert report.latitude == pytest.approx(places.centre(VILLAGE).latitude + 0.001, abs=1e-5)
    with site.app_context():
        (photo,) = photos_of(report)
        sent = Image.open(io.BytesIO(runtime().storage.get(original_key(photo.id))))
        db.session.remove()
    assert sent.size == (1600, 1200)
    assert not sent.getexif()


def test_the_place_down_the_list_and_by_a_tap_on_the_map(open_page: Open, reporter: Person, site: Flask) -> None:
    page = open_page(reporter, "/m/new", **SMALL)
    fill(page, "E0202")
    page.get_by_role("button", name="提交上报").click()
    expect(page.get_by_text("请选择地点").first).to_be_visible()
    for name in ("沙市区", "中山街道", "001村"):
        page.locator(".down a", has_text=name).click()
    expect(page.locator(".picked")).to_contain_text("已选村（社区）")
    map_of_village = page.locator("svg[data-tap]")
    box, view_box = map_of_village.bounding_box(), map_of_village.get_attribute("viewBox")
    assert box is not None
    map_of_village.click(position={"x": box["width"] * 0.4, "y": box["height"] * 0.5})
    expect(page.locator(".picked")).to_contain_text("已选位置")
    page.get_by_role("button", name="提交上报").click()
    expect(page.get_by_text("上报已提交")).to_be_visible()
    (report,) = mine(site, reporter)
    assert (report.village_code, report.picked_by) == (VILLAGE, "map")
    # The drawing, 1.3 times as wide as the village, stands in the middle of its box.
    _, _, wide, high = (float(each) for each in str(view_box).split())
    drawn = min(box["width"], box["height"] * wide / high)
    east = -0.1 * box["width"] / drawn * 1.3 * places.SIDE
    assert report.longitude == pytest.approx(places.centre(VILLAGE).longitude + east, abs=1e-4)
    assert report.latitude == pytest.approx(places.centre(VILLAGE).latitude, abs=1e-4)


def test_a_draft_is_sent_once_after_the_network_came_back(open_page: Open, reporter: Person, site: Flask) -> None:
    page = open_page(reporter, "/m/new", **here(north=0.002))
    expect(page.locator(".picked")).to_contain_text("001村")
    page.context.set_offline(True)
    add_photo(page)
    fill(page)
    page.get_by_role("button", name="提交上报").click()
    expect(page.get_by_text("已保存在本机")).to_be_visible()
    expect(page.get_by_role("heading", name="待发送的上报（1）")).to_be_visible()
    assert mine(site, reporter) == []
    page.context.set_offline(False)
    expect(page.get_by_text("已发送：")).to_be_visible()
    other = page.context.new_page()  # nothing is left to be sent a second time
    other.goto(site.extensions["address"] + "/m")
    expect(other.locator(".cards .card")).to_have_count(1)
    expect(other.locator("[data-drafts]")).to_be_hidden()
    page.get_by_role("link", name=re.compile("已发送")).click()
    expect(page.locator(".standing")).to_contain_text("正在确定承办单位")
    (report,) = mine(site, reporter)
    assert report.picked_by == "gps"
    with site.app_context():
        assert len(photos_of(report)) == 1
        db.session.remove()


def test_an_open_form_outlives_a_reload_the_back_button_and_its_tab(
    open_page: Open, reporter: Person, town: Town, site: Flask
) -> None:
    """With its photos and its place; sent once, and shown to nobody else on this phone."""
    address = site.extensions["address"]
    page = open_page(reporter, f"/m/new?region_code={VILLAGE}", **SMALL)
    add_photo(page)
    add_photo(page, 2)
    fill(page, "E0404", "井盖破损")
    page.get_by_label("详细位置").fill("村口")
    page.goto(address + "/m/new")  # no place in the address any more
    expect(page.get_by_text("已恢复您上次没有提交的内容")).to_be_visible()
    expect(page.locator(".photos img")).to_have_count(2)
    expect(page.locator(".picked")).to_contain_text("001村")
    page.get_by_role("button", name="移除").first.click()
    page.reload()
    expect(page.locator(".photos img")).to_have_count(1)
    page.goto(address + "/m")
    page.go_back()
    expect(page.locator(".photos img")).to_have_count(1)
    context = page.context
    page.close()
    mark = context.cookies()
    with site.app_context():
        friend = town.people.make()
        db.session.remove()
    context.add_cookies(open_page(friend, "/m", **SMALL).context.cookies())
    other = context.new_page()
    other.goto(address + "/m/new")
    expect(other.get_by_role("button", name="提交上报")).to_be_visible()
    expect(other.get_by_label("问题描述")).to_have_value("")
    expect(other.locator(".photos img")).to_have_count(0)
    context.add_cookies(mark)
    other.goto(address + "/m/new")
    expect(other.locator(".photos img")).to_have_count(1)
    expect(other.get_by_label("问题描述")).to_have_value("井盖破损")
    expect(other.locator("#category_code")).to_have_value("E0404")
    expect(other.get_by_label("详细位置")).to_have_value("村口")
    other.get_by_role("button", name="提交上报").click()
    expect(other.get_by_text("上报已提交")).to_be_visible()
    (report,) = mine(site, reporter)
    with site.app_context():
        assert len(photos_of(report)) == 1
        db.session.remove()
    other.goto(address + "/m/new")
    expect(other.get_by_label("问题描述")).to_have_value("")
    expect(other.locator(".photos img")).to_have_count(0)
    fill(other, "E0404", "另一处井盖")
    other.reload()
    other.get_by_role("button", name="清空").click()
    other.reload()
    expect(other.locator("[data-left]")).to_be_hidden()
    expect(other.get_by_label("问题描述")).to_have_value("")


def test_a_draft_outlives_its_page_and_a_lost_answer(open_page: Open, reporter: Person, site: Flask) -> None:
    page = open_page(reporter, "/m/new", **here(north=0.003))
    expect(page.locator(".picked")).to_contain_text("001村")
    page.evaluate(LOSE_ANSWERS)
    add_photo(page)
    fill(page)
    page.get_by_role("button", name="提交上报").click()
    expect(page.get_by_text("已保存在本机")).to_be_visible()
    assert len(mine(site, reporter)) == 1
    page.goto(site.extensions["address"] + "/m")  # another page, with another seal
    sent = page.get_by_text("已发送：")
    expect(sent).to_be_visible()
    expect(sent).to_contain_text(mine(site, reporter)[0].number)
    assert len(mine(site, reporter)) == 1


def test_a_draft_nobody_can_vouch_for_waits_for_its_person(open_page: Open, reporter: Person, site: Flask) -> None:
    """The server forgets a key after two days: what was tried before is not sent by itself again."""
    page = open_page(reporter, "/m/new", **here(north=-0.003))
    expect(page.locator(".picked")).to_contain_text("001村")
    page.evaluate(LOSE_ANSWERS)
    fill(page, "E0203")
    page.get_by_role("button", name="提交上报").click()
    expect(page.get_by_text("已保存在本机")).to_be_visible()
    page.clock.install(time=datetime.now(UTC) + timedelta(hours=46))
    page.goto(site.extensions["address"] + "/m")
    expect(page.get_by_text("可能已经发出")).to_be_visible()
    page.get_by_role("button", name="删除").click()
    expect(page.locator("[data-drafts]")).to_be_hidden()
    assert len(mine(site, reporter)) == 1


def test_what_one_person_wrote_is_not_sent_as_anothers(
    open_page: Open, reporter: Person, town: Town, site: Flask
) -> None:
    page = open_page(reporter, "/m/new", **here(north=0.001))
    expect(page.locator(".picked")).to_contain_text("001村")
    page.context.set_offline(True)
    fill(page, "E0105")
    page.get_by_role("button", name="提交上报").click()
    expect(page.get_by_text("已保存在本机")).to_be_visible()
    with site.app_context():
        friend = town.people.make()
        db.session.remove()
    token = page.context.cookies()
    other = open_page(friend, "/m", **SMALL)
    foreign = other.context.cookies()
    page.context.clear_cookies()
    page.context.add_cookies(foreign)
    page.context.set_offline(False)
    page.goto(site.extensions["address"] + "/m")
    expect(page.get_by_text("您还没有上报过问题")).to_be_visible()
    expect(page.locator("[data-drafts]")).to_be_hidden()
    page.context.clear_cookies()
    page.context.add_cookies(token)
    page.goto(site.extensions["address"] + "/m")
    expect(page.get_by_text("已发送：")).to_be_visible()
    assert mine(site, friend) == []


def test_a_session_that_ended_keeps_the_draft(open_page: Open, reporter: Person, site: Flask) -> None:
    page = open_page(reporter, "/m/new", **here(north=-0.002))
    expect(page.locator(".picked")).to_contain_text("001村")
    fill(page, "E0106")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.get_by_role("button", name="提交上报").click()
    expect(page.get_by_text("登录已失效").first).to_be_visible()
    page.context.add_cookies(cookies)
    page.goto(site.extensions["address"] + "/m")
    expect(page.get_by_text("已发送：")).to_be_visible()
    assert len(mine(site, reporter)) == 1


def test_already_reported_is_asked_before_sending(open_page: Open, reporter: Person, town: Town, site: Flask) -> None:
    with site.app_context():
        known = file_routed(town.stranger, category_code="E0301")
        db.session.remove()
    spot = known["location"]
    point = gcj02_to_wgs84(places.Point(spot["longitude"], spot["latitude"]))
    where = {**here(), "geolocation": {"longitude": point.longitude, "latitude": point.latitude, "accuracy": 5}}
    page = open_page(reporter, "/m/new", **where)
    expect(page.locator(".picked")).to_contain_text("001村")
    add_photo(page)
    fill(page, "E0301")
    page.get_by_role("button", name="提交上报").click()
    expect(page.get_by_role("alert")).to_contain_text(known["number"])
    page.get_by_role("button", name="是同一个，我也遇到了").click()
    expect(page.get_by_text("您是共同上报人")).to_be_visible()
    assert mine(site, reporter) == []
    page = open_page(reporter, "/m/new", **where)
    expect(page.locator(".picked")).to_contain_text("001村")
    fill(page, "E0301")
    page.get_by_role("button", name="提交上报").click()
    page.get_by_role("button", name="都不是，继续上报").click()
    expect(page.get_by_text("上报已提交")).to_be_visible()
    assert len(mine(site, reporter)) == 1


def test_what_is_not_taken_is_said_and_kept_nowhere(open_page: Open, reporter: Person, site: Flask) -> None:
    page = open_page(reporter, "/m/new", **here())
    expect(page.locator(".picked")).to_contain_text("001村")
    # A picture that the browser cannot show (HEIC, mostly) is not one that is broken.
    unseen = {"name": "a.heic", "mimeType": "image/heic", "buffer": b"no picture that this browser knows"}
    page.locator("input[type=file]").set_input_files(unseen)
    expect(page.locator(".photos li")).to_contain_text("已选，无法预览")
    page.get_by_role("button", name="移除").click()
    fill(page, "X0903", "某人的事")
    page.get_by_role("button", name="提交上报").click()
    expect(page.locator("[data-send-status]")).to_contain_text("12388")
    expect(page.get_by_label("问题描述")).to_have_value("某人的事")
    expect(page.locator("[data-drafts]")).to_be_hidden()
    kept = page.evaluate(
        "() => new Promise((done) => { const asked = indexedDB.open('wx-drafts', 1); asked.onsuccess = () => {"
        " const all = asked.result.transaction('drafts').objectStore('drafts').count();"
        " all.onsuccess = () => done(all.result); }; })"
    )
    assert kept == 0
    fill(page, "E0107", "废弃车辆")  # the same form goes on
    page.get_by_role("button", name="提交上报").click()
    expect(page.get_by_text("上报已提交")).to_be_visible()
    assert len(mine(site, reporter)) == 1


def test_confirming_on_a_phone(open_page: Open, town: Town, site: Flask) -> None:
    with site.app_context():
        number = resolved(town)["number"]
        db.session.remove()
    page = open_page(town.reporter, f"/m/r/{number}", **SMALL)
    expect(page.get_by_label("评分")).to_be_hidden()
    page.get_by_label("确认办结").check()
    page.get_by_label("评分").select_option("4")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("已提交：确认办结")).to_be_visible()


def test_a_sign_in_with_the_position_may_be_sent_again(
    open_page: Open, reporter: Person, town: Town, site: Flask
) -> None:
    """A page that comes back, from an answer that never arrived or by the back button, has a button that works."""
    with site.app_context():
        hall = enrol(town.people, COUNTY).make(location=AT_THE_HALL | {"accuracy": None}, radius_m=100)
        db.session.remove()
    page = open_page(reporter, f"/m/sign?session={hall['id']}", **here())
    sent: list[str] = []
    page.route("**/m/sign", lambda route: (sent.append(str(route.request.post_data)), route.fulfill(status=204)))
    page.get_by_label("签到码").fill("ABC123")
    for times in (1, 2):
        # Its answer, not its asking: that is heard before `sent` is written.
        with page.expect_response("**/m/sign"):
            page.get_by_role("button", name="签到").click()
        assert len(sent) == times
        # Its page would be asked for anew. Nobody waits 8 s here until it may go again.
        assert page.evaluate("() => document.documentElement.dataset.sent") == "1"
        page.evaluate("() => { delete document.querySelector('form').dataset.sending; }")
    assert all("longitude=112" in each for each in sent)


def test_a_form_that_is_left_before_its_place_is_drawn_keeps_it(open_page: Open, reporter: Person, site: Flask) -> None:
    address = site.extensions["address"]
    page = open_page(reporter, f"/m/new?region_code={VILLAGE}", **SMALL)
    fill(page, "E0404", "井盖破损")
    add_photo(page)  # is there when all of it lies on the phone
    page.route("**/m/new/place*", lambda route: None)
    page.goto(address + "/m/new")
    expect(page.locator(".photos img")).to_have_count(1)
    add_photo(page, 2)  # writes all of it down again
    page.goto(address + "/m")
    page.unroute("**/m/new/place*")
    page.goto(address + "/m/new")
    expect(page.locator(".picked")).to_contain_text("001村")


def test_without_scripts_one_files_by_list_with_a_photo(open_page: Open, reporter: Person, site: Flask) -> None:
    page = open_page(reporter, "/m/new", **SMALL, java_script_enabled=False)
    for name in ("沙市区", "中山街道", "001村"):
        page.locator(".down a", has_text=name).click()
    page.locator("input[type=file]").set_input_files(shot())
    fill(page, "E0304")
    page.get_by_role("button", name="提交上报").click()
    expect(page.get_by_text("上报已提交")).to_be_visible()
    (report,) = mine(site, reporter)
    assert report.picked_by == "list"
    with site.app_context():
        assert db.session.scalar(select(func.count()).where(ReportPhoto.report_id == uuid.UUID(str(report.id)))) == 1
        db.session.remove()
