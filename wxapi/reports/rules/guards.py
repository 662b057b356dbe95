"""The conditions of the workflow's rows: pure predicates that answer None, or why not.

A guard sees the case, the person and the present instant, never what the person typed: so the same guards
decide what a person may do and what is offered to them.
"""

from datetime import datetime, timedelta

from wxapi.kernel import deadlines
from wxapi.kernel.city import city
from wxapi.kernel.transitions import NotNow
from wxapi.regions.rules.levels import CODE_LENGTH, Level
from wxapi.reports.rules import clocks
from wxapi.reports.rules.state import Case, Extension, Party, Who


def reopen_within() -> timedelta:
    """How long a closed report can be reopened."""
    return timedelta(days=city().workflow.reopen_days)


def auto_close_after() -> timedelta:
    """After how much silence a resolved report closes by itself."""
    return timedelta(days=city().workflow.auto_close_days)


def may_be_returned(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    """The last return, the second as shipped, is final: the desk the township names then keeps the report."""
    if case.returns < city().workflow.returns:
        return None
    return NotNow("second_return_is_final", "该上报已达退回次数上限，由乡镇（街道）指定的承办单位不能再退回。")


def desk_not_yet_imposed(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    """After the last return the township must name a desk, so it cannot refuse instead."""
    if case.returns < city().workflow.returns:
        return None
    return NotNow("desk_must_be_named", "该上报已达退回次数上限，请指定承办单位。")


def not_disputed_twice(case: Case, who: Who, _now: datetime) -> NotNow | None:
    """After two disputes nobody who ever resolved the case takes it again; the township has seen it in triage."""
    if case.disputes >= 2 and who.actor_id is not None and who.actor_id in {case.resolved_by, *case.resolvers}:
        return NotNow("resolver_may_not_take_again", "该件处理结果两次未获认可，请由此前未办结过该件的人员办理。")
    return None


def hold_is_pending(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    return None if case.hold_pending else NotNow("no_hold_requested", "目前没有待审批的挂账申请。")


def hold_not_pending(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    return NotNow("hold_already_requested", "挂账申请正在审批中。") if case.hold_pending else None


def hold_asked_by_another(case: Case, who: Who, _now: datetime) -> NotNow | None:
    return _not_oneself(who, case.hold_by, "不能审批自己提出的申请。")


def extension_unused(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    """An extension is asked for once."""
    return None if case.extension is None else NotNow("extension_used", "每件上报只能申请一次延期。")


def extension_in_time(case: Case, _who: Who, now: datetime) -> NotNow | None:
    """An extension is asked for some working days before the report is due, one as shipped."""
    if case.resolve_due_at and deadlines.may_ask_extension(case.resolve_due_at, now):
        return None
    days = city().workflow.extension_notice_working_days
    return NotNow("extension_too_late", f"延期须在到期前至少{days}个工作日申请。")


def extension_is_pending(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    if case.extension is Extension.REQUESTED:
        return None
    return NotNow("no_extension_requested", "目前没有待审批的延期申请。")


def extension_asked_by_another(case: Case, who: Who, _now: datetime) -> NotNow | None:
    return _not_oneself(who, case.extension_by, "不能审批自己提出的申请。")


def decides_for_desk(case: Case, who: Who, _now: datetime) -> NotNow | None:
    """The level above the desk decides: the township for a village, the county for a township."""
    if Party.OFFICER in who.parties or len(case.desk_code or "") < CODE_LENGTH[Level.VILLAGE]:
        return None
    return NotNow("township_decides", "该事项由乡镇（街道）决定。")


def question_open(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    return None if case.question_open else NotNow("no_open_question", "目前没有待答复的问题。")


def no_question_open(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    return NotNow("question_already_open", "上一个问题还在等待答复。") if case.question_open else None


def has_a_desk(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    return None if case.desk_code else NotNow("not_routed_yet", "该上报尚未分派承办单位。")


def not_resolver(case: Case, who: Who, _now: datetime) -> NotNow | None:
    """Nobody confirms or verifies what they resolved themselves."""
    return _not_oneself(who, case.resolved_by, "不能核实自己办结的上报。")


def reporter_is_free(case: Case, who: Who, _now: datetime) -> NotNow | None:
    """A reporter who works at the desk does not confirm their own case."""
    if case.township_confirms or Party.DESK_WORKER in who.parties:
        return NotNow("township_confirms", "您是承办单位的工作人员，由乡镇（街道）核实。")
    return None


def township_stands_in(case: Case, who: Who, _now: datetime) -> NotNow | None:
    """The township verifies in the reporter's place, and only then; never the reporter under another hat."""
    if case.township_confirms and Party.REPORTER not in who.parties:
        return None
    return NotNow("reporter_confirms", "该上报由上报人核实。")


def first_dispute(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    return None if case.disputes == 0 else NotNow("disputed_before", "该上报已有过一次不满意。")


def disputed_before(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    return None if case.disputes > 0 else NotNow("first_dispute", "这是第一次不满意。")


def not_reopened_before(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    return NotNow("reopened_before", "每件上报只能要求重新办理一次。") if case.reopened else None


def closed_lately(case: Case, _who: Who, now: datetime) -> NotNow | None:
    """A closed report can be reopened for some days, 15 as shipped."""
    if case.closed_at and now <= case.closed_at + reopen_within():
        return None
    return NotNow("reopen_too_late", f"结案超过{city().workflow.reopen_days}天，不能再要求重新办理，请另行上报。")


def silent_long_enough(case: Case, _who: Who, now: datetime) -> NotNow | None:
    """A resolved report closes by itself after some days' silence, 7 as shipped."""
    if case.resolved_at and now >= case.resolved_at + auto_close_after():
        return None
    return NotNow("not_silent_long_enough", f"办结未满{city().workflow.auto_close_days}天。")


def not_appealed_before(case: Case, _who: Who, _now: datetime) -> NotNow | None:
    return NotNow("appealed_before", "每件上报只能申诉一次。") if case.appealed else None


def card_has_fallen(case: Case, _who: Who, now: datetime) -> NotNow | None:
    """Past due, and the card is not on the report yet."""
    return None if clocks.card_due(case, now) else NotNow("no_card_due", "没有新的超期警示。")


def reminder_is_due(case: Case, _who: Who, now: datetime) -> NotNow | None:
    if case.remind_at and now >= case.remind_at:
        return None
    return NotNow("no_reminder_due", "尚未到提醒时间。")


def _not_oneself(who: Who, other: object, detail: str) -> NotNow | None:
    return NotNow("not_oneself", detail) if other is not None and who.actor_id == other else None
