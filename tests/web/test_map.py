"""The queue on a map, and the place of a case."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests import places
from tests.conftest import NOW
from tests.report_rows import add_report
from tests.reporting import NEIGHBOUR, TOWNSHIP, VILLAGE, Town, file_routed
from tests.statements import count_statements
from tests.web.browsing import Browser
from wxapi.kernel.permissions import Role
from wxapi.web.kit.drawing import free, label_below


def middle(village: str) -> dict[str, float]:
    point = places.centre(village)
    return {"longitude": point.longitude, "latitude": point.latitude}


def listed(browser: Browser, path: str = "/desk/map") -> dict[str, list[str]]:
    """Row by row: where its link leads → its cells."""
    rows = browser.page(path).select(".listed tbody tr")
    return {str(row.a["href"]): [cell.get_text(strip=True) for cell in row.select("td")] for row in rows if row.a}


def circles(browser: Browser, path: str = "/desk/map") -> set[str]:
    return {str(circle.parent["href"]) for circle in browser.page(path).select("svg.map circle") if circle.parent}


def test_a_township_is_counted_by_village_and_a_circle_leads_to_its_list(
    session: Session, town: Town, browser: Browser
) -> None:
    for _ in range(3):
        add_report(session, village=NEIGHBOUR, **middle(NEIGHBOUR))
    late = add_report(session, due_at=NOW - timedelta(hours=1), **middle(VILLAGE))
    add_report(session, state="closed")
    browser.sign_in(town.officer)
    found = listed(browser)
    assert [(href, cells[1:3]) for href, cells in found.items()] == [
        (f"/desk?region={VILLAGE}", ["1", "1"]),  # what is late comes first
        (f"/desk?region={NEIGHBOUR}", ["3", "0"]),
    ]
    assert circles(browser) == set(found)
    page = browser.page(f"/desk?region={VILLAGE}")
    assert [row["data-key"] for row in page.select("tr[data-key]")] == [late.number]


def test_a_village_shows_its_reports_themselves(session: Session, town: Town, browser: Browser) -> None:
    report = add_report(session, **middle(VILLAGE))
    browser.sign_in(town.worker)
    assert list(listed(browser)) == [f"/desk/r/{report.number}?"]
    assert circles(browser) == {f"/desk/r/{report.number}?"}
    deeper = Browser(browser.app).sign_in(town.officer)
    assert circles(deeper, f"/desk/map?region={VILLAGE}") == {f"/desk/r/{report.number}?region={VILLAGE}"}


@pytest.mark.parametrize(
    ("query", "expected"), [("overdue=true", 1), ("category=C01", 1), ("q=井盖", 1), ("state=routed", 0), ("", 2)]
)
def test_the_filters_are_those_of_the_queue(
    session: Session, town: Town, browser: Browser, query: str, expected: int
) -> None:
    add_report(session, state="accepted", due_at=NOW - timedelta(hours=1), **middle(VILLAGE))
    add_report(session, state="accepted", category_code="C0102", description="井盖缺失", **middle(VILLAGE))
    browser.sign_in(town.officer)
    rows = listed(browser, f"/desk/map?{query}").values()
    assert sum(int(cells[1]) for cells in rows) == expected


def test_a_map_of_nowhere_and_of_somewhere_else(town: Town, browser: Browser) -> None:
    browser.sign_in(town.officer)
    assert browser.get("/desk/map?region=999999").status_code in {200, 422}
    assert browser.get("/desk/map?region=x").status_code == 422
    assert listed(browser, "/desk/map?region=421002002") == {}
    assert browser.sign_in(town.reporter).get("/desk/map").status_code == 404


def test_village_affairs_are_on_no_map_of_the_village(session: Session, town: Town, browser: Browser) -> None:
    add_report(session, desk=TOWNSHIP, category_code="X0201", excluded_village_code=VILLAGE, **middle(VILLAGE))
    assert len(listed(browser.sign_in(town.officer))) == 1
    both = town.people.make((Role.TOWNSHIP_OFFICER, TOWNSHIP), (Role.COMMUNITY_WORKER, VILLAGE))
    assert listed(Browser(browser.app).sign_in(both)) == {}


def test_statements_of_a_map(session: Session, town: Town, browser: Browser) -> None:
    browser.sign_in(town.officer)
    browser.get("/desk/map")
    for _ in range(9):
        add_report(session)
    with count_statements() as statements:
        browser.page("/desk/map")
    assert len(statements) <= 4


def test_a_case_shows_its_place(town: Town, browser: Browser) -> None:
    number = file_routed(town.reporter)["number"]
    drawing = browser.sign_in(town.worker).page(f"/desk/r/{number}").select_one("svg.place")
    assert drawing is not None
    assert VILLAGE[-3:] not in drawing.get_text()
    assert len(drawing.select("path.here")) == 1
    assert len(drawing.select("circle")) == 1


def test_a_name_covers_no_circle_and_no_other_name() -> None:
    one, beside, below = (label_below(at, 20, "中山街道") for at in ((500, 300), (560, 310), (500, 400)))
    assert one == (456, 320, 544, 364)
    assert free([one, beside, below], []) == [True, False, True]
    assert free([one, below], [(490, 350, 510, 370)]) == [False, True]
