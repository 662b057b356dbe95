"""Training for tests: a small city, an organiser, a steward, members, and a session that is on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from werkzeug.test import TestResponse

from tests import places
from tests.factories import People, Person
from wxapi.kernel.clock import to_wire
from wxapi.kernel.permissions import Role
from wxapi.platform.runtime import runtime

COUNTY, OTHER_COUNTY, VILLAGE = "421002", "421003", "421002001001"
HALL = places.centre(VILLAGE)
AT_THE_HALL = {"longitude": HALL.longitude, "latitude": HALL.latitude, "coord_type": "gcj02", "accuracy": 20}
FIVE_KM_OFF = {**AT_THE_HALL, "latitude": HALL.latitude + 0.045}


@dataclass(frozen=True)
class School:
    """The people of a training."""

    people: People
    organiser: Person
    steward: Person
    stranger: Person
    member: Person

    def make(self, **changes: Any) -> dict[str, Any]:
        """A published session that began 5 minutes ago and lasts 2 hours, unless told otherwise."""
        made = self.organiser.post("/training/sessions", plan(**changes))
        assert made.status_code == 201, made.text
        published = self.organiser.post(f"/training/sessions/{made.json['id']}/publish")
        assert published.status_code == 200, published.text
        return published.json

    def code(self, session: dict[str, Any]) -> str:
        """What the screen shows now."""
        return str(self.organiser.get(f"/training/sessions/{session['id']}/sign-in-code").json["code"])

    def sign_in(self, session: dict[str, Any], person: Person, **body: Any) -> TestResponse:
        """Sign in with the present code, unless told otherwise."""
        sent = body if "code" in body or "ticket" in body else {"code": self.code(session), **body}
        return person.post(f"/training/sessions/{session['id']}/sign-ins", sent)

    def state(self, session: dict[str, Any], person: Person) -> str:
        """Where a person stands on the roll."""
        row = self.organiser.get(f"/training/sessions/{session['id']}/attendance/{person.actor.user_id}")
        return str(row.json["state"])


def open_school(people: People) -> School:
    """Import the small city and appoint its people."""
    places.import_small_city()
    return enrol(people, COUNTY)


def enrol(people: People, region: str) -> School:
    """Appoint the people of a training in a region of a city that is there."""
    return School(
        people,
        organiser=people.make((Role.TRAINING_ORGANISER, region)),
        steward=people.make((Role.TRAINING_STEWARD, region)),
        stranger=people.make((Role.TRAINING_ORGANISER, OTHER_COUNTY)),
        member=people.make((Role.COMMUNITY_WORKER, VILLAGE)),
    )


def plan(**changes: Any) -> dict[str, Any]:
    """A session's body; `starts` and `ends` are minutes from now, the rest are the fields themselves."""
    now = runtime().clock.now()
    starts, ends = changes.pop("starts", -5), changes.pop("ends", 115)
    return {
        "title": "党课开讲啦",
        "kind": "lecture",
        "region_code": COUNTY,
        "starts_at": minutes(now, starts),
        "ends_at": minutes(now, ends),
        "place": "沙市区委党校",
        "parallel": True,
    } | changes


def minutes(now: datetime, later: float) -> str:
    """A time on the wire."""
    return to_wire(now + timedelta(minutes=later))


def problem(answer: TestResponse) -> tuple[int, str]:
    """The status and code of a refusal."""
    assert answer.json is not None
    return answer.status_code, answer.json["code"]
