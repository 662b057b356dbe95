"""The ladder of a duty and the diff of what is owed, against slower readings of the same rules."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tries import tries
from wxapi.duties.rules.clock import RUNGS, Card, DutyClock, next_step, rung_times, used, work_time
from wxapi.duties.rules.owed import DropReason, DutyState, Owed, apply_change, changes
from wxapi.duties.rules.scope import acts_for, sees, stands_above
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.clock import SHANGHAI
from wxapi.kernel.ids import new_id
from wxapi.kernel.permissions import Role
from wxapi.kernel.working_time import is_workday

START = datetime(2026, 1, 1, tzinfo=UTC)
# A year with Spring Festival, its make-up Saturdays, and every hour of the day.
INSTANTS = st.integers(0, 366 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
LIMITS = st.integers(1, 60 * 40).map(lambda minutes: timedelta(minutes=minutes))
CLOCKS = st.sampled_from(DutyClock)
UNITS = st.sampled_from(["421002001001", "421002001002", "421002001", "421002-zjj"])
STAGES = ("triage", "respond", "resolve")


@given(INSTANTS, LIMITS, CLOCKS)
def test_rungs_come_in_their_order(start: datetime, limit: timedelta, clock: DutyClock) -> None:
    due = work_time(clock).add(start, limit)
    times = rung_times(due, limit, clock)
    assert list(times) == list(RUNGS)
    assert sorted(times.values()) == list(times.values())
    assert times[100] == due


@settings(deadline=None, max_examples=tries(15))
@given(INSTANTS, LIMITS, CLOCKS, st.integers(0, 240))
def test_used_counts_minutes_of_the_duties_own_clock(
    start: datetime, limit: timedelta, clock: DutyClock, hours: int
) -> None:
    due, at = work_time(clock).add(start, limit), start + timedelta(hours=hours)
    passed = minutes_counted(clock, start, at)
    assert used(due, limit, clock, at) == pytest.approx(passed / limit, abs=timedelta(minutes=1) / limit)


def minutes_counted(clock: DutyClock, start: datetime, end: datetime) -> timedelta:
    """Minute by minute over the calendar: 8:30–12:00 and 14:30–17:30 of every working day."""
    if clock is DutyClock.ROUND:
        return end - start
    minutes = int((end - start).total_seconds() // 60)
    return timedelta(minutes=sum(at_work(start + timedelta(minutes=minute)) for minute in range(minutes)))


def at_work(at: datetime) -> bool:
    local = at.astimezone(SHANGHAI)
    minute = local.hour * 60 + local.minute
    return is_workday(local.date()) and (510 <= minute < 720 or 870 <= minute < 1050)


@given(INSTANTS, LIMITS, CLOCKS, st.lists(INSTANTS, max_size=6), INSTANTS)
def test_a_climb_that_slept_takes_each_rung_once_and_in_order(
    start: datetime, limit: timedelta, clock: DutyClock, runs: list[datetime], last: datetime
) -> None:
    due = work_time(clock).add(start, limit)

    def climb(instants: Sequence[datetime]) -> list[int | None]:
        taken: list[int | None] = []
        rung, card = 0, None
        for now in instants:
            while (step := next_step(due, limit, clock, rung=rung, card=card)) and step.at <= now:
                taken.append(step.rung)
                rung = step.rung or rung
                card = Card.RED if step.rung is None else (Card.YELLOW if rung >= 100 and card is None else card)
        return taken

    often, once = climb([*sorted(run for run in runs if run <= last), last]), climb([last])
    assert often == once
    rungs = [rung for rung in once if rung is not None]
    assert rungs == [rung for rung in RUNGS if rung_times(due, limit, clock)[rung] <= last]
    assert once.count(None) <= 1


def owed_sets() -> st.SearchStrategy[tuple[Owed, ...]]:
    one = st.builds(
        Owed,
        stage=st.sampled_from(STAGES),
        unit_code=UNITS,
        origin_at=st.just(START),
        due_at=INSTANTS.map(lambda at: at + timedelta(days=1)),
        limit=LIMITS,
        clock=CLOCKS,
        stopped_at=st.none() | INSTANTS,
    )
    return st.lists(one, max_size=3, unique_by=lambda owed: owed.stage).map(tuple)


@given(st.lists(st.tuples(owed_sets(), st.sets(st.sampled_from(STAGES))), max_size=8))
def test_the_open_duties_are_always_what_is_owed(history: list[tuple[tuple[Owed, ...], set[str]]]) -> None:
    duties: list[DutyState] = []
    before: tuple[Owed, ...] = ()
    for turn, (after, meets) in enumerate(history):
        at = START + timedelta(hours=turn)
        for change in changes(before, after, meets=meets):
            duties = apply_change(duties, change, at)
        open_now = {(d.stage, d.unit_code, d.due_at, d.limit_s, d.stopped_at) for d in duties if d.is_open}
        assert open_now == {(o.stage, o.unit_code, o.due_at, o.limit_s, o.stopped_at) for o in after}
        before = after
    for stage in STAGES:
        of_stage = [duty for duty in duties if duty.stage == stage]
        assert [duty.seq for duty in of_stage] == list(range(1, len(of_stage) + 1))
        # One after another: for one instant at most one unit holds a stage.
        for early, late in pairwise(of_stage):
            end = early.met_at or early.dropped_at
            assert end is not None
            assert end <= late.started_at


def test_a_duty_that_moves_keeps_its_origin_and_ends_as_given_away() -> None:
    first = Owed("resolve", "421002001001", START, START + timedelta(days=3), timedelta(days=3), DutyClock.ROUND)
    duties: list[DutyState] = []
    for before, after in (((), (first,)), ((first,), (replace(first, unit_code="421002001002"),))):
        for change in changes(before, after, meets=()):
            duties = apply_change(duties, change, START + timedelta(hours=5 * len(duties)))
    old, new = duties
    assert (old.drop_reason, new.origin_at, new.due_at) == (DropReason.MOVED, START, first.due_at)
    assert new.started_at > START


def person(*held: Appointment) -> Actor:
    return Actor(new_id(), held)


@pytest.mark.parametrize(
    ("held", "own", "not_own"),
    [
        (Appointment(Role.COMMUNITY_WORKER, "421002001001"), ["421002001001"], ["421002001", "421002001002"]),
        (Appointment(Role.COMMUNITY_WORKER, "421002001001001"), ["421002001001"], ["421002001002"]),
        (Appointment(Role.TOWNSHIP_OFFICER, "421002001"), ["421002001"], ["421002001001", "421002"]),
        (Appointment(Role.COMMUNITY_WORKER, "421002001"), ["421002001", "421002001001"], ["421002"]),
        (Appointment(Role.SUPERVISOR, "421002"), ["421002"], ["421002001", "4210", "421002-zjj"]),
        (Appointment(Role.SUPERVISOR, "4210"), ["4210", "421002"], ["421002001"]),
        (Appointment(Role.UNIT_OFFICER, "421002", "421002-zj"), ["421002-zj"], ["421002", "421002-zjj", "421002001"]),
        (Appointment(Role.STREET_CHIEF, "421002001"), [], ["421002001", "421002001001"]),
    ],
)
def test_who_acts_for_which_unit(held: Appointment, own: list[str], not_own: list[str]) -> None:
    scope = acts_for(person(held))
    assert [code for code in own if not scope.holds(code)] == []
    assert [code for code in not_own if scope.holds(code)] == []


def test_who_stands_above() -> None:
    officer = person(Appointment(Role.TOWNSHIP_OFFICER, "421002001"))
    assert stands_above(officer, "421002001001")
    assert stands_above(officer, "421002001-zjj")
    assert not stands_above(officer, "421002001")
    assert not stands_above(officer, "421002")
    unit_officer = person(Appointment(Role.UNIT_OFFICER, "421002", "421002-zjj"))
    assert not stands_above(unit_officer, "421002-cgj")
    assert not sees(unit_officer).holds("421002001")
