"""A machine that walks the workflow through the service, on the real database, with everybody at random."""

import uuid
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests import reporting
from tests.conftest import NOW
from tests.factories import People, Person
from tests.reporting import NEIGHBOUR, OTHER_VILLAGE, TOWNSHIP, VILLAGE, Town
from tests.tries import tries
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.errors import ConflictError, DomainError, ForbiddenError, InvalidError, NotFoundError
from wxapi.platform.db import db
from wxapi.reports.models import Report
from wxapi.reports.queries import reports
from wxapi.reports.rules import workflow
from wxapi.reports.rules.action_input import ActionInput, ActionRequest
from wxapi.reports.rules.clocks import runs
from wxapi.reports.rules.owed import owed
from wxapi.reports.services import act, apply, read, route, timers
from wxapi.reports.services.duties import folded
from wxapi.reports.services.duty_checks import stored
from wxapi.reports.wire.report import report_dict

NAMES = ("reporter", "worker", "colleague", "neighbour", "officer", "chief", "supervisor", "stranger")
SWEEPS = (timers.close_silent, timers.resume_holds, timers.remind, timers.mark_overdue)


class Walk(RuleBasedStateMachine):
    """One report and everybody around it. `town` and `clock` come with the subclass of the test."""

    town: Town
    clock: FixedClock
    report: dict[str, Any]
    confidential: bool

    @initialize(confidential=st.booleans(), routed=st.booleans())
    def file(self, confidential: bool, routed: bool) -> None:
        self.clock.at = NOW
        self.confidential = confidential
        self.report = reporting.file(self.town.reporter, category_code="X0202" if confidential else "E0102")
        if routed:
            self.the_router_comes()

    @rule()
    def the_router_comes(self) -> None:
        route.route_report(uuid.UUID(self.report["id"]), now=self.clock.now())

    @rule(hours=st.integers(1, 200), sweep=st.sampled_from(SWEEPS))
    def time_passes(self, hours: int, sweep: Any) -> None:
        self.clock.at += timedelta(hours=hours)
        sweep(now=self.clock.now())
        assert sweep(now=self.clock.now()) == 0

    @rule(hours=st.integers(1, 200))
    def the_clock_was_fast_and_is_put_back(self, hours: int) -> None:
        self.clock.at -= timedelta(hours=hours)

    # True random: Hypothesis' own choices lean to the first, and most walks would end where they began.
    @rule(chance=st.randoms(use_true_random=True))
    def several_take_what_they_are_offered(self, chance: Random) -> None:
        for _ in range(10):
            self.one_takes_what_they_are_offered(chance)
            self.the_row_is_whole()

    def one_takes_what_they_are_offered(self, chance: Random) -> None:
        views = {name: self.seen_by(getattr(self.town, name)) for name in NAMES}
        # Notes are offered to everybody always: the chief's are enough, or a walk is mostly notes.
        offers = [
            (name, action)
            for name, view in views.items()
            for action in (view["available_actions"] if view else [])
            if action != "note" or name == "chief"
        ]
        if len(offers) < 2:
            return
        name, action = chance.choice(offers)
        person, seen = getattr(self.town, name), views[name]
        assert seen is not None
        desk = chance.choice([VILLAGE, NEIGHBOUR, OTHER_VILLAGE, TOWNSHIP])
        try:
            after = self.act(person, seen, action, desk)
        except InvalidError:
            # Offered, but not with this desk, or not into a report that is not there.
            assert action in {"assign_desk", "hand_on", "merge"}
            return
        assert after["version"] == seen["version"] + 1
        assert after["timeline"][-1]["action"] == action
        assert after["timeline"][-1]["to_state"] == after["state"]

    @rule(name=st.sampled_from(NAMES), action=st.sampled_from(workflow.ACTIONS))
    def nobody_takes_what_he_is_not_offered(self, name: str, action: str) -> None:
        person: Person = getattr(self.town, name)
        seen = self.seen_by(person)
        if seen is not None and action in seen["available_actions"]:
            return
        with pytest.raises((NotFoundError, ForbiddenError, ConflictError)):
            self.act(person, seen or self.seen_by(self.town.reporter), action, NEIGHBOUR)

    def seen_by(self, person: Person) -> dict[str, Any] | None:
        try:
            return report_dict(read.read_report(person.actor, uuid.UUID(self.report["id"]), now=self.clock.now()))
        except DomainError:
            return None

    def act(self, person: Person, seen: dict[str, Any] | None, action: str, desk: str) -> dict[str, Any]:
        assert seen is not None
        row = workflow.rows_of(action)[0]
        inputs: dict[str, Any] = {
            "note": "说明",
            "reason_code": "reason",
            "desk_code": desk,
            "review_on": (self.clock.now() + timedelta(days=9)).date(),
            "days": 2,
            "into": uuid.uuid4(),
        }
        given = {name: inputs[name] for name in row.needs if name in inputs}
        if action == "resolve":
            given["photo_ids"] = [uuid.UUID(reporting.photo(person))]
        request = ActionRequest(action, seen["version"], ActionInput(**given))
        return report_dict(act.act(person.actor, uuid.UUID(self.report["id"]), request, now=self.clock.now()))

    @invariant()
    def the_row_is_whole(self) -> None:
        if not hasattr(self, "report"):
            return
        row = db.session().get_one(Report, uuid.UUID(self.report["id"]))
        case = apply.case_of(row)
        assert runs(case) == (row.due_at is not None)
        desk = (row.desk_code or "").ljust(12)
        assert (row.desk_county_code or "", row.desk_township_code or "") == (desk[:6].strip(), desk[:9].strip())
        if self.confidential:
            assert not (row.desk_code or "").startswith(VILLAGE)
            assert row.desk_code is None or VILLAGE.startswith(row.desk_code)

    @invariant()
    def the_duties_are_what_the_history_folds_to(self) -> None:
        if not hasattr(self, "report"):
            return
        session = db.session()
        row = session.get_one(Report, uuid.UUID(self.report["id"]))
        done = [line.actor_id for line in reports.events_of(session, row.id) if line.action == "resolve"]
        assert list(row.resolvers) == list(dict.fromkeys(done))
        held = stored(session, row.id)
        assert sorted(held, key=str) == sorted(folded(row, reports.events_of(session, row.id)), key=str)
        # What is open is what the case owes: by the same unit, due at the same time, standing since the same moment.
        owes = {(each.stage, each.unit_code, each.due_at, each.stopped_at) for each in owed(apply.case_of(row))}
        assert {(d.stage, d.unit_code, d.due_at, d.stopped_at) for d in held if d.is_open} == owes

    @invariant()
    def the_excluded_see_nothing(self) -> None:
        if hasattr(self, "report") and self.confidential:
            assert self.seen_by(self.town.worker) is None
            assert self.seen_by(self.town.neighbour) is None
        if hasattr(self, "report"):
            assert self.seen_by(self.town.stranger) is None

    @invariant()
    def the_history_is_a_chain(self) -> None:
        if not hasattr(self, "report"):
            return
        seen = self.seen_by(self.town.reporter)
        assert seen is not None
        lines = seen["timeline"]
        assert seen["version"] == len(lines)
        assert [line["from_state"] for line in lines[1:]] == [line["to_state"] for line in lines[:-1]]
        assert lines[-1]["to_state"] == seen["state"]


def test_the_service_keeps_the_table(people: People, clock: FixedClock) -> None:
    machine = type("WalkHere", (Walk,), {"town": reporting.settle(people), "clock": clock})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=tries(8), stateful_step_count=10, deadline=None, database=None)
    )
