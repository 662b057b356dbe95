"""Figures add up in every grouping, tell nothing of confidential reports, and are what the histories say."""

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests import reporting
from tests.factories import Person
from tests.reporting import COUNTY, TOWNSHIP, VILLAGE, Town
from tests.service import lives
from tests.tries import SEED
from wxapi.kernel.clock import FixedClock, day_begins, local_day
from wxapi.kernel.permissions import Role
from wxapi.reports.rules.counted import COUNTED_STEPS
from wxapi.reports.services.duty_checks import differing
from wxapi.supervision.queries.counting import EVENTS
from wxapi.supervision.rules.measures import COUNTED, MEASURES, hide_small
from wxapi.supervision.services import board

STAGES = ("triage", "respond", "resolve", "hold_review")
GROUPINGS = ("place", "class", "unit", "month", "kind")


def figures(person: Person, **query: Any) -> dict[str, Any]:
    answer = person.get("/statistics", query_string={"set": "reports", **query})
    assert answer.status_code == 200, answer.json
    table: dict[str, Any] = answer.json
    return table


def period(clock: FixedClock, days: int = 200) -> dict[str, str]:
    today = local_day(clock.now())
    return {"from": (today - timedelta(days=days)).isoformat(), "to": (today + timedelta(days=100)).isoformat()}


def test_every_row_adds_up_in_every_grouping(lived: Town, clock: FixedClock) -> None:
    every_row_adds_up(lived, clock)


def test_every_row_of_another_life_adds_up(town: Town, clock: FixedClock) -> None:
    """One that is another each run."""
    try:
        lives.live_and_merge(town, clock, int(SEED, 16))
        every_row_adds_up(town, clock)
    except AssertionError as error:
        error.add_note(f"WXAPI_FUZZ_SEED={SEED}")
        raise


def every_row_adds_up(town: Town, clock: FixedClock) -> None:
    span = period(clock)
    for stage in STAGES:
        alone = figures(town.supervisor, stage=stage, group_by="kind", region=COUNTY, **span)["total"]
        for group_by in GROUPINGS:
            table = figures(town.supervisor, stage=stage, group_by=group_by, region=COUNTY, **span)
            for row in (*table["rows"], table["total"]):
                assert row["due"] == row["on_time"] + row["late"] + row["open_overdue"] + row["pending"], row
            for name in COUNTED:
                assert table["total"][name] == sum(row[name] for row in table["rows"])
            assert {name: table["total"][name] for name in COUNTED} == {name: alone[name] for name in COUNTED}
    resolve = figures(town.supervisor, stage="resolve", region=COUNTY, **span)["total"]
    assert resolve["received"] >= 12
    assert resolve["filed"] == 12


def test_children_of_a_place_and_parts_of_a_time_add_up(lived: Town, clock: FixedClock) -> None:
    span = period(clock)
    whole = figures(lived.supervisor, region=COUNTY, **span)
    for row in whole["rows"]:
        below = figures(lived.supervisor, region=row["key"], **span)["total"]
        assert {name: row[name] for name in COUNTED} == {name: below[name] for name in COUNTED}
    middle = (date.fromisoformat(span["from"]) + timedelta(days=203)).isoformat()
    early = figures(lived.supervisor, region=COUNTY, **(span | {"to": middle}))["total"]
    late = figures(lived.supervisor, region=COUNTY, **(span | {"from": middle}))["total"]
    assert {name: early[name] + late[name] for name in COUNTED} == {name: whole["total"][name] for name in COUNTED}


