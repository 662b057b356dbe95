"""Village affairs over HTTP: for everybody of the excluded village the report does not exist, whatever happens to it.

Random staff, places, classes and moves; the routing function alone is thrown about in `tests/unit/test_routing.py`.
"""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests import places, reporting
from tests.conftest import NOW
from tests.factories import People, Person
from tests.reporting import TOWNSHIP, VILLAGE, file, file_routed, photo, read, try_to
from tests.tries import tries
from wxapi.duties.models import Duty
from wxapi.duties.services.climb import climb
from wxapi.kernel.permissions import DESK_ROLES, Role
from wxapi.platform.db import db
from wxapi.reports.rules.state import ReportState

REGIONS = ["4210", "421002", "421003", TOWNSHIP, "421002002", *places.VILLAGES, f"{VILLAGE}001", f"{VILLAGE}002"]
AFFAIRS = ["X0201", "X0202", "X0203"]
ORDINARY = ["E0102", "C0118"]
DESKS = [code for code in REGIONS if len(code) < 15]
ALL_STATES = ",".join(ReportState)

appointments = st.tuples(
    st.sampled_from([role for role in Role if role is not Role.UNIT_OFFICER]), st.sampled_from(REGIONS)
)
# Most staff is near the place: strangers to it are found quickly anyway.
near = st.tuples(st.sampled_from(sorted(DESK_ROLES)), st.sampled_from([VILLAGE, f"{VILLAGE}001", TOWNSHIP, "421002"]))
staff = st.lists(st.lists(near | appointments, min_size=1, max_size=3), min_size=1, max_size=4)


@dataclass(frozen=True)
class Move:
    """Something a person tries with the report; most of it is refused."""

    who: int
    action: str
    desk_code: str

    def fields(self) -> dict[str, Any]:
        given: dict[str, dict[str, Any]] = {
            "accept": {},
            "assign_desk": {"desk_code": self.desk_code},
            "hand_on": {"desk_code": self.desk_code, "note": "转办"},
            "return": {"reason_code": "not_ours", "note": "不属于我单位"},
            "note": {"note": "已知悉"},
        }
        return given[self.action]


moves = st.lists(
    st.builds(
        Move,
        st.integers(0, 4),
        st.sampled_from(["accept", "assign_desk", "hand_on", "return", "note"]),
        st.sampled_from(DESKS),
    ),
    max_size=5,
)


@dataclass
class Scene:
    """One report and the people around it."""

    report: dict[str, Any]
    photo_id: str
    reporter: Person
    staff: list[Person] = field(default_factory=list)

    def excluded(self, person: Person) -> bool:
        village = self.report["region"]["code"]
        return any(held.region_code.startswith(village) for held in person.actor.appointments)


@pytest.fixture
def people_of_city(city: None, people: People) -> People:
    return people


def play(people: People, code: str, village: str, hired: list[Any], moving: list[Move]) -> Scene:
    """File and route a report, then let people try things with it."""
    crew = [people.make(*held) for held in hired]
    reporter = people.make()
    picture = photo(reporter)
    report = file_routed(reporter, village, category_code=code, photo_ids=[picture])
    scene = Scene(report, picture, reporter, crew)
    for move in moving:
        person = [reporter, *crew][move.who % (len(crew) + 1)]
        try_to(person, read(reporter, report["id"]), move.action, **move.fields())
    scene.report = read(reporter, report["id"])
    return scene


def assert_absent(person: Person, scene: Scene) -> None:
    """No endpoint lets the person tell the report from one that never was."""
    report_id, number = scene.report["id"], scene.report["number"]
    place = scene.report["location"]
    note = {"action": "note", "version": scene.report["version"], "note": "?"}
    for made_up, real in ((uuid.uuid4(), report_id), (uuid.uuid4(), scene.photo_id)):
        kind = "photos" if real == scene.photo_id else "reports"
        assert answer(person.get(f"/{kind}/{real}")) == answer(person.get(f"/{kind}/{made_up}"))
    nowhere = uuid.uuid4()
    assert answer(person.post(f"/reports/{report_id}/actions", note)) == answer(
        person.post(f"/reports/{nowhere}/actions", note)
    )
    assert answer(person.post(f"/reports/{report_id}/me-too", {})) == answer(
        person.post(f"/reports/{nowhere}/me-too", {})
    )
    near_it = f"longitude={place['longitude']}&latitude={place['latitude']}&coord_type=gcj02"
    for path in (
        "/reports?scope=desk",
        f"/reports?scope=desk&limit=100&state={ALL_STATES}",
        f"/reports?scope=desk&q={number}&state={ALL_STATES}",
        f"/reports?scope=desk&sort=-created&region={scene.report['region']['code']}",
        f"/reports?scope=mine&state={ALL_STATES}",
        f"/reports/nearby?{near_it}&category_code={scene.report['category']['code']}",
        "/me/messages",
        "/me/data",
    ):
        response = person.get(path)
        assert response.status_code == 200, (path, response.get_json())
        for trace in (report_id, number):
            assert trace not in response.get_data(as_text=True), path


def answer(response: Any) -> tuple[int, dict[str, Any]]:
    problem = response.get_json()
    problem.pop("request_id")
    assert response.status_code == 404, problem
    return response.status_code, problem


