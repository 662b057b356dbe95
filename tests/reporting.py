"""Reports for tests: a small city with its people, filing over HTTP, routing by the job itself."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from werkzeug.test import TestResponse

from tests import places
from tests.factories import People, Person, random_key
from wxapi.kernel.permissions import Role
from wxapi.moderation.models import Check
from wxapi.photos.models import Photo
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime
from wxapi.reports.services import moderate, route

VILLAGE, NEIGHBOUR, TOWNSHIP, COUNTY = "421002001001", "421002001002", "421002001", "421002"
OTHER_TOWNSHIP, OTHER_VILLAGE = "421002002", "421002002001"


@dataclass(frozen=True)
class Town:
    """The people a report meets, each appointed for one region."""

    people: People
    reporter: Person
    worker: Person
    colleague: Person
    neighbour: Person
    officer: Person
    chief: Person
    supervisor: Person
    stranger: Person


def settle(people: People) -> Town:
    """Import the small city and appoint its people."""
    places.import_small_city()
    return Town(
        people,
        reporter=people.make(),
        worker=people.make((Role.COMMUNITY_WORKER, VILLAGE)),
        colleague=people.make((Role.COMMUNITY_WORKER, VILLAGE)),
        neighbour=people.make((Role.COMMUNITY_WORKER, NEIGHBOUR)),
        officer=people.make((Role.TOWNSHIP_OFFICER, TOWNSHIP)),
        chief=people.make((Role.STREET_CHIEF, TOWNSHIP)),
        supervisor=people.make((Role.SUPERVISOR, COUNTY)),
        stranger=people.make(),
    )


def body(village: str = VILLAGE, **changes: Any) -> dict[str, Any]:
    """A report in the middle of a village, as a phone sends it."""
    point = places.centre(village)
    location = {"longitude": point.longitude + 0.002, "latitude": point.latitude, "coord_type": "gcj02"}
    return {
        "category_code": "E0102",
        "description": "路口垃圾箱满溢",
        "photo_ids": [],
        "location": {**location, "accuracy": 12.0, "picked_by": "gps"},
        "address": "江津西路",
        "region_code": None,
        **changes,
    }


def file(person: Person, village: str = VILLAGE, **changes: Any) -> dict[str, Any]:
    """File a report; it must be taken."""
    response = person.post("/reports", body(village, **changes), key=random_key())
    assert response.status_code == 201, response.get_json()
    report: dict[str, Any] = response.get_json()
    return report


def file_routed(person: Person, village: str = VILLAGE, **changes: Any) -> dict[str, Any]:
    """File a report and run the router's job."""
    report = file(person, village, **changes)
    route.route_report(uuid.UUID(report["id"]), now=runtime().clock.now())
    return read(person, report["id"])


def read(person: Person, report_id: str) -> dict[str, Any]:
    """A report the person sees."""
    response = person.get(f"/reports/{report_id}")
    assert response.status_code == 200, response.get_json()
    report: dict[str, Any] = response.get_json()
    return report


def try_to(person: Person, report: dict[str, Any], action: str, **fields: Any) -> TestResponse:
    """Ask for an action on the version that `report` shows."""
    command = {"action": action, "version": report["version"], **fields}
    return person.post(f"/reports/{report['id']}/actions", command)


def take(person: Person, report: dict[str, Any], action: str, **fields: Any) -> dict[str, Any]:
    """Take an action; it must be possible."""
    response = try_to(person, report, action, **fields)
    assert response.status_code == 200, response.get_json()
    answer: dict[str, Any] = response.get_json()
    return answer


def refused(response: TestResponse) -> tuple[int, str, str | None]:
    """Status, code and reason of a refusal."""
    problem = response.get_json()
    return response.status_code, problem["code"], problem.get("reason")


def photo(person: Person, state: str = "ready") -> str:
    """A photo of the person's, as the photo worker leaves it; the pictures themselves are tested elsewhere."""
    ready = state == "ready"
    row = Photo(
        id=uuid.uuid4(),
        owner_id=person.actor.user_id,
        sha256="0" * 64,
        bytes=1000,
        state=state,
        rejection="corrupt" if state == "rejected" else None,
        width=640 if ready else None,
        height=480 if ready else None,
        variants={"thumb": {"width": 160, "height": 160, "bytes": 100}} if ready else None,
        created_at=runtime().clock.now(),
    )
    with transaction() as session:
        session.add(row)
    return str(row.id)


def let_pass(report: dict[str, Any]) -> None:
    """All of a report's words and pictures passed moderation, as if WeChat had said so."""
    now, report_id = runtime().clock.now(), uuid.UUID(report["id"])
    moderate.begin_checks(report_id, now=now)
    with transaction() as session:
        session.execute(update(Check).where(Check.subject_id == report_id).values(state="pass"))


def accepted(town: Town, **changes: Any) -> dict[str, Any]:
    """A report the village's worker has accepted."""
    return take(town.worker, file_routed(town.reporter, **changes), "accept")


def resolved(town: Town, report: dict[str, Any] | None = None, by: Person | None = None) -> dict[str, Any]:
    """A report that was resolved with an after-photo."""
    person = by or town.worker
    return take(person, report or accepted(town), "resolve", note="已清运", photo_ids=[photo(person)])


def actions_of(report: dict[str, Any]) -> Sequence[str]:
    """The steps of the timeline."""
    return [line["action"] for line in report["timeline"]]
