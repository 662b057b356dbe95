"""An administrator's day in the pages: find, add, import, print slips, appoint, end, move, have somebody stand in."""

import io
import re
import uuid
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.factories import People, Person
from tests.web.browsing import Browser, fields_of, form_to, soup_of
from wxapi.identity.models import AppointmentRow, RosterEntry, User
from wxapi.identity.services import roster, roster_imports
from wxapi.identity.services.roster_files import RosterRow
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.platform.audit import AuditRow
from wxapi.platform.idempotency import IdempotencyRow
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import tree
from wxapi.web.kit.svg import qr

COUNTY, VILLAGE, NEXT_VILLAGE = "421002", "421002001001", "421002001002"
ZHAO = RosterRow("赵铁柱", "书记员甲", "13800000001", Role.COMMUNITY_WORKER, VILLAGE)
QIAN = RosterRow("钱大河", "主任乙", "13800000002", Role.STREET_CHIEF, "421002001")


@pytest.fixture
def desk(app: Flask, city: None, people: People) -> Browser:
    """The browser of a county's administrator."""
    return Browser(app).sign_in(people.make((Role.ADMIN, COUNTY)))


@pytest.fixture
def listed(desk: Browser, people: People, session: Session) -> dict[str, Person]:
    """Two people of the list, who have both come."""
    roster.import_people([ZHAO, QIAN], now=NOW, dry_run=False)
    persons = {row.name: people.make() for row in (ZHAO, QIAN)}
    for row in (ZHAO, QIAN):
        user = session.get_one(User, persons[row.name].actor.user_id)
        user.phone_digest = runtime().cipher.digest(row.phone, purpose="user.phone")
    session.commit()
    roster.match_waiting(now=NOW)
    return persons


def office_page(desk: Browser, name: str, query: str = "") -> tuple[str, BeautifulSoup]:
    """The page of the office that a line of the list of offices leads to."""
    line = next(row for row in desk.page("/desk/people/offices").select("tbody tr") if name in row.get_text())
    link = line.select_one("a.button")
    assert link is not None
    return str(link["href"]), desk.page(f"{link['href']}{query}")


def offices(person: Person) -> list[tuple[str, bool]]:
    return [(each["region"]["code"], each["is_stand_in"]) for each in person.get("/me").json["appointments"]]


def test_one_more_by_the_full_name_of_a_place(desk: Browser) -> None:
    form = form_to(desk.page("/desk/people/new"), "/desk/people/new")
    typed = {"name": "赵铁柱", "post": "书记", "phone": "13800000001", "role": "community_worker"}
    refused = desk.submit(form, **typed, region_code="没有这个村")
    assert refused.status_code == 422
    kept = form_to(soup_of(refused), "/desk/people/new")
    assert fields_of(kept)["name"] == "赵铁柱"
    assert "区域未知" in kept.get_text()
    added = desk.submit(kept, region_code=tree()[VILLAGE].full_name)
    assert added.status_code == 303
    page = desk.page(added.location)
    assert "138****0001" in page.get_text()
    assert "13800000001" not in page.get_text()
    listed = desk.page("/desk/people?q=铁柱")
    assert [row.get_text(" ", strip=True).split()[0] for row in listed.select("tbody tr")] == ["赵铁柱"]
    assert desk.page("/desk/people?q=赵", status=422).select(".error")
    gone = desk.submit(form_to(page, f"{added.location}/remove"))
    assert gone.status_code == 303
    assert not desk.page("/desk/people").select("tbody tr")


def test_what_is_typed_is_shown_as_text(desk: Browser) -> None:
    form = form_to(desk.page("/desk/people/new"), "/desk/people/new")
    wild = '"><svg onload=alert(1)>'
    added = desk.submit(form, name=wild, post=wild, phone="13800000009", role="admin", region_code=COUNTY)
    for path in (added.location, "/desk/people", f"/desk/people?q={wild}"):
        assert "<svg onload" not in desk.get(path).text


def send(desk: Browser, content: str) -> Any:
    form = form_to(desk.page("/desk/people/imports"), "/desk/people/imports")
    data = {**fields_of(form), "file": (io.BytesIO(content.encode()), "名单.csv")}
    return desk.client.post("/desk/people/imports", data=data, headers={"Accept": "text/html"})


