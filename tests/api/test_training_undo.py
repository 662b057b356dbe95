"""Decisions, sign-ins, sign-outs, undo and flags in every order."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from tests.factories import Person
from tests.schooling import AT_THE_HALL, FIVE_KM_OFF, School
from wxapi.kernel.clock import FixedClock
from wxapi.training.rules.attendance import MANUAL, SIGN_IN_OVERRIDES

WHEN = ("never", "before", "after")


def decide(school: School, hall: dict[str, Any], person: Person, state: str) -> None:
    path = f"/training/sessions/{hall['id']}/attendance/{person.actor.user_id}"
    answer = school.organiser.call("PUT", path, json={"state": state, "reason": "核实"})
    assert answer.status_code == 200, answer.text


def excuse(school: School, hall: dict[str, Any], person: Person) -> None:
    asked = person.post(f"/training/sessions/{hall['id']}/leave-requests", {"reason": "外出"}).json
    approved = {"decision": "approve", "note": "准假"}
    answer = school.organiser.post(f"/training/sessions/leave-requests/{asked['id']}/decision", approved)
    assert answer.status_code == 200, answer.text
    assert school.state(hall, person) == "on_leave"


def decide_in_bulk(school: School, hall: dict[str, Any], person: Person, state: str) -> None:
    body = {"state": state, "reason": "核实", "user_ids": [str(person.actor.user_id)]}
    answer = school.organiser.post(f"/training/sessions/{hall['id']}/attendance/bulk", body)
    assert answer.status_code == 200, answer.text


def undo(school: School, hall: dict[str, Any], person: Person) -> str:
    path = f"/training/sessions/{hall['id']}/attendance/{person.actor.user_id}/undo"
    answer = school.organiser.post(path, {"reason": "有误"})
    assert answer.status_code == 200, answer.text
    return str(answer.json["state"])


class Life:
    """Two people who do the same; about the first a decision is taken that is undone at the end."""

    def __init__(self, school: School, clock: FixedClock, hall: dict[str, Any]) -> None:
        self.school, self.clock, self.hall = school, clock, hall
        self.judged, self.left_alone = school.people.make(), school.people.make()
        for person in self.both():
            person.post(f"/training/sessions/{hall['id']}/enrolments")

    def both(self) -> tuple[Person, Person]:
        return self.judged, self.left_alone

    def come(self, location: dict[str, Any]) -> None:
        for person in self.both():
            assert self.school.sign_in(self.hall, person, location=location).status_code == 201

    def go(self) -> None:
        for person in self.both():
            code = self.school.code(self.hall)
            assert person.post(f"/training/sessions/{self.hall['id']}/sign-outs", {"code": code}).status_code == 201


def courses(decision: str) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Where somebody signs in, and whether that and signing out are before or after the decision."""
    for place, comes, goes in product((AT_THE_HALL, FIVE_KM_OFF), WHEN, WHEN):
        if (goes == "before" and comes != "before") or (goes != "never" and comes == "never"):
            continue
        if decision != "leave" or comes != "before":  # who has come asks for none
            yield place, comes, goes


# One of each kind: a sign-in overrides it, stays beside it, or signing out moves it; and one that is asked for.
@pytest.mark.parametrize(
    ("before", "decision"), [*product([None, "exempt"], ["absent", "made_up", "present"]), (None, "leave")]
)
def test_undone_it_is_as_if_the_decision_had_never_been_taken(
    school: School, clock: FixedClock, before: str | None, decision: str
) -> None:
    hall = school.make(location={**AT_THE_HALL}, radius_m=200, sign_out=True, starts=-5, ends=240)
    for place, comes, goes in courses(decision):
        life = Life(school, clock, hall)
        if before is not None:
            for person in life.both():
                decide(school, hall, person, before)
        clock.advance(seconds=1)
        if comes == "before":
            life.come(place)
        if goes == "before":
            life.go()
        clock.advance(seconds=1)
        if decision == "leave":
            excuse(school, hall, life.judged)
        else:
            (decide_in_bulk if decision == "absent" else decide)(school, hall, life.judged, decision)
        clock.advance(seconds=1)
        if comes == "after":
            life.come(place)
        if goes == "after":
            life.go()
        clock.advance(seconds=1)
        undone = undo(school, hall, life.judged)
        case = (before, decision, comes, goes, place is AT_THE_HALL)
        assert undone == school.state(hall, life.left_alone), case


class TestUpholding:
    @pytest.fixture
    def hall(self, school):
        return school.make(location={**AT_THE_HALL}, radius_m=200)

    def uphold(self, school, hall, person) -> str:
        path = f"/training/sessions/{hall['id']}/flags"
        for flag in school.organiser.get(path).json["items"]:
            if flag["user_id"] == str(person.actor.user_id):
                answer = school.organiser.post(f"{path}/{flag['id']}/decision", {"decision": "uphold"})
                assert answer.status_code == 200, answer.text
        return school.state(hall, person)

    def test_strikes_a_sign_in_nobody_has_judged(self, school, hall):
        school.sign_in(hall, school.member, location=FIVE_KM_OFF)
        assert self.uphold(school, hall, school.member) == "absent"

    @pytest.mark.parametrize("state", sorted(MANUAL))
    def test_leaves_what_the_organiser_set_since(self, school, hall, clock, state):
        school.sign_in(hall, school.member, location=FIVE_KM_OFF)
        clock.advance(seconds=1)
        decide(school, hall, school.member, state)
        assert self.uphold(school, hall, school.member) == state

    def test_strikes_when_that_was_taken_back(self, school, hall, clock):
        school.sign_in(hall, school.member, location=FIVE_KM_OFF)
        clock.advance(seconds=1)
        decide(school, hall, school.member, "present")
        assert undo(school, hall, school.member) == "needs_review"
        assert self.uphold(school, hall, school.member) == "absent"

    @pytest.mark.parametrize("state", sorted(MANUAL))
    def test_strikes_what_the_sign_in_overrode_and_keeps_what_stood_beside_it(self, school, hall, clock, state):
        decide(school, hall, school.member, state)
        clock.advance(seconds=1)
        school.sign_in(hall, school.member, location=FIVE_KM_OFF)
        assert self.uphold(school, hall, school.member) == ("absent" if state in SIGN_IN_OVERRIDES else state)
