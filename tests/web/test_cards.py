"""A card on the pages: its unit appeals, the one above decides, and everybody concerned is led there."""

import io
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from bs4 import Tag
from flask import Flask
from sqlalchemy import Select, select, text

from tests import pictures
from tests.factories import Person
from tests.reporting import COUNTY, TOWNSHIP, VILLAGE, Town, file_routed
from tests.web.browsing import Browser, form_to
from wxapi.duties.models import Duty
from wxapi.duties.rules.scope import stands_above
from wxapi.duties.services import appeal, climb, tell
from wxapi.duties.services.work import arms_seen
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db
from wxapi.reports.services import timers
from wxapi.supervision.queries.exports import DUTY_COLUMNS, REPORT_COLUMNS, Column, duties_for, reports_for
from wxapi.supervision.services import board


@pytest.fixture
def duty(town: Town, clock: FixedClock) -> Duty:
    """The village did not answer in time: a yellow card."""
    report = file_routed(town.reporter)
    clock.at = _duty_of(report["id"]).due_at + timedelta(minutes=1)
    climb.climb(now=clock.now())
    return _duty_of(report["id"])


def _duty_of(report_id: str) -> Duty:
    db.session().expire_all()
    wanted = select(Duty).where(Duty.subject_id == uuid.UUID(report_id), Duty.stage == "respond")
    return db.session().scalars(wanted).one()


def test_a_unit_appeals_and_the_one_above_decides(town: Town, browser: Browser, duty: Duty, clock: FixedClock) -> None:
    path = f"/work/{duty.id}"
    browser.sign_in(town.worker)
    assert browser.page("/work").select_one(f'a[href="{path}"]') is not None
    empty = browser.submit(form_to(browser.page(path), path), note=" ")
    assert empty.status_code == 422
    shot = io.BytesIO(pictures.encoded(pictures.scene(640, 480), "JPEG"))
    sent = browser.submit(form_to(browser.page(path), path), note="<b>已移交</b>", photos=(shot, "a.jpg"))
    assert sent.headers["Location"] == f"{path}?done=appeal"
    shown = browser.page(sent.headers["Location"])
    assert shown.select_one("[data-accepted]") is not None
    assert "<b>已移交</b>" in shown.get_text()
    assert shown.find("form", attrs={"action": path}) is None
    assert "申诉待处理" in browser.page("/work").get_text()

    browser.sign_in(town.officer)
    assert browser.page("/work").select_one(f'[data-part="to-decide"] a[href="{path}"]') is not None
    form = form_to(browser.page(path), path)
    unsaid = browser.submit(form, decision="lift", note="")
    assert unsaid.status_code == 422
    form = form_to(browser.page(path), path)
    assert browser.submit(form, decision="lift", note="情况属实").headers["Location"] == f"{path}?done=decision"
    late = browser.submit(form, decision="uphold", note="写好的理由", once="another-key-of-24-letters")
    assert late.status_code == 409
    assert "处理结果：撤销督办牌" in browser.page(path).get_text()
    assert browser.page("/work").select_one('[data-part="to-decide"] a') is None


def test_who_is_told_is_led_to_the_card(town: Town, browser: Browser, duty: Duty, clock: FixedClock) -> None:
    assert town.worker.post(f"/duties/{duty.id}/appeal", {"note": "停电", "photo_ids": []}).status_code == 200
    tell.tell_of_appeal(duty.id, None, now=clock.now())
    browser.sign_in(town.officer)
    said = next(each for each in browser.page("/m?tab=inbox").select(".card") if "申诉待处理" in each.get_text())
    form = said.find("form")
    assert isinstance(form, Tag)
    assert browser.submit(form).headers["Location"] == f"/work/{duty.id}"


