"""The workflow table: its form, its checks, and a machine that walks it."""

import uuid
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.tries import tries
from wxapi.kernel import deadlines
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.errors import ConflictError, DomainError, ForbiddenError
from wxapi.kernel.permissions import Role
from wxapi.reports.notices import TOLD
from wxapi.reports.rules import clocks, owed, words, workflow
from wxapi.reports.rules.action_input import ActionInput
from wxapi.reports.rules.counted import COUNTED_STEPS
from wxapi.reports.rules.guards import auto_close_after, reopen_within
from wxapi.reports.rules.relations import Standing, capacities, who_is
from wxapi.reports.rules.state import IN_WORK, OPEN_STATES, SYSTEM, Case, Command, Lifted, Party, ReportState, Who
from wxapi.reports.services.bulk import BULK_ACTIONS

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Shanghai
LIMITS = deadlines.Limits(timedelta(hours=2), timedelta(hours=40), urgent=False)
VILLAGE, TOWNSHIP = "421002001001", "421002001"
REPORTER, WORKER, OTHER, OFFICER, SUPERVISOR = (uuid.UUID(int=n) for n in range(1, 6))


def who(actor_id: uuid.UUID, *parties: Party) -> Who:
    return Who(actor_id, dict.fromkeys(parties))


AS_REPORTER = who(REPORTER, Party.REPORTER)
AS_WORKER = who(WORKER, Party.DESK_WORKER, Party.STAFF)
AS_OTHER = who(OTHER, Party.DESK_WORKER, Party.STAFF)
AS_THIRD, AS_FOURTH = (who(uuid.UUID(int=n), Party.DESK_WORKER, Party.STAFF) for n in (8, 9))
AS_OFFICER = who(OFFICER, Party.OFFICER, Party.STAFF)
AS_SUPERVISOR = who(SUPERVISOR, Party.SUPERVISOR, Party.STAFF)


def do(case: Case, person: Who, action: str, at: datetime = NOW, **fields: object) -> Case:
    to_state = fields.pop("to_state", None)
    row, _ = workflow.choose(case, person, action, at, to_state=to_state)
    if row.to_state is ReportState.TRIAGE:
        fields.setdefault("desk_code", TOWNSHIP)
    on_desk = bool(fields.pop("reporter_on_desk", False))
    command = Command(action, at, person.actor_id, ActionInput(**fields), reporter_on_desk=on_desk)
    return workflow.perform(case, row, command)


def routed(at: datetime = NOW) -> Case:
    return do(Case(LIMITS), SYSTEM, "route", at, to_state=ReportState.ROUTED, desk_code=VILLAGE)


def accepted() -> Case:
    return do(routed(), AS_WORKER, "accept")


def resolved(**fields: object) -> Case:
    return do(accepted(), AS_WORKER, "resolve", **fields)


def test_every_action_has_its_chinese_name_and_no_name_is_left_over() -> None:
    assert {word.code for word in words.ACTIONS.items} == {"file", *workflow.ACTIONS}
    assert {word.code for word in words.STATES.items} == set(ReportState)


def why_not(case: Case, person: Who, action: str, at: datetime = NOW) -> object:
    with pytest.raises(DomainError) as refusal:
        workflow.choose(case, person, action, at)
    error = refusal.value
    return error.extra["reason"] if isinstance(error, ConflictError) else type(error)


# The table itself


@pytest.mark.parametrize("named", [TOLD, owed.MEETS, COUNTED_STEPS, BULK_ACTIONS])
def test_what_names_actions_beside_the_table_names_its_actions(named: Collection[str]) -> None:
    assert set(named) <= set(workflow.ACTIONS)


def test_what_a_message_repeats_the_step_brings() -> None:
    """Without a note `{note}` would leave a sentence that ends with its colon."""
    for action, tells in TOLD.items():
        if any("{note}" in tell.words for tell in tells):
            assert all("note" in row.needs for row in workflow.rows_of(action)), action


