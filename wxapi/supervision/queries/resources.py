"""What is on: sessions that begin in a time. Venues, stations and listings join them once they are there."""

import uuid
from datetime import datetime

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.training.models import TrainingSession
from wxapi.training.queries.scope import admits


def sessions_begin(session: Session, region: str, since: datetime, until: datetime) -> int:
    """How many published sessions of a region, or below it, begin in a time."""
    return (
        session.scalar(
            select(func.count()).where(
                TrainingSession.state == "published",
                TrainingSession.region_code.startswith(region, autoescape=True),
                TrainingSession.starts_at >= since,
                TrainingSession.starts_at < until,
            )
        )
        or 0
    )


def sessions_open_to(
    session: Session,
    actor: Actor,
    region: str | None,
    since: datetime,
    until: datetime,
    text: str | None,
    *,
    limit: int,
    cursor: str | None,
) -> Page[TrainingSession]:
    """Published sessions a person may come to, soonest first."""
    conditions = [
        TrainingSession.state == "published",
        TrainingSession.starts_at >= since,
        TrainingSession.starts_at < until,
        admits(actor),
    ]
    if region is not None:
        conditions.append(TrainingSession.region_code.startswith(region, autoescape=True))
    if text:
        conditions.append(
            or_(
                TrainingSession.title.contains(text, autoescape=True),
                TrainingSession.place.contains(text, autoescape=True),
            )
        )
    place = (TrainingSession.starts_at, TrainingSession.id)
    if cursor is not None:
        conditions.append(tuple_(*place) > tuple_(*decode_cursor(cursor, datetime, uuid.UUID)))
    found = session.scalars(select(TrainingSession).where(*conditions).order_by(*place).limit(limit + 1)).all()
    return page_of(found, limit, lambda row: (row.starts_at, row.id))
