"""Who is told what: one table from step to audience and words. Pure; `telling.py` finds the people."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from wxapi.kernel.clock import local_day, to_wire
from wxapi.notifications.rules.notices import MessageKind, Notice
from wxapi.reports.models import Report, ReportEvent
from wxapi.reports.rules.categories import category_of
from wxapi.reports.rules.masking import masked_if_any
from wxapi.reports.rules.messages import DESK_TASK, REPORT_CARD, REPORT_CONFIRM, REPORT_PROGRESS
from wxapi.reports.rules.state import STATE_NAMES, ReportState


class Audience(StrEnum):
    """Groups of people around a report."""

    REPORTERS = "reporters"  # who filed it and who joined
    REPORTER = "reporter"  # who filed it
    JOINERS = "joiners"  # who joined
    DESK = "desk"
    TOWNSHIP = "township"  # the officers above the desk
    COPIES = "copies"  # regions that get a copy: the county, of village affairs


@dataclass(frozen=True, slots=True)
class Tell:
    """One message of a step. `{desk}`, `{note}`, `{review_on}` in the words are filled in."""

    audience: Audience
    kind: MessageKind
    words: str


_NEW_TASK = Tell(Audience.DESK, DESK_TASK, "有新的上报待受理")
_TO_SORT = Tell(Audience.TOWNSHIP, DESK_TASK, "有上报待分派")

TOLD: dict[str, tuple[Tell, ...]] = {
    "route": (
        _NEW_TASK,
        Tell(Audience.REPORTERS, REPORT_PROGRESS, "您的上报已转交{desk}"),
        Tell(Audience.COPIES, DESK_TASK, "抄送:有新的居(村)务公开上报"),
    ),
    "assign_desk": (_NEW_TASK, Tell(Audience.REPORTERS, REPORT_PROGRESS, "您的上报已转交{desk}")),
    "hand_on": (_NEW_TASK, Tell(Audience.REPORTERS, REPORT_PROGRESS, "您的上报已转交{desk}")),
    "accept": (Tell(Audience.REPORTERS, REPORT_PROGRESS, "{desk}已受理您的上报"),),
    "return": (_TO_SORT,),
    "refuse": (Tell(Audience.REPORTERS, REPORT_PROGRESS, "您的上报不予受理:{note}。可申诉一次"),),
    "appeal": (_TO_SORT,),
    "request_hold": (Tell(Audience.TOWNSHIP, DESK_TASK, "有挂账申请待审批:{note}"),),
    "approve_hold": (Tell(Audience.REPORTERS, REPORT_PROGRESS, "您的上报已挂账,复核日期{review_on}"),),
    "deny_hold": (Tell(Audience.DESK, DESK_TASK, "挂账申请未获批准"),),
    "resume": (Tell(Audience.DESK, DESK_TASK, "挂账结束,请继续办理"),),
    "request_extension": (Tell(Audience.TOWNSHIP, DESK_TASK, "有延期申请待审批:{note}"),),
    "approve_extension": (Tell(Audience.DESK, DESK_TASK, "延期申请已批准"),),
    "deny_extension": (Tell(Audience.DESK, DESK_TASK, "延期申请未获批准"),),
    "ask": (Tell(Audience.REPORTERS, REPORT_PROGRESS, "承办单位向您提问:{note}"),),
    "answer": (Tell(Audience.DESK, DESK_TASK, "上报人已答复:{note}"),),
    "resolve": (
        Tell(Audience.REPORTER, REPORT_CONFIRM, "您的上报已办结,请核实:{note}"),
        Tell(Audience.JOINERS, REPORT_PROGRESS, "您关注的上报已办结:{note}"),
    ),
    "dispute": (
        Tell(Audience.DESK, DESK_TASK, "上报人对处理结果不满意:{note}"),
        Tell(Audience.TOWNSHIP, DESK_TASK, "上报人对处理结果不满意:{note}"),
    ),
    "reopen": (Tell(Audience.DESK, DESK_TASK, "上报人重新打开了上报:{note}"),),
    "auto_close": (Tell(Audience.REPORTERS, REPORT_PROGRESS, "您的上报7天内未核实,已自动结案"),),
    "merge": (Tell(Audience.REPORTERS, REPORT_PROGRESS, "同一问题的上报已合并办理"),),
    "unmerge": (Tell(Audience.REPORTERS, REPORT_PROGRESS, "合并办理的上报已拆分"),),
    "escalate": (Tell(Audience.DESK, DESK_TASK, "吹哨:{note}"),),
    "remind": (Tell(Audience.DESK, DESK_TASK, "上报即将到期"),),
    "card": (
        Tell(Audience.DESK, REPORT_CARD, "上报已超期"),
        Tell(Audience.TOWNSHIP, REPORT_CARD, "上报已超期"),
    ),
}


def notices_of(report: Report, event: ReportEvent, names: dict[str, str]) -> Iterator[tuple[Audience, Notice]]:
    """What each audience is told of one step.

    Args:
        report: as it is now.
        event: the step.
        names: region code → name, of place and desk.
    """
    for tell in TOLD.get(event.action, ()):
        title = tell.words.format(
            desk=names.get(report.desk_code or "", "承办单位"),
            note=masked_if_any(event.note, report.category_code) or "",
            review_on=report.hold_review_on or local_day(event.at),
        )
        yield tell.audience, _notice(report, event, tell.kind, title, names)


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
        body=f"{report.number} {what},{place}。当前状态:{state}。",
        values=values,
    )