def test_every_state_is_reached_and_every_open_state_is_left() -> None:
    reached = {row.to_state for row in workflow.TABLE if row.to_state}
    assert reached == set(ReportState) - {ReportState.SUBMITTED}
    for state in OPEN_STATES:
        assert any(state in row.from_states and row.to_state not in {None, state} for row in workflow.TABLE), state


def test_rows_of_one_action_that_compete_are_told_apart_by_their_checks_or_their_outcome() -> None:
    for row in workflow.TABLE:
        for rival in workflow.rows_of(row.action):
            compete = set(row.from_states) & set(rival.from_states) and set(row.who) & set(rival.who)
            if rival is not row and compete:
                assert set(row.when) != set(rival.when) or row.to_state != rival.to_state, row.action


def test_final_states_are_left_by_the_reporter_or_by_unmerging_only() -> None:
    for state in set(ReportState) - set(OPEN_STATES):
        rows = (row for row in workflow.TABLE if state in row.from_states)
        leaving = {row.action for row in rows} - {"note", "redistrict", "lift_card"}  # these leave the state as it is
        assert leaving <= {"reopen", "appeal", "unmerge"}, state


def test_the_system_and_people_do_not_share_what_must_not_be_forged() -> None:
    assert set(workflow.ACTIONS) - set(workflow.PUBLIC_ACTIONS) == {
        "route",
        "auto_close",
        "remind",
        "card",
        "lift_card",
        "redistrict",
    }


# Returns, disputes, appeals


def test_the_second_return_is_final() -> None:
    case = do(routed(), AS_WORKER, "return")
    assert (case.state, case.desk_code) == (ReportState.TRIAGE, TOWNSHIP)
    assert "refuse" in workflow.offered(case, AS_OFFICER, NOW)
    case = do(do(case, AS_OFFICER, "assign_desk", desk_code=VILLAGE), AS_WORKER, "return")
    assert why_not(case, AS_OFFICER, "refuse") == "desk_must_be_named"
    case = do(case, AS_OFFICER, "assign_desk", desk_code=VILLAGE)
    assert why_not(case, AS_WORKER, "return") == "second_return_is_final"
    assert why_not(do(case, AS_WORKER, "accept"), AS_WORKER, "return") == "second_return_is_final"


def test_the_second_dispute_goes_to_the_township_and_another_pair_of_hands() -> None:
    case = do(resolved(), AS_REPORTER, "dispute")
    assert (case.state, case.desk_code) == (ReportState.ACCEPTED, VILLAGE)
    case = do(do(case, AS_WORKER, "resolve"), AS_REPORTER, "dispute")
    assert (case.state, case.desk_code) == (ReportState.TRIAGE, TOWNSHIP)
    case = do(case, AS_OFFICER, "assign_desk", desk_code=VILLAGE)
    assert why_not(case, AS_WORKER, "accept") == "resolver_may_not_take_again"
    case = do(case, AS_OTHER, "accept")
    assert why_not(case, AS_WORKER, "resolve") == "resolver_may_not_take_again"
    assert do(case, AS_OTHER, "resolve").state is ReportState.RESOLVED


@settings(deadline=None)
@given(hands=st.lists(st.sampled_from((AS_WORKER, AS_OTHER, AS_THIRD, AS_FOURTH)), min_size=3, max_size=12))
def test_after_two_disputes_nobody_who_ever_resolved_it_takes_it_again(hands: list[Who]) -> None:
    """However often it is resolved and disputed, and by whom in between."""
    case = accepted()
    done: list[Who] = []
    for person in hands:
        barred = case.disputes >= 2 and person in done
        if case.state is ReportState.ROUTED:
            assert ("accept" in workflow.offered(case, person, NOW)) != barred
            if barred:
                continue
            case = do(case, person, "accept")
        for each in (AS_WORKER, AS_OTHER, AS_THIRD, AS_FOURTH):
            may = not (case.disputes >= 2 and each in done)
            assert ("resolve" in workflow.offered(case, each, NOW)) == may
        case = do(do(case, person, "resolve"), AS_REPORTER, "dispute")
        done = [*done, person]
        assert [*case.resolvers] == list(dict.fromkeys(each.actor_id for each in done))
        if case.state is ReportState.TRIAGE:
            case = do(case, AS_OFFICER, "assign_desk", desk_code=VILLAGE)


