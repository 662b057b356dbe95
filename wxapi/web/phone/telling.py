"""Where a report stands, as one says it to whoever filed it. Pure: the present is passed in."""

from collections.abc import Mapping
from datetime import datetime

from wxapi.reports.rules.state import ReportState
from wxapi.reports.services.own import OwnReport
from wxapi.web.kit import times

_SENTENCES: Mapping[ReportState, str] = {
    ReportState.SUBMITTED: "上报已收到，正在确定承办单位。",
    ReportState.TRIAGE: "上报已转到{desk}，由其确定承办单位{respond}。",
    ReportState.ROUTED: "上报已转到{desk}，等待受理{respond}。",
    ReportState.ACCEPTED: "{desk}已受理，正在处理{resolve}。",
    ReportState.ON_HOLD: "{desk}目前不具备办理条件，暂缓办理{review}。原因见办理记录。",
    ReportState.RESOLVED: "{desk}已办结，{verify}{until}。",
    ReportState.CLOSED: "已结案。{reopen}",
    ReportState.REFUSED: "{desk}不予受理，理由见办理记录。{appeal}",
    ReportState.WITHDRAWN: "上报已撤回，不再办理。",
    ReportState.MERGED: "该问题已有其他上报在办，已合并办理，办理进展同样会通知您。",
}


def standing(own: OwnReport, now: datetime) -> str:
    """One or two sentences: what happens now, who has it, until when."""
    view = own.view

    def at(instant: datetime | None, words: str) -> str:
        return words.format(times.spoken(instant, now)) if instant else ""

    def by(due_at: datetime | None, what: str) -> str:
        return at(due_at, f"，{what}时限为{{}}" + ("，已超期" if due_at and now > due_at else ""))

    day = view.review_on
    return _SENTENCES[view.state].format(
        desk=view.desk.name if view.desk else "承办单位",
        respond=by(view.respond_due_at, "受理"),
        resolve=by(view.resolve_due_at, "办结"),
        review=f"，{times.calendar_day(day, now)}复核" if day else "",
        verify="请核实办理结果" if "confirm" in view.available_actions else "您是承办单位的工作人员，不由您本人核实",
        until=at(view.until, "；{} 前未核实的，将自动结案"),
        reopen=at(view.until, "问题再次出现的，可在{} 前要求重新办理一次。")
        if "reopen" in view.available_actions
        else "感谢您的参与。",
        appeal="如有异议，可申诉一次。" if "appeal" in view.available_actions else "",
    )
