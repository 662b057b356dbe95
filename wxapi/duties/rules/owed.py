"""What a unit owes for a subject, and how it changes: the diff of two moments, and its fold over a history. Pure.

A feature says with one pure function what is owed in a state of its case: `owed(case) -> tuple[Owed, ...]`. What has to
be written follows from the states before and after a change, on the live path and when a history is folded again.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from wxapi.duties.rules.clock import DutyClock, work_time

_SECOND = timedelta(seconds=1)


class DropReason(StrEnum):
    """Why a duty ended without being met."""

    MOVED = "moved"  # another unit owes it now
    ENDED = "ended"  # the subject ended, or the step is not needed any more


@dataclass(frozen=True, slots=True)
class Owed:
    """One step that is owed now.

    Args:
        stage: the step, stable English (`respond`, `resolve`, …).
        unit_code: who owes it.
        origin_at: when the clock started; a duty that moves keeps it.
        due_at: the due time if the clock runs on.
        limit: the whole limit, in the duty's own clock.
        clock: how time is counted.
        stopped_at: since when the clock stands (a question, a hold), None while it runs.
    """

    stage: str
    unit_code: str
    origin_at: datetime
    due_at: datetime
    limit: timedelta
    clock: DutyClock
    stopped_at: datetime | None = None

    @property
    def left_s(self) -> int | None:
        """Whole seconds of its clock that are left while the clock stands; negative when overdue."""
        if self.stopped_at is None:
            return None
        return work_time(self.clock).between(self.stopped_at, self.due_at) // _SECOND

    def used_s(self, at: datetime) -> int:
        """Whole seconds of its clock that have been used at an instant, stops left out."""
        return (self.limit - work_time(self.clock).between(self.stopped_at or at, self.due_at)) // _SECOND

    @property
    def limit_s(self) -> int:
        """The limit in whole seconds of its clock."""
        return self.limit // _SECOND


@dataclass(frozen=True, slots=True)
class Begin:
    owed: Owed


@dataclass(frozen=True, slots=True)
class Meet:
    stage: str


@dataclass(frozen=True, slots=True)
class Drop:
    stage: str
    reason: DropReason


@dataclass(frozen=True, slots=True)
class Alter:
    """The clock stops, goes on or is extended: `owed` is what holds from now."""

    owed: Owed


DutyChange = Begin | Meet | Drop | Alter


def changes(before: Sequence[Owed], after: Sequence[Owed], *, meets: Collection[str]) -> list[DutyChange]:
    """What to write when what is owed goes from `before` to `after`; of one stage an end comes before a beginning.

    Args:
        before: owed before the change, at most one a stage.
        after: owed after it.
        meets: stages the change fulfils; others that are gone were dropped.
    """
    old = {owed.stage: owed for owed in before}
    new = {owed.stage: owed for owed in after}
    found: list[DutyChange] = []
    for stage, owed in old.items():
        if stage in meets:
            found.append(Meet(stage))
        elif stage not in new:
            found.append(Drop(stage, DropReason.ENDED))
        elif new[stage].unit_code != owed.unit_code:
            found.append(Drop(stage, DropReason.MOVED))
        elif new[stage] != owed:
            found.append(Alter(new[stage]))
    ended = {change.stage for change in found if isinstance(change, Meet | Drop)}
    return found + [Begin(owed) for stage, owed in new.items() if stage not in old or stage in ended]


@dataclass(frozen=True, slots=True)
class DutyState:
    """One duty as the table holds it, without its ladder. Times are UTC; `left_s` is negative when overdue."""

    stage: str
    seq: int
    unit_code: str
    origin_at: datetime
    started_at: datetime
    due_at: datetime
    limit_s: int
    clock: DutyClock
    stopped_at: datetime | None = None
    left_s: int | None = None
    met_at: datetime | None = None
    dropped_at: datetime | None = None
    drop_reason: DropReason | None = None

    @property
    def is_open(self) -> bool:
        return self.met_at is None and self.dropped_at is None


def apply_change(duties: Sequence[DutyState], change: DutyChange, at: datetime) -> list[DutyState]:
    """All duties of one subject after a change at `at`; what `services.write` does to the table, in memory."""
    if isinstance(change, Begin):
        return [*duties, _new(duties, change.owed, at)]
    stage = change.owed.stage if isinstance(change, Alter) else change.stage
    return [_step(duty, change, at) if duty.is_open and duty.stage == stage else duty for duty in duties]


def fold(steps: Iterable[tuple[datetime, Iterable[DutyChange]]]) -> list[DutyState]:
    """The duties of one subject from its whole history of changes, in the order of their beginning."""
    duties: list[DutyState] = []
    for at, found in steps:
        for change in found:
            duties = apply_change(duties, change, at)
    return duties


def _new(duties: Sequence[DutyState], owed: Owed, at: datetime) -> DutyState:
    seq = 1 + sum(duty.stage == owed.stage for duty in duties)
    return DutyState(
        stage=owed.stage,
        seq=seq,
        unit_code=owed.unit_code,
        origin_at=owed.origin_at,
        started_at=at,
        due_at=owed.due_at,
        limit_s=owed.limit_s,
        clock=owed.clock,
        stopped_at=owed.stopped_at,
        left_s=owed.left_s,
    )


def _step(duty: DutyState, change: Meet | Drop | Alter, at: datetime) -> DutyState:
    if isinstance(change, Meet):
        return replace(duty, met_at=at, stopped_at=None, left_s=None)
    if isinstance(change, Drop):
        return replace(duty, dropped_at=at, drop_reason=change.reason)
    owed = change.owed
    return replace(duty, due_at=owed.due_at, limit_s=owed.limit_s, stopped_at=owed.stopped_at, left_s=owed.left_s)
