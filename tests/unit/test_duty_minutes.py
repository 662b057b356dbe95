"""The life of a duty against a clock that knows no arithmetic: it counts minute by minute and is told to stand still."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.tries import tries
from wxapi.duties.rules.clock import DutyClock, used, work_time
from wxapi.duties.rules.owed import DropReason, DutyChange, DutyState, Owed, changes, fold
from wxapi.kernel.clock import SHANGHAI
from wxapi.kernel.deadlines import Limits, after_pause
from wxapi.kernel.working_time import OFFICE, is_workday
from wxapi.reports.rules.action_input import ActionInput
from wxapi.reports.rules.effects import grant_extension
from wxapi.reports.rules.owed import owed as owed_of
from wxapi.reports.rules.state import Case, Command, ReportState

MINUTE = timedelta(minutes=1)
works = cache(is_workday)
UNITS = ("421002001001", "421002001002", "421002-zjj")
# Days around Spring Festival and National Day with their make-up weekends, and ordinary ones.
BEGINS = (
    datetime(2026, 2, 12, tzinfo=SHANGHAI),
    datetime(2026, 9, 28, tzinfo=SHANGHAI),
    datetime(2026, 6, 4, tzinfo=SHANGHAI),
)


@dataclass(frozen=True)
class Happening:
    """What happens to a duty some minutes after the happening before."""

    after: int
    kind: str
    days: int = 1


class MinuteClock:
    """Counts the minutes in which the duty's clock runs."""

    def __init__(self, clock: DutyClock, budget: int) -> None:
        self.clock, self.budget, self.counted, self.stands = clock, budget, 0, False

    def runs(self, at: datetime) -> bool:
        if self.stands or self.clock is DutyClock.ROUND:
            return not self.stands
        minute = at.hour * 60 + at.minute
        return works(at.date()) and (510 <= minute < 720 or 870 <= minute < 1050)

    def pass_minutes(self, at: datetime, minutes: int) -> datetime | None:
        """Count; returns when the budget was used up, None if it was not."""
        for minute in range(minutes):
            self.counted += self.runs(at + minute * MINUTE)
            if self.counted == self.budget:
                return at + (minute + 1) * MINUTE
        return None


HAPPENINGS = st.lists(
    st.builds(
        Happening,
        after=st.integers(1, 60 * 50),
        kind=st.sampled_from(("stop", "go_on", "extend", "move", "move")),
        days=st.integers(1, 3),
    ),
    max_size=6,
)


def told(owed: Owed, happening: Happening, at: datetime) -> Owed | None:
    """What is owed after a happening by the rules; None: it cannot happen now."""
    if happening.kind == "stop":
        return None if owed.stopped_at else replace(owed, stopped_at=at)
    if happening.kind == "go_on":
        if owed.stopped_at is None:
            return None
        due = after_pause(owed.due_at, owed.stopped_at, at, urgent=owed.clock is DutyClock.ROUND)
        return replace(owed, due_at=due, stopped_at=None)
    if happening.kind == "extend":
        if owed.stopped_at:
            return None
        return by_the_effect(owed, happening)
    return replace(owed, unit_code=UNITS[(UNITS.index(owed.unit_code) + 1) % len(UNITS)])


def by_the_effect(owed: Owed, happening: Happening) -> Owed:
    """An extension as the workflow grants it to a report of which this is owed."""
    case = Case(
        Limits(owed.limit, owed.limit, urgent=owed.clock is DutyClock.ROUND),
        ReportState.ACCEPTED,
        owed.unit_code,
        routed_at=owed.origin_at,
        resolve_due_at=owed.due_at,
    )
    granted = grant_extension(case, Command("approve_extension", owed.due_at, given=ActionInput(days=happening.days)))
    (after,) = owed_of(granted)
    return after