@settings(max_examples=tries(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(code=st.sampled_from(AFFAIRS), village=st.sampled_from([VILLAGE, *places.VILLAGES]), hired=staff, moving=moves)
def test_for_the_excluded_village_a_report_never_exists(
    people_of_city: People, code: str, village: str, hired: list[Any], moving: list[Move]
) -> None:
    scene = play(people_of_city, code, village, hired, moving)
    assert scene.report["desk"]["code"] in {village[:9], village[:6]}
    for person in scene.staff:
        if scene.excluded(person):
            assert_absent(person, scene)
    assert_absent(people_of_city.make((Role.COMMUNITY_WORKER, village)), scene)


@settings(max_examples=tries(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(code=st.sampled_from(AFFAIRS + ORDINARY), hired=staff, moving=moves)
def test_a_report_is_there_for_those_it_concerns(
    people_of_city: People, code: str, hired: list[Any], moving: list[Move]
) -> None:
    """The other side: the exclusion hides nothing from anybody else, and outsiders see nothing at all."""
    scene = play(people_of_city, code, VILLAGE, hired, moving)
    hidden = code in AFFAIRS
    for person in scene.staff:
        concerned = any(
            held.role in DESK_ROLES and covers(held.region_code, scene.report) for held in person.actor.appointments
        )
        if concerned and not (hidden and scene.excluded(person)):
            assert read(person, scene.report["id"])["number"] == scene.report["number"]
        elif hidden:
            assert_absent(person, scene)
        else:
            assert person.get(f"/reports/{scene.report['id']}").status_code == 404


def covers(region_code: str, report: dict[str, Any]) -> bool:
    codes = [report["grid_code"] or report["region"]["code"], report["region"]["code"], report["desk"]["code"]]
    return any(code.startswith(region_code) for code in codes)


def test_it_does_not_exist_before_the_router_came_either(people_of_city: People) -> None:
    reporter, worker = people_of_city.make(), people_of_city.make((Role.COMMUNITY_WORKER, VILLAGE))
    picture = photo(reporter)
    scene = Scene(file(reporter, category_code="X0201", photo_ids=[picture]), picture, reporter)
    assert scene.report["state"] == "submitted"
    assert_absent(worker, scene)


def test_a_worker_sees_what_he_filed_about_his_own_village_and_acts_on_none_of_it(people_of_city: People) -> None:
    worker = people_of_city.make((Role.COMMUNITY_WORKER, VILLAGE), (Role.TOWNSHIP_OFFICER, TOWNSHIP))
    report = file_routed(worker, category_code="X0202")
    assert report["available_actions"] == ["withdraw", "note"]
    assert try_to(worker, report, "accept").status_code == 403
    queue = worker.get("/reports?scope=desk").get_json()
    assert queue["items"] == []
    mine = worker.get("/reports?scope=mine").get_json()
    assert [item["id"] for item in mine["items"]] == [report["id"]]


def test_the_township_has_it_and_the_county_its_copy(people_of_city: People) -> None:
    reporter = people_of_city.make()
    officer = people_of_city.make((Role.TOWNSHIP_OFFICER, TOWNSHIP))
    supervisor = people_of_city.make((Role.SUPERVISOR, "421002"))
    report = file_routed(reporter, category_code="X0203")
    assert report["state"] == "routed"
    assert report["desk"]["code"] == TOWNSHIP
    for person in (officer, supervisor):
        assert [item["id"] for item in person.get("/reports?scope=desk").get_json()["items"]] == [report["id"]]
    for desk_code in (VILLAGE, reporting.NEIGHBOUR, f"{VILLAGE}001"):
        refused = try_to(officer, report, "hand_on", desk_code=desk_code, note="转办")
        assert (refused.status_code, refused.get_json()["code"]) == (422, "desk_not_allowed")


@pytest.mark.parametrize("of_village", [False, True])
def test_who_reads_the_audit_or_the_figures_and_is_of_the_village_reads_nothing_of_it(
    people_of_city: People, *, of_village: bool
) -> None:
    ties = [(Role.TRAINING_STEWARD, VILLAGE)] if of_village else []
    auditor = people_of_city.make((Role.AUDITOR, "4210"), *ties)
    supervisor = people_of_city.make((Role.SUPERVISOR, "421002"), *ties)
    reporter = people_of_city.make()
    reports = [file_routed(reporter, category_code="X0203") for _ in range(5)]
    public = file_routed(reporter)
    climb(now=NOW + timedelta(days=60))
    cards = db.session.scalars(select(Duty.id).where(Duty.subject_id == uuid.UUID(reports[0]["id"]))).all()
    assert cards
    about = {line["subject"] for line in auditor.get("/audit?limit=100").get_json()["items"]}
    assert f"report:{public['id']}" in about
    assert (not about.isdisjoint(f"duty:{each}" for each in cards)) is not of_village
    for path in ("/audit?limit=100", f"/audit?subject=report:{reports[0]['id']}"):
        lines = auditor.get(path).get_json()["items"]
        assert any(line["subject"] == f"report:{reports[0]['id']}" for line in lines) is not of_village
    rows = supervisor.get("/statistics/confidential?county=421002&quarter=2026-Q4").get_json()["rows"]
    assert [row["filed"] for row in rows if row["key"] == TOWNSHIP] == [0 if of_village else 5]
