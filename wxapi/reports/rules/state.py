"""What the workflow reads and changes of a report: plain values, so that the rules need no database.

Every field that is not marked read-only has a column of the same name in `models.Report`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from wxapi.kernel.deadlines import CardColour, Limits
from wxapi.kernel.transitions import PartiesOf
from wxapi.reports.rules.action_input import ActionInput


class ReportState(StrEnum):
    """Where a report stands."""

    SUBMITTED = "submitted"
    TRIAGE = "triage"
    ROUTED = "routed"
    ACCEPTED = "accepted"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


# By its word, as rows have it: to look one up takes a tenth of what the class takes.
STATE_OF: Mapping[str, ReportState] = {state.value: state for state in ReportState}
STATE_NAMES = {
    ReportState.SUBMITTED: "已提交",
    ReportState.TRIAGE: "待分派",
    ReportState.ROUTED: "待受理",
    ReportState.ACCEPTED: "处理中",
    ReportState.ON_HOLD: "暂缓办理",
    ReportState.RESOLVED: "待核实",
    ReportState.CLOSED: "已结案",
    ReportState.REFUSED: "不予受理",
    ReportState.WITHDRAWN: "已撤回",
    ReportState.MERGED: "已合并办理",
}

OPEN_STATES = (
    ReportState.SUBMITTED,
    ReportState.TRIAGE,
    ReportState.ROUTED,
    ReportState.ACCEPTED,
    ReportState.ON_HOLD,
    ReportState.RESOLVED,
)
# Before acceptance the respond clock is shown and carded, after it the resolve clock.
RESPONDING = (ReportState.TRIAGE, ReportState.ROUTED)
CLOCK_RUNS = (*RESPONDING, ReportState.ACCEPTED)
# It lies with an office, which owes something for it.
IN_WORK = (*CLOCK_RUNS, ReportState.ON_HOLD)


class Party(StrEnum):
    """What a person is to one report. One person can be several."""

    REPORTER = "reporter"
    JOINER = "joiner"
    DESK_WORKER = "desk_worker"
    OFFICER = "officer"
    STREET_CHIEF = "street_chief"
    SUPERVISOR = "supervisor"
    STAFF = "staff"
    SYSTEM = "system"


PARTY_NAMES = {
    Party.REPORTER: "上报人",
    Party.JOINER: "共同上报人",
    Party.DESK_WORKER: "承办单位",
    Party.OFFICER: "乡镇（街道）干部",
    Party.STREET_CHIEF: "街长",
    Party.SUPERVISOR: "上级督办",
    Party.STAFF: "辖区工作人员",
    Party.SYSTEM: "系统",
}


class Extension(StrEnum):
    """How far the one extension of a report got."""

    REQUESTED = "requested"
    GRANTED = "granted"
    DENIED = "denied"


@dataclass(slots=True)  # a frozen one of so many fields takes five times as long to make, and each reading makes one
class Case:
    """A report as the workflow sees it. Times are UTC; `limits` is read-only. Nothing changes one: effects replace."""

    limits: Limits
    state: ReportState = ReportState.SUBMITTED
    desk_code: str | None = None
    # Clocks. `due_at` and `remind_at` belong to the clock that runs, None when none does.
    routed_at: datetime | None = None
    respond_due_at: datetime | None = None
    resolve_due_at: datetime | None = None
    due_at: datetime | None = None
    remind_at: datetime | None = None
    clock_stopped_at: datetime | None = None
    respond_reminded: bool = False
    resolve_reminded: bool = False
    card: CardColour | None = None
    respond_yellow: bool = False
    resolve_yellow: bool = False
    # The card of the clock that was lifted from the desk's duty: it falls no more, a red one after a yellow does.
    respond_lifted: CardColour | None = None
    resolve_lifted: CardColour | None = None
    # What happened so far.
    returns: int = 0
    disputes: int = 0
    reopened: bool = False
    appealed: bool = False
    question_open: bool = False
    hold_pending: bool = False
    hold_reason_code: str | None = None
    hold_review_on: date | None = None
    hold_by: UUID | None = None
    extension: Extension | None = None
    extension_days: int | None = None
    # Seconds of its own clock by which a granted extension moved the due time; None where a release before granted it.
    extended_s: int | None = None
    extension_by: UUID | None = None
    resolved_by: UUID | None = None
    # Everybody who ever resolved it, each once, as its history has them.
    resolvers: Sequence[UUID] = ()
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    rating: int | None = None
    # The reporter works at the desk that resolved it: the township confirms in their place.
    township_confirms: bool = False
    merged_into_id: UUID | None = None
    merged_from_state: ReportState | None = None


# What one person is to one report; the system is no person.
Who: TypeAlias = PartiesOf[Party]
SYSTEM: Who = PartiesOf(None, {Party.SYSTEM: None})


@dataclass(frozen=True, slots=True)
class Lifted:
    """What an appeal that was granted leaves of a report's cards.

    Args:
        responding: whether the card was of the clock to respond; else it was of the clock to resolve.
        was: the card, None where the duty that bore it is over and nothing of it falls any more.
        respond, resolve: the hardest card of each clock that still counts.
    """

    responding: bool
    was: CardColour | None
    respond: CardColour | None
    resolve: CardColour | None


@dataclass(frozen=True, slots=True)
class Command:
    """One action with what it carries, its inputs already found valid.

    Args:
        at: the present instant.
        given: the inputs; `desk_code` is the desk that `routing.move_to` let through.
        reporter_on_desk: whether the reporter works at the desk, asked when it resolves.
        lifted: which card was lifted and which hang on; None when a history is folded.
    """

    action: str
    at: datetime
    actor_id: UUID | None = None
    given: ActionInput = field(default_factory=ActionInput)
    reporter_on_desk: bool = False
    lifted: Lifted | None = None
