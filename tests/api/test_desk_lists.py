"""The lists over HTTP: mine, my desk's, nearby, the classes."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests import places, reporting
from tests.conftest import NOW
from tests.factories import People, Person
from tests.report_rows import add_report
from tests.reporting import (
    COUNTY,
    NEIGHBOUR,
    OTHER_TOWNSHIP,
    TOWNSHIP,
    VILLAGE,
    Town,
    file,
    file_routed,
    let_pass,
    photo,
    take,
)
from tests.statements import count_statements
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.coordinates import Point, gcj02_to_wgs84
from wxapi.kernel.paging import encode_cursor
from wxapi.reports.models import Report
from wxapi.reports.wire.list_schemas import CategoryWire, NearbyReport, ReportPage


def listed(person: Person, scope: str = "desk", **query: Any) -> dict[str, Any]:
    response = person.get("/reports", query_string={"scope": scope, **query})
    assert response.status_code == 200, response.get_json()
    page: dict[str, Any] = response.get_json()
    return page


def ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"]]


def walk(person: Person, scope: str = "desk", **query: Any) -> Iterator[dict[str, Any]]:
    """Every item of a list, page after page."""
    cursor = {}
    while True:
        page = listed(person, scope, **query, **cursor)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def refusal(person: Person, **query: Any) -> tuple[int, str, set[str]]:
    response = person.get("/reports", query_string=query)
    problem = response.get_json()
    return response.status_code, problem["code"], set(problem["errors"])


def test_an_item_shows_the_report_without_its_history(town: Town) -> None:
    report = file_routed(town.reporter, photo_ids=[photo(town.reporter, "pending"), photo(town.reporter)])
    page = listed(town.worker)
    assert ReportPage().validate(page) == {}
    (item,) = page["items"]
    for name in item.keys() - {"thumb_url", "reporter"}:
        assert item[name] == report[name], name
    assert item["reporter"] == report["reporter"] | {"is_me": False}
    assert "/thumb.jpg?" in item["thumb_url"]  # of the first photo that is ready
    assert report.keys() - item.keys() == {"candidates", "photos", "after_photos", "timeline", "available_actions"}
    assert ids(listed(town.reporter, "mine")) == [report["id"]]
    assert listed(town.reporter, "mine")["items"][0]["reporter"]["is_me"] is True


def test_a_queue_is_what_ones_appointments_cover(town: Town, people: People) -> None:
    report = file_routed(town.reporter)
    for person in (town.worker, town.colleague, town.officer, town.chief, town.supervisor):
        assert ids(listed(person)) == [report["id"]]
    for person in (town.neighbour, town.reporter, town.stranger, people.make((reporting.Role.ADMIN, "4210"))):
        assert listed(person) == {"items": [], "next_cursor": None}


def test_a_queue_holds_open_reports_unless_others_are_asked_for(town: Town, session: Session) -> None:
    done = add_report(session, state="closed")
    waiting = add_report(session, state="routed", desk=VILLAGE)
    assert ids(listed(town.worker)) == [str(waiting.id)]
    assert ids(listed(town.worker, state="closed")) == [str(done.id)]
    assert ids(listed(town.worker, state="accepted")) == []
    assert set(ids(listed(town.worker, state="closed,routed"))) == {str(done.id), str(waiting.id)}


def test_mine_is_what_i_filed_or_joined_newest_first(town: Town, clock: FixedClock, session: Session) -> None:
    first = file(town.reporter)
    clock.advance(minutes=1)
    joined = file(town.stranger)
    response = town.reporter.post(f"/reports/{joined['id']}/me-too", {})
    assert response.status_code == 200, response.get_json()
    clock.advance(minutes=1)
    last = file(town.reporter, village=NEIGHBOUR)
    file(town.stranger)
    take(town.reporter, last, "withdraw")
    everything = [last["id"], joined["id"], first["id"]]
    assert ids(listed(town.reporter, "mine")) == everything
    assert [item["id"] for item in walk(town.reporter, "mine", limit=1)] == everything
    assert ids(listed(town.reporter, "mine", state="withdrawn")) == [last["id"]]
    assert ids(listed(town.reporter, "mine", region=VILLAGE)) == everything[1:]


@pytest.fixture
def many(town: Town, session: Session) -> list[Report]:
    """Reports of all ages on the worker's desk, some due at the same instant, some without a running clock."""
    rows = []
    for number in range(23):
        state = "on_hold" if number % 5 == 0 else "accepted"
        rows.append(add_report(session, state=state, created_at=NOW - timedelta(hours=number * 7 % 11)))
    return rows


