"""What only a browser shows: accessibility, nothing sideways, and scripts at work."""

import io
import uuid

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Page, Route, expect

from tests import pictures
from tests.browser.conftest import Open, until
from tests.reporting import Town, file_routed, read, take
from wxapi.photos.services.develop import develop
from wxapi.platform.runtime import runtime

pytestmark = pytest.mark.processes


# Of what is no violation one example a rule is enough, and none has to travel; of what axe fetches beforehand only a
# rule about sound is asked here, none about style sheets.
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],
    "preload": {"assets": ["media"]},
}


def violations(page: Page) -> list[str]:
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("async (options) => (await axe.run(options)).violations", AXE)
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("path", ["/nothing", "/desk/r/none"])
def test_a_page_that_is_not_there_is_accessible(open_page: Open, town: Town, path: str) -> None:
    assert violations(open_page(town.officer, path)) == []


def test_demo_login_and_out(open_page: Open, town: Town, site: Flask) -> None:
    page = open_page(None, "/login?next=/account")
    page.locator("button[value='reporter-1']").click()
    expect(page).to_have_url(site.extensions["address"] + "/account")
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("heading", name="网格啄木鸟")).to_be_visible()


def test_login_by_phone_moves_the_waiting_page_on(open_page: Open, town: Town, site: Flask) -> None:
    page = open_page(None, "/login?next=/account")
    number = int(page.locator(".number b").inner_text())
    login_id = page.locator(".address a").inner_text().rpartition("/")[2]
    with site.app_context():
        assert town.worker.post(f"/auth/web-logins/{login_id}/confirm", {"number": number}).status_code == 200
    expect(page).to_have_url(site.extensions["address"] + "/account")


def test_a_case_from_accepted_to_resolved_with_a_pasted_photo(open_page: Open, town: Town, site: Flask) -> None:
    with site.app_context():
        number = file_routed(town.reporter)["number"]
    page = open_page(town.worker, f"/desk/r/{number}")
    way_down = page.get_by_role("link", name="去办理")
    expect(way_down).to_be_hidden()  # the steps stand beside the case
    page.set_viewport_size({"width": 390, "height": 844})
    way_down.click()  # here below it
    expect(page.get_by_role("heading", name="办理", exact=True)).to_be_in_viewport()
    page.get_by_label("受理", exact=True).check()
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("操作成功：受理")).to_be_visible()
    page.get_by_label("办结", exact=True).check()
    page.get_by_role("button", name="已安排人员").click()
    shot = pictures.encoded(pictures.scene(640, 480), "JPEG")
    on_its_way: list[Route] = []
    page.route("**/photos", lambda route: on_its_way.append(route))  # noqa: PLW0108 - it marks what it is given
    page.locator("input[type=file]").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": shot})
    page.get_by_role("button", name="提交").click()  # would go without its photo
    expect(page.get_by_text("照片正在上传，请稍候再提交。")).to_be_visible()
    until(page, lambda: bool(on_its_way))
    on_its_way.pop().continue_()
    sent = page.locator(".photos input[name=photo_ids]")
    expect(sent).to_have_count(1)
    with site.app_context():  # the photo worker's part
        develop(uuid.UUID(sent.input_value()), now=runtime().clock.now())
    expect(page.locator(".photos img")).to_have_count(1)
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("操作成功：办结")).to_be_visible()


def test_two_browsers_race_for_one_case(open_page: Open, town: Town, site: Flask) -> None:
    with site.app_context():
        number = file_routed(town.reporter)["number"]
    first, second = (open_page(person, f"/desk/r/{number}") for person in (town.worker, town.colleague))
    second.get_by_label("退回", exact=True).check()
    second.get_by_label("说明", exact=True).fill("不在我村")
    second.get_by_label("原因", exact=True).select_option("not_ours")
    first.get_by_label("受理", exact=True).check()
    first.get_by_role("button", name="提交").click()
    expect(first.get_by_text("操作成功：受理")).to_be_visible()
    second.get_by_role("button", name="提交").click()
    expect(second.get_by_role("alert")).to_contain_text("已标“新”")
    expect(second.get_by_label("说明", exact=True)).to_have_value("不在我村")
    expect(second.locator(".timeline .new")).to_have_count(1)


def test_a_refresh_keeps_ticks_and_focus(open_page: Open, town: Town, site: Flask) -> None:
    with site.app_context():
        reports = [file_routed(town.reporter) for _ in range(3)]
    page = open_page(town.worker, "/desk")
    boxes = [page.get_by_label(f"选择 {each['number']}") for each in reports]
    boxes[0].check()
    boxes[1].check()
    boxes[1].focus()
    with site.app_context():
        take(town.colleague, reports[0], "accept")
        new = file_routed(town.reporter)["number"]
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")  # wakes the refresh
    expect(page.get_by_label(f"选择 {new}")).to_be_visible()
    expect(boxes[0]).to_be_checked()
    expect(boxes[1]).to_be_checked()
    expect(boxes[1]).to_be_focused()
    expect(page.locator("tr.changed")).to_have_count(1)
    with site.app_context():
        seen = boxes[0].input_value()
        assert seen == f"{reports[0]['number']}:{reports[0]['version']}"
        assert read(town.worker, reports[0]["id"])["version"] > reports[0]["version"]
    # A right that ended meanwhile is no busy server.
    page.route("**/desk/rows*", lambda route: route.fulfill(status=404))
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text("或您已无权查看")).to_be_visible()
    expect(boxes[0]).to_be_checked()


def test_what_a_refresh_pushes_off_the_page_is_on_the_next(open_page: Open, town: Town, site: Flask) -> None:
    """The link to the next page went on behind what the page had ended with: what was pushed off it stood on neither."""
    with site.app_context():
        pushed = [file_routed(town.reporter)["number"] for _ in range(3)][1]
    page = open_page(town.worker, "/desk?limit=2&sort=-created")
    page.get_by_role("link", name="下一页").focus()
    with site.app_context():
        new = file_routed(town.reporter)["number"]
    wake = "() => document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(wake)
    expect(page.get_by_role("link", name=new)).to_be_visible()
    expect(page.get_by_role("link", name=pushed)).to_be_hidden()
    expect(page.get_by_role("link", name="下一页")).to_be_focused()
    page.get_by_label("搜索").focus()
    with page.expect_response("**/desk/rows?*"):
        page.evaluate(wake)
    page.get_by_role("link", name="下一页").click()
    expect(page.locator("tr[data-key]").first).to_have_attribute("data-key", pushed)


def test_without_scripts_everything_is_a_form(open_page: Open, town: Town, site: Flask) -> None:
    with site.app_context():
        number = file_routed(town.reporter)["number"]
    page = open_page(town.worker, f"/desk/r/{number}", java_script_enabled=False)
    page.get_by_label("受理", exact=True).check()
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("操作成功：受理")).to_be_visible()
    shot = io.BytesIO(pictures.encoded(pictures.scene(640, 480), "JPEG")).getvalue()
    page.get_by_label("备注", exact=True).check()
    page.get_by_label("说明", exact=True).fill("看过")
    page.locator("input[type=file]").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": shot})
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("操作成功：备注")).to_be_visible()
