"""How often one person may sign in, out and up: more than an honest phone ever does, and less than a flood."""

import uuid

import pytest
from flask import Flask

from tests.factories import People
from tests.schooling import School, open_school

# A phone that repeats every two seconds for a minute.
HONEST = 30


@pytest.fixture
def school(limited_app: Flask) -> School:
    return open_school(People(limited_app))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "sign-ins", {"code": "none at all"}),
        ("POST", "sign-outs", {"code": "none at all"}),
        ("POST", "tickets", {"code": "none at all"}),
        ("POST", "enrolments", None),
        ("DELETE", "enrolments/me", None),
        ("POST", "leave-requests", {"reason": "外出"}),
        ("POST", "sign-ins/batch", {"items": [{"key": "a"}]}),
    ],
)
def test_a_flood_of_one_person_is_stopped_and_nobody_else(
    school: School, method: str, path: str, body: dict | None
) -> None:
    hall = school.make(starts=60, ends=90)
    person, other = (school.steward, school.organiser) if "batch" in path else (school.member, school.people.make())

    def send(sender) -> int:
        return sender.call(method, f"/training/sessions/{hall['id']}/{path}", json=body).status_code

    statuses = [send(person) for _ in range(125)]
    assert 429 not in statuses[:HONEST]
    assert statuses[-1] == 429
    assert send(other) != 429


@pytest.mark.parametrize("path", ["/training/sessions/{}/poster.png", "/me/training/certificates/{}.pdf"])
def test_no_one_person_keeps_the_processor_drawing(school: School, path: str) -> None:
    drawn = path.format(uuid.uuid4())  # not there: refused before anything is drawn, and counted
    assert [school.member.get(drawn).status_code for _ in range(31)] == [404] * 30 + [429]