def work(session: Session) -> None:
    rows = session.scalars(select(OutboxRow).where(OutboxRow.topic == "people.import_asked")).all()
    for row in rows:
        roster_imports.run(uuid.UUID(row.payload["import_id"]), now=NOW)
        session.delete(row)
    session.commit()


def test_a_list_is_checked_then_written(desk: Browser, session: Session) -> None:
    head = "姓名,职务,手机号,角色,区域\n"
    wrong = send(desk, f"{head}赵,,1,community_worker,{VILLAGE}\n钱,,13800000002,街长,9999\n")
    assert wrong.status_code == 303
    assert "排队中" in desk.page(wrong.location).get_text()
    assert "排队中" in desk.get(f"{wrong.location}/state").text
    work(session)
    faults = [row.get_text("|", strip=True) for row in desk.page(wrong.location).select("tbody tr")]
    assert faults == ["2|手机号不是 11 位手机号码", "3|区域未知"]
    right = send(desk, f"{head}赵,,13800000001,community_worker,{VILLAGE}\n")
    work(session)
    page = desk.page(right.location)
    assert "将新增" in page.get_text()
    assert session.scalars(select(RosterEntry.id)).all() == []
    assert desk.submit(form_to(page, f"{right.location}/apply")).status_code == 303
    work(session)
    assert "已导入" in desk.page(right.location).get_text()
    assert len(session.scalars(select(RosterEntry.id)).all()) == 1
    assert send(desk, "").status_code == 422


def where_a_code_is_entered() -> str:
    """The modules of the QR code on a slip: the page with the form, and no code that a log or a history would keep."""
    drawn = BeautifulSoup(qr(f"{runtime().config.public_url}/account"), "html.parser").path
    assert drawn is not None
    return str(drawn["d"])


def test_slips_are_shown_once_and_bring_their_office(
    desk: Browser, people: People, app: Flask, session: Session
) -> None:
    roster.import_people([ZHAO, QIAN], now=NOW, dry_run=False)
    page = desk.page("/desk/people")
    picks = [str(box["value"]) for box in page.select("input[name=pick]")]
    assert len(picks) == 2
    form = form_to(page, "/desk/people/slips")
    printed = desk.submit(form, pick=picks)
    assert printed.headers["Cache-Control"] == "no-store"
    drawn = soup_of(printed).select(".slip svg.qr")
    assert [str(each.path["d"]) for each in drawn if each.path] == [where_a_code_is_entered()] * 2
    codes = re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", soup_of(printed).get_text())
    assert len(set(codes)) == 2
    assert session.scalars(select(IdempotencyRow)).all() == []
    assert desk.submit(form, pick=None).status_code == 422
    # In the account of whoever was handed it.
    person = people.make()
    visitor = Browser(app).sign_in(person)
    account = form_to(visitor.page("/account"), "/account/invitation")
    assert visitor.submit(account, invitation="0000-0000-0000").status_code == 422
    account = form_to(visitor.page("/account"), "/account/invitation")
    assert visitor.submit(account, invitation=codes[1].lower()).status_code == 303
    assert len(offices(person)) == 1
    assert "已登录" in desk.page("/desk/people?state=bound").get_text()


def test_stand_in(desk: Browser, listed: dict[str, Person]) -> None:
    path, page = office_page(desk, "赵铁柱", "?q=大河")
    form = form_to(page, f"{path}/stand-in")
    refused = desk.submit(form, **{"from": "2026-11-24", "to": "2026-11-23"})
    assert refused.status_code == 422
    done = desk.submit(
        form_to(desk.page(f"{path}?q=大河"), f"{path}/stand-in"), **{"from": "2026-11-23", "to": "2026-11-30"}
    )
    assert done.status_code == 303
    assert "代理 赵铁柱" in desk.page("/desk/people/offices").get_text()
    assert (VILLAGE, True) in offices(listed["钱大河"])
    # A stand-in is only ended.
    line = next(row for row in desk.page("/desk/people/offices").select("tbody tr") if "代理 赵铁柱" in row.get_text())
    theirs = str(line.select_one("a.button")["href"])  # type: ignore[index]
    actions = {form["action"] for form in desk.page(theirs).select("form[method=post]")}
    assert actions == {f"{theirs}/end", f"{theirs}/sign-out"}


