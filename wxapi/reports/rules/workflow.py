"""The life of a report, as one table.

The service, what is offered to people, the OpenAPI text, the documentation's diagram and the property test that walks
it all read this table. A row says which action leads from which states where, who may do it, what it needs, and,
where it is odd, why.
"""

from dataclasses import replace
from typing import TypeAlias

from wxapi.kernel import transitions
from wxapi.kernel.action_inputs import inputs_of
from wxapi.kernel.transitions import Workflow
from wxapi.reports.rules import effects, guards
from wxapi.reports.rules.action_input import ActionInput
from wxapi.reports.rules.clocks import settled
from wxapi.reports.rules.state import CLOCK_RUNS, IN_WORK, OPEN_STATES, Case, Command, Party, ReportState

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
ANYBODY = (REPORTER, DESK, OFFICER, CHIEF, SUPERVISOR, STAFF, JOINER)


Transition: TypeAlias = transitions.Transition[ReportState, Party, Case, Command]
T = Transition
TABLE: tuple[Transition, ...] = (
    T("route", (SUBMITTED,), ROUTED, (SYSTEM,), effect=effects.start_clocks),
    T(
        "route", (SUBMITTED,), TRIAGE, (SYSTEM,), effect=effects.start_clocks,
        reason="No certain owner: the township is the desk until it names one; the clocks run.",
    ),
    T("assign_desk", (TRIAGE,), ROUTED, (OFFICER,), ("desk_code",), effect=effects.move_desk),
    T("accept", (ROUTED,), ACCEPTED, (DESK,), when=(guards.not_disputed_twice,)),
    T(
        "return", (ROUTED, ACCEPTED), TRIAGE, (DESK,), ("reason_code", "note"), ("photo_ids",),
        when=(guards.may_be_returned,), effect=effects.send_back,
        reason="Goes to the township of the place; the second return is final. The respond clock is that of"
        " routing: passing a report to and fro gains nothing.",
    ),
    T(
        "hand_on", (ROUTED, ACCEPTED), ROUTED, (DESK, OFFICER), ("desk_code", "note"), ("photo_ids",),
        effect=effects.move_desk, reason="The respond clock is that of routing, also after acceptance.",
    ),
    T("refuse", (ROUTED,), REFUSED, (DESK, OFFICER), ("reason_code", "note"), ("photo_ids",)),
    T(
        "refuse", (TRIAGE,), REFUSED, (OFFICER,), ("reason_code", "note"), ("photo_ids",),
        when=(guards.desk_not_yet_imposed,),
        reason="After two returns the township must name the desk, not refuse.",
    ),
    T(
        "request_hold", (ACCEPTED,), None, (DESK,), ("reason_code", "note", "review_on"), ("photo_ids",),
        when=(guards.hold_not_pending,), effect=effects.ask_hold,
    ),
    T(
        "approve_hold", (ACCEPTED,), ON_HOLD, (OFFICER, SUPERVISOR), takes=("reason_code", "review_on"),
        when=(guards.hold_is_pending, guards.decides_for_desk, guards.hold_asked_by_another), effect=effects.begin_hold,
        reason="May name another review date. Where the township is the desk, the county decides too.",
    ),
    T(
        "deny_hold", (ACCEPTED,), None, (OFFICER, SUPERVISOR), takes=("reason_code",),
        when=(guards.hold_is_pending, guards.decides_for_desk, guards.hold_asked_by_another), effect=effects.end_hold,
    ),
    T(
        "resume", (ON_HOLD,), ACCEPTED, (DESK, OFFICER, SYSTEM), effect=effects.end_hold,
        reason="The system resumes at the review date.",
    ),
    T(
        "request_extension", (ACCEPTED,), None, (DESK,), ("note", "days"),
        when=(guards.extension_unused, guards.extension_in_time), effect=effects.ask_extension,
    ),
    T(
        "approve_extension", (ACCEPTED,), None, (OFFICER, SUPERVISOR), takes=("days",),
        when=(guards.extension_is_pending, guards.decides_for_desk, guards.extension_asked_by_another),
        effect=effects.grant_extension, reason="May grant another number of days.",
    ),
    T(
        "deny_extension", (ACCEPTED,), None, (OFFICER, SUPERVISOR), takes=("reason_code",),
        when=(guards.extension_is_pending, guards.decides_for_desk, guards.extension_asked_by_another),
        effect=effects.deny_extension,
    ),
    T(
        "ask", OPEN_STATES, None, (DESK, OFFICER), ("note",), ("photo_ids",),
        when=(guards.has_a_desk, guards.no_question_open), effect=effects.open_question,
        reason="The officer asks too: in triage the township is the desk.",
    ),
    T(
        "answer", OPEN_STATES, None, (REPORTER,), ("note",), ("photo_ids",),
        when=(guards.question_open,), effect=effects.close_question,
    ),
    T(
        "resolve", (ACCEPTED,), RESOLVED, (DESK,), ("note", "photo_ids"),
        when=(guards.not_disputed_twice,), effect=effects.note_resolver,
    ),
    T(
        "confirm", (RESOLVED,), CLOSED, (REPORTER,), takes=("rating",),
        when=(guards.not_resolver, guards.reporter_is_free), effect=effects.close,
    ),
    T(
        "confirm", (RESOLVED,), CLOSED, (OFFICER, SUPERVISOR), takes=("rating",),
        when=(guards.township_stands_in, guards.decides_for_desk, guards.not_resolver), effect=effects.close,
        reason="A reporter who works at the desk does not confirm their own case: the township does.",
    ),
    T(
        "dispute", (RESOLVED,), ACCEPTED, (REPORTER,), ("note",), ("photo_ids",),
        when=(guards.first_dispute,), effect=effects.count_dispute,
    ),
    T(
        "dispute", (RESOLVED,), TRIAGE, (REPORTER,), ("note",), ("photo_ids",),
        when=(guards.disputed_before,), effect=effects.count_dispute_and_move,
        reason="The second dispute goes to the township, which gets the whole time to respond; who resolved it"
        " at any time does not take it again.",
    ),
    T(
        "dispute", (RESOLVED,), ACCEPTED, (OFFICER, SUPERVISOR), ("note",), ("photo_ids",),
        when=(guards.township_stands_in, guards.decides_for_desk, guards.not_resolver, guards.first_dispute),
        effect=effects.count_dispute,
        reason="Where the township verifies in the reporter's place, it must be able to say no.",
    ),
    T(
        "dispute", (RESOLVED,), TRIAGE, (OFFICER, SUPERVISOR), ("note",), ("photo_ids",),
        when=(guards.township_stands_in, guards.decides_for_desk, guards.not_resolver, guards.disputed_before),
        effect=effects.count_dispute_and_move,
    ),
    T(
        "reopen", (CLOSED,), ACCEPTED, (REPORTER,), ("note",), ("photo_ids",),
        when=(guards.not_reopened_before, guards.closed_lately), effect=effects.note_reopened,
    ),
    T("auto_close", (RESOLVED,), CLOSED, (SYSTEM,), when=(guards.silent_long_enough,), effect=effects.close),
    T(
        "appeal", (REFUSED,), TRIAGE, (REPORTER,), ("note",), ("photo_ids",),
        when=(guards.not_appealed_before,), effect=effects.note_appealed,
        reason="Once, and to the township, whoever refused.",
    ),
    T("withdraw", (SUBMITTED, TRIAGE, ROUTED), WITHDRAWN, (REPORTER,), takes=("reason_code",)),
    T(
        "merge", IN_WORK, MERGED, (OFFICER, DESK), ("into",), effect=effects.note_merged,
        reason="Not from resolved: that waits for its reporter, and merging would take their say away.",
    ),
    T(
        "unmerge", (MERGED,), None, (OFFICER, DESK), effect=effects.forget_merged,
        back_to=lambda case: case.merged_from_state,
        reason="Back to what it was: the state is kept with the merged report.",
    ),
    T("note", EVERY_STATE, None, ANYBODY, ("note",), ("photo_ids",)),
    T(
        "escalate", (ACCEPTED, TRIAGE, ON_HOLD), None, (OFFICER, CHIEF), ("note",),
        reason="The whistle (吹哨): it changes nothing but who hears of it.",
    ),
    T(
        "remind", CLOCK_RUNS, None, (SYSTEM,), when=(guards.reminder_is_due,), effect=effects.note_reminded,
        reason="The blue reminder, once for each clock: its desk reads it in the history.",
    ),
    T(
        "card", CLOCK_RUNS, None, (SYSTEM,), when=(guards.card_has_fallen,), effect=effects.show_card,
        reason="A card hangs on the report and its unit; the history shows when it fell.",
    ),
    T(
        "lift_card", EVERY_STATE, None, (SYSTEM,), effect=effects.lift_card,
        reason="The unit above lifted the card of a duty: it counts nowhere any more.",
    ),
    T(
        "redistrict", EVERY_STATE, None, (SYSTEM,), effect=effects.follow_region,
        reason="Its region was closed: the successor goes on. Nothing else of the case changes.",
    ),
)  # fmt: skip


