"""A person's own filters of the queue."""

from urllib.parse import quote

from bs4 import Tag
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.report_rows import add_report
from tests.reporting import Town
from tests.statements import count_statements
from tests.web.browsing import Browser, fields_of, form_to, soup_of
from wxapi.identity.services import erasure
from wxapi.reports.models import SavedFilter

NASTY = '"><svg onload=alert(1)>'


def links(browser: Browser, path: str = "/desk") -> dict[str, str]:
    return {link.text: str(link["href"]) for link in browser.page(path).select(".saved a")}


def keep(browser: Browser, query: str, name: str) -> int:
    sought = quote(query, safe="=&")
    form = form_to(browser.page(f"/desk?{sought}"), f"/desk/filters?{sought}")
    return browser.submit(form, name=name).status_code


def test_a_filter_is_kept_found_again_and_forgotten(session: Session, town: Town, browser: Browser) -> None:
    wanted = add_report(session, card="yellow", description="井盖缺失")
    add_report(session)
    browser.sign_in(town.worker)
    assert browser.page("/desk").select(".saved") == []  # nothing to keep, nothing kept
    form = form_to(browser.page("/desk?card=yellow&q=井盖&cursor="), "/desk/filters?card=yellow&q=%E4%BA%95%E7%9B%96")
    answer = browser.submit(form, name="黄牌井盖")
    assert (answer.status_code, answer.location) == (303, "/desk?card=yellow&q=%E4%BA%95%E7%9B%96")
    (href,) = links(browser).values()
    page = browser.page(href)
    assert [row["data-key"] for row in page.select("tr[data-key]")] == [wanted.number]
    current = page.select_one(".saved a[aria-current]")
    assert isinstance(current, Tag)
    assert current.text == "黄牌井盖"
    assert page.select("form[action^='/desk/filters?']") == []  # it is kept already
    gone = form_to(page, f"/desk/filters/delete?{href.partition('?')[2]}")
    answer = browser.submit(gone, name="黄牌井盖")
    assert (answer.status_code, answer.location) == (303, href)
    assert links(browser) == {}


def test_filters_are_ones_own_and_one_name_is_one_filter(app: Flask, town: Town, browser: Browser) -> None:
    browser.sign_in(town.worker)
    assert keep(browser, "state=routed", "常用") == 303
    assert keep(browser, "overdue=true", "常用") == 303
    assert links(browser) == {"常用": "/desk?overdue=true"}
    assert links(Browser(app).sign_in(town.colleague)) == {}


def test_what_is_not_kept_is_told_and_typed_still(town: Town, browser: Browser) -> None:
    browser.sign_in(town.worker)
    form = form_to(browser.page("/desk?overdue=true"), "/desk/filters?overdue=true")
    for name, told in (("", "必填"), ("长" * 21, "20"), ("一\t二", "")):
        answer = browser.submit(form, name=name, once=f"once-of-the-form-{len(name):04}")
        assert answer.status_code == 422
        shown = form_to(soup_of(answer), "/desk/filters?overdue=true")
        assert fields_of(shown)["name"] == name.strip()
        assert told in soup_of(answer).get_text()
    form["action"] = "/desk/filters"  # an address that narrows nothing
    assert browser.submit(form, name="全部", once="another-once-of-it").status_code == 422
    form["action"] = "/desk/filters?state=nonsense"
    assert browser.submit(form, name="全部", once="another-once-of-it").status_code == 422
    assert links(browser) == {}


def test_twenty_at_most_and_what_was_typed_is_only_text(town: Town, browser: Browser) -> None:
    browser.sign_in(town.worker)
    names = [NASTY[:20], *(f"第{n}个" for n in range(19))]
    assert [keep(browser, f"q=x{n}", name) for n, name in enumerate(names)] == [303] * 20
    assert keep(browser, "q=more", "第二十一个") == 409
    assert keep(browser, "q=other", "第3个") == 303
    page = browser.page("/desk")
    assert set(links(browser)) == set(names)
    assert [tag for tag in page.find_all() if any(name.startswith("on") for name in tag.attrs)] == []


def test_they_cost_one_statement(session: Session, town: Town, browser: Browser) -> None:
    browser.sign_in(town.worker)
    keep(browser, "q=井盖", "井盖")
    with count_statements() as statements:
        browser.page("/desk?q=井盖")
    assert len(statements) <= 4


def test_a_person_reads_them_and_they_go_with_the_person(session: Session, town: Town, browser: Browser) -> None:
    keep(browser.sign_in(town.worker), "q=井盖", "井盖")
    held = town.worker.get("/me/data").get_json()["reports"]["filters"]
    assert held == [{"name": "井盖", "query": "q=%E4%BA%95%E7%9B%96"}]
    assert town.worker.call("DELETE", "/me").status_code == 202
    erasure.erase(town.worker.actor.user_id, now=NOW)
    assert session.scalars(select(SavedFilter)).all() == []


def test_no_desk_no_filters(town: Town, browser: Browser) -> None:
    form = form_to(browser.sign_in(town.reporter).page("/account"), "/account/logout")
    for path in ("/desk/filters?overdue=true", "/desk/filters/delete"):
        form["action"] = path
        assert browser.submit(form, name="x", once=f"a-once-for-{len(path):06}").status_code == 404