def test_move_and_end(desk: Browser, listed: dict[str, Person]) -> None:
    path, page = office_page(desk, "赵铁柱")
    assert desk.submit(form_to(page, f"{path}/move"), region_code="421003").status_code == 404
    assert desk.submit(form_to(desk.page(path), f"{path}/move"), region_code=NEXT_VILLAGE).status_code == 303
    assert offices(listed["赵铁柱"]) == [(NEXT_VILLAGE, False)]
    path, page = office_page(desk, "赵铁柱")
    dated, at_once = [form for form in page.select("form[method=post]") if form["action"] == f"{path}/end"]
    assert desk.submit(dated, last_day=None).status_code == 422  # an empty date is no order to end it now
    assert offices(listed["赵铁柱"])
    assert desk.submit(dated, last_day="2026-12-01", once="another-key-0123456789").status_code == 303
    assert "至12月1日" in desk.page("/desk/people/offices").get_text()
    # What cannot be taken back is asked once, in words.
    asked = at_once.find_parent("details")
    assert asked is not None
    assert "立即失去“" in asked.get_text()
    assert desk.submit(at_once).status_code == 303
    assert offices(listed["赵铁柱"]) == []


def test_what_a_colleague_did_to_an_office_is_not_overwritten(desk: Browser, listed: dict[str, Person]) -> None:
    path, page = office_page(desk, "赵铁柱", "?q=大河")
    stale = {action: form_to(page, f"{path}/{action}") for action in ("move", "stand-in")}
    stale["end"], at_once = [form for form in page.select("form[method=post]") if form["action"] == f"{path}/end"]
    assert desk.submit(stale["end"], last_day="2026-12-01").status_code == 303
    typed = {
        "end": {"last_day": "2026-12-24"},
        "move": {"region_code": NEXT_VILLAGE, "on": "2026-11-30"},
        "stand-in": {"from": "2026-11-24", "to": "2026-11-25"},
    }
    for action, values in typed.items():
        answer = desk.submit(stale[action], **values, once=f"another-{action}-0123456789")
        assert answer.status_code == 409, action
        shown = soup_of(answer)
        assert "至12月1日" in shown.get_text()
        kept = {str(each["name"]): each.get("value") for each in shown.select("input[name]")}
        assert values.items() <= kept.items() or action == "stand-in"  # who was looked for is in the address
    assert offices(listed["赵铁柱"]) == [(VILLAGE, False)]
    # What cannot be taken back is asked once, in words.
    asked = at_once.find_parent("details")
    assert asked is not None
    assert "立即失去“" in asked.get_text()
    assert desk.submit(at_once).status_code == 303
    assert offices(listed["赵铁柱"]) == []


def test_one_more_office(desk: Browser, listed: dict[str, Person], session: Session) -> None:
    entry = next(row for row in desk.page("/desk/people").select("tbody a") if row.get_text() == "赵铁柱")
    form = form_to(desk.page(f"{entry['href']}/appoint"), f"{entry['href']}/appoint")
    refused = desk.submit(form, role="", region_code=COUNTY)
    assert (refused.status_code, "请填写角色" in refused.text) == (422, True)
    assert desk.submit(form, role="supervisor", region_code=COUNTY).status_code == 303
    assert (COUNTY, False) in offices(listed["赵铁柱"])
    assert desk.page(str(entry["href"])).get_text().count("督办员") >= 1


def test_a_lost_phone_is_signed_out(desk: Browser, listed: dict[str, Person]) -> None:
    path, page = office_page(desk, "赵铁柱")
    assert desk.submit(form_to(page, f"{path}/sign-out")).status_code == 303
    assert listed["赵铁柱"].get("/me").status_code == 401


def test_the_phone_is_asked_first(desk: Browser, listed: dict[str, Person], clock: FixedClock) -> None:
    path, page = office_page(desk, "赵铁柱")
    assert "/confirm" not in str(page)
    clock.advance(minutes=14)
    link = desk.page(path).select_one('a[href^="/confirm?next="]')
    assert link is not None
    clock.advance(minutes=2)
    refused = desk.submit(form_to(desk.page(path), f"{path}/move"), region_code=NEXT_VILLAGE)
    assert refused.status_code == 403
    kept = form_to(soup_of(refused), f"{path}/move")
    assert fields_of(kept)["region_code"] == NEXT_VILLAGE
    slips = desk.page(str(link["href"]))
    assert "请用手机确认是您本人" in slips.get_text()


