"""Telling people that they were appointed, moved, that an office ends, or that somebody stands in for them."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow, PeopleImport
from wxapi.identity.rules import ImportState
from wxapi.kernel.clock import to_wire
from wxapi.kernel.permissions import ROLE_NAMES, Role
from wxapi.notifications.rules.notices import Notice
from wxapi.notifications.rules.offices import APPOINTMENT, PEOPLE_IMPORT
from wxapi.notifications.services.tell import tell
from wxapi.platform.db import transaction
from wxapi.regions.services.lookup import region_names
from wxapi.units.queries import unit_names


def tell_of_office(appointment_id: uuid.UUID, step: str, *, now: datetime) -> None:
    """Tell whom a change of an appointment concerns; harmless when run twice. Nobody else is named in it.

    Args:
        appointment_id: the appointment; of a stand-in, whose place they take hears of it as well.
        step: `added`, `moved`, `ended`, or `ends:<day>`.
        now: the time.
    """
    with transaction() as session:
        row = session.get(AppointmentRow, appointment_id)
        if row is None or (row.ended_at is not None) != (step == "ended"):
            return  # what was to be told is over
        office = _office(session, row)
        title, body = _words(row, step, office)
        tell(session, [row.user_id], _notice(row, step, title, body, office, now), now=now)
        if row.stands_in_for is not None and step == "added":
            holder = session.scalars(
                select(AppointmentRow.user_id).where(AppointmentRow.id == row.stands_in_for)
            ).one_or_none()
            said = f"{_span(row)}，您的“{office}”职务由他人代理。"
            if holder is not None:
                tell(session, [holder], _notice(row, "covered", "已安排代理人", said, office, now), now=now)


def tell_of_import(import_id: uuid.UUID, *, now: datetime) -> None:
    """Tell an administrator what became of a list; harmless when run twice."""
    with transaction() as session:
        row = session.get(PeopleImport, import_id)
        if row is None or row.state not in {ImportState.DONE, ImportState.FAILED}:
            return
        done = row.state == ImportState.DONE
        title = "名单已导入" if done else "名单未导入"
        told = (
            f"新增 {row.written} 人，更新 {row.changed} 人，{row.unchanged} 行此前已有。" if done else row.detail or ""
        )
        notice = Notice(
            PEOPLE_IMPORT,
            subject=f"people_import:{row.id}",
            step=row.state,
            title=title,
            body=told,
            values={"what": "人员名单导入", "note": told, "state": title[2:], "at": to_wire(now)},
        )
        tell(session, [row.user_id], notice, now=now)


def _words(row: AppointmentRow, step: str, office: str) -> tuple[str, str]:
    if step == "ended":
        return "您的任职已结束", f"您的“{office}”任职已结束。"
    if step.startswith("ends:"):
        return "您的任职将结束", f"您的“{office}”任职到 {step.partition(':')[2]} 为止。"
    if row.stands_in_for is not None:
        return "您已受委托代理", f"{_span(row)}，由您代理“{office}”职务，到期自动结束。"
    if step == "moved":
        return "您的任职已调整", f"{_span(row)}，您担任“{office}”。"
    return "您有新的任职", f"{_span(row)}，您担任“{office}”。"


def _span(row: AppointmentRow) -> str:
    return f"自 {row.starts_on} 起" + (f"至 {row.ends_on} 止" if row.ends_on else "")


def _office(session: Session, row: AppointmentRow) -> str:
    place = unit_names(session, [row.unit_code])[row.unit_code] if row.unit_code else None
    place = place or region_names([row.region_code]).get(row.region_code, row.region_code)
    return f"{place} {ROLE_NAMES[Role(row.role)]}"


def _notice(row: AppointmentRow, step: str, title: str, body: str, office: str, now: datetime) -> Notice:
    return Notice(
        APPOINTMENT,
        subject=f"appointment:{row.id}",
        step=step,
        title=title,
        body=body,
        values={"what": title, "place": office, "state": "请查看", "at": to_wire(now)},
    )
