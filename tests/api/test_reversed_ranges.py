"""A range whose end lies before its beginning is refused, wherever one is taken: an empty answer would hide a slip."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from tests import reporting, schooling
from tests.contract.test_openapi import DOCUMENT, OPERATIONS
from tests.factories import People
from wxapi.kernel.clock import FixedClock, local_day
from wxapi.kernel.permissions import Role

# Names of a beginning and its end.
_PAIRS = (
    ("from", "to"), ("since", "until"), ("min", "max"), ("west", "east"), ("south", "north"), ("after", "before"),
    ("starts_on", "ends_on"), ("starts_at", "ends_at"), ("opens_at", "closes_at"), ("first", "last"),
)  # fmt: skip
_FIRST, _LAST = "2026-12-01", "2026-11-30"
_DAYS = {"from": _FIRST, "to": _LAST}
_WINDOW = {"west": 112, "east": 113, "south": 30, "north": 31, "coord_type": "gcj02"}


def _pairs_of(names: Mapping[str, Any] | set[str]) -> Iterator[str]:
    return (f"{first}–{last}" for first, last in _PAIRS if first in names and last in names)


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["schemas"][name] if name else schema


def _in_body(schema: dict[str, Any]) -> Iterator[str]:
    whole = _resolved(schema)
    properties: dict[str, Any] = whole.get("properties", {})
    yield from _pairs_of(properties)
    for below in (*properties.values(), *([whole["items"]] if "items" in whole else [])):
        yield from _in_body(below)


def _taken() -> set[tuple[str, str]]:
    """Every operation with each range its query or its body takes, by the OpenAPI document."""
    found: set[tuple[str, str]] = set()
    for name, operation in OPERATIONS:
        asked = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
        pairs = [*_pairs_of(asked)]
        for content in operation.get("requestBody", {}).get("content", {}).values():
            pairs += _in_body(content["schema"])
        found |= {(name.replace("/api/v1", ""), pair) for pair in pairs}
    return found


def test_every_range_of_the_document_is_refused_the_wrong_way_round(people: People, clock: FixedClock) -> None:
    town, school = reporting.settle(people), schooling.enrol(people, schooling.COUNTY)
    city = people.make((Role.AUDITOR, "4210"))
    admin = people.make((Role.ADMIN, "4210"))
    substitute, person = people.make(), {"user_id": str(people.make().actor.user_id), "role": "community_worker"}
    office = admin.get(f"/appointments?region={reporting.VILLAGE}").json["items"][0]
    session = school.make()
    reversed_session = schooling.plan(starts=300, ends=200)
    today = local_day(clock.now())
    stand_in = {"from": (today + timedelta(days=9)).isoformat(), "to": (today + timedelta(days=8)).isoformat()}
    answers = {
        ("GET /panorama", "from–to"): town.officer.get("/panorama", query_string=_DAYS),
        ("GET /panorama/trend", "from–to"): town.officer.get(
            "/panorama/trend", query_string=_DAYS | {"measure": "filed"}
        ),
        ("GET /panorama/map", "from–to"): town.officer.get(
            "/panorama/map", query_string=_DAYS | {"coord_type": "gcj02"}
        ),
        ("GET /panorama/points", "west–east"): town.officer.get(
            "/panorama/points", query_string=_WINDOW | {"east": 111}
        ),
        ("GET /panorama/points", "south–north"): town.officer.get(
            "/panorama/points", query_string=_WINDOW | {"north": 29}
        ),
        ("GET /resources", "from–to"): town.reporter.get("/resources", query_string=_DAYS),
        ("GET /statistics", "from–to"): town.officer.get("/statistics", query_string=_DAYS | {"set": "reports"}),
        ("POST /statistics/bulletins", "from–to"): town.supervisor.post(
            "/statistics/bulletins", {"title": "通报", "queries": [_DAYS]}
        ),
        ("POST /exports", "from–to"): town.officer.post(
            "/exports", {"kind": "reports", "format": "csv", "filter": _DAYS, "coord_type": "gcj02"}
        ),
        ("GET /audit", "from–to"): city.get("/audit", query_string=_DAYS),
        ("POST /appointments", "starts_on–ends_on"): admin.post(
            "/appointments", person | {"region_code": reporting.VILLAGE, "starts_on": _FIRST, "ends_on": _LAST}
        ),
        ("POST /appointments/{appointment_id}/stand-ins", "from–to"): admin.post(
            f"/appointments/{office['id']}/stand-ins", {"user_id": str(substitute.actor.user_id), **stand_in}
        ),
        ("POST /training/sessions", "starts_at–ends_at"): school.organiser.post("/training/sessions", reversed_session),
        ("PUT /training/sessions/{session_id}", "starts_at–ends_at"): school.organiser.call(
            "PUT", f"/training/sessions/{session['id']}", json=reversed_session
        ),
    }
    assert set(answers) == _taken(), "a new range needs its line here"
    assert [(name, answer.status_code) for name, answer in answers.items() if answer.status_code != 422] == []
    # Of these fields, not for another reason.
    wrong = {name: answer.json for name, answer in answers.items() if name[0] != "GET /panorama/points"}
    told = {name: set(said.get("errors") or {}) for name, said in wrong.items()}
    assert [name for name, fields in told.items() if not fields & {"to", "ends_on", "ends_at"}] == [], wrong
    # One end alone, and a range of one day, are answered.
    assert town.reporter.get("/resources?from=2027-03-01").status_code == 200
    assert town.reporter.get("/resources?from=2026-12-01&to=2026-12-02").status_code == 200
    assert town.reporter.get("/resources?to=2026-11-01").status_code == 422
    assert city.get("/audit?from=2026-12-01&to=2026-12-02").status_code == 200