def test_the_demo_answers_for_the_phone(desk: Browser, listed: dict[str, Person], clock: FixedClock) -> None:
    """It logged the phone out again, which stopped the very request: 503, each time."""
    path, _ = office_page(desk, "赵铁柱")
    clock.advance(minutes=16)
    asked = desk.page(f"/confirm?next={path}")
    answer = desk.submit(form_to(asked, "/confirm/demo"))
    assert (answer.status_code, answer.location) == (303, path)
    moved = desk.submit(form_to(desk.page(path), f"{path}/move"), region_code=NEXT_VILLAGE)
    assert moved.status_code == 303


@pytest.mark.parametrize(("typed", "kept"), [({}, []), ({"note": "<b>请</b>先打印"}, ["说明", "<b>请</b>先打印"])])
def test_a_form_that_shows_nothing_again_leads_to_the_phone(
    desk: Browser, people: People, clock: FixedClock, typed: dict[str, str], kept: list[str]
) -> None:
    """What was typed into it waits on its page, as after a new login."""
    roster.import_people([ZHAO], now=NOW, dry_run=False)
    page = desk.page("/desk/people?state=waiting")
    clock.advance(minutes=16)
    picked = {"pick": str(page.select("input[name=pick]")[0]["value"])}
    came = {"Referer": "http://localhost/desk/people?state=waiting"}
    sent = desk.submit(form_to(page, "/desk/people/slips"), headers=came, **picked, **typed)
    assert (sent.status_code, sent.location) == (303, "/confirm?next=/desk/people%3Fstate%3Dwaiting")
    assert ("wx-text" in sent.headers.get("Set-Cookie", "")) == bool(kept)
    asked = desk.page(str(sent.location))
    assert asked.select("[data-kept]") == []
    shown = desk.page("/desk/people?state=waiting")
    assert [each.get_text() for each in shown.select("[data-kept] dl > *")] == kept


def test_an_office_that_a_colleague_moved_meanwhile(
    desk: Browser, listed: dict[str, Person], app: Flask, people: People
) -> None:
    """The second one was told that the content does not exist, and led back to where it was."""
    path, page = office_page(desk, "赵铁柱")
    faster = Browser(app).sign_in(people.make((Role.ADMIN, COUNTY)))
    form = form_to(faster.page(path), f"{path}/move")
    assert faster.submit(form, region_code=NEXT_VILLAGE).status_code == 303
    for what, typed in (("move", {"region_code": NEXT_VILLAGE}), ("end", {})):
        refused = desk.submit(form_to(page, f"{path}/{what}"), **typed)
        assert refused.status_code == 404
        shown = soup_of(refused)
        assert "已变更" in shown.select("[role=alert]")[0].get_text()
        assert NEXT_VILLAGE in next(row for row in shown.select("tbody tr") if "赵铁柱" in row.get_text()).get_text()


def test_others_find_nothing_of_it(
    desk: Browser, listed: dict[str, Person], app: Flask, people: People, session: Session
) -> None:
    elsewhere = Browser(app).sign_in(people.make((Role.ADMIN, "421003")))
    worker = Browser(app).sign_in(listed["赵铁柱"])
    entry = session.scalars(select(RosterEntry.id)).first()
    office = session.scalars(
        select(AppointmentRow.id).where(AppointmentRow.user_id == listed["赵铁柱"].actor.user_id)
    ).one()
    for path in (f"/desk/people/{entry}", f"/desk/people/{entry}/appoint", f"/desk/people/offices/{office}"):
        assert elsewhere.get(path).status_code == 404
        assert worker.get(path).status_code == 404
    assert worker.get("/desk/people").status_code == 404
    assert "赵铁柱" not in elsewhere.get("/desk/people").text
    colleagues = worker.page("/desk/colleagues").get_text()
    assert "赵铁柱" in colleagues
    assert "钱大河" not in colleagues


