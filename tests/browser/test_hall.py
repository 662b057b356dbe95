"""The hall in a browser: the code is read from the projector, phones sign in, a lost network covers what died."""

import io
import uuid
from typing import Any

import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.test_pages import violations
from tests.factories import People, Person
from tests.reporting import Town
from tests.schooling import COUNTY, School, plan
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db

pytestmark = pytest.mark.processes

PROJECTOR = {"viewport": {"width": 1920, "height": 1080}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
# The screen asks every 2 s, the counts are a second old at most.
SOON_MS = 15_000
# A code signs in for 30 s at most.
DEAD_MS = 45_000


@pytest.fixture(scope="module")
def school(site: Flask, town: Town) -> School:
    with site.app_context():
        people = People(site)
        return School(
            people,
            organiser=people.make((Role.TRAINING_ORGANISER, COUNTY), openid="hall-organiser"),
            steward=people.make((Role.TRAINING_STEWARD, COUNTY), openid="hall-steward"),
            stranger=town.reporter,
            member=town.worker,
        )


@pytest.fixture
def hall(site: Flask, school: School) -> dict[str, Any]:
    with site.app_context():
        made = school.make(title="党课开讲啦：基层治理的荆州实践")
        db.session.remove()
        return made


def phones(site: Flask, school: School, hall: dict[str, Any], count: int) -> list[Person]:
    """People with a seat."""
    with site.app_context():
        found = [school.people.make(openid=f"phone-{uuid.uuid4().hex[:12]}") for _ in range(count)]
        for person in found:
            assert person.post(f"/training/sessions/{hall['id']}/enrolments").status_code == 201
        db.session.remove()
    return found


def read_code(page: Page) -> str:
    """What a camera before the projector reads."""
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(page.screenshot())))
    assert len(found) == 1
    return str(found[0].text)


def test_the_screen_before_three_phones(open_page: Open, site: Flask, school: School, hall: dict[str, Any]) -> None:
    people = phones(site, school, hall, 3)
    page = open_page(school.organiser, f"/hall/{hall['id']}/screen", **PROJECTOR)
    expect(page.locator("[data-expected]")).to_have_text("3", timeout=SOON_MS)
    expect(page.locator("[data-arrived]")).to_have_text("0")
    for arrived, person in enumerate(people, start=1):
        code = read_code(page)
        with site.app_context():
            answer = person.post(f"/training/sessions/{hall['id']}/sign-ins", {"code": code})
            assert answer.status_code == 201, answer.text
        expect(page.locator("[data-arrived]")).to_have_text(str(arrived), timeout=SOON_MS)


def side_of_code(page: Page) -> float:
    """In one step: the script exchanges the picture, and one found before has no box."""
    return float(
        page.evaluate(
            """() => {
              const box = document.querySelector("[data-code] svg").getBoundingClientRect();
              return Math.min(box.width, box.height);
            }"""
        )
    )


def test_the_code_is_large_and_follows_the_clock(open_page: Open, school: School, hall: dict[str, Any]) -> None:
    page = open_page(school.organiser, f"/hall/{hall['id']}/screen", **PROJECTOR)
    assert side_of_code(page) >= 0.6 * 1080
    assert violations(page) == []
    # The longest title that is usual, with a network that is away: nothing lies below the edge, on a 4:3 projector too.
    page.evaluate(
        """() => {
          document.querySelector("h1").textContent = "“网格啄木鸟”红色课堂：身边的基层治理与群众工作方法（第三期）";
          document.querySelector("[data-net]").textContent = "网络已断开，正在重新连接，签到码仍然有效。";
        }"""
    )
    for width, height in ((1024, 768), (1280, 1024), (1280, 800), (3840, 2160), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        assert side_of_code(page) >= 0.6 * height, (width, height)
        assert page.evaluate("() => document.documentElement.scrollHeight") <= height, (width, height)
    first, short = read_code(page), page.locator("[data-short]").inner_text()
    expect(page.locator("[data-short]")).not_to_have_text(short, timeout=DEAD_MS)
    assert read_code(page) != first


def test_a_lost_network_covers_a_dead_code(open_page: Open, school: School, hall: dict[str, Any]) -> None:
    page = open_page(school.organiser, f"/hall/{hall['id']}/screen", **PROJECTOR)
    page.clock.install()
    page.reload()
    code = read_code(page)
    page.context.set_offline(True)
    expect(page.locator("[data-net]")).to_contain_text("网络已断开", timeout=SOON_MS)
    assert read_code(page) == code, "it still signs in"
    page.clock.fast_forward(DEAD_MS)
    expect(page.locator("[data-cover]")).to_contain_text("签到码已失效", timeout=SOON_MS)
    assert zxingcpp.read_barcodes(Image.open(io.BytesIO(page.screenshot()))) == []
    expect(page.locator("[data-typed]")).to_be_hidden()
    page.context.set_offline(False)
    expect(page.locator("[data-cover]")).to_be_hidden(timeout=SOON_MS)
    assert read_code(page)


def test_a_steward_ticks_on_a_phone(open_page: Open, site: Flask, school: School, hall: dict[str, Any]) -> None:
    people = phones(site, school, hall, 2)
    page = open_page(school.steward, f"/hall/{hall['id']}/roll", **PHONE)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    buttons = page.locator("[data-tick]")
    expect(buttons).to_have_count(2)
    box = buttons.first.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    buttons.first.click()
    expect(page.locator("[data-tick-status]")).to_contain_text("签到成功")
    expect(buttons).to_have_count(1)
    page.context.set_offline(True)
    buttons.first.click()
    expect(page.locator("[data-tick-status]")).to_contain_text("网络已断开")
    page.context.set_offline(False)
    buttons.first.click()
    expect(buttons).to_have_count(0)
    with site.app_context():
        assert [school.state(hall, each) for each in people] == ["present", "present"]


def test_a_draft_of_a_form_ends_with_its_acceptance(open_page: Open, site: Flask, school: School) -> None:
    page = open_page(school.organiser, "/hall/new")
    page.get_by_label("名称").fill("草稿里的名称")
    page.reload()
    expect(page.get_by_label("名称")).to_have_value("草稿里的名称")
    with site.app_context():
        body = plan()
    page.get_by_label("开始时间").fill(body["starts_at"][:16])
    page.get_by_label("结束时间").fill(body["ends_at"][:16])
    page.get_by_role("button", name="保存草稿").click()
    expect(page.get_by_text("草稿已保存")).to_be_visible()
    page.goto(f"{site.extensions['address']}/hall/new")
    expect(page.get_by_label("名称")).to_have_value("")
