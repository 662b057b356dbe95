"""全景在线: figures, trend, map, points; the same for everybody who may see a region."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from shapely.geometry import shape

from tests import places
from tests.factories import Person
from tests.reporting import COUNTY, OTHER_VILLAGE, TOWNSHIP, VILLAGE, Town, accepted, file_routed, resolved, take
from tests.schooling import plan
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.supervision.services import board


def look(person: Person, path: str = "/panorama", **query: Any) -> dict[str, Any]:
    answer = person.get(path, query_string=query)
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_the_figures_of_a_region(town: Town, clock: FixedClock) -> None:
    file_routed(town.reporter)
    accepted(town)
    take(town.reporter, resolved(town), "confirm", rating=5)
    file_routed(town.reporter, OTHER_VILLAGE)
    found = look(town.supervisor, region=COUNTY)
    assert (found["online"]["filed"], found["online"]["open"], found["online"]["closed"]) == (4, 3, 1)
    by_place = {row["code"]: (row["filed"], row["open"]) for row in found["online"]["by_place"]}
    assert by_place == {TOWNSHIP: (3, 2), "421002002": (1, 1)}
    assert sum(row["open"] for row in found["online"]["by_class"]) == 3
    assert found["hands"]["open_duties"] == 5
    assert found["hands"]["by_type"] == {"report": 5}
    village = look(town.worker)
    assert village["region"]["code"] == VILLAGE
    assert village["online"]["filed"] == 3
    assert town.worker.get(f"/panorama?region={TOWNSHIP}").status_code == 404
    assert town.reporter.get("/panorama").status_code == 403


@pytest.mark.parametrize("turn", [1, 2])
def test_what_another_test_looked_at_is_not_told_here(town: Town, turn: int) -> None:
    for _ in range(turn):
        file_routed(town.reporter)
    assert look(town.supervisor, region=COUNTY)["online"]["filed"] == turn


def filed_of_panorama(found: Any) -> int:
    return int(found["online"]["filed"])


def filed_of_map(found: Any) -> int:
    return sum(each["properties"]["filed"] for each in found["features"])


@pytest.mark.parametrize(
    ("path", "filed"),
    [("/panorama?region=", filed_of_panorama), ("/panorama/map?coord_type=gcj02&region=", filed_of_map)],
)
def test_a_look_is_kept_for_a_minute_and_answers_304(
    town: Town, clock: FixedClock, path: str, filed: Callable[[Any], int]
) -> None:
    first = town.supervisor.get(path + COUNTY)
    file_routed(town.reporter)
    again = town.supervisor.get(path + COUNTY, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    clock.advance(seconds=61)
    later = town.supervisor.get(path + COUNTY, headers={"If-None-Match": first.headers["ETag"]})
    assert (later.status_code, filed(later.json)) == (200, 1)


def test_a_trend_has_a_point_for_every_step(town: Town) -> None:
    file_routed(town.reporter)
    for step, points, firsts in (
        ("day", 30, ["2026-11-01", "2026-11-02"]),
        ("week", 5, ["2026-10-26", "2026-11-02"]),
        ("month", 2, ["2026-10-01", "2026-11-01"]),
    ):
        query = {"measure": "filed", "step": step, "from": "2026-11-01", "to": "2026-12-01"}
        if step == "month":
            query["from"] = "2026-10-15"
        found = look(town.supervisor, "/panorama/trend", region=COUNTY, **query)["points"]
        assert len(found) == points + (step == "week")
        assert sum(point["num"] for point in found) == 1
        assert [point["from"] for point in found][:2] == firsts
    rate = look(town.supervisor, "/panorama/trend", region=COUNTY, measure="on_time_rate", step="month")["points"]
    assert all(point["den"] == 0 and point["value"] is None for point in rate)
    unknown = town.supervisor.get("/panorama/trend?measure=luck&step=day")
    assert unknown.json["code"] == "measure_unknown"


def test_a_map_has_the_children_with_borders_in_the_datum_asked_for(town: Town) -> None:
    file_routed(town.reporter)
    found = look(town.officer, "/panorama/map", coord_type="gcj02", level="village", measure="open")
    by_code = {feature["id"]: feature for feature in found["features"]}
    assert set(by_code) == {VILLAGE, "421002001002", "421002001003"}
    assert by_code[VILLAGE]["properties"]["value"] == 1
    centre = places.centre(VILLAGE)
    border = shape(by_code[VILLAGE]["geometry"])
    assert border.contains(shape({"type": "Point", "coordinates": (centre.longitude, centre.latitude)}))
    exact = look(town.officer, "/panorama/map", coord_type="wgs84", level="village")
    moved = shape({each["id"]: each for each in exact["features"]}[VILLAGE]["geometry"])
    assert 0.003 < border.centroid.distance(moved.centroid) < 0.01
    bare = look(town.officer, "/panorama/map", coord_type="gcj02", geometry="false")
    assert all(feature["geometry"] is None for feature in bare["features"])
    assert town.officer.get("/panorama/map").status_code == 422


def test_points_of_a_window_are_those_of_ones_own_regions(town: Town) -> None:
    report, other = file_routed(town.reporter), file_routed(town.reporter, OTHER_VILLAGE)
    window = {"west": 112, "south": 30, "east": 113, "north": 31, "coord_type": "gcj02"}
    assert {spot["id"] for spot in look(town.supervisor, "/panorama/points", **window)["items"]} == {
        report["id"],
        other["id"],
    }
    spots = look(town.worker, "/panorama/points", **window)
    assert [spot["id"] for spot in spots["items"]] == [report["id"]]
    assert spots["truncated"] is False
    turned = town.worker.get("/panorama/points", query_string=window | {"west": 114})
    assert turned.json["code"] == "window_invalid"


@pytest.mark.parametrize("grid", [f"{VILLAGE}001", f"{VILLAGE}002"])
def test_who_is_of_a_grid_has_the_figures_of_its_village_and_the_points_they_may_read(town: Town, grid: str) -> None:
    report = file_routed(town.reporter)
    person = town.people.make((Role.COMMUNITY_WORKER, grid))
    assert look(person) == look(person, region=VILLAGE) == look(person, region=grid)
    table = look(person, "/statistics", set="reports")
    assert table == look(person, "/statistics", set="reports", region=VILLAGE)
    for foreign in (TOWNSHIP, OTHER_VILLAGE, VILLAGE[:11] + "2"):
        assert person.get(f"/panorama?region={foreign}").status_code == 404
    asked = person.post("/exports", {"kind": "duties", "format": "csv", "filter": {"region": VILLAGE}})
    assert asked.status_code == 202, asked.json
    window = {"west": 112, "south": 30, "east": 113, "north": 31, "coord_type": "gcj02"}
    spots = [spot["id"] for spot in look(person, "/panorama/points", **window)["items"]]
    assert spots == [each["id"] for each in person.get("/reports?scope=desk").json["items"]]
    assert bool(spots) == (report["grid_code"] == grid)


def test_what_stands_is_due_on_no_day(town: Town, clock: FixedClock) -> None:
    report = accepted(town)
    due_at = next(duty["due_at"] for duty in town.worker.get("/work?scope=unit").json["items"])
    clock.at = datetime.fromisoformat(due_at) - timedelta(hours=1)

    def due() -> list[Any]:
        board.install(town.people._app)
        shown = look(town.supervisor, region=COUNTY)
        inbox = town.worker.get("/work/counts").json
        return [inbox["open"], inbox["due_today"], shown["control"]["due_today"], shown["hands"]["oldest_due_at"]]

    assert due() == [1, 1, 1, due_at]
    take(town.worker, report, "ask", note="在哪个单元？")
    assert due() == [1, 0, 0, None]


@pytest.mark.parametrize(
    "path",
    [
        "/panorama",
        "/panorama/trend?measure=filed",
        "/panorama/map?coord_type=gcj02",
        "/panorama/points?west=112&south=30&east=113&north=31&coord_type=gcj02",
        "/resources",
        "/statistics?set=reports&group_by=place",
        "/statistics/definitions",
        "/statistics/bulletins",
        f"/statistics/confidential?county={COUNTY}&quarter=2026-Q4",
    ],
)
def test_every_look_that_shows_the_same_is_a_304(town: Town, clock: FixedClock, path: str) -> None:
    file_routed(town.reporter)
    first = town.supervisor.get(path)
    clock.advance(seconds=1)
    again = town.supervisor.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")


def test_statistics_that_changed_are_told_anew(town: Town) -> None:
    first = town.supervisor.get("/statistics?set=reports&group_by=place")
    file_routed(town.reporter)
    again = town.supervisor.get(
        "/statistics?set=reports&group_by=place", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (first.json["total"]["filed"], again.status_code, again.json["total"]["filed"]) == (0, 200, 1)


def test_resources_are_the_sessions_one_may_come_to(town: Town) -> None:
    assert look(town.reporter, "/resources")["items"] == []
    assert look(town.reporter, "/resources", kind="venue,station")["items"] == []
    assert town.reporter.get("/resources?kind=rocket").status_code == 422


def test_resources_come_in_pages_that_lose_and_double_none(town: Town) -> None:
    organiser = town.people.make((Role.TRAINING_ORGANISER, COUNTY))

    def publish(starts: int) -> str:
        made = organiser.post("/training/sessions", plan(starts=starts, ends=starts + 60)).json
        assert organiser.post(f"/training/sessions/{made['id']}/publish").status_code == 200
        return str(made["id"])

    ids = [publish(starts) for starts in (60, 120, 120, 180, 240)]
    first = look(town.reporter, "/resources", limit=2)
    assert len(first["items"]) == 2
    publish(90)  # of the page that was read already
    rest, page = [], first
    while page["next_cursor"] is not None:
        page = look(town.reporter, "/resources", limit=2, cursor=page["next_cursor"])
        rest += page["items"]
    told = [item["id"] for item in first["items"] + rest]
    assert (told[0], sorted(told)) == (ids[0], sorted(ids))
    assert [item["starts_at"] for item in rest] == sorted(item["starts_at"] for item in rest)
    assert look(town.reporter, "/resources", limit=2, kind="venue") == {"items": [], "next_cursor": None}
    assert town.reporter.get("/resources?cursor=zzz").json["code"] == "cursor_invalid"
