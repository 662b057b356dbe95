"""The life of a report, as one table.

The service, what is offered to people, the OpenAPI text, the documentation's diagram and the property test that walks
it all read this table. A row says which action leads from which states where, who may do it, what it needs, and,
where it is odd, why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wxapi.kernel.errors import ConflictError, DomainError, ForbiddenError
from wxapi.reports.rules import effects as e
from wxapi.reports.rules import guards as c
from wxapi.reports.rules.clocks import settled
from wxapi.reports.rules.state import CLOCK_RUNS, OPEN_STATES, Case, Command, Party, ReportState, Who

REPORTER, JOINER, DESK, OFFICER = Party.REPORTER, Party.JOINER, Party.DESK_WORKER, Party.OFFICER
CHIEF, SUPERVISOR, STAFF, SYSTEM = Party.STREET_CHIEF, Party.SUPERVISOR, Party.STAFF, Party.SYSTEM
SUBMITTED, TRIAGE, ROUTED, ACCEPTED = (
    ReportState.SUBMITTED,
    ReportState.TRIAGE,
    ReportState.ROUTED,
    ReportState.ACCEPTED,
)
ON_HOLD, RESOLVED, CLOSED, REFUSED = ReportState.ON_HOLD, ReportState.RESOLVED, ReportState.CLOSED, ReportState.REFUSED
WITHDRAWN, MERGED = ReportState.WITHDRAWN, ReportState.MERGED

EVERY_STATE = tuple(ReportState)
IN_WORK = (TRIAGE, ROUTED, ACCEPTED, ON_HOLD)
ANYBODY = (REPORTER, DESK, OFFICER, CHIEF, SUPERVISOR, STAFF, JOINER)


@dataclass(frozen=True, slots=True)
class Transition:
    """One row.

    Args:
        to_state: None leaves the state as it is; of `unmerge` it is what the report was before.
        needs: fields the request must carry; `takes`: fields it may carry. Every action may carry a note.
        when: checks that must all pass.
        reason: why an odd row is there.
    """

    action: str
    from_states: tuple[ReportState, ...]
    to_state: ReportState | None
    who: tuple[Party, ...]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    when: tuple[c.Check, ...] = ()
    effect: e.Effect = e.nothing
    reason: str = ""


T = Transition
TABLE: tuple[Transition, ...] = (
    T("route", (SUBMITTED,), ROUTED, (SYSTEM,), effect=e.start_clocks),
    T(
        "route", (SUBMITTED,), TRIAGE, (SYSTEM,), effect=e.start_clocks,
        reason="No certain owner: the township is the desk until it names one; the clocks run.",
    ),
    T("assign_desk", (TRIAGE,), ROUTED, (OFFICER,), ("desk_code",), effect=e.move_desk),
    T("accept", (ROUTED,), ACCEPTED, (DESK,), when=(c.not_disputed_twice,)),
    T(
        "return", (ROUTED, ACCEPTED), TRIAGE, (DESK,), ("reason_code", "note"), ("photo_ids",),
        when=(c.may_be_returned,), effect=e.send_back,
        reason="Goes to the township of the place; the second return is final.",
    ),
    T(
        "hand_on", (ROUTED, ACCEPTED), ROUTED, (DESK, OFFICER), ("desk_code", "note"), ("photo_ids",),
        effect=e.move_desk,
    ),
    T("refuse", (ROUTED,), REFUSED, (DESK, OFFICER), ("reason_code", "note"), ("photo_ids",)),
    T(
        "refuse", (TRIAGE,), REFUSED, (OFFICER,), ("reason_code", "note"), ("photo_ids",),
        when=(c.desk_not_yet_imposed,),
        reason="After two returns the township must name the desk, not refuse.",
    ),
    T(
        "request_hold", (ACCEPTED,), None, (DESK,), ("reason_code", "note", "review_on"), ("photo_ids",),
        when=(c.hold_not_pending,), effect=e.ask_hold,
    ),
    T(
        "approve_hold", (ACCEPTED,), ON_HOLD, (OFFICER, SUPERVISOR), takes=("reason_code", "review_on"),
        when=(c.hold_is_pending, c.decides_for_desk, c.hold_asked_by_another), effect=e.begin_hold,
        reason="May name another review date. Where the township is the desk, the county decides too.",
    ),
    T(
        "deny_hold", (ACCEPTED,), None, (OFFICER, SUPERVISOR), takes=("reason_code",),
        when=(c.hold_is_pending, c.decides_for_desk, c.hold_asked_by_another), effect=e.end_hold,
    ),
    T(
        "resume", (ON_HOLD,), ACCEPTED, (DESK, OFFICER, SYSTEM), effect=e.end_hold,
        reason="The system resumes at the review date.",
    ),
    T(
        "request_extension", (ACCEPTED,), None, (DESK,), ("note", "days"),
        when=(c.extension_unused, c.extension_in_time), effect=e.ask_extension,
    ),
    T(
        "approve_extension", (ACCEPTED,), None, (OFFICER, SUPERVISOR), takes=("days",),
        when=(c.extension_is_pending, c.decides_for_desk, c.extension_asked_by_another),
        effect=e.grant_extension, reason="May grant another number of days.",
    ),
    T(
        "deny_extension", (ACCEPTED,), None, (OFFICER, SUPERVISOR), takes=("reason_code",),
        when=(c.extension_is_pending, c.decides_for_desk, c.extension_asked_by_another),
        effect=e.deny_extension,
    ),
    T(
        "ask", OPEN_STATES, None, (DESK, OFFICER), ("note",), ("photo_ids",),
        when=(c.has_a_desk, c.no_question_open), effect=e.open_question,
        reason="The officer asks too: in triage the township is the desk.",
    ),
    T(
        "answer", OPEN_STATES, None, (REPORTER,), ("note",), ("photo_ids",),
        when=(c.question_open,), effect=e.close_question,
    ),
    T(
        "resolve", (ACCEPTED,), RESOLVED, (DESK,), ("note", "photo_ids"),
        when=(c.not_disputed_twice,), effect=e.note_resolver,
    ),
    T(
        "confirm", (RESOLVED,), CLOSED, (REPORTER,), takes=("rating",),
        when=(c.not_resolver, c.reporter_is_free), effect=e.close,
    ),
    T(
        "confirm", (RESOLVED,), CLOSED, (OFFICER, SUPERVISOR), takes=("rating",),
        when=(c.township_stands_in, c.decides_for_desk, c.not_resolver), effect=e.close,
        reason="A reporter who works at the desk does not confirm his own case: the township does.",
    ),
    T(
        "dispute", (RESOLVED,), ACCEPTED, (REPORTER,), ("note",), ("photo_ids",),
        when=(c.first_dispute,), effect=e.count_dispute,
    ),
    T(
        "dispute", (RESOLVED,), TRIAGE, (REPORTER,), ("note",), ("photo_ids",),
        when=(c.disputed_before,), effect=e.count_dispute_and_move,
        reason="The second dispute goes to the township; who resolved it does not take it again.",
    ),
    T(
        "dispute", (RESOLVED,), ACCEPTED, (OFFICER, SUPERVISOR), ("note",), ("photo_ids",),
        when=(c.township_stands_in, c.decides_for_desk, c.not_resolver, c.first_dispute),
        effect=e.count_dispute,
        reason="Where the township verifies in the reporter's place, it must be able to say no.",
    ),
    T(
        "dispute", (RESOLVED,), TRIAGE, (OFFICER, SUPERVISOR), ("note",), ("photo_ids",),
        when=(c.township_stands_in, c.decides_for_desk, c.not_resolver, c.disputed_before),
        effect=e.count_dispute_and_move,
    ),
    T(
        "reopen", (CLOSED,), ACCEPTED, (REPORTER,), ("note",), ("photo_ids",),
        when=(c.not_reopened_before, c.closed_lately), effect=e.note_reopened,
    ),
    T("auto_close", (RESOLVED,), CLOSED, (SYSTEM,), when=(c.silent_long_enough,), effect=e.close),
    T(
        "appeal", (REFUSED,), TRIAGE, (REPORTER,), ("note",), ("photo_ids",),
        when=(c.not_appealed_before,), effect=e.note_appealed,
        reason="Once, and to the township, whoever refused.",
    ),
    T("withdraw", (SUBMITTED, TRIAGE, ROUTED), WITHDRAWN, (REPORTER,), takes=("reason_code",)),
    T(
        "merge", IN_WORK, MERGED, (OFFICER, DESK), ("into",), effect=e.note_merged,
        reason="Not from resolved: that waits for its reporter, and merging would take his say away.",
    ),
    T(
        "unmerge", (MERGED,), None, (OFFICER, DESK), effect=e.forget_merged,
        reason="Back to what it was: the state is kept with the merged report.",
    ),
    T("note", EVERY_STATE, None, ANYBODY, ("note",), ("photo_ids",)),
    T(
        "escalate", (ACCEPTED, TRIAGE, ON_HOLD), None, (OFFICER, CHIEF), ("note",),
        reason="The whistle (吹哨): it changes nothing but who hears of it.",
    ),
    T(
        "remind", CLOCK_RUNS, None, (SYSTEM,), when=(c.reminder_is_due,), effect=e.note_reminded,
        reason="The blue reminder, once for each clock: its desk reads it in the history.",
    ),
    T(
        "card", CLOCK_RUNS, None, (SYSTEM,), when=(c.card_has_fallen,), effect=e.show_card,
        reason="A card hangs on the report and its unit; the history shows when it fell.",
    ),
)  # fmt: skip

ACTIONS = tuple(dict.fromkeys(row.action for row in TABLE))
PUBLIC_ACTIONS = tuple(dict.fromkeys(row.action for row in TABLE if set(row.who) != {SYSTEM}))


def rows_of(action: str) -> Sequence[Transition]:
    """All rows of an action, in the table's order."""
    return [row for row in TABLE if row.action == action]