# What people read; `words` adds what only offices call otherwise.
ACTION_NAMES = {
    "route": "分办",
    "assign_desk": "分派",
    "accept": "受理",
    "return": "退回",
    "hand_on": "转办",
    "refuse": "不予受理",
    "request_hold": "申请暂缓办理",
    "approve_hold": "同意暂缓办理",
    "deny_hold": "不同意暂缓办理",
    "resume": "恢复办理",
    "request_extension": "申请延期",
    "approve_extension": "同意延期",
    "deny_extension": "不同意延期",
    "ask": "请上报人补充说明",
    "answer": "补充说明",
    "resolve": "办结",
    "confirm": "确认办结",
    "dispute": "不满意",
    "reopen": "要求重新办理",
    "auto_close": "自动结案",
    "appeal": "申诉",
    "withdraw": "撤回",
    "merge": "合并办理",
    "unmerge": "取消合并",
    "note": "备注",
    "escalate": "吹哨",
    "remind": "到期提醒",
    "card": "亮牌",
    "lift_card": "撤销督办牌",
    "redistrict": "区划调整",
}


def _settle(before: Case, after: Case, state: ReportState, command: Command) -> Case:
    return settled(before, replace(after, state=state), command.at)


FLOW = Workflow[ReportState, Party, Case, Command](
    TABLE,
    state_of=lambda case: case.state,
    settle=_settle,
    system=Party.SYSTEM,
    inputs=inputs_of(ActionInput),
)
ACTIONS, PUBLIC_ACTIONS, reasons = FLOW.actions, FLOW.public_actions, FLOW.reasons
rows_of, offered, choose, perform = FLOW.rows_of, FLOW.offered, FLOW.choose, FLOW.perform
