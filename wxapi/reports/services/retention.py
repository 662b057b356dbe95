"""How long the pictures and the sealed words of finished reports are kept. Reports themselves stay, as statistics."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, select, text
from sqlalchemy.orm import Session

from wxapi.photos.services.forget import drop
from wxapi.platform.retention import RetentionCategory, deleting, older
from wxapi.reports.models import OVER_SQL, Report, ReportJoinMark, ReportOriginal, ReportPhoto


def _finished(before: datetime) -> ColumnElement[bool]:
    """Reports that are over, and have not been touched since."""
    return and_(text(OVER_SQL), Report.updated_at < before)


def _photos(before: datetime) -> Select[Any]:
    return select(ReportPhoto.photo_id).join(Report, Report.id == ReportPhoto.report_id).where(_finished(before))


def _originals(before: datetime) -> Select[Any]:
    return select(ReportOriginal.id).join(Report, Report.id == ReportOriginal.report_id).where(_finished(before))


def _forget_photos(session: Session, photo_ids: Sequence[uuid.UUID]) -> None:
    """Delete pictures everywhere: row, place in the report, files."""
    session.execute(
        delete(ReportPhoto).where(ReportPhoto.photo_id.in_(photo_ids)).execution_options(synchronize_session=False)
    )
    drop(session, photo_ids)


RETENTION = (
    RetentionCategory(
        "photos",
        "pictures of reports that are over",
        "proof of the problem and of the work, for reopening and supervision",
        _photos,
        _forget_photos,
        table=ReportPhoto,
        days=1095,
        least=30,
    ),
    RetentionCategory(
        "originals",
        "sealed words of reports that are over; the masked ones stay",
        "the desk may need the number somebody left",
        _originals,
        deleting(ReportOriginal),
        table=ReportOriginal,
        days=180,
        least=30,
    ),
    RetentionCategory(
        "join_marks",
        "keyed digests of who joined which report",
        "so that an erased account that comes back is not counted twice",
        older(ReportJoinMark, ReportJoinMark.at),
        deleting(ReportJoinMark),
        days=90,
        least=7,
    ),
)
