"""Who is told what: one table from step to audience and words. Pure; `services.notify` finds the people."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from wxapi.kernel.clock import day_in_words, local_day, to_wire
from wxapi.notifications.rules.notices import MessageKind, Notice
from wxapi.reports.models import Report, ReportEvent
from wxapi.reports.rules.categories import category_of
from wxapi.reports.rules.masking import masked_if_any
from wxapi.reports.rules.messages import DESK_TASK, REPORT_CARD, REPORT_CONFIRM, REPORT_PROGRESS
from wxapi.reports.rules.state import STATE_NAMES, ReportState


class NoticeAudience(StrEnum):
    """Groups of people around a report."""

    REPORTERS = "reporters"  # who filed it and who joined
    REPORTER = "reporter"  # who filed it
    JOINERS = "joiners"  # who joined
    DESK = "desk"
    TOWNSHIP = "township"  # who decides for the desk
    VERIFIERS = "verifiers"  # who verifies in place of a reporter who works at the desk
    COPIES = "copies"  # regions that get a copy: the county, of village affairs


@dataclass(frozen=True, slots=True)
class Tell:
    """One message of a step.

    Args:
        audience: who is told.
        kind: chooses the template.
        words: `{desk}`, `{note}`, `{review_on}` are filled in.
        to_triage: True for a step that leaves the township to act, False for one that does not, None for both.
        verified_above: True where the reporter works at the desk, so that the township verifies; False where they do
            not, None for both.
    """

    audience: NoticeAudience
    kind: MessageKind
    words: str
    to_triage: bool | None = None
    verified_above: bool | None = None


_NEW_TASK = Tell(NoticeAudience.DESK, DESK_TASK, "有新的问题待受理", to_triage=False)
# In triage the township is the desk.
_TO_ASSIGN = Tell(NoticeAudience.DESK, DESK_TASK, "有新的问题待分派", to_triage=True)
_PASSED_ON = Tell(NoticeAudience.REPORTERS, REPORT_PROGRESS, "您上报的问题已转交{desk}")

TOLD: dict[str, tuple[Tell, ...]] = {
    "route": (
        _NEW_TASK,
        _TO_ASSIGN,
        _PASSED_ON,
        Tell(NoticeAudience.COPIES, DESK_TASK, "抄送：有新的居（村）务公开问题"),
    ),
    "assign_desk": (_NEW_TASK, _PASSED_ON),
    "hand_on": (_NEW_TASK, _PASSED_ON),
    "accept": (Tell(NoticeAudience.REPORTERS, REPORT_PROGRESS, "您上报的问题已由{desk}受理"),),
    "return": (Tell(NoticeAudience.DESK, DESK_TASK, "有退回的问题待分派：{note}"),),
    "refuse": (
        Tell(NoticeAudience.REPORTER, REPORT_PROGRESS, "您上报的问题不予受理：{note}。可申诉一次"),
        Tell(NoticeAudience.JOINERS, REPORT_PROGRESS, "您关注的问题不予受理：{note}"),
    ),
    "appeal": (Tell(NoticeAudience.DESK, DESK_TASK, "上报人提出申诉，待分派：{note}"),),
    "request_hold": (Tell(NoticeAudience.TOWNSHIP, DESK_TASK, "有挂账申请待审批：{note}"),),
    "approve_hold": (Tell(NoticeAudience.REPORTERS, REPORT_PROGRESS, "您上报的问题需暂缓办理，复核日期{review_on}"),),
    "deny_hold": (Tell(NoticeAudience.DESK, DESK_TASK, "挂账申请未获批准"),),
    "resume": (Tell(NoticeAudience.DESK, DESK_TASK, "挂账结束，请继续办理"),),
    "request_extension": (Tell(NoticeAudience.TOWNSHIP, DESK_TASK, "有延期申请待审批：{note}"),),
    "approve_extension": (Tell(NoticeAudience.DESK, DESK_TASK, "延期申请已批准"),),
    "deny_extension": (Tell(NoticeAudience.DESK, DESK_TASK, "延期申请未获批准"),),
    "ask": (Tell(NoticeAudience.REPORTER, REPORT_PROGRESS, "承办单位请您补充说明：{note}"),),
    "answer": (Tell(NoticeAudience.DESK, DESK_TASK, "上报人已补充说明：{note}"),),
    "resolve": (
        Tell(NoticeAudience.REPORTER, REPORT_CONFIRM, "您上报的问题已办结，请核实：{note}", verified_above=False),
        Tell(
            NoticeAudience.REPORTER, REPORT_PROGRESS, "您上报的问题已办结，由上级单位核实：{note}", verified_above=True
        ),
        Tell(NoticeAudience.VERIFIERS, DESK_TASK, "有办结的问题待核实：{note}", verified_above=True),
        Tell(NoticeAudience.JOINERS, REPORT_PROGRESS, "您关注的问题已办结：{note}"),
    ),
    "dispute": (
        Tell(NoticeAudience.DESK, DESK_TASK, "上报人对办理结果不满意：{note}", to_triage=False),
        Tell(NoticeAudience.TOWNSHIP, DESK_TASK, "上报人对办理结果不满意：{note}", to_triage=False),
        Tell(NoticeAudience.DESK, DESK_TASK, "上报人再次表示不满意，待分派：{note}", to_triage=True),
    ),
    "reopen": (Tell(NoticeAudience.DESK, DESK_TASK, "上报人要求重新办理：{note}"),),
    "auto_close": (Tell(NoticeAudience.REPORTERS, REPORT_PROGRESS, "您上报的问题在规定时间内未核实，已自动结案"),),
    "merge": (Tell(NoticeAudience.REPORTERS, REPORT_PROGRESS, "同一问题的上报已合并办理"),),
    "unmerge": (Tell(NoticeAudience.REPORTERS, REPORT_PROGRESS, "合并办理的上报已拆分"),),
    "escalate": (Tell(NoticeAudience.DESK, DESK_TASK, "吹哨：{note}"),),
    "remind": (Tell(NoticeAudience.DESK, DESK_TASK, "有问题即将超期，请及时办理"),),
    "card": (
        Tell(NoticeAudience.DESK, REPORT_CARD, "有问题已超期，请尽快办理"),
        Tell(NoticeAudience.TOWNSHIP, REPORT_CARD, "有问题已超期，请督促办理"),
    ),
}


def notices_of(report: Report, event: ReportEvent, names: dict[str, str]) -> Iterator[tuple[NoticeAudience, Notice]]:
    """What each audience is told of one step.

    Args:
        report: as it is now; whose turn it was after the step, and until when a hold was granted, stand with the step.
        event: the step.
        names: region code → name, of the place and of the desk after the step.
    """
    triaged = event.to_state == ReportState.TRIAGE
    for tell in TOLD.get(event.action, ()):
        if tell.to_triage not in {None, triaged} or tell.verified_above not in {None, report.township_confirms}:
            continue
        title = tell.words.format(
            desk=names.get(event.desk_code or report.desk_code or "", "承办单位"),
            note=masked_if_any(event.note, report.category_code) or "",
            review_on=_review_day(report, event),
        )
        yield tell.audience, _notice(report, event, tell.kind, title, names)


def _review_day(report: Report, event: ReportEvent) -> str:
    """Until when a hold was granted, in words."""
    said, today = event.detail.get("review_on"), local_day(event.at)
    return day_in_words(date.fromisoformat(said) if said else report.hold_review_on or today, today)


def _notice(report: Report, event: ReportEvent, kind: MessageKind, title: str, names: dict[str, str]) -> Notice:
    what, place = category_of(report.category_code).name, names.get(report.village_code, "")
    state = STATE_NAMES[ReportState(event.to_state)]
    values = {
        "number": report.number,
        "what": what,
        "place": place,
        "state": state,
        "note": masked_if_any(event.note, report.category_code) or title,
        "at": to_wire(event.at),
    }
    if report.due_at:
        values["due_at"] = to_wire(report.due_at)
    return Notice(
        kind,
        subject=f"report:{report.id}",
        step=f"{event.action}:{event.id}",
        title=title,
        body=f"{report.number} {what}，{place}。当前状态：{state}。",
        values=values,
    )