def test_a_refusal_is_appealed_once() -> None:
    case = do(do(routed(), AS_WORKER, "refuse"), AS_REPORTER, "appeal")
    assert (case.state, case.desk_code) == (ReportState.TRIAGE, TOWNSHIP)
    assert why_not(do(case, AS_OFFICER, "refuse"), AS_REPORTER, "appeal") == "appealed_before"


# Who verifies


def test_nobody_verifies_what_he_resolved_himself() -> None:
    both = who(WORKER, Party.REPORTER)
    assert why_not(resolved(), both, "confirm") == "not_oneself"


def test_the_township_stands_in_for_a_reporter_who_works_at_the_desk() -> None:
    case = resolved(reporter_on_desk=True)
    assert why_not(case, AS_REPORTER, "confirm") == "township_confirms"
    assert why_not(case, who(REPORTER, Party.REPORTER, Party.OFFICER), "confirm") in {
        "township_confirms",
        "reporter_confirms",
    }
    assert why_not(case, AS_SUPERVISOR, "confirm") == "township_decides"
    assert do(case, AS_OFFICER, "confirm").state is ReportState.CLOSED
    assert do(case, AS_OFFICER, "dispute").state is ReportState.ACCEPTED


def test_the_township_does_not_confirm_for_a_reporter_who_can() -> None:
    assert why_not(resolved(), AS_OFFICER, "confirm") == "reporter_confirms"


def test_a_reporter_who_joined_the_desk_later_does_not_confirm_either() -> None:
    assert why_not(resolved(), who(REPORTER, Party.REPORTER, Party.DESK_WORKER), "confirm") == "township_confirms"


# Holds, extensions, questions


def hold_asked(case: Case | None = None, person: Who = AS_WORKER) -> Case:
    return do(case or accepted(), person, "request_hold", reason_code="winter", review_on=NOW.date())


def test_a_hold_is_granted_by_another_and_stops_the_clock() -> None:
    case = hold_asked()
    assert (case.state, case.hold_pending, case.due_at) == (ReportState.ACCEPTED, True, case.resolve_due_at)
    assert why_not(case, AS_WORKER, "request_hold") == "hold_already_requested"
    assert why_not(case, who(WORKER, Party.OFFICER), "approve_hold") == "not_oneself"
    held = do(case, AS_OFFICER, "approve_hold")
    assert (held.state, held.due_at, held.clock_stopped_at) == (ReportState.ON_HOLD, None, NOW)
    later = NOW + timedelta(days=7)
    resumed = do(held, AS_WORKER, "resume", later)
    assert resumed.hold_review_on is None
    assert case.resolve_due_at is not None
    assert resumed.due_at == case.resolve_due_at + timedelta(days=7)  # the same weekday and hour, a week on


def test_a_townships_own_hold_is_decided_by_the_county() -> None:
    case = replace(hold_asked(), desk_code=TOWNSHIP)
    assert do(case, AS_SUPERVISOR, "approve_hold").state is ReportState.ON_HOLD
    assert why_not(hold_asked(), AS_SUPERVISOR, "approve_hold") == "township_decides"


def test_a_denied_hold_leaves_no_trace_on_the_clock() -> None:
    before = accepted()
    assert do(hold_asked(before), AS_OFFICER, "deny_hold") == before


def test_an_extension_is_asked_once_and_in_time() -> None:
    case = do(accepted(), AS_WORKER, "request_extension", days=2)
    assert why_not(case, AS_WORKER, "request_extension") == "extension_used"
    assert why_not(case, who(WORKER, Party.OFFICER), "approve_extension") == "not_oneself"
    granted = do(case, AS_OFFICER, "approve_extension")
    assert case.resolve_due_at is not None
    assert granted.due_at == deadlines.extended(case.resolve_due_at, 2)
    assert do(case, AS_OFFICER, "approve_extension", days=1).due_at == deadlines.extended(case.resolve_due_at, 1)
    assert why_not(granted, AS_WORKER, "request_extension") == "extension_used"
    assert why_not(do(case, AS_OFFICER, "deny_extension"), AS_WORKER, "request_extension") == "extension_used"
    late = case.resolve_due_at - timedelta(hours=2)
    assert why_not(accepted(), AS_WORKER, "request_extension", late) == "extension_too_late"
    # While a question is open no time passes.
    assert do(do(accepted(), AS_WORKER, "ask"), AS_WORKER, "request_extension", late, days=2).extension_days == 2


