"""Every page of offices in a real browser: accessible, a clean console, nothing sideways."""

import pytest
from flask import Flask
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.test_pages import violations
from tests.factories import People
from tests.reporting import COUNTY, TOWNSHIP, VILLAGE, Town, file_routed
from wxapi.kernel.permissions import Role

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(
    "path",
    [
        "/desk/map",
        f"/desk/map?region={VILLAGE}",
        "/desk/holds",
        "/desk/moderation",
        "/desk/r/{number}/merge",
        "/work",
        "/panorama",
        f"/panorama/{TOWNSHIP}",
        "/panorama?wall=1",
        "/statistics",
        "/exports",
        "/m",
        "/m/new",
    ],
)
def test_pages_are_accessible_and_go_not_sideways(open_page: Open, town: Town, site: Flask, path: str) -> None:
    with site.app_context():
        number = file_routed(town.reporter)["number"]
    page = open_page(town.officer, path.format(number=number))
    assert violations(page) == []
    # 320 px, and 1366 px at 200 %: what a browser has left of its width.
    for width in (320, 683):
        page.set_viewport_size({"width": width, "height": 640})
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, width


@pytest.mark.parametrize(
    "path", ["/desk/people", "/desk/people/new", "/desk/people/offices", "/desk/people/imports", "/confirm"]
)
def test_so_are_the_pages_of_an_administrator(open_page: Open, town: Town, site: Flask, path: str) -> None:
    with site.app_context():
        page = open_page(People(site).make((Role.ADMIN, COUNTY)), path)
    assert violations(page) == []
    for width in (320, 683):
        page.set_viewport_size({"width": width, "height": 640})
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, width


def test_the_queue_by_keyboard_alone(open_page: Open, town: Town, site: Flask) -> None:
    with site.app_context():
        numbers = {file_routed(town.reporter)["number"] for _ in range(3)}
    page = open_page(town.worker, "/desk")
    rows = page.locator("tr[data-key]")
    first, second = (rows.nth(n).get_attribute("data-key") for n in (0, 1))
    page.keyboard.press("?")
    expect(page.get_by_text("快捷键：j 下一件")).to_be_visible()
    for key in ("j", "j", "k", "j", "x"):
        page.keyboard.press(key)
    expect(page.get_by_label(f"选择 {second}")).to_be_checked()
    expect(page.get_by_label(f"选择 {first}")).not_to_be_checked()
    expect(page.get_by_text(f"已选 1 件：{second}")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("搜索")).to_be_focused()
    page.keyboard.type(numbers.pop())
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="上报内容")).to_be_visible()
