"""What is on: sessions that begin in a time. Venues, stations and listings join them once they are there."""

from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.training.models import TrainingSession
from wxapi.training.queries.scope import admits

_MOST = 200


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
    session: Session, actor: Actor, region: str | None, since: datetime, until: datetime, text: str | None
) -> list[TrainingSession]:
    """Published sessions a person may come to, soonest first, at most 200."""
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
    found = select(TrainingSession).where(*conditions).order_by(TrainingSession.starts_at, TrainingSession.id)
    return list(session.scalars(found.limit(_MOST)))
