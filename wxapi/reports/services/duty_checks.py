"""Keeping duties true: write those of reports that have none, and fold histories again to compare."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from wxapi.duties.models import OPEN_SQL as DUTY_OPEN_SQL
from wxapi.duties.models import Duty
from wxapi.duties.rules.clock import DutyClock
from wxapi.duties.rules.owed import DropReason, DutyState
from wxapi.duties.services import write
from wxapi.platform import sweeps
from wxapi.platform.db import db, transaction
from wxapi.reports.models import OPEN_SQL, Report
from wxapi.reports.queries import reports
from wxapi.reports.rules.owed import owed
from wxapi.reports.rules.state import IN_WORK
from wxapi.reports.services.apply import case_of
from wxapi.reports.services.duties import folded, subject_of

_BATCH = 500


def heal(*, now: datetime) -> int:
    """Write the duties of routed reports that have none, such as those of a release before duties; returns how many."""
    missing = (
        select(Report.id)
        .where(text(OPEN_SQL), Report.state.in_(IN_WORK), Report.routed_at.is_not(None), ~_owes(Report.id))
        .limit(_BATCH)
    )
    ids = list(db.session().scalars(missing))
    db.session().rollback()  # the read is over; no transaction stays open between the reports
    return sweeps.one_by_one("duties.heal", ids, lambda report_id: _heal(report_id, now))


def _heal(report_id: UUID, now: datetime) -> bool:
    with transaction() as session:
        report = reports.lock(session, report_id)
        if report is None or report.state not in IN_WORK or session.scalar(select(_owes(report_id))):
            return False
        write.record(session, subject_of(report), (), owed(case_of(report)), at=report.routed_at or now)
        return True


def _owes(report_id: UUID | InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    return exists().where(Duty.subject_id == report_id, text(DUTY_OPEN_SQL))


def differing(session: Session, since: datetime, until: datetime) -> Iterator[UUID]:
    """Reports routed in a time whose duties are not what their history folds to."""
    ids = session.scalars(
        select(Report.id).where(Report.routed_at >= since, Report.routed_at < until).order_by(Report.routed_at)
    ).all()
    for report_id in ids:
        report = session.get_one(Report, report_id)
        if _sorted(folded(report, reports.events_of(session, report_id))) != stored(session, report_id):
            yield report_id
        session.expire_all()


def stored(session: Session, subject_id: UUID) -> list[DutyState]:
    """The duties of a subject as the table holds them, by stage and in the order of their beginning."""
    return _sorted(_state(row) for row in session.scalars(select(Duty).where(Duty.subject_id == subject_id)))


def _sorted(duties: Iterable[DutyState]) -> list[DutyState]:
    return sorted(duties, key=lambda duty: (duty.stage, duty.seq))


def _state(row: Duty) -> DutyState:
    return DutyState(
        stage=row.stage,
        seq=row.seq,
        unit_code=row.unit_code,
        origin_at=row.origin_at,
        started_at=row.started_at,
        due_at=row.due_at,
        limit_s=row.limit_s,
        clock=DutyClock(row.clock),
        stopped_at=row.stopped_at,
        left_s=row.left_s,
        met_at=row.met_at,
        dropped_at=row.dropped_at,
        drop_reason=DropReason(row.drop_reason) if row.drop_reason else None,
    )
