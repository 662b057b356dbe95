"""How long duties are kept: those of a subject go together, when the last of them has been over for the period."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from wxapi.duties.models import APPEAL_PHOTO, Duty, DutyAppeal
from wxapi.photos.models import Photo
from wxapi.photos.services.forget import drop
from wxapi.platform.retention import RetentionCategory
from wxapi.platform.runtime import runtime

_NAME, _DAYS = "duties", 2192


def _due(before: datetime) -> Select[Any]:
    """Duties that ended before, of subjects of which nothing is open and nothing ended later.

    A subject that begins anew numbers its duties by how many there are, so all of them go or none.
    """
    other = aliased(Duty)
    ended = func.coalesce(other.met_at, other.dropped_at)
    later = exists().where(other.subject_id == Duty.subject_id, or_(ended.is_(None), ended >= before))
    # What ended before began before: this is what the index answers.
    return select(Duty.id).where(Duty.started_at < before, func.coalesce(Duty.met_at, Duty.dropped_at) < before, ~later)


def _forget(session: Session, duty_ids: Sequence[uuid.UUID]) -> None:
    """Delete all duties of their subjects with the appeals against their cards: a batch cuts through no subject."""
    subjects = select(Duty.subject_id).where(Duty.id.in_(duty_ids))
    # A duty that began this instant stays.
    whole = select(Duty.id).where(Duty.subject_id.in_(subjects), func.num_nonnulls(Duty.met_at, Duty.dropped_at) == 1)
    rows = list(session.scalars(whole))
    photos = select(Photo.id).where(Photo.used_by_kind == APPEAL_PHOTO, Photo.used_by_id.in_(rows))
    drop(session, session.scalars(photos).all())
    for gone in (delete(DutyAppeal).where(DutyAppeal.duty_id.in_(rows)), delete(Duty).where(Duty.id.in_(rows))):
        session.execute(gone.execution_options(synchronize_session=False))


def kept() -> timedelta:
    """How long a duty stays after its end."""
    return timedelta(days=runtime().config.retention.get(_NAME, _DAYS))


RETENTION = (
    RetentionCategory(
        _NAME,
        "duties of what is over, with their cards and appeals",
        "figures, cards and their proof",
        _due,
        _forget,
        table=Duty,
        days=_DAYS,
        least=366,
    ),
)
