"""How long the pictures and the sealed words of finished reports are kept. Reports themselves stay, as statistics."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, select, text, tuple_
from sqlalchemy.orm import Session

from wxapi.photos.services.forget import drop
from wxapi.platform.retention import RetentionCategory, deleted
from wxapi.reports.models import OVER_SQL, Report, ReportJoinMark, ReportOriginal, ReportPhoto


def _finished(before: datetime) -> ColumnElement[bool]:
    """Reports that are over, and have not been touched since."""
    return and_(text(OVER_SQL), Report.updated_at < before)


def _photos(before: datetime) -> Select[Any]:
    return select(ReportPhoto.photo_id).join(Report, Report.id == ReportPhoto.report_id).where(_finished(before))


def _originals(before: datetime) -> Select[Any]:
    return select(ReportOriginal.id).join(Report, Report.id == ReportOriginal.report_id).where(_finished(before))


def _count(session: Session, found: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def _forget_photos(session: Session, before: datetime, limit: int) -> int:
    """Delete pictures everywhere: row, place in the report, files."""
    found = session.scalars(_photos(before).limit(limit)).all()
    session.execute(
        delete(ReportPhoto).where(ReportPhoto.photo_id.in_(found)).execution_options(synchronize_session=False)
    )
    return drop(session, found)


def _forget_originals(session: Session, before: datetime, limit: int) -> int:
    return deleted(session, ReportOriginal, session.scalars(_originals(before).limit(limit)))


def _count_marks(session: Session, before: datetime) -> int:
    return session.scalar(select(func.count()).where(ReportJoinMark.at < before)) or 0


def _forget_marks(session: Session, before: datetime, limit: int) -> int:
    keys = ReportJoinMark.report_id, ReportJoinMark.digest
    due = select(*keys).where(ReportJoinMark.at < before).limit(limit)
    gone = session.execute(
        delete(ReportJoinMark).where(tuple_(*keys).in_(due)).execution_options(synchronize_session=False)
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE gives a CursorResult


RETENTION = (
    RetentionCategory(
        "photos",
        "pictures of reports that are over",
        "proof of the problem and of the work, for reopening and supervision",
        lambda session, before: _count(session, _photos(before)),
        _forget_photos,
        days=1095,
        least=30,
    ),
    RetentionCategory(
        "originals",
        "sealed words of reports that are over; the masked ones stay",
        "the desk may need the number somebody left",
        lambda session, before: _count(session, _originals(before)),
        _forget_originals,
        days=180,
        least=30,
    ),
    RetentionCategory(
        "join_marks",
        "keyed digests of who joined which report",
        "so that an erased account that comes back is not counted twice",
        _count_marks,
        _forget_marks,
        days=90,
        least=7,
    ),
)
