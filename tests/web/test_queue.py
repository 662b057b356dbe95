"""The queue of a desk."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.report_rows import add_report
from tests.reporting import NEIGHBOUR, TOWNSHIP, VILLAGE, Town
from tests.statements import count_statements
from tests.web.browsing import Browser, soup_of
from wxapi.kernel.permissions import Role


def numbers(browser: Browser, path: str = "/desk") -> list[str]:
    return [str(row["data-key"]) for row in browser.page(path).select("tr[data-key]")]


def tabs(browser: Browser, path: str = "/desk") -> dict[str, tuple[int, bool]]:
    return {
        tab.get_text().split()[0]: (int(tab.b.text), tab.get("aria-current") == "page")  # type: ignore[union-attr]
        for tab in browser.page(path).select(".tabs a")
    }


def test_what_lies_on_my_desk_what_runs_out_first_on_top(session: Session, town: Town, browser: Browser) -> None:
    later = add_report(session, state="accepted", due_at=NOW + timedelta(hours=9))
    late = add_report(session, state="routed", due_at=NOW - timedelta(hours=3), card="yellow")
    still = add_report(session, state="on_hold", due_at=None)
    add_report(session, village=NEIGHBOUR)
    add_report(session, state="closed")
    browser.sign_in(town.worker)
    assert numbers(browser) == [late.number, later.number, still.number]
    row = browser.page("/desk").select_one(f'tr[data-key="{late.number}"]')
    assert row is not None
    text = row.get_text(" ", strip=True)
    assert "待受理" in text
    assert "黄牌" in text
    assert "超期 3 小时" in text
    assert tabs(browser) == {
        "全部在办": (3, True),
        "待分派": (0, False),
        "待受理": (1, False),
        "处理中": (1, False),
        "超期": (1, False),
        "黄牌": (1, False),
        "待核实": (0, False),
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=routed", {"a"}),
        ("overdue=true", {"a"}),
        ("card=yellow", {"b"}),
        ("category=E01", {"a", "b"}),
        ("category=&q=&region=", {"a", "b"}),
        (f"region={VILLAGE}", {"a"}),
        (f"region={NEIGHBOUR}", {"b"}),
        ("q=井盖", {"b"}),
    ],
)
def test_filters_stand_in_the_address(
    session: Session, town: Town, browser: Browser, query: str, expected: set[str]
) -> None:
    made = {
        "a": add_report(session, state="routed", due_at=NOW - timedelta(hours=1)),
        "b": add_report(session, village=NEIGHBOUR, card="yellow", description="井盖缺失"),
    }
    browser.sign_in(town.officer)
    assert set(numbers(browser, f"/desk?{query}")) == {made[name].number for name in expected}
    # A tab counts what it would list: of the class, the place and the words that are sought.
    is_tab = query.startswith(("state", "overdue", "card"))
    assert tabs(browser, f"/desk?{query}")["全部在办"] == (2 if is_tab else len(expected), not is_tab)


def test_a_wrong_filter_is_told_and_an_unknown_role_sees_nothing(town: Town, browser: Browser) -> None:
    assert browser.sign_in(town.officer).get("/desk?state=nonsense").status_code == 422
    assert browser.get("/desk?limit=51").status_code == 422
    assert browser.sign_in(town.reporter).get("/desk").status_code == 404
    assert browser.get("/desk/rows").status_code == 404


def test_pages_by_cursor(session: Session, town: Town, browser: Browser) -> None:
    made = [add_report(session, due_at=NOW + timedelta(hours=n)).number for n in range(5)]
    browser.sign_in(town.worker)
    page = browser.page("/desk?limit=2")
    seen = [str(row["data-key"]) for row in page.select("tr[data-key]")]
    while more := page.select_one("a[rel=next]"):
        page = browser.page(f"/desk{more['href']}")
        seen += [str(row["data-key"]) for row in page.select("tr[data-key]")]
    assert seen == made


def test_nothing_new_is_a_304_of_a_few_bytes(session: Session, town: Town, browser: Browser) -> None:
    report = add_report(session)
    browser.sign_in(town.worker)
    first = browser.get("/desk/rows")
    assert first.status_code == 200
    assert "<form" not in first.text
    again = browser.get("/desk/rows", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert {name.lower() for name, _ in again.headers} <= {"etag", "cache-control", "vary", "date"}
    assert len(str(again.headers)) <= 300
    report.state = "resolved"
    session.flush()
    assert browser.get("/desk/rows", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_village_affairs_are_not_there_for_the_village(session: Session, town: Town, browser: Browser) -> None:
    hidden = add_report(session, desk=TOWNSHIP, category_code="X0201", excluded_village_code=VILLAGE, state="triage")
    assert numbers(browser.sign_in(town.officer)) == [hidden.number]
    both_offices = town.people.make((Role.TOWNSHIP_OFFICER, TOWNSHIP), (Role.COMMUNITY_WORKER, VILLAGE))
    both = Browser(browser.app).sign_in(both_offices)
    assert numbers(both) == []
    assert tabs(both)["全部在办"][0] == 0


def test_statements_of_a_queue(session: Session, town: Town, browser: Browser) -> None:
    browser.sign_in(town.worker)
    browser.get("/desk")
    for _ in range(20):
        add_report(session)
    with count_statements() as statements:
        assert len(numbers(browser)) == 20
    assert len(statements) <= 4


def test_what_people_typed_is_only_text(session: Session, town: Town, browser: Browser) -> None:
    nasty = '<script>alert(1)</script>"><svg onload=alert(2)>'
    add_report(session, description=nasty, address=nasty)
    browser.sign_in(town.worker)
    answer = browser.get("/desk", query_string={"q": "script"})
    page = soup_of(answer)
    assert len(page.select("tr[data-key]")) == 1
    assert page.find_all("svg") == []
    assert [tag for tag in page.find_all("script") if not tag.get("src")] == []
    assert [tag for tag in page.find_all() if any(name.startswith("on") for name in tag.attrs)] == []
