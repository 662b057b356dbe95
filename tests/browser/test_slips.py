"""What an administrator of people sees in a browser: slips as they come out of a printer (two columns of an A4 sheet, each
with a code that a phone reads), and a list that is checked while one waits.
"""

import io

import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.factories import People
from tests.reporting import COUNTY, VILLAGE, Town
from wxapi.identity.services import roster, roster_imports
from wxapi.identity.services.roster_files import RosterRow
from wxapi.kernel.permissions import Role
from wxapi.platform.runtime import runtime

pytestmark = pytest.mark.processes
SLIPS = 6


def test_slips_fill_both_columns_of_the_sheet(open_page: Open, town: Town, site: Flask) -> None:
    with site.app_context():
        admin = People(site).make((Role.ADMIN, COUNTY))
        rows = [
            RosterRow(f"赵铁柱{number}", "党支部书记", f"1380000000{number}", Role.COMMUNITY_WORKER, VILLAGE)
            for number in range(SLIPS)
        ]
        roster.import_people(rows, now=runtime().clock.now(), dry_run=False)
    # A4 within its margins of 8 mm, at 96 points an inch.
    page = open_page(admin, "/desk/people?state=waiting", viewport={"width": 733, "height": 1062})
    for box in page.locator("input[name=pick]").all():
        box.check()
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="打印勾选人员的邀请单").click()
    slips = opened.value
    slips.wait_for_load_state()
    slips.emulate_media(media="print")
    boxes = [each.bounding_box() or {} for each in slips.locator(".slip").all()]
    assert len({round(box["x"]) for box in boxes}) == 2
    assert len({round(box["y"]) for box in boxes}) == SLIPS / 2
    # Five rows fit on a sheet.
    assert max(box["height"] for box in boxes) <= 1062 / 5
    read = zxingcpp.read_barcodes(Image.open(io.BytesIO(slips.screenshot(full_page=True))))
    assert [code.text for code in read] == [f"{site.extensions['address']}/account"] * SLIPS


def test_a_list_that_was_checked_meanwhile_is_confirmed_without_a_reload(
    open_page: Open, town: Town, site: Flask
) -> None:
    """The page said for ever that the list waits: what it was sent anew it did not show."""
    data = f"姓名,职务,手机号,角色,区域\n赵,,13800000099,community_worker,{VILLAGE}\n".encode()
    with site.app_context():
        admin = People(site).make((Role.ADMIN, COUNTY))
        asked = roster_imports.ask(admin.actor, data, dry_run=True, now=runtime().clock.now()).id
    page = open_page(admin, f"/desk/people/imports/{asked}")
    expect(page.get_by_text("排队中")).to_be_visible()
    with site.app_context():
        roster_imports.run(asked, now=runtime().clock.now())
    expect(page.get_by_role("button", name="确认导入")).to_be_visible()
