"""The whole chain by clicks alone, from the front page: filed, accepted, resolved, confirmed, and a class signed in to."""

import re
import uuid

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests import pictures
from tests.browser.conftest import Open
from tests.browser.test_bad_days import SOON_MS, address
from tests.browser.test_phone import here
from tests.factories import People
from tests.reporting import VILLAGE, Town
from tests.schooling import COUNTY, enrol
from wxapi.kernel.permissions import Role
from wxapi.photos.models import Photo
from wxapi.photos.services.develop import develop
from wxapi.platform.db import db
from wxapi.platform.runtime import runtime
from wxapi.reports.models import Report
from wxapi.reports.services import route

pytestmark = pytest.mark.processes

REPORTER, WORKER = "reporter-1", f"worker-{VILLAGE}"
SHOT = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": pictures.encoded(pictures.scene(640, 480), "JPEG")}


@pytest.fixture
def hall(site: Flask, town: Town) -> dict[str, str]:
    """The demo's people, by the names that its login page shows, and a class that is on."""
    with site.app_context():
        people = People(site)
        reporter = people.make(openid=REPORTER)
        people.make((Role.COMMUNITY_WORKER, VILLAGE), openid=WORKER)
        people.make((Role.TRAINING_ORGANISER, COUNTY), openid=f"organiser-{COUNTY}")
        made = enrol(people, COUNTY).make(title="党课开讲啦：身边的基层治理")
        assert reporter.post(f"/training/sessions/{made['id']}/enrolments").status_code == 201
        db.session.remove()
    return {"id": str(made["id"]), "title": "党课开讲啦：身边的基层治理"}


def walk_in(page: Page, openid: str) -> None:
    """From the front page, as one of the demo's people."""
    page.get_by_role("link", name="登录工作台").click()
    page.locator(f"button[value='{openid}']").click()
    expect(page.get_by_role("link", name="我的账户")).to_be_visible(timeout=SOON_MS)


def work(site: Flask) -> str:
    """What the workers do behind the pages: photos developed, the newest report given to its village."""
    with site.app_context():
        now = runtime().clock.now()
        for photo_id in db.session.scalars(select(Photo.id).where(Photo.state == "pending")).all():
            develop(photo_id, now=now)
        newest = db.session.scalars(select(Report).order_by(Report.created_at.desc()).limit(1)).one()
        number, report_id, waits = str(newest.number), uuid.UUID(str(newest.id)), newest.state == "submitted"
        db.session.remove()
        if waits:
            route.route_report(report_id, now=now)
            db.session.remove()
    return number


def test_from_the_front_page_to_the_class(open_page: Open, site: Flask, town: Town, hall: dict[str, str]) -> None:
    phone = open_page(None, "/", **here(north=0.001))
    walk_in(phone, REPORTER)
    phone.get_by_role("link", name="上报问题").click()
    expect(phone.locator(".picked")).to_contain_text("001村")
    phone.locator("input[type=file]").set_input_files(SHOT)
    expect(phone.locator(".photos img")).to_have_count(1)
    phone.locator("#category_code").select_option("E0104")
    phone.get_by_label("问题描述").fill("桥头护栏下有一堆落叶和积水")
    phone.get_by_role("button", name="提交上报").click()
    expect(phone.get_by_text("上报已提交")).to_be_visible(timeout=SOON_MS)
    number = work(site)

    desk = open_page(None, "/")
    walk_in(desk, WORKER)
    desk.get_by_role("link", name=number).click()
    expect(desk.get_by_text("桥头护栏下有一堆落叶和积水")).to_be_visible()
    expect(desk.get_by_role("img", name="办理前照片 1")).to_be_visible()
    desk.get_by_label("受理", exact=True).check()
    desk.get_by_role("button", name="提交").click()
    expect(desk.get_by_text("操作成功：受理")).to_be_visible(timeout=SOON_MS)
    desk.get_by_label("办结", exact=True).check()
    desk.get_by_label("说明", exact=True).fill("已清扫，排水口已疏通")
    desk.locator("input[type=file]").set_input_files(SHOT)
    expect(desk.locator(".photos input[name=photo_ids]")).to_have_count(1, timeout=SOON_MS)
    work(site)
    desk.get_by_role("button", name="提交").click()
    expect(desk.get_by_text("操作成功：办结")).to_be_visible(timeout=SOON_MS)

    phone.goto(address(site, "/m"))
    phone.get_by_role("link", name=re.compile("请核实办理结果")).click()
    expect(phone.get_by_text("已清扫，排水口已疏通")).to_be_visible()
    phone.get_by_label("确认办结").check()
    phone.get_by_label("评分").select_option("5")
    phone.get_by_role("button", name="提交").click()
    expect(phone.get_by_text("已提交：确认办结")).to_be_visible(timeout=SOON_MS)
    expect(phone.get_by_text("已结案").first).to_be_visible()

    projector = open_page(None, "/", viewport={"width": 1920, "height": 1080})
    walk_in(projector, f"organiser-{COUNTY}")
    card = projector.get_by_role("listitem").filter(has_text=hall["title"])
    card.get_by_role("link", name="会场大屏").click()
    expect(projector.locator("[data-expected]")).to_have_text("1", timeout=SOON_MS)
    phone.goto(address(site, "/m"))
    phone.get_by_role("link", name="培训签到").click()
    phone.get_by_label(re.compile(hall["title"])).check()
    phone.get_by_label("签到码").fill(projector.locator("[data-short]").inner_text())
    phone.get_by_role("button", name="签到", exact=True).click()
    expect(phone.locator(".verdict.good")).to_contain_text("签到", timeout=SOON_MS)
    expect(projector.locator("[data-arrived]")).to_have_text("1", timeout=SOON_MS)