def test_the_clock_stops_while_a_question_is_open() -> None:
    asked = do(accepted(), AS_WORKER, "ask")
    assert (asked.state, asked.due_at) == (ReportState.ACCEPTED, None)
    assert why_not(asked, AS_WORKER, "ask") == "question_already_open"
    week = NOW + timedelta(days=7)
    answered = do(asked, AS_REPORTER, "answer", week)
    assert asked.resolve_due_at is not None
    assert answered.due_at == asked.resolve_due_at + timedelta(days=7)
    assert why_not(answered, AS_REPORTER, "answer") == "no_open_question"


def test_a_clock_put_back_takes_no_time_away_and_no_duty_is_due_before_it_begins() -> None:
    back = NOW - timedelta(days=20)
    answered = do(do(accepted(), AS_WORKER, "ask"), AS_REPORTER, "answer", back)
    assert answered.due_at == accepted().due_at
    disputed = do(do(accepted(), AS_WORKER, "resolve", back), AS_REPORTER, "dispute", back)
    again = do(do(disputed, AS_OTHER, "resolve", back), AS_REPORTER, "dispute", back)
    assert again.state is ReportState.TRIAGE
    for case in (answered, disputed, again):
        assert owed.owed(case)
        assert all(duty.due_at > duty.origin_at for duty in owed.owed(case))


def test_passing_it_on_gains_no_time() -> None:
    case = routed()
    passed = do(do(case, AS_WORKER, "accept"), AS_WORKER, "hand_on", desk_code="421002001002")
    assert (passed.state, passed.due_at) == (ReportState.ROUTED, case.respond_due_at)
    assert do(passed, AS_WORKER, "accept").due_at == case.resolve_due_at


def test_another_desk_does_not_inherit_what_was_asked_for() -> None:
    asked = do(hold_asked(), AS_WORKER, "request_extension", days=2)
    passed = do(asked, AS_WORKER, "hand_on", desk_code="421002001002")
    assert (passed.hold_pending, passed.extension, passed.extension_days) == (False, None, None)


# The end


def test_silence_closes_after_seven_days_and_not_before() -> None:
    case = resolved()
    early = NOW + auto_close_after() - timedelta(seconds=1)
    assert why_not(case, SYSTEM, "auto_close", early) == "not_silent_long_enough"
    assert do(case, SYSTEM, "auto_close", NOW + auto_close_after()).state is ReportState.CLOSED


def test_a_closed_report_is_reopened_once_within_fifteen_days() -> None:
    closed = do(resolved(), AS_REPORTER, "confirm", rating=5)
    assert closed.rating == 5
    assert why_not(closed, AS_REPORTER, "reopen", NOW + reopen_within() + timedelta(seconds=1)) == "reopen_too_late"
    case = do(closed, AS_REPORTER, "reopen", NOW + reopen_within())
    assert (case.state, case.rating, case.closed_at) == (ReportState.ACCEPTED, None, None)
    again = do(do(case, AS_WORKER, "resolve"), AS_REPORTER, "confirm")
    assert why_not(again, AS_REPORTER, "reopen") == "reopened_before"


@pytest.mark.parametrize("state", IN_WORK)
def test_unmerging_brings_back_what_it_was(state: ReportState) -> None:
    case = replace(accepted(), state=state)
    case = clocks.settled(case, case, NOW)
    merged = do(case, who(OFFICER, Party.OFFICER), "merge", into=uuid.uuid4())
    assert (merged.state, merged.due_at) == (ReportState.MERGED, None)
    assert do(merged, AS_OFFICER, "unmerge") == case


