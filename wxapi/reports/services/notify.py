"""Telling people of a step, in a job: finds who they are now, and leaves out whom the report is hidden from."""

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import Role
from wxapi.notifications.rules.notices import confidential_delay
from wxapi.notifications.services.tell import tell
from wxapi.platform.db import transaction
from wxapi.regions.services.lookup import region_names
from wxapi.reports.models import Report, ReportEvent, ReportJoin
from wxapi.reports.notices import NoticeAudience, notices_of
from wxapi.reports.queries import desk_people

_CITIZENS = frozenset({NoticeAudience.REPORTERS, NoticeAudience.REPORTER, NoticeAudience.JOINERS})


def tell_of_step(report_id: uuid.UUID, event_id: int, *, now: datetime) -> None:
    """Tell everybody concerned of one step; a person hears of it once, however often this runs."""
    with transaction() as session:
        of_step = and_(ReportEvent.report_id == Report.id, ReportEvent.id == event_id)
        found = session.execute(select(Report, ReportEvent).join(ReportEvent, of_step).where(Report.id == report_id))
        row = found.one_or_none()
        if row is None:
            return
        report, event = row
        desk = event.desk_code or report.desk_code
        names = region_names([report.village_code, *([desk] if desk else [])])
        # A moment on the phone must not point to who was seen in the village just then.
        not_before = now + confidential_delay() if report.excluded_village_code else None
        for audience, notice in notices_of(report, event, names):
            people = _people(session, report, audience, desk or "", now)
            told = {each for each in people if each is not None and each != event.actor_id}
            tell(session, told, notice, now=now, not_before=not_before)


def _people(
    session: Session, report: Report, audience: NoticeAudience, desk: str, now: datetime
) -> Collection[uuid.UUID | None]:
    """Who an audience is today; nobody the report is hidden from, but who filed it."""
    hidden, today = report.exclusions, local_day(now)
    if audience in _CITIZENS:
        return _citizens(session, report, audience, now)
    if audience is NoticeAudience.DESK:
        return desk_people.desk_people(session, desk, report.grid_code, hidden, today=today)
    if audience is NoticeAudience.TOWNSHIP:
        return desk_people.deciders(session, desk, hidden, today=today)
    if audience is NoticeAudience.VERIFIERS:
        return desk_people.deciders(session, desk, hidden, today=today) - {report.reporter_id}
    return desk_people.people_in(session, report.copy_codes, (Role.SUPERVISOR,), hidden, today=today)


def _citizens(
    session: Session, report: Report, audience: NoticeAudience, now: datetime
) -> Collection[uuid.UUID | None]:
    joined = set(session.scalars(select(ReportJoin.user_id).where(ReportJoin.report_id == report.id)))
    also = joined - desk_people.excluded_among(session, joined, report.exclusions, today=local_day(now))
    filed: set[uuid.UUID | None] = {report.reporter_id}
    if audience is NoticeAudience.REPORTER:
        return filed
    if audience is NoticeAudience.JOINERS:
        return also - filed
    return filed | also
