"""The ladder of a duty: how much of its limit is used, and when each rung and card falls. Pure.

A duty counts its time in its own clock: office hours of the Chinese calendar, or round the clock where it is urgent.
`used` is the share of the limit that has passed; 1.0 is the due time and 2.0 twice the limit.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wxapi.kernel.city import city
from wxapi.kernel.deadlines import red_at
from wxapi.kernel.working_time import OFFICE, ROUND_THE_CLOCK, WorkTime

# The rungs by the per cent of the limit they stand at as shipped: 50 is a colour, 80 reminds, 100 is the yellow card,
# 200 goes to the next above. A city may set other shares; rows keep these names.
RUNGS = (50, 80, 100, 200)
CARD_RUNG = 100


class DutyClock(StrEnum):
    """How a duty counts time."""

    OFFICE = "office"
    ROUND = "round"


APPEAL_NAMES = {"uphold": "维持", "lift": "撤销督办牌"}
CLOCK_NAMES = {DutyClock.OFFICE: "工作时间", DutyClock.ROUND: "自然时间"}


class Card(StrEnum):
    """What hangs on a unit and a subject once a due time has passed."""

    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True)
class LadderStep:
    """One thing the climb does: a rung is reached, or the yellow card turns red (`rung` is None)."""

    at: datetime
    rung: int | None


def work_time(clock: DutyClock) -> WorkTime:
    """How a clock counts time: round the clock, or in the city's office hours."""
    return ROUND_THE_CLOCK if clock is DutyClock.ROUND else OFFICE


def rung_times(due_at: datetime, limit: timedelta, clock: DutyClock) -> dict[int, datetime]:
    """When each rung is reached, counted back and on from the due time, so that stops and extensions move all."""
    time, ladder = work_time(clock), city().ladder
    return {
        50: time.subtract(due_at, limit * (100 - ladder.colour_percent) / 100),
        80: time.subtract(due_at, limit * (100 - ladder.remind_percent) / 100),
        100: due_at,
        200: time.add(due_at, limit * (ladder.escalate_percent - 100) / 100),
    }


def used(due_at: datetime, limit: timedelta, clock: DutyClock, at: datetime) -> float:
    """The share of the limit that has passed at an instant; 0.0 before it began, no upper end."""
    if limit <= timedelta(0):
        return 1.0 if at <= due_at else 2.0
    return max(0.0, 1.0 - work_time(clock).between(at, due_at) / limit)


def next_step(
    due_at: datetime, limit: timedelta, clock: DutyClock, *, rung: int, card: Card | None
) -> LadderStep | None:
    """What comes next on the ladder, None when the top is reached.

    Args:
        due_at: the present due time.
        limit: the duty's limit in its own clock.
        clock: how it counts.
        rung: the highest rung that was taken, 0 for none.
        card: the card it bears.
    """
    times = rung_times(due_at, limit, clock)
    steps = [LadderStep(times[each], each) for each in RUNGS if each > rung]
    if rung >= CARD_RUNG and card is Card.YELLOW:
        steps.append(LadderStep(red_at(due_at), None))
    # At one instant the lower rung comes first.
    return min(steps, key=lambda step: (step.at, step.rung or CARD_RUNG), default=None)


def rung_at(due_at: datetime, limit: timedelta, clock: DutyClock, at: datetime) -> int:
    """The highest rung whose time has come at an instant, 0 for none."""
    times = rung_times(due_at, limit, clock)
    return max((rung for rung in RUNGS if times[rung] <= at), default=0)


def appeal_until(carded_at: datetime) -> datetime:
    """A card is appealed against within some working days, five as shipped."""
    return OFFICE.add(carded_at, city().ladder.appeal_working_days * OFFICE.day)