def test_a_resolved_report_is_not_merged_away_from_its_reporter() -> None:
    assert why_not(resolved(), AS_OFFICER, "merge") is None


# Cards


def test_cards_fall_yellow_then_red() -> None:
    case = routed()
    assert case.respond_due_at is not None
    assert why_not(case, SYSTEM, "card", case.respond_due_at) == "no_card_due"
    late = case.respond_due_at + timedelta(minutes=1)
    yellow = do(case, SYSTEM, "card", late)
    assert yellow.card == "yellow"
    assert why_not(yellow, SYSTEM, "card", late) == "no_card_due"
    later = deadlines.red_at(case.respond_due_at) + timedelta(minutes=1)
    red = do(yellow, SYSTEM, "card", later)
    assert red.card == "red"
    assert why_not(red, SYSTEM, "card", later) == "no_card_due"


def test_a_second_yellow_is_red() -> None:
    case = routed()
    assert case.respond_due_at is not None
    assert case.resolve_due_at is not None
    case = do(do(case, SYSTEM, "card", case.respond_due_at + timedelta(minutes=1)), AS_WORKER, "accept")
    assert case.card == "yellow"
    assert do(case, SYSTEM, "card", case.resolve_due_at + timedelta(minutes=1)).card == "red"


LIFTED = Lifted(responding=True, was="yellow", respond=None, resolve=None)


def lift(case: Case, at: datetime, lifted: Lifted = LIFTED) -> Case:
    row, _ = workflow.choose(case, SYSTEM, "lift_card", at)
    return workflow.perform(case, row, Command("lift_card", at, lifted=lifted))


def test_a_lifted_yellow_falls_no_more_and_what_is_red_by_its_time_does() -> None:
    case = routed()
    assert case.respond_due_at is not None
    late = case.respond_due_at + timedelta(minutes=1)
    case = lift(do(case, SYSTEM, "card", late), late)
    assert case.card is None
    assert why_not(case, SYSTEM, "card", late + timedelta(days=1)) == "no_card_due"
    later = deadlines.red_at(case.respond_due_at) + timedelta(minutes=1)
    red = do(case, SYSTEM, "card", later)
    assert (red.card, why_not(red, SYSTEM, "card", later)) == ("red", "no_card_due")
    gone = lift(red, later, replace(LIFTED, was="red"))
    assert (gone.card, why_not(gone, SYSTEM, "card", later + timedelta(days=9))) == (None, "no_card_due")


def test_a_lifted_yellow_makes_no_second_one_red() -> None:
    case = routed()
    assert case.respond_due_at is not None
    assert case.resolve_due_at is not None
    late = case.respond_due_at + timedelta(minutes=1)
    case = do(lift(do(case, SYSTEM, "card", late), late), AS_WORKER, "accept")
    past = case.resolve_due_at + timedelta(minutes=1)
    yellow = do(case, SYSTEM, "card", past)
    assert yellow.card == "yellow"
    # The clock to respond is over: what is lifted of it later leaves the other card alone.
    assert lift(yellow, past, Lifted(responding=True, was=None, respond=None, resolve="yellow")).card == "yellow"
    assert lift(yellow, past, Lifted(responding=False, was="yellow", respond=None, resolve=None)).card is None


@pytest.mark.parametrize(
    ("respond", "resolve", "card"),
    [("yellow", None, "yellow"), ("red", None, "red"), ("yellow", "yellow", "red"), (None, "red", "red")],
)
def test_what_hangs_on_after_a_lift_is_what_the_report_bears(respond: Any, resolve: Any, card: str) -> None:
    case = replace(routed(), card="red", respond_yellow=True, resolve_yellow=resolve is not None)
    assert lift(case, NOW, Lifted(responding=True, was=None, respond=respond, resolve=resolve)).card == card


def test_a_card_that_no_duty_bears_stays() -> None:
    case = replace(routed(), card="red", respond_yellow=True, resolve_yellow=True)
    assert lift(case, NOW, Lifted(responding=False, was=None, respond=None, resolve=None)).card == "yellow"


