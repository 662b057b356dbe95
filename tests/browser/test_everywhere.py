"""Every page in a real browser: accessible, a clean console, nothing sideways; and the queue by keyboard."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.test_pages import violations
from tests.factories import People
from tests.reporting import Town, file_routed
from tests.web.visits import ALL, Scene, Visit, name_of, set_scene
from wxapi.platform.db import db
from wxapi.platform.refusals import counter_of

pytestmark = pytest.mark.processes
# The page, and the queue within it, that has cards where its columns have no room.
WIDEST = """() => Math.max(...Array.from(document.querySelectorAll(".queue"), (each) => each.scrollWidth),
  document.documentElement.scrollWidth)"""
# Lists of which a choice is wider than its control: it is read only in part, and not to its end.
CUT = """() => { const pen = document.createElement("canvas").getContext("2d");
  return Array.from(document.querySelectorAll("select")).filter((each) => each.getClientRects().length > 0)
    .filter((each) => { const style = getComputedStyle(each); pen.font = style.font;
      const room = each.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      return Array.from(each.options).some((option) => pen.measureText(option.text).width > room); })
    .map((each) => each.name); }"""
# Tables with columns out of sight.
OUT_OF_SIGHT = """() => Array.from(document.querySelectorAll(".scroll"))
  .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.outerHTML.slice(0, 120))"""
# On paper: a list that is not there, a control that is.
ODD_IN_PRINT = """() => Array.from(document.querySelectorAll(
    "main table, main ul.waiting, main button, main input, main select, main textarea"))
  .filter((each) => !each.closest(".no-print, [hidden], details, .turning")
    && (each.getClientRects().length > 0) !== each.matches("table, ul"))
  .map((each) => each.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def scene(site: Flask) -> Iterator[Scene]:
    with site.app_context():
        yield set_scene(People(site), counter_of(site))
        db.session.remove()


@pytest.mark.parametrize("visit", ALL, ids=name_of)
def test_pages_are_accessible_and_go_not_sideways(walk_to: Open, scene: Scene, visit: Visit) -> None:
    """Every page of the URL map: `tests/web/test_gates.py` names one that is missing here."""
    page = walk_to(scene.person(visit), scene.path(visit))
    assert violations(page) == []
    assert page.evaluate(OUT_OF_SIGHT) == [], "at a desk"
    # Phones, and 1366 and 1440 px at 200 %: what a browser has left of its width.
    for width in (320, 390, 683, 720):
        page.set_viewport_size({"width": width, "height": 640})
        assert page.evaluate(WIDEST) <= width, width
        assert page.evaluate(CUT) == [], width
    page.emulate_media(media="print")
    odd = page.evaluate(ODD_IN_PRINT)
    page.emulate_media(media="screen")
    assert odd == []


def test_the_queue_by_keyboard_alone(open_page: Open, town: Town, site: Flask) -> None:
    with site.app_context():
        numbers = {file_routed(town.reporter)["number"] for _ in range(8)}
    page = open_page(town.worker, "/desk")
    rows = page.locator("tr[data-key]")
    first, second = (rows.nth(n).get_attribute("data-key") for n in (0, 1))
    page.keyboard.press("?")
    sheet = page.get_by_text("快捷键：j 下一件")
    expect(sheet).to_be_in_viewport()  # also above a list that is longer than the window
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
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
    # Who only looks has nothing to tick: the key does nothing, and complains of nothing.
    looking = open_page(town.supervisor, "/desk")
    for key in ("j", "x", "?"):
        looking.keyboard.press(key)
    expect(looking.get_by_text("快捷键：j 下一件")).not_to_contain_text("勾选")


@pytest.mark.parametrize(
    "visit", [visit for visit in ALL if "wall=1" in visit.path or "screen" in visit.path], ids=name_of
)
def test_what_hangs_on_a_wall_is_dark_to_its_edge(walk_to: Open, scene: Scene, visit: Visit) -> None:
    """A short view left a bright band below it."""
    page = walk_to(scene.person(visit), scene.path(visit), viewport={"width": 1920, "height": 1080})
    assert page.evaluate("() => document.body.getBoundingClientRect().bottom >= innerHeight")


def test_nothing_of_the_screen_lies_below_the_projector(walk_to: Open, scene: Scene) -> None:
    """Nobody scrolls there: a long title pushed the code half out of sight. The hall of the scene has the longest."""
    page = walk_to(scene.persons["organiser"], scene.path(Visit("organiser", "/hall/{session_id}/screen")))
    for width, height in ((1920, 1080), (1366, 768), (1280, 720), (1024, 768), (800, 600)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("() => document.documentElement.scrollHeight") <= height, (width, height)


def test_nothing_of_a_wall_lies_below_it(walk_to: Open, scene: Scene) -> None:
    """On a wall of 1080 lines the one that tells of a lost network lay below: in each of the views that take turns."""
    page = walk_to(scene.persons["supervisor"], "/panorama?wall=1")
    page.locator(".view.shown").wait_for()
    for width, height in ((1920, 1080), (1366, 768)):
        page.set_viewport_size({"width": width, "height": height})
        for at in range(3):
            show = "(at) => document.querySelectorAll('.view').forEach((one, n) => one.classList.toggle('shown', n === at))"
            page.evaluate(show, at)
            status = page.locator("[data-refresh-status]").bounding_box()
            assert status is not None
            assert status["y"] + status["height"] <= height, (width, at)
            assert page.evaluate("() => document.documentElement.scrollHeight") <= height, (width, at)