def test_a_holders_logins_are_seen_and_ended(
    desk: Browser, app: Flask, listed: dict[str, Person], session: Session
) -> None:
    entry = session.scalars(select(RosterEntry.id).where(RosterEntry.region_code == VILLAGE)).one()
    held = listed["赵铁柱"]
    browser = Browser(app).sign_in(held)
    path = f"/desk/people/{entry}/sessions"
    person = desk.page(f"/desk/people/{entry}")
    assert path in {str(link["href"]) for link in person.select("a.button")}
    rows = desk.page(path).select("tbody tr")
    assert len(rows) == 2
    theirs = next(row for row in rows if "手机小程序" not in row.get_text())
    end = str(theirs.select_one("form")["action"])  # type: ignore[index]
    assert desk.submit(form_to(desk.page(path), end)).status_code == 303
    assert browser.client.get("/account").status_code == 401
    assert held.get("/me").status_code == 200
    (one,) = desk.page(path).select("tbody tr")
    assert "手机小程序" in one.get_text()
    assert desk.submit(form_to(desk.page(path), f"{path}/end")).status_code == 303
    assert held.get("/me").status_code == 401
    assert "目前没有登录" in desk.page(path).get_text()
    actions = list(session.scalars(select(AuditRow.action).where(AuditRow.action.startswith("session."))))
    assert actions.count("session.end") == 2
    assert "session.list" in actions


def test_logins_of_others_are_not_an_administrators(
    desk: Browser, app: Flask, people: People, session: Session
) -> None:
    """Neither of who has not come, nor of an account that is no longer theirs, nor by an administrator elsewhere."""
    roster.import_people([ZHAO], now=NOW, dry_run=False)
    entry = session.scalars(select(RosterEntry.id)).one()
    elsewhere = Browser(app).sign_in(people.make((Role.ADMIN, "421003")))
    for browser in (desk, elsewhere):
        assert browser.client.get(f"/desk/people/{entry}/sessions").status_code == 404


def test_a_unit_officer_is_appointed_by_the_units_name_or_code(
    desk: Browser, people: People, listed: dict[str, Person], session: Session
) -> None:
    county = people.make((Role.ADMIN, COUNTY))
    for suffix, name in (("zjj", "沙市区住建局"), ("wy", "安居物业"), ("wy2", "安居物业")):
        kind = "department" if suffix == "zjj" else "company"
        body = {"region_code": COUNTY, "suffix": suffix, "name": name, "kind": kind, "field": None}
        assert county.post("/units", body).status_code == 201
    entry = session.scalars(select(RosterEntry.id).where(RosterEntry.region_code == VILLAGE)).one()
    path = f"/desk/people/{entry}/appoint"

    def send(**typed: str) -> Any:
        return desk.submit(form_to(desk.page(path), path), role="unit_officer", **typed)

    refused = send(unit_code="")
    assert (refused.status_code, "请填写单位" in soup_of(refused).get_text()) == (422, True)
    # Two companies of one name: only a code tells which.
    assert send(unit_code="安居物业").status_code == 422
    assert send(unit_code="421003-zjj").status_code == 404
    assert send(unit_code="沙市区住建局", region_code=VILLAGE).status_code == 422
    assert send(unit_code="沙市区住建局").status_code == 303
    assert send(unit_code="421002-wy2").status_code == 303
    held = listed["赵铁柱"].get("/me").json["appointments"]
    units = {each["unit"]["code"] for each in held if each["role"] == "unit_officer"}
    assert units == {"421002-zjj", "421002-wy2"}


def test_an_import_is_confirmed_once_it_is_checked_and_not_before(desk: Browser, session: Session) -> None:
    """The page of a list that failed while it lay open went on offering to write it."""
    head = "姓名,职务,手机号,角色,区域\n"
    sent = send(desk, f"{head}赵,,13800000009,community_worker,{VILLAGE}\n")
    state = f"{sent.location}/state"
    # All of it is one part: else a refresh exchanges nothing, and the page says for ever that the list waits.
    assert [each.get("data-part") for each in desk.page(sent.location).select("[data-refresh] > *")] == ["state"]
    waiting = desk.page(state)
    assert "确认导入" not in waiting.get_text()
    assert waiting.select('button[form="cancel"]') != []
    work(session)
    page = desk.page(str(sent.location))
    for button in page.select("button[form]"):
        assert page.select(f"form#{button['form']}") != []
    assert desk.page(state).select('button[form="apply"]') != []
    failed = send(desk, f"{head}赵,,1,community_worker,9\n")
    work(session)
    over = desk.page(f"{failed.location}/state")
    assert over.select("button") == []
    assert "修改后重新上传" in over.get_text()