def offered(case: Case, who: Who, now: datetime) -> list[str]:
    """The actions a person may take now, in the table's order: `available_actions`."""
    return list(
        dict.fromkeys(
            row.action
            for row in TABLE
            if case.state in row.from_states
            and any(party in who.parties for party in row.who)
            and all(check(case, who, now) is None for check in row.when)
        )
    )


def choose(
    case: Case, who: Who, action: str, now: datetime, *, to_state: ReportState | None = None
) -> tuple[Transition, Party]:
    """The row that applies, and the party as which the person acts.

    Args:
        case: the report.
        who: what the person is to it.
        action: what he wants.
        now: the present instant.
        to_state: tells apart the rows of an action whose outcome the caller knows (`route`).

    Raises:
        ConflictError: `action_not_available`: not in the table for this state, or a check says no (`reason`).
        ForbiddenError: `role_not_allowed`: in the table, but not for this person.
    """
    rows = [
        row
        for row in rows_of(action)
        if case.state in row.from_states and (to_state is None or to_state == row.to_state)
    ]
    if not rows:
        raise not_available(case.state)
    mine = [row for row in rows if any(party in who.parties for party in row.who)]
    if not mine:
        raise role_not_allowed()
    refusals = []
    for row in mine:
        refusal = next((r for check in row.when if (r := check(case, who, now))), None)
        if refusal is None:
            return row, next(party for party in row.who if party in who.parties)
        refusals.append(refusal)
    raise not_available(case.state, refusals[0])


def perform(case: Case, row: Transition, command: Command) -> Case:
    """The case after the action: its effect, the new state, and the clocks that follow."""
    after = row.effect(case, command)
    to_state = case.merged_from_state if row.action == "unmerge" else row.to_state
    return settled(case, replace(after, state=to_state or case.state), command.at)


def not_available(state: ReportState, refusal: c.Refusal | None = None) -> DomainError:
    """409: the table, or one of its checks, does not allow this now."""
    extra: Mapping[str, str | None] = {"state": state, "reason": refusal.reason if refusal else None}
    detail = refusal.detail if refusal else "当前状态下不能进行此操作,请刷新后再试。"
    return ConflictError("action_not_available", detail, extra=extra)


def role_not_allowed() -> DomainError:
    """403: he may see the report, but this kind of thing is not for him."""
    return ForbiddenError("role_not_allowed", "您的身份不能进行此操作。")
