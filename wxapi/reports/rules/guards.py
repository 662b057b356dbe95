"""The conditions of the workflow's rows: pure predicates, each with the reason and the sentence of its refusal.

A guard sees the case, the person and the present instant, never what the person typed: so the same guards
decide what a person may do and what is offered to them.
"""

from datetime import datetime, timedelta
from uuid import UUID

from wxapi.kernel import deadlines
from wxapi.kernel.city import city
from wxapi.kernel.transitions import unless
from wxapi.regions.rules.levels import CODE_LENGTH, Level
from wxapi.reports.rules import clocks
from wxapi.reports.rules.state import Case, Extension, Party, Who

_NOT_ONES_OWN = "不能审批自己提出的申请。"


def reopen_within() -> timedelta:
    """How long a closed report can be reopened."""
    return timedelta(days=city().workflow.reopen_days)


def auto_close_after() -> timedelta:
    """After how much silence a resolved report closes by itself."""
    return timedelta(days=city().workflow.auto_close_days)


@unless("second_return_is_final", "该上报已达退回次数上限，由乡镇（街道）指定的承办单位不能再退回。")
def may_be_returned(case: Case, _who: Who, _now: datetime) -> bool:
    """The last return, the second as shipped, is final: the desk the township names then keeps the report."""
    return case.returns < city().workflow.returns


@unless("desk_must_be_named", "该上报已达退回次数上限，请指定承办单位。")
def desk_not_yet_imposed(case: Case, _who: Who, _now: datetime) -> bool:
    """After the last return the township must name a desk, so it cannot refuse instead."""
    return case.returns < city().workflow.returns


@unless("resolver_may_not_take_again", "该件处理结果两次未获认可，请由此前未办结过该件的人员办理。")
def not_disputed_twice(case: Case, who: Who, _now: datetime) -> bool:
    """After two disputes nobody who ever resolved the case takes it again; the township has seen it in triage."""
    return case.disputes < 2 or who.actor_id is None or who.actor_id not in {case.resolved_by, *case.resolvers}


@unless("no_hold_requested", "目前没有待审批的挂账申请。")
def hold_is_pending(case: Case, _who: Who, _now: datetime) -> bool:
    return case.hold_pending


@unless("hold_already_requested", "挂账申请正在审批中。")
def hold_not_pending(case: Case, _who: Who, _now: datetime) -> bool:
    return not case.hold_pending


@unless("not_oneself", _NOT_ONES_OWN)
def hold_asked_by_another(case: Case, who: Who, _now: datetime) -> bool:
    return _another(who, case.hold_by)


@unless("extension_used", "每件上报只能申请一次延期。")
def extension_unused(case: Case, _who: Who, _now: datetime) -> bool:
    """An extension is asked for once."""
    return case.extension is None


@unless(
    "extension_too_late", lambda: f"延期须在到期前至少{city().workflow.extension_notice_working_days}个工作日申请。"
)
def extension_in_time(case: Case, _who: Who, now: datetime) -> bool:
    """An extension is asked for some working days before the report is due, one as shipped; a clock may stand."""
    at = case.clock_stopped_at or now
    return case.resolve_due_at is not None and deadlines.may_ask_extension(case.resolve_due_at, at)


@unless("no_extension_requested", "目前没有待审批的延期申请。")
def extension_is_pending(case: Case, _who: Who, _now: datetime) -> bool:
    return case.extension is Extension.REQUESTED


@unless("not_oneself", _NOT_ONES_OWN)
def extension_asked_by_another(case: Case, who: Who, _now: datetime) -> bool:
    return _another(who, case.extension_by)


@unless("township_decides", "该事项由乡镇（街道）决定。")
def decides_for_desk(case: Case, who: Who, _now: datetime) -> bool:
    """The level above the desk decides: the township for a village, the county for a township."""
    return Party.OFFICER in who.parties or len(case.desk_code or "") < CODE_LENGTH[Level.VILLAGE]


@unless("no_open_question", "目前没有待答复的问题。")
def question_open(case: Case, _who: Who, _now: datetime) -> bool:
    return case.question_open


@unless("question_already_open", "上一个问题还在等待答复。")
def no_question_open(case: Case, _who: Who, _now: datetime) -> bool:
    return not case.question_open


@unless("not_routed_yet", "该上报尚未分派承办单位。")
def has_a_desk(case: Case, _who: Who, _now: datetime) -> bool:
    return case.desk_code is not None


@unless("not_oneself", "不能核实自己办结的上报。")
def not_resolver(case: Case, who: Who, _now: datetime) -> bool:
    """Nobody confirms or verifies what they resolved themselves."""
    return _another(who, case.resolved_by)


@unless("township_confirms", "您是承办单位的工作人员，由乡镇（街道）核实。")
def reporter_is_free(case: Case, who: Who, _now: datetime) -> bool:
    """A reporter who works at the desk does not confirm their own case."""
    return not case.township_confirms and Party.DESK_WORKER not in who.parties


@unless("reporter_confirms", "该上报由上报人核实。")
def township_stands_in(case: Case, who: Who, _now: datetime) -> bool:
    """The township verifies in the reporter's place, and only then; not by an officer who is the reporter."""
    return case.township_confirms and Party.REPORTER not in who.parties


@unless("disputed_before", "该上报已有过一次不满意。")
def first_dispute(case: Case, _who: Who, _now: datetime) -> bool:
    return case.disputes == 0


@unless("first_dispute", "这是第一次不满意。")
def disputed_before(case: Case, _who: Who, _now: datetime) -> bool:
    return case.disputes > 0


@unless("reopened_before", "每件上报只能要求重新办理一次。")
def not_reopened_before(case: Case, _who: Who, _now: datetime) -> bool:
    return not case.reopened


@unless("reopen_too_late", lambda: f"结案超过{city().workflow.reopen_days}天，不能再要求重新办理，请另行上报。")
def closed_lately(case: Case, _who: Who, now: datetime) -> bool:
    """A closed report can be reopened for some days, 15 as shipped."""
    return case.closed_at is not None and now <= case.closed_at + reopen_within()


@unless("not_silent_long_enough", lambda: f"办结未满{city().workflow.auto_close_days}天。")
def silent_long_enough(case: Case, _who: Who, now: datetime) -> bool:
    """A resolved report closes by itself after some days' silence, 7 as shipped."""
    return case.resolved_at is not None and now >= case.resolved_at + auto_close_after()


@unless("appealed_before", "每件上报只能申诉一次。")
def not_appealed_before(case: Case, _who: Who, _now: datetime) -> bool:
    return not case.appealed


@unless("no_card_due", "没有新的超期警示。")
def card_has_fallen(case: Case, _who: Who, now: datetime) -> bool:
    """Past due, and the card is not on the report yet."""
    return clocks.card_due(case, now) is not None


@unless("no_reminder_due", "尚未到提醒时间。")
def reminder_is_due(case: Case, _who: Who, now: datetime) -> bool:
    """Of a clock that has run out a card tells, not a reminder that it will."""
    return case.remind_at is not None and case.due_at is not None and case.remind_at <= now <= case.due_at


def _another(who: Who, than: UUID | None) -> bool:
    return than is None or who.actor_id != than