def test_a_line_that_does_not_say_what_it_counts_is_counted_by_its_report(
    lived: Town, clock: FixedClock, session: Session
) -> None:
    rated = reporting.resolved(lived, reporting.take(lived.worker, reporting.file_routed(lived.reporter), "accept"))
    reporting.take(lived.reporter, rated, "confirm", rating=4)
    span = period(clock)
    # By unit a line says who held it then; its report knows only who has it now.
    queries = [{"stage": stage, "group_by": group} for stage in STAGES for group in GROUPINGS if group != "unit"]
    before = [figures(lived.supervisor, region=COUNTY, **query, **span) for query in queries]
    assert sum(before[0]["total"][name] for name in EVENTS) > 0
    assert any(table["total"]["rated"] for table in before)
    unplaced = "UPDATE report_events SET county_code = NULL, township_code = NULL, village_code = NULL, rating = NULL"
    session.execute(text(f"{unplaced}, category_code = NULL, held_by = NULL"))
    session.commit()
    assert [figures(lived.supervisor, region=COUNTY, **query, **span) for query in queries] == before


def test_the_steps_that_are_counted_are_those_that_say_so() -> None:
    assert sorted(step for steps in EVENTS.values() for step in steps) == sorted(COUNTED_STEPS)


def test_what_is_returned_is_the_count_of_who_returned_it(town: Town, clock: FixedClock) -> None:
    report = reporting.file_routed(town.reporter)
    reporting.take(town.worker, report, "return", reason_code="not_ours", note="不在本村")
    reporting.file(town.reporter)
    rows = figures(town.supervisor, group_by="unit", region=COUNTY)["rows"]
    assert {row["key"]: row["returned"] for row in rows if row["returned"]} == {VILLAGE: 1}
    assert {row["name"]: row["filed"] for row in rows if row["filed"]} == {"尚未分派": 1, "中山街道": 1}


def test_what_a_desk_settled_for_its_own_people_counts_on_the_day_it_did(town: Town, clock: FixedClock) -> None:
    report = reporting.take(town.worker, reporting.file_routed(town.colleague), "accept")
    reporting.resolved(town, report)
    today = local_day(clock.now())
    day = {"from": today.isoformat(), "to": (today + timedelta(days=1)).isoformat()}
    # Its due time lies days ahead.
    row = figures(town.supervisor, region=COUNTY, **day)["total"]
    assert (row["self_settled"], row["due"]) == (1, 0)
    whole = figures(town.supervisor, region=COUNTY, **period(clock))["total"]
    assert (whole["self_settled"], whole["due"]) == (1, 0)


def test_at_most_one_unit_is_late_for_one_due_time(lived: Town, clock: FixedClock, session: Session) -> None:
    late = (
        "SELECT subject_id, stage, due_at FROM duties WHERE started_at <= due_at AND NOT self_settled AND"
        " CASE WHEN met_at IS NOT NULL THEN met_at > due_at WHEN dropped_at IS NOT NULL"
        " THEN coalesce(stopped_at, dropped_at) > due_at ELSE stopped_at IS NULL AND due_at < :now END"
    )
    found = [tuple(row) for row in session.execute(text(late), {"now": clock.now()})]
    assert found
    assert len(found) == len(set(found))


def test_confidential_reports_change_no_byte_of_anybodys_figures(lived: Town, clock: FixedClock, app: Flask) -> None:
    readers = (lived.worker, lived.officer, lived.chief, lived.supervisor)
    span = period(clock)

    def all_figures() -> list[bytes]:
        pages = [
            f"/statistics?set=reports&stage={stage}&group_by={group}&from={span['from']}&to={span['to']}"
            for stage in STAGES
            for group in GROUPINGS
        ]
        pages += [
            "/panorama",
            "/panorama/map?coord_type=gcj02&geometry=false",
            *(f"/panorama/trend?measure={measure.name}&step=week" for measure in MEASURES),
            "/panorama/points?west=112&south=30&east=113&north=31&coord_type=gcj02",
        ]
        board.install(app)  # nothing that was kept from the minute before
        answers = [person.get(page) for person in readers for page in pages]
        assert {answer.status_code for answer in answers} == {200}
        return [answer.data for answer in answers]

    before = all_figures()
    for turn in range(3):
        report = reporting.file_routed(lived.reporter, category_code="X0201")
        if turn:
            reporting.take(lived.officer, report, "accept")
    assert all_figures() == before


