"""The words people are told in, as notices that the services pass to `notifications`."""

from datetime import datetime

from wxapi.kernel.clock import SHANGHAI, to_wire
from wxapi.notifications.rules.notices import MessageKind, Notice
from wxapi.training.models import Certificate, Enrolment, LeaveRequest, TrainingSession
from wxapi.training.rules import messages
from wxapi.training.rules.attendance import RollDecision


def reminder(row: TrainingSession, kind: str) -> Notice:
    """The day before, or an hour before."""
    when = "明天" if kind == "day_before" else "一小时后"
    return _notice(
        row,
        messages.TRAINING_REMINDER,
        step=f"{kind}:{to_wire(row.starts_at)}",
        title=f"{when}培训：{row.title}",
        body=f"您报名的“{row.title}”将于 {_local(row.starts_at)} 在{row.place or '指定地点'}开始，请按时参加并签到。",
        state="即将开始",
    )


def seat_notice(row: TrainingSession, enrolment: Enrolment) -> Notice:
    """Somebody has a seat now."""
    return _notice(
        row,
        messages.TRAINING_SEAT,
        step=f"seat:{enrolment.seq}",
        title=f"候补成功：{row.title}",
        body=f"您候补的“{row.title}”（{_local(row.starts_at)}）已有名额。如不能参加，请取消报名。",
        state="报名成功",
    )


def change(row: TrainingSession) -> Notice:
    """The session takes place at another time or elsewhere."""
    return _notice(
        row,
        messages.TRAINING_NEWS,
        step=f"moved:{row.version}",
        title=f"培训调整：{row.title}",
        body=f"“{row.title}”的时间或地点有调整：{_local(row.starts_at)} 在{row.place or '指定地点'}开始，请留意。",
        state="已调整",
    )


def cancellation(row: TrainingSession) -> Notice:
    """The session does not take place."""
    return _notice(
        row,
        messages.TRAINING_NEWS,
        step="cancelled",
        title=f"培训取消：{row.title}",
        body=f"原定 {_local(row.starts_at)} 的“{row.title}”已取消。",
        state="已取消",
    )


def leave_notice(row: TrainingSession, request: LeaveRequest) -> Notice:
    """What became of a request for leave."""
    approved = request.decision == RollDecision.APPROVE
    answer = "已批准" if approved else "未批准"
    return _notice(
        row,
        messages.TRAINING_NEWS,
        step=f"leave:{request.id}",
        title=f"请假{answer}：{row.title}",
        body=f"您对“{row.title}”（{_local(row.starts_at)}）的请假申请{answer}。{request.note}",
        state=answer,
    )


def certificate_notice(row: Certificate, what: str) -> Notice:
    """A certificate was issued; `what` names the session or the year's training."""
    return Notice(
        kind=messages.CERTIFICATE_READY,
        subject=f"certificate:{row.id}",
        step="issued",
        title=f"证书已生成：{what}",
        body=f"您的“{what}”培训证书已生成，可在“我的培训”中查看和下载。",
        values={"what": what, "state": "已生成", "at": to_wire(row.issued_at)},
    )


def _notice(row: TrainingSession, kind: MessageKind, *, step: str, title: str, body: str, state: str) -> Notice:
    return Notice(
        kind=kind,
        subject=f"session:{row.id}",
        step=step,
        title=title,
        body=body,
        values={"what": row.title, "place": row.place or "-", "state": state, "at": to_wire(row.starts_at)},
    )


def _local(at: datetime) -> str:
    local = at.astimezone(SHANGHAI)
    return f"{local.month}月{local.day}日 {local:%H:%M}"