def walked(clock: MinuteClock, due: datetime, days: int) -> int:
    """Minutes of the clock from a due time until so many working days have passed."""
    office, minutes = MinuteClock(DutyClock.OFFICE, days * OFFICE.day // MINUTE), 0
    due = due.astimezone(SHANGHAI)  # where office hours are; the rules tell it in UTC
    while office.pass_minutes(due, 1) is None:
        minutes += clock.clock is DutyClock.ROUND or office.runs(due)
        due += MINUTE
    return minutes + 1


@settings(deadline=None, max_examples=tries(20))
@example(BEGINS[0], 0, 511, DutyClock.ROUND, [Happening(1, "extend"), Happening(1, "extend")])
@given(
    st.sampled_from(BEGINS),
    st.integers(0, 60 * 24 * 4),
    st.integers(1, 60 * 14),
    st.sampled_from(DutyClock),
    HAPPENINGS,
)
def test_every_life_of_a_duty_is_due_when_its_minutes_are_used_up(
    begin: datetime, offset: int, budget: int, clock: DutyClock, happenings: list[Happening]
) -> None:
    at = start = begin + offset * MINUTE
    limit = budget * MINUTE
    owed = Owed("resolve", UNITS[0], start, work_time(clock).add(start, limit), limit, clock)
    naive = MinuteClock(clock, budget)
    history: list[tuple[datetime, list[DutyChange]]] = [(at, changes((), (owed,), meets=()))]
    for happening in happenings:
        due = naive.pass_minutes(at, happening.after)
        if due is not None:
            break  # what happens to a duty that is past due has tests of its own
        at += happening.after * MINUTE
        after = told(owed, happening, at)
        if after is None:
            continue
        naive.stands = after.stopped_at is not None
        if happening.kind == "extend":
            naive.budget += walked(naive, owed.due_at, happening.days)
        history.append((at, changes((owed,), (after,), meets=())))
        owed = after
        assert owed.used_s(at) == 60 * naive.counted
        if owed.left_s is None:
            assert abs(used(owed.due_at, owed.limit, clock, at) - naive.counted / naive.budget) < 1e-9
        else:
            assert owed.left_s == 60 * (naive.budget - naive.counted)
    else:
        if naive.stands:
            return
        due = naive.pass_minutes(at, 60 * 24 * 60)
    assert owed.due_at == due
    whole = list(chain_of(history))
    assert [duty.due_at for duty in whole if duty.is_open] == [due]


@settings(deadline=None, max_examples=tries(20))
@given(
    st.sampled_from(BEGINS),
    st.integers(0, 60 * 24 * 4),
    st.integers(2, 60 * 14),
    st.sampled_from(DutyClock),
    st.floats(0, 0.99),
    st.integers(1, 5),
)
def test_an_extension_takes_back_nothing_of_what_was_used(
    begin: datetime, offset: int, budget: int, clock: DutyClock, share: float, days: int
) -> None:
    """Also over a weekend, of which an urgent duty's clock counts every minute."""
    start = begin + offset * MINUTE
    limit = budget * MINUTE
    owed = Owed("resolve", UNITS[0], start, work_time(clock).add(start, limit), limit, clock)
    naive, at = MinuteClock(clock, budget), start
    while naive.counted < int(share * budget):
        naive.pass_minutes(at, 1)
        at += MINUTE
    longer = by_the_effect(owed, Happening(0, "extend", days))
    naive.budget += walked(naive, owed.due_at, days)
    assert longer.used_s(at) == owed.used_s(at) == 60 * naive.counted
    assert longer.limit == naive.budget * MINUTE
    assert naive.pass_minutes(at, 60 * 24 * 60) == longer.due_at


def chain_of(history: list[tuple[datetime, list[DutyChange]]]) -> Iterator[DutyState]:
    """The duties of the history: each begins where the one before was given away, and keeps its origin."""
    duties = fold(history)
    for early, late in pairwise(duties):
        assert (early.dropped_at, early.drop_reason) == (late.started_at, DropReason.MOVED)
        assert early.origin_at == late.origin_at
        # For one instant one unit holds it: for one due time at most one can be late.
        assert early.unit_code != late.unit_code
    yield from duties