def test_another_desk_bears_its_own_card() -> None:
    case = routed()
    assert case.respond_due_at is not None
    late = case.respond_due_at + timedelta(minutes=1)
    case = lift(do(case, SYSTEM, "card", late), late)
    moved = do(do(case, AS_WORKER, "return"), AS_OFFICER, "assign_desk", desk_code=VILLAGE)
    assert do(moved, SYSTEM, "card", late).card == "yellow"
    handed_on = do(case, AS_WORKER, "hand_on", desk_code="421002001002")  # by which the state stays
    assert do(handed_on, SYSTEM, "card", late).card == "yellow"


def test_each_clock_reminds_once() -> None:
    case = routed()
    assert case.remind_at is not None
    assert case.remind_at == deadlines.reminder_at(case.due_at or NOW, LIMITS.respond, urgent=False)
    assert why_not(case, SYSTEM, "remind", case.remind_at - timedelta(seconds=1)) == "no_reminder_due"
    told = do(case, SYSTEM, "remind", case.remind_at)
    assert told.remind_at is None
    past_due = (case.due_at or NOW) + timedelta(seconds=1)  # a card says so
    assert why_not(case, SYSTEM, "remind", past_due) == "no_reminder_due"
    assert do(told, AS_WORKER, "accept").remind_at is not None


# Who somebody is


def actor(*appointments: tuple[Role, str]) -> Actor:
    return Actor(WORKER, tuple(Appointment(role, code) for role, code in appointments))


@pytest.mark.parametrize(
    ("role", "region", "desk", "parties"),
    [
        (Role.COMMUNITY_WORKER, VILLAGE, VILLAGE, {Party.DESK_WORKER, Party.STAFF}),
        (Role.COMMUNITY_WORKER, TOWNSHIP, VILLAGE, {Party.DESK_WORKER, Party.STAFF}),
        (Role.COMMUNITY_WORKER, VILLAGE + "001", VILLAGE, {Party.DESK_WORKER, Party.STAFF}),
        (Role.COMMUNITY_WORKER, VILLAGE + "002", VILLAGE, set()),
        (Role.COMMUNITY_WORKER, VILLAGE, TOWNSHIP, {Party.STAFF}),
        (Role.COMMUNITY_WORKER, "421002001002", VILLAGE, set()),
        (Role.TOWNSHIP_OFFICER, TOWNSHIP, VILLAGE, {Party.OFFICER, Party.STAFF}),
        (Role.TOWNSHIP_OFFICER, TOWNSHIP, TOWNSHIP, {Party.OFFICER, Party.DESK_WORKER, Party.STAFF}),
        (Role.TOWNSHIP_OFFICER, "421002002", VILLAGE, set()),
        (Role.STREET_CHIEF, TOWNSHIP, VILLAGE, {Party.STREET_CHIEF, Party.STAFF}),
        (Role.SUPERVISOR, "421002", VILLAGE, {Party.SUPERVISOR, Party.STAFF}),
        (Role.SUPERVISOR, "421002", "421002", {Party.SUPERVISOR, Party.DESK_WORKER, Party.STAFF}),
        (Role.ADMIN, "4210", VILLAGE, set()),
        (Role.TRAINING_ORGANISER, "4210", VILLAGE, set()),
    ],
)
def test_what_an_appointment_makes_of_a_person(role: Role, region: str, desk: str, parties: set[Party]) -> None:
    standing = Standing(VILLAGE, desk, grid_code=VILLAGE + "001")
    assert set(who_is(actor((role, region)), standing).parties) == parties


def test_the_excluded_units_people_are_nothing_to_a_report_but_its_reporter() -> None:
    person = actor((Role.COMMUNITY_WORKER, VILLAGE), (Role.TOWNSHIP_OFFICER, TOWNSHIP))
    standing = Standing(VILLAGE, TOWNSHIP, exclusions=(VILLAGE,), is_reporter=True)
    assert set(who_is(person, standing).parties) == {Party.REPORTER}
    assert capacities(person, standing) == {Party.REPORTER}
    assert Party.OFFICER in who_is(actor((Role.TOWNSHIP_OFFICER, TOWNSHIP)), standing).parties


