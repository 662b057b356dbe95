"""What is owed for a session, by whom and until when. Pure.

| stage | owed while | by | until |
| --- | --- | --- | --- |
| flag_review | the session is over and a flag is open | the office of its region | 3 working days |
| leave_decision | a request for leave waits | the office of its region | 1 working day |

The clock of a stage starts with the oldest that waits; when that one is decided, the next oldest makes a new duty.
Flags are looked at after the end: while a hall fills nobody owes anything yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wxapi.duties.rules.clock import DutyClock
from wxapi.duties.rules.owed import Owed
from wxapi.kernel.working_time import OFFICE
from wxapi.regions.rules.levels import Level, within

FLAG_REVIEW, LEAVE_DECISION = "flag_review", "leave_decision"
STAGE_NAMES = {FLAG_REVIEW: "签到核实", LEAVE_DECISION: "请假审批"}
LIMITS = {FLAG_REVIEW: 3 * OFFICE.day, LEAVE_DECISION: 1 * OFFICE.day}


@dataclass(frozen=True, slots=True)
class WaitingDecision:
    """A session as far as something is owed for it; the times are those of the oldest that waits, None for none."""

    region_code: str
    ends_at: datetime
    published: bool
    flagged_at: datetime | None
    leave_asked_at: datetime | None


def owed(waiting: WaitingDecision, now: datetime) -> tuple[Owed, ...]:
    """What is owed at an instant; nothing for a session that does not take place."""
    if not waiting.published:
        return ()
    found = []
    if waiting.flagged_at is not None and now >= waiting.ends_at:
        found.append(_by_the_office(waiting, FLAG_REVIEW, max(waiting.flagged_at, waiting.ends_at)))
    if waiting.leave_asked_at is not None:
        found.append(_by_the_office(waiting, LEAVE_DECISION, waiting.leave_asked_at))
    return tuple(found)


def met(before: Sequence[Owed], after: Sequence[Owed], decided: str | None) -> frozenset[str]:
    """Whether a decision of the stage `decided` fulfilled its duty: it was about the oldest that waited."""
    if decided is None:
        return frozenset()
    old, new = (next((each for each in owed if each.stage == decided), None) for owed in (before, after))
    return frozenset({decided}) if old is not None and (new is None or new.origin_at != old.origin_at) else frozenset()


def _by_the_office(waiting: WaitingDecision, stage: str, since: datetime) -> Owed:
    limit: timedelta = LIMITS[stage]
    unit = within(waiting.region_code, Level.VILLAGE)  # a grid has no office of its own: its village's answers
    return Owed(stage, unit, since, OFFICE.add(since, limit), limit, DutyClock.OFFICE)