def test_every_history_folds_to_its_duties(lived: Town, clock: FixedClock, session: Session, app: Flask) -> None:
    today = local_day(clock.now())
    since, until = day_begins(today - timedelta(days=365)), day_begins(today + timedelta(days=1))
    assert list(differing(session, since, until)) == []
    session.execute(text("UPDATE duties SET due_at = due_at + interval '1 hour' WHERE stage = 'resolve'"))
    session.commit()
    assert len(list(differing(session, since, until))) == 12
    told = app.test_cli_runner().invoke(args=["statistics", "verify", "--from", f"{today - timedelta(days=365)}"])
    assert told.exit_code == 1


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"from": "2026-01-01", "to": "2027-01-03"}, 422, "period_invalid"),
        ({"from": "2026-02-01", "to": "2026-02-01"}, 422, "period_invalid"),
        ({"class": "X0201"}, 422, "grouping_not_available"),
        ({"class": "X02"}, 422, "grouping_not_available"),
        ({"region": "421003"}, 404, "not_found"),
        ({"region": "4210"}, 404, "not_found"),
        ({"level": "county"}, 422, "grouping_not_available"),
        ({"group_by": "person"}, 422, "validation_failed"),
        ({"set": "whistles"}, 422, "validation_failed"),
    ],
)
def test_refusals(town: Town, query: dict[str, str], status: int, code: str) -> None:
    answer = town.supervisor.get("/statistics", query_string={"set": "reports", "region": COUNTY, **query})
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert set(answer.json["errors"]) <= set(query)


def test_an_unknown_unit_and_one_elsewhere_are_told_the_same(lived: Town) -> None:
    """Nobody learns by asking which units there are, nor what those of others owe."""
    for page in (f"/statistics?set=reports&region={VILLAGE}&unit=", "/duties?unit="):
        seen = {unit: lived.worker.get(page + unit) for unit in (VILLAGE, "421002-nobody", "421003003001", "421002")}
        assert {answer.status_code for answer in seen.values()} == {200}
        own, *others = (answer.json for answer in seen.values())
        if "rows" in own:
            assert own["total"]["received"] > 0
            assert [other["total"]["received"] for other in others] == [0, 0, 0]
        else:
            assert own["items"] != []
            assert [other["items"] for other in others] == [[], [], []]
        assert lived.worker.get(page + "no unit").status_code == 422


def test_only_offices_count(town: Town) -> None:
    assert town.reporter.get("/statistics?set=reports").status_code == 403
    assert town.worker.get(f"/statistics?set=reports&region={TOWNSHIP}").status_code == 404
    assert town.worker.get("/statistics?set=reports").json["region"] == VILLAGE


def test_definitions_are_those_of_the_code(town: Town) -> None:
    found = town.reporter.get("/statistics/definitions").json
    names = [measure["name"] for measure in found["measures"]]
    assert set(COUNTED) - {"rated", "rating_sum"} <= set(names)
    assert all(measure["zh"] and measure["formula_zh"] for measure in found["measures"])
    table = figures(town.supervisor)
    shown = set(table["total"]) | set(table["total"]["rates"]) | set(table)
    assert set(names) <= shown, "defined, and in no table"
    for name in names:
        answer = town.supervisor.get(f"/panorama/trend?measure={name}")
        # Middles of parts do not add up, so the used time has none.
        assert answer.status_code == (422 if name == "used_time" else 200), name