@pytest.mark.parametrize("who", ["worker", "officer", "chief", "supervisor", "neighbour"])
def test_the_list_of_appeals_is_of_those_who_may_decide(
    town: Town, browser: Browser, duty: Duty, clock: FixedClock, who: str
) -> None:
    assert town.worker.post(f"/duties/{duty.id}/appeal", {"note": "停电", "photo_ids": []}).status_code == 200
    person: Person = getattr(town, who)
    found = appeal.waiting_appeals(person.actor, limit=9, now=clock.now()).items
    assert [each.duty.duty.id for each in found] == ([duty.id] if stands_above(person.actor, duty.unit_code) else [])
    browser.sign_in(person)
    answer = browser.get(f"/work/{duty.id}")
    assert answer.status_code == (404 if who == "neighbour" else 200)
    assert ('value="lift"' in answer.text) == (stands_above(person.actor, duty.unit_code))


def test_who_also_acts_for_the_unit_does_not_decide_on_its_card(
    town: Town, browser: Browser, duty: Duty, clock: FixedClock
) -> None:
    both = town.people.make(
        (Role.TOWNSHIP_OFFICER, TOWNSHIP), (Role.COMMUNITY_WORKER, VILLAGE), (Role.SUPERVISOR, COUNTY)
    )
    assert town.worker.post(f"/duties/{duty.id}/appeal", {"note": "停电", "photo_ids": []}).status_code == 200
    assert appeal.waiting_appeals(both.actor, limit=9, now=clock.now()).items == []


def test_the_case_leads_to_its_card(town: Town, browser: Browser, duty: Duty, clock: FixedClock) -> None:
    assert timers.mark_overdue(now=clock.now()) == 1
    browser.sign_in(town.worker)
    link = browser.page(f"/desk/r/{duty.subject_number}").select_one(f'a[href="/work/{duty.id}"]')
    assert link is not None
    assert "黄牌" in link.get_text()


def _more(duty: Duty, number: int, **other: str) -> None:
    """More rows like a duty."""
    names = [column.name for column in Duty.__table__.columns]
    other = {"id": "gen_random_uuid()", **other}
    chosen = ", ".join(other.get(name, name) for name in names)
    statement = (
        f"INSERT INTO duties ({', '.join(names)}) SELECT {chosen} FROM duties, generate_series(1, :n) n WHERE id = :id"
    )
    db.session.execute(text(statement), {"id": duty.id, "n": number})


def test_appeals_have_pages(town: Town, browser: Browser, duty: Duty, clock: FixedClock) -> None:
    """Who decides saw the 50 that waited longest, and no way to the others."""
    _more(duty, 60, seq="n + 1", met_at="due_at")
    asked = "INSERT INTO duty_appeals (duty_id, asked_at, note) SELECT id, carded_at - make_interval(mins => seq / 2), '停电' FROM duties WHERE seq > 1"
    db.session.execute(text(asked))
    in_order = "SELECT duty_id FROM duty_appeals ORDER BY asked_at, duty_id"
    expected = [f"/work/{each}" for each in db.session.scalars(text(in_order))]
    assert len(expected) == 60
    first = browser.sign_in(town.officer).page("/work").select('[data-part="to-decide"] a')
    assert [each["href"] for each in first] == [*expected[:5], "/work?scope=appeals"]
    page, seen = browser.page("/work?scope=appeals"), []
    while True:
        seen.append([str(each["href"]) for each in page.select("table.duties a")])
        following = page.select_one("a[rel=next]")
        if following is None:
            break
        page = browser.page(f"/work{following['href']}")
    assert seen == [expected[:50], expected[50:]]


def test_a_page_of_which_nothing_may_be_seen_leads_on(town: Town, browser: Browser, duty: Duty) -> None:
    """Duties whose subject one may not see are left out of the page that was read: it must not look like the last."""
    _more(duty, 50, subject_id="gen_random_uuid()", due_at="due_at - interval '1 second'")
    first = browser.sign_in(town.officer).page("/work?scope=below")
    assert first.select("table.duties tbody tr") == []
    following = first.select_one("a[rel=next]")
    assert following is not None
    assert f"/work/{duty.id}" in str(browser.page(f"/work{following['href']}"))


