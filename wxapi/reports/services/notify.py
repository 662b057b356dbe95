"""Telling people of a step, in a job: finds who they are now, and leaves out whom the report is hidden from."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow
from wxapi.identity.queries import below, in_force
from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import Role
from wxapi.notifications.queries.messages import staff_of
from wxapi.notifications.rules.notices import confidential_delay
from wxapi.notifications.services.tell import tell
from wxapi.platform.db import transaction
from wxapi.regions.services.lookup import region_names
from wxapi.reports.models import Report, ReportEvent, ReportJoin
from wxapi.reports.notices import Audience, notices_of
from wxapi.reports.rules.relations import HANDS

_TOWNSHIP_DIGITS = 9
_REPORTERS = frozenset({Audience.REPORTERS, Audience.REPORTER, Audience.JOINERS})


def tell_of_step(report_id: uuid.UUID, event_id: int, *, now: datetime) -> None:
    """Tell everybody concerned of one step; a person hears of it once, however often this runs."""
    with transaction() as session:
        report, event = session.get(Report, report_id), session.get(ReportEvent, event_id)
        if report is None or event is None:
            return
        names = region_names([report.village_code, *([report.desk_code] if report.desk_code else [])])
        # A moment on the phone must not point to who was seen in the village just then.
        not_before = now + confidential_delay() if report.excluded_village_code else None
        for audience, notice in notices_of(report, event, names):
            people = _people(session, report, audience, now) - {event.actor_id}
            told = people - _excluded(session, report, people, now)
            if told:
                tell(session, {each for each in told if each}, notice, now=now, not_before=not_before)


def _people(session: Session, report: Report, audience: Audience, now: datetime) -> set[uuid.UUID | None]:
    if audience in _REPORTERS:
        joined = session.scalars(select(ReportJoin.user_id).where(ReportJoin.report_id == report.id))
        filed, also = {report.reporter_id}, {*joined} - {report.reporter_id}
        return {Audience.REPORTER: filed, Audience.JOINERS: also}.get(audience, filed | also)
    desk = report.desk_code or ""
    if audience is Audience.DESK:
        return _staff(session, [desk], HANDS.get(len(desk), ()), now)
    if audience is Audience.TOWNSHIP:
        # Above a township, or a county that is the desk itself, the county looks.
        above = desk[:_TOWNSHIP_DIGITS] if len(desk) > _TOWNSHIP_DIGITS else report.county_code
        return _staff(session, [above], (Role.TOWNSHIP_OFFICER, Role.SUPERVISOR), now)
    return _staff(session, report.copy_codes, (Role.SUPERVISOR,), now)


def _staff(session: Session, codes: Iterable[str], roles: Iterable[Role], now: datetime) -> set[uuid.UUID | None]:
    return {user for code in codes for user in staff_of(session, code, roles, today=local_day(now))}


def _excluded(session: Session, report: Report, people: set[uuid.UUID | None], now: datetime) -> set[uuid.UUID | None]:
    """Those of the people who hold an appointment at or below an excluded region; its reporter is none of them."""
    if not report.exclusions:
        return set()
    found = session.scalars(
        select(AppointmentRow.user_id).where(
            AppointmentRow.user_id.in_([each for each in people if each]),
            below(report.exclusions),
            in_force(local_day(now)),
        )
    )
    return {*found} - {report.reporter_id}
