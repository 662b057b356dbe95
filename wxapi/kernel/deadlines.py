"""When a report is due, when it is reminded of, when a card falls: arithmetic on the working-hours clock.

Both clocks start when the report is routed, so that passing it to and fro gains nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from wxapi.kernel.city import city
from wxapi.kernel.working_time import OFFICE, ROUND_THE_CLOCK, WorkTime

CardColour = Literal["yellow", "red"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a class of reports may take: working time, or plain hours when urgent."""

    respond: timedelta
    resolve: timedelta
    urgent: bool


@dataclass(frozen=True, slots=True)
class DueTimes:
    respond_due_at: datetime
    resolve_due_at: datetime


def due_times(limits: Limits, routed_at: datetime) -> DueTimes:
    """Both due times of a report that is routed at `routed_at`."""
    clock = _clock(limits.urgent)
    return DueTimes(clock.add(routed_at, limits.respond), clock.add(routed_at, limits.resolve))


def after_pause(due_at: datetime, stopped_at: datetime, resumed_at: datetime, *, urgent: bool) -> datetime:
    """The due time after a hold, a question or a dispute: as much is left, or overdue, as when it stopped."""
    if resumed_at <= stopped_at:
        # At lunch, a due time of noon would come to stand at one o'clock; and a clock that was put back is no pause.
        return due_at
    clock = _clock(urgent)
    return clock.add(resumed_at, clock.between(stopped_at, due_at))


def extended(due_at: datetime, working_days: int) -> datetime:
    """The due time after an approved extension, given in working days also for urgent classes."""
    return OFFICE.add(due_at, working_days * OFFICE.day)


def moved_by(due_at: datetime, later: datetime, *, urgent: bool) -> timedelta:
    """How much of its own clock lies between two due times: by so much an extension makes the limit longer."""
    return _clock(urgent).between(due_at, later)


def may_ask_extension(due_at: datetime, now: datetime) -> bool:
    """An extension is asked for some working days before the report is due."""
    return OFFICE.between(now, due_at) >= city().workflow.extension_notice_working_days * OFFICE.day


def reminder_at(due_at: datetime, limit: timedelta, *, urgent: bool) -> datetime:
    """When the city's share of the limit is used, 80 % as shipped: the blue reminder."""
    return _clock(urgent).subtract(due_at, limit * (100 - city().ladder.remind_percent) / 100)


def red_at(due_at: datetime) -> datetime:
    """After this instant a yellow card is red: some working days past due."""
    return OFFICE.add(due_at, city().ladder.red_after_working_days * OFFICE.day)


def card_at(due_at: datetime | None, now: datetime, *, yellow_before: bool = False) -> CardColour | None:
    """The card a report bears at `now`: yellow past due, red some working days later or the second time.

    Args:
        due_at: the clock that runs, or None when none does.
        now: the present instant.
        yellow_before: the report has had a yellow card for an earlier due time.
    """
    if due_at is None or now <= due_at:
        return None
    return "red" if yellow_before or now > red_at(due_at) else "yellow"


def _clock(urgent: bool) -> WorkTime:  # noqa: FBT001 - private, and the field's value
    return ROUND_THE_CLOCK if urgent else OFFICE