def _say_yellow(town: Town, browser: Browser, duty: Duty, now: datetime) -> dict[str, bool]:
    """Of everything that says cards or is narrowed by them: whether it says, or finds, the yellow one."""
    worker, session = town.worker, db.session()

    def items(path: str) -> list[Any]:
        return list(worker.get(path).json["items"])

    def exported(statement: Select[Any], columns: Sequence[Column]) -> bool:
        (card,) = (column for column in columns if column.code == "card")
        return "黄牌" in session.scalars(statement.with_only_columns(card.read)).all()

    def has_one(statement: Select[Any]) -> bool:
        return session.scalars(statement).first() is not None

    yellow = {"card": "yellow"}
    window = "west=112&south=30&east=113&north=31&coord_type=gcj02"
    browser.sign_in(worker)
    queue, narrowed = browser.page("/desk"), browser.page("/desk?card=yellow")
    on_map = browser.page("/desk/map?card=yellow")
    (tab,) = queue.select('a[href="/desk?card=yellow"]')
    found = {
        "report": worker.get(f"/reports/{duty.subject_id}").json["card"] == "yellow",
        "list of reports": items("/reports?scope=desk")[0]["card"] == "yellow",
        "reports by card": items("/reports?scope=desk&card=yellow") != [],
        "duties by card": items("/duties?card=yellow") != [],
        "counts of the inbox": worker.get("/work/counts").json["yellow"] == 1,
        "panorama": town.officer.get(f"/panorama?region={TOWNSHIP}").json["control"]["yellow"] == 1,
        "points": items(f"/panorama/points?{window}")[0]["card"] == "yellow",
        "exported reports": exported(reports_for(worker.actor, {}, now), REPORT_COLUMNS),
        "exported reports by card": has_one(reports_for(worker.actor, yellow, now)),
        "exported duties": exported(duties_for(arms_seen(worker.actor), {}, now), DUTY_COLUMNS),
        "exported duties by card": has_one(duties_for(arms_seen(worker.actor), yellow, now)),
        "tab of the desk": "1" in tab.get_text(),
        "desk": "黄牌" in str(queue.select_one("tbody")),
        "desk by card": duty.subject_number in narrowed.get_text(),
        "map by card": on_map.select_one("tbody") is not None,
        "case": "黄牌" in str(browser.page(f"/desk/r/{duty.subject_number}").select_one(".case-head p")),
    }
    browser.sign_in(town.reporter)
    return found | {"reporter": "黄牌" in browser.page(f"/m/r/{duty.subject_number}").get_text()}


def test_a_lifted_card_counts_nowhere(town: Town, browser: Browser, app: Flask, duty: Duty, clock: FixedClock) -> None:
    assert timers.mark_overdue(now=clock.now()) == 1
    before = _say_yellow(town, browser, duty, clock.now())
    assert [reader for reader, says in before.items() if not says] == []
    asked, lifted = {"note": "停电", "photo_ids": []}, {"decision": "lift", "note": "属实"}
    assert town.worker.post(f"/duties/{duty.id}/appeal", asked).status_code == 200
    assert town.officer.post(f"/duties/{duty.id}/appeal/decision", lifted).status_code == 200
    board.install(app)  # what it kept a minute ago
    after = _say_yellow(town, browser, duty, clock.now())
    assert [reader for reader, says in after.items() if says] == []
    # Nor does it fall again, while what is red by its time is a new one.
    assert timers.mark_overdue(now=clock.now() + timedelta(days=2)) == 0
    browser.sign_in(town.worker)
    case = browser.page(f"/desk/r/{duty.subject_number}")
    assert "已撤销" in case.select_one(f'a[href="/work/{duty.id}"]').parent.get_text()  # type: ignore[union-attr]
    assert "撤销督办牌" in case.get_text()
    assert timers.mark_overdue(now=clock.now() + timedelta(days=30)) == 1
    assert town.worker.get(f"/reports/{duty.subject_id}").json["card"] == "red"