def test_a_reporter_has_no_desk_workers_powers() -> None:
    assert why_not(routed(), AS_REPORTER, "accept") is ForbiddenError
    assert Party.DESK_WORKER not in capacities(actor(), Standing(VILLAGE, VILLAGE, is_reporter=True))


PEOPLE = (AS_REPORTER, AS_WORKER, AS_OTHER, AS_OFFICER, AS_SUPERVISOR, SYSTEM, who(OTHER, Party.STREET_CHIEF))


class WorkflowMachine(RuleBasedStateMachine):
    """Walks the table with everybody at random; what must never happen is checked after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.case = Case(LIMITS)
        self.now = NOW
        self.counts = {"dispute": 0, "return": 0, "reopen": 0, "appeal": 0}

    @rule(person=st.sampled_from(PEOPLE), data=st.data())
    def take_an_offered_action(self, person: Who, data: st.DataObject) -> None:
        offered = workflow.offered(self.case, person, self.now)
        if not offered:
            return
        action = data.draw(st.sampled_from(offered))
        desk = data.draw(st.sampled_from([VILLAGE, "421002001002", TOWNSHIP]))
        before = self.case
        self.case = do(
            before,
            person,
            action,
            self.now,
            days=3,
            rating=4,
            review_on=self.now.date() + timedelta(days=9),
            into=uuid.UUID(int=9),
            **({"desk_code": desk} if action in {"assign_desk", "hand_on", "route"} else {}),
        )
        if action in self.counts:
            self.counts[action] += 1
        if action in {"confirm", "approve_hold", "approve_extension"}:
            asker = {"confirm": before.resolved_by, "approve_hold": before.hold_by}
            assert person.actor_id != asker.get(action, before.extension_by)

    @rule(person=st.sampled_from(PEOPLE), action=st.sampled_from(workflow.ACTIONS))
    def what_is_not_offered_is_refused(self, person: Who, action: str) -> None:
        if action in workflow.offered(self.case, person, self.now):
            return
        with pytest.raises((ConflictError, ForbiddenError)):
            workflow.choose(self.case, person, action, self.now)

    @rule(hours=st.integers(1, 400))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.case.due_at is not None and self.case.clock_stopped_at is None)
    @rule()
    def a_pause_of_no_time_changes_no_due_time(self) -> None:
        who_asks = AS_WORKER if self.case.state is not ReportState.TRIAGE else AS_OFFICER
        asked = do(self.case, who_asks, "ask", self.now)
        answered = do(asked, AS_REPORTER, "answer", self.now)
        # Outside office hours a due time may move to another instant of the same working moment.
        before, after = self.case.due_at, answered.due_at
        assert before is not None
        assert after is not None
        assert deadlines.card_at(after, self.now) == deadlines.card_at(before, self.now)

    @invariant()
    def the_clock_follows_the_state(self) -> None:
        case = self.case
        assert (case.due_at is not None) == clocks.runs(case)
        assert case.routed_at is None or clocks.runs(case) == (case.clock_stopped_at is None)
        assert case.remind_at is None or case.due_at is not None

    @invariant()
    def marks_fit_the_state(self) -> None:
        case = self.case
        assert (case.state is ReportState.MERGED) == (case.merged_into_id is not None)
        assert case.state is not ReportState.ON_HOLD or case.hold_review_on is not None
        assert not case.hold_pending or case.state in {ReportState.ACCEPTED, ReportState.MERGED}
        assert case.desk_code is not None or case.state in {ReportState.SUBMITTED, ReportState.WITHDRAWN}

    @invariant()
    def limits_of_repetition_hold(self) -> None:
        assert self.counts["return"] <= 2
        assert self.counts["reopen"] <= 1
        assert self.counts["appeal"] <= 1
        assert self.case.disputes == self.counts["dispute"]


TestWorkflow = WorkflowMachine.TestCase
TestWorkflow.settings = settings(max_examples=tries(40), stateful_step_count=40, deadline=None)