def by_due(report: Report) -> tuple[bool, Any, Any]:
    return report.due_at is None, report.due_at, report.id


def by_age(report: Report) -> tuple[Any, Any]:
    return -report.created_at.timestamp(), -report.id.int


@pytest.mark.parametrize(("sort", "key"), [("due", by_due), ("-created", by_age)])
@pytest.mark.parametrize("limit", [1, 5, 23])
def test_pages_show_every_report_once_in_order(
    town: Town, many: list[Report], sort: str, key: Callable[[Report], Any], limit: int
) -> None:
    expected = [str(report.id) for report in sorted(many, key=key)]
    assert [item["id"] for item in walk(town.worker, sort=sort, limit=limit)] == expected


def test_pages_are_stable_under_inserts(town: Town, many: list[Report], session: Session) -> None:
    before = [item["id"] for item in walk(town.worker, limit=5)]
    first = listed(town.worker, limit=5)
    add_report(session, created_at=NOW - timedelta(days=30))  # due before everything
    rest = [item["id"] for item in walk_from(town.worker, first["next_cursor"])]
    assert ids(first) + rest == before


def walk_from(person: Person, cursor: str) -> list[dict[str, Any]]:
    page = listed(person, cursor=cursor, limit=100)
    assert page["next_cursor"] is None
    items: list[dict[str, Any]] = page["items"]
    return items


@pytest.mark.parametrize("scope", ["mine", "desk"])
def test_a_page_costs_the_same_for_one_row_and_for_twenty(town: Town, session: Session, scope: str) -> None:
    costs = []
    for rows in (1, 20):
        while len(listed(town.worker, scope, limit=100)["items"]) < rows:
            add_report(session, reporter_id=town.worker.actor.user_id)
        with count_statements() as statements:
            assert len(listed(town.worker, scope)["items"]) == rows
        costs.append(len(statements))
    assert costs == [2, 2]  # who is asking, and the page


def test_filters_narrow_the_queue(town: Town, session: Session) -> None:
    late = add_report(session, created_at=NOW - timedelta(days=3), card="yellow", category_code="E0106")
    lamp = add_report(session, village=NEIGHBOUR, category_code="C0118", description="路灯不亮", address="江津西路88号")
    held = add_report(session, state="on_hold", card="red")
    everything = {str(late.id), str(lamp.id), str(held.id)}

    def found(**query: Any) -> set[str]:
        return set(ids(listed(town.officer, **query)))

    assert found() == everything
    assert found(category="C0118") == {str(lamp.id)}
    assert found(category="E01") == {str(late.id), str(held.id)}
    assert found(category="C") == {str(lamp.id)}
    assert found(region=NEIGHBOUR) == {str(lamp.id)}
    assert found(region=TOWNSHIP) == found(region=COUNTY) == found(region="4210") == everything
    assert found(region=OTHER_TOWNSHIP) == set()
    assert found(overdue="true") == {str(late.id)}
    assert found(overdue="false") == everything - {str(late.id)}
    assert found(card="yellow") == {str(late.id)}
    assert found(card="red", state="on_hold") == {str(held.id)}
    assert found(q=lamp.number) == found(q=lamp.number.lower()) == {str(lamp.id)}
    assert found(q="不亮") == found(q="西路88") == {str(lamp.id)}
    assert found(q=" ") == everything