def test_a_bulletin_is_frozen(town: Town, clock: FixedClock, session: Session) -> None:
    lives.live(town, clock, Random(8), reports=3, steps=5)
    body = {"title": "十一月通报", "queries": [{"set": "reports", "group_by": "place", "region": COUNTY}]}
    assert town.officer.post("/statistics/bulletins", body).json["code"] == "role_not_allowed"
    made = town.supervisor.post("/statistics/bulletins", body)
    assert made.status_code == 201, made.json
    reporting.file_routed(town.reporter)
    assert made.json["content"]["as_of"] == made.json["issued_at"]
    listed = town.officer.get("/statistics/bulletins").json["items"]
    assert listed == [made.json]
    with pytest.raises(Exception, match="never changed"), session.begin_nested():
        session.execute(text("UPDATE bulletins SET title = '改'"))
    later = town.supervisor.post("/statistics/bulletins", body | {"corrects": made.json["id"]})
    assert later.json["corrects"] == made.json["id"]


def test_bulletins_are_read_where_all_their_figures_lie(town: Town) -> None:
    """As many as there are, whatever was published elsewhere since."""
    other, both = (
        town.people.make(*((Role.SUPERVISOR, code) for code in codes)) for codes in (("421003",), (COUNTY, "421003"))
    )
    made = {
        name: who.post("/statistics/bulletins", {"title": name, "queries": [{"region": code} for code in codes]}).json
        for name, who, codes in (
            ("沙市", town.supervisor, [COUNTY]),
            ("中山", town.supervisor, [TOWNSHIP, TOWNSHIP]),
            ("荆州", other, ["421003"]),
            ("两区", both, ["421003", COUNTY]),
        )
    }
    assert {name: bulletin["region_code"] for name, bulletin in made.items()} == {
        "沙市": COUNTY,
        "中山": TOWNSHIP,
        "荆州": "421003",
        "两区": "4210",
    }

    def titles(person: Person) -> list[str]:
        found, query = [], {"limit": "1"}
        while True:
            page = person.get("/statistics/bulletins", query_string=query).json
            found += [bulletin["title"] for bulletin in page["items"]]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]

    for person, seen in (
        (town.supervisor, {"沙市", "中山", "两区"}),
        (town.officer, {"沙市", "中山", "两区"}),
        (other, {"荆州", "两区"}),
        (both, set(made)),
    ):
        assert len(titles(person)) == len(seen)
        assert set(titles(person)) == seen
    unseen = {"title": "更正", "queries": [{"region": "421003"}], "corrects": made["沙市"]["id"]}
    assert other.post("/statistics/bulletins", unseen).status_code == 404


def test_every_row_has_a_name_that_people_read(town: Town) -> None:
    for category in ("E0102", "C0118", "X0101"):
        reporting.file_routed(town.reporter, category_code=category)
    for group in GROUPINGS:
        rows = figures(town.supervisor, group_by=group, region=COUNTY)["rows"]
        assert len(rows) >= (3 if group in {"class", "kind"} else 1)
        assert group == "month" or not any(row["name"] == row["key"] for row in rows), rows


def test_confidential_figures_are_the_supervisors_and_hide_small_numbers(town: Town, clock: FixedClock) -> None:
    for _ in range(2):
        reporting.file(town.reporter, category_code="X0201")
    day = local_day(clock.now())
    query = {"county": COUNTY, "quarter": f"{day.year}-Q{(day.month + 2) // 3}"}
    assert town.officer.get("/statistics/confidential", query_string=query).json["code"] == "role_not_allowed"
    rows = town.supervisor.get("/statistics/confidential", query_string=query).json["rows"]
    assert {row["key"]: row["filed"] for row in rows} == {TOWNSHIP: "<5", "421002002": 0}
    other = town.people.make((Role.SUPERVISOR, "421003"))
    assert other.get("/statistics/confidential", query_string=query).status_code == 404


def test_small_numbers_are_hidden_and_no_other_is_told_as_one() -> None:
    assert hide_small({"a": 0, "b": 1, "c": 4, "d": 5, "e": 20}) == {"a": 0, "b": "<5", "c": "<5", "d": 5, "e": 20}
    assert hide_small({"a": 3, "b": 9}) == {"a": "<5", "b": 9}
