"""What is owed for a report, by whom and until when: its duties follow from its case. Pure.

| stage | owed while | by | until |
| --- | --- | --- | --- |
| triage | it waits for a desk to be named | the township | respond_due_at |
| respond | it waits to be accepted | the desk | respond_due_at |
| resolve | from routing until it is resolved | the desk | resolve_due_at |
| hold_review | it is on hold | who decides on the hold | the review date, end of office |

A question to the reporter stops the clocks of its stages; what the reporter owes is nobody's duty. An appeal, a dispute
or a reopening begins a new duty of the stage.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from wxapi.duties.rules.clock import DutyClock, work_time
from wxapi.duties.rules.owed import Owed
from wxapi.kernel.working_time import OFFICE
from wxapi.regions.rules.levels import Level, level_of, parent_of
from wxapi.reports.rules.state import IN_WORK, RESPONDING, Case, Extension, ReportState

TRIAGE, RESPOND, RESOLVE, HOLD_REVIEW = "triage", "respond", "resolve", "hold_review"
STAGE_NAMES = {TRIAGE: "分派", RESPOND: "受理", RESOLVE: "办结", HOLD_REVIEW: "挂账复核"}

# Which stages an action fulfils; a stage that is gone for another reason was dropped.
MEETS: Mapping[str, frozenset[str]] = {
    "assign_desk": frozenset({TRIAGE}),
    "accept": frozenset({RESPOND}),
    "refuse": frozenset({TRIAGE, RESPOND}),
    "resolve": frozenset({RESOLVE}),
    "resume": frozenset({HOLD_REVIEW}),
}
_SHORTEST = timedelta(minutes=1)


def owed(case: Case) -> tuple[Owed, ...]:
    """What is owed for a report as it stands; nothing before it is routed and after it left the desks."""
    if case.routed_at is None or case.desk_code is None or case.state not in IN_WORK:
        return ()
    found = [_respond(case), _resolve(case), _hold_review(case)]
    return tuple(each for each in found if each is not None)


def _respond(case: Case) -> Owed | None:
    if case.state not in RESPONDING or case.respond_due_at is None:
        return None
    stage = TRIAGE if case.state is ReportState.TRIAGE else RESPOND
    return _on_the_clock(case, stage, case.respond_due_at, case.limits.respond)


def _resolve(case: Case) -> Owed | None:
    if case.resolve_due_at is None:
        return None
    return _on_the_clock(case, RESOLVE, case.resolve_due_at, case.limits.resolve + _extension(case))


def _extension(case: Case) -> timedelta:
    """By how much the extension made the limit longer: by as much of the clock as the due time moved."""
    if case.extension is not Extension.GRANTED:
        return timedelta(0)
    if case.extended_s is not None:
        return timedelta(seconds=case.extended_s)
    # Granted by a release that gave an urgent report a day of its clock for each working day.
    return (case.extension_days or 0) * (timedelta(days=1) if case.limits.urgent else OFFICE.day)


def _on_the_clock(case: Case, stage: str, due_at: datetime, limit: timedelta) -> Owed:
    assert case.routed_at is not None
    assert case.desk_code is not None
    clock = DutyClock.ROUND if case.limits.urgent else DutyClock.OFFICE
    # A machine's clock that was fast when the report was routed, and is put back, may set it due before that.
    origin = min(case.routed_at, due_at - _SHORTEST)
    return Owed(stage, case.desk_code, origin, due_at, limit, clock, case.clock_stopped_at)


def _hold_review(case: Case) -> Owed | None:
    """Who decides on a hold looks at it again at its date: the township, for a township's own desk the county."""
    if case.state is not ReportState.ON_HOLD or case.hold_review_on is None or case.clock_stopped_at is None:
        return None
    assert case.desk_code is not None
    origin = case.clock_stopped_at
    due_at = max(OFFICE.closes_at(case.hold_review_on), origin + _SHORTEST)
    limit = max(work_time(DutyClock.OFFICE).between(origin, due_at), _SHORTEST)
    return Owed(HOLD_REVIEW, _decides(case.desk_code), origin, due_at, limit, DutyClock.OFFICE)


def _decides(desk_code: str) -> str:
    """The unit above a desk that decides on its requests; a county decides on its own."""
    return desk_code if level_of(desk_code) is Level.COUNTY else parent_of(desk_code) or desk_code