def test_a_search_takes_wild_characters_for_themselves(town: Town, session: Session) -> None:
    plain = add_report(session, description="满了100个")
    marked = add_report(session, description=r"100%_满了\n")
    for text in ("100%", "%_", r"\n", "100%_满"):
        assert ids(listed(town.worker, q=text)) == [str(marked.id)]
    assert set(ids(listed(town.worker, q="满了"))) == {str(plain.id), str(marked.id)}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"scope": "all"}, "scope"),
        ({}, "scope"),
        ({"scope": "desk", "state": "open"}, "state"),
        ({"scope": "desk", "state": "routed,"}, "state"),
        ({"scope": "desk", "state": "routed') OR (1=1"}, "state"),
        ({"scope": "desk", "category": "E99"}, "category"),
        ({"scope": "desk", "category": "E010"}, "category"),
        ({"scope": "desk", "category": "%"}, "category"),
        ({"scope": "desk", "region": "42"}, "region"),
        ({"scope": "desk", "region": "４２１０"}, "region"),
        ({"scope": "desk", "overdue": "maybe"}, "overdue"),
        ({"scope": "desk", "card": "blue"}, "card"),
        ({"scope": "desk", "q": "长" * 51}, "q"),
        ({"scope": "desk", "q": "a\x00b"}, "q"),
        ({"scope": "desk", "sort": "created"}, "sort"),
        ({"scope": "desk", "limit": "0"}, "limit"),
        ({"scope": "desk", "limit": "101"}, "limit"),
        ({"scope": "mine", "limit": "x"}, "limit"),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(town: Town, query: dict[str, str], field: str) -> None:
    status, code, fields = refusal(town.worker, **query)
    assert (status, code, fields) == (422, "validation_failed", {field})


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "bnVsbA",
        encode_cursor(["due", "2026-11-23T02:00:00+00:00"]),
        encode_cursor(["-created", "2026-11-23T02:00:00+00:00", "5f0c7a52-6b0e-4d0a-9f0b-0d6b6f6f3c11"]),
        encode_cursor(["due", "2026-11-23T02:00:00", "5f0c7a52-6b0e-4d0a-9f0b-0d6b6f6f3c11"]),
        encode_cursor(["due", "soon", "5f0c7a52-6b0e-4d0a-9f0b-0d6b6f6f3c11"]),
        encode_cursor(["due", 7, "5f0c7a52-6b0e-4d0a-9f0b-0d6b6f6f3c11"]),
        encode_cursor(["due", "2026-11-23T02:00:00+00:00", 7]),
        encode_cursor(["due", "2026-11-23T02:00:00+00:00", "1' OR '1'='1"]),
    ],
)
def test_a_cursor_of_another_list_or_of_ones_own_making_is_refused(town: Town, cursor: str) -> None:
    status, code, _ = refusal(town.worker, scope="desk", cursor=cursor)
    assert (status, code) == (400, "cursor_invalid")


HERE = places.centre(VILLAGE)


def near(person: Person, at: Point = HERE, category: str = "E0102", datum: str = "gcj02") -> list[dict[str, Any]]:
    query = {"longitude": at.longitude, "latitude": at.latitude, "coord_type": datum, "category_code": category}
    response = person.get("/reports/nearby", query_string=query)
    assert response.status_code == 200, response.get_json()
    found: list[dict[str, Any]] = response.get_json()
    assert NearbyReport(many=True).validate(found) == {}
    return found


def put(session: Session, *, metres_north: float = 0.0, **changes: Any) -> str:
    """A report some metres north of HERE."""
    latitude = HERE.latitude + metres_north / 110_900
    return str(add_report(session, longitude=HERE.longitude, latitude=latitude, **changes).id)


