"""Reads of photos."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.photos.models import Photo
from wxapi.photos.queries.visibility import visible_to


def find_visible(session: Session, photo_id: uuid.UUID, actor: Actor) -> Photo | None:
    """The photo, if it exists for this person."""
    return session.scalars(select(Photo).where(Photo.id == photo_id, visible_to(actor))).one_or_none()


def photos_by_ids(session: Session, photo_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Photo]:
    """Photos by id, those that are not there left out. No scope: for things whose visibility is settled."""
    if not photo_ids:
        return {}
    found = session.scalars(select(Photo).where(Photo.id.in_(photo_ids)))
    return {photo.id: photo for photo in found}


def photos_of(session: Session, owner_id: uuid.UUID) -> Sequence[Photo]:
    """Everything a person uploaded and still has, oldest first (for the person's own data)."""
    return session.scalars(select(Photo).where(Photo.owner_id == owner_id).order_by(Photo.created_at, Photo.id)).all()