def test_nearby_are_open_reports_of_the_family_within_50_m_nearest_first(town: Town, session: Session) -> None:
    far_end, here = put(session, metres_north=49), put(session, metres_north=3, category_code="E0106")
    put(session, metres_north=53)
    put(session, category_code="C0305")  # 市容环境 among the components is another family
    for state in ("closed", "refused", "withdrawn"):
        put(session, state=state)
    put(session, created_at=NOW - timedelta(days=14, seconds=1))
    old = put(session, metres_north=20, created_at=NOW - timedelta(days=14), state="resolved")
    found = near(town.stranger)
    assert [each["id"] for each in found] == [here, old, far_end]
    assert [each["distance_m"] for each in found] == pytest.approx([3, 20, 49], abs=0.5)
    assert {each["thumb_url"] for each in found} == {None}
    assert near(town.stranger, gcj02_to_wgs84(HERE), datum="wgs84") == found
    assert near(town.stranger, HERE, "C0118") == []


def test_nearby_shows_a_picture_and_how_many_joined(town: Town, session: Session) -> None:
    report = file(town.reporter, photo_ids=[photo(town.reporter)])
    session.execute(update(Report).values(me_too_count=4))
    let_pass(report)
    at = Point(report["location"]["longitude"], report["location"]["latitude"])
    (found,) = near(town.stranger, at)
    assert "/thumb.jpg?" in found.pop("thumb_url")
    assert found == {
        "id": report["id"], "number": report["number"], "distance_m": 0.0, "state": "submitted", "me_too_count": 4
    }  # fmt: skip


def test_nearby_never_tells_of_village_affairs(town: Town, session: Session) -> None:
    put(session, desk=TOWNSHIP, category_code="X0201", excluded_village_code=VILLAGE)
    for person in (town.stranger, town.worker, town.officer):
        assert near(person, HERE, "X0201") == []


def test_nearby_costs_the_same_for_one_and_for_many_and_stays_short(town: Town, session: Session) -> None:
    put(session)
    with count_statements() as few:
        assert len(near(town.stranger)) == 1
    for metres in range(1, 40):
        put(session, metres_north=metres)
    with count_statements() as many:
        found = near(town.stranger)
    assert len(few) == len(many) == 2
    assert len(found) == 20
    assert found[-1]["distance_m"] == pytest.approx(19, abs=0.5)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"coord_type": None}, "validation_failed"),
        ({"coord_type": "bd09"}, "validation_failed"),
        ({"longitude": "NaN"}, "validation_failed"),
        ({"latitude": "91"}, "validation_failed"),
        ({"longitude": "30", "latitude": "12"}, "outside_service_area"),
        ({"category_code": "E9999"}, "unknown_category"),
        ({"category_code": None}, "validation_failed"),
    ],
)
def test_nearby_refuses_what_it_cannot_place(town: Town, changes: dict[str, str | None], code: str) -> None:
    query = {"longitude": "112.2", "latitude": "30.3", "coord_type": "gcj02", "category_code": "E0102", **changes}
    response = town.stranger.get("/reports/nearby", query_string={k: v for k, v in query.items() if v is not None})
    assert (response.status_code, response.get_json()["code"]) == (422, code)


def test_the_classes_are_listed_with_their_limits(town: Town) -> None:
    response = town.stranger.get("/categories")
    classes = response.get_json()
    assert CategoryWire(many=True).validate(classes) == {}
    assert len(classes) == 100
    assert classes[0] == {
        "code": "E0101", "name": "私搭乱建", "kind": "事件", "major_name": "市容环境",
        "respond_hours": 8, "resolve_hours": 120, "urgent": False,
    }  # fmt: skip
    # Also what is not taken: the client shows where to turn instead.
    assert {"X0901", "X0902", "X0903", "X0904"} <= {each["code"] for each in classes}


@pytest.mark.parametrize("path", ["/reports?scope=mine", "/reports/nearby", "/categories"])
def test_nothing_is_listed_for_the_nameless(town: Town, path: str) -> None:
    assert town.people._app.test_client().get(f"/api/v1{path}").status_code == 401
