"""Forget photos that nothing uses, and their owners; remove their files."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import and_, delete, select, update
from sqlalchemy.orm import Session

from wxapi.photos.models import Photo, original_key, variant_key
from wxapi.photos.rules.photos import (
    UNUSED_AFTER,
    VARIANT_NAMES,
)
from wxapi.platform import outbox, sweeps
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime

SWEEP_BATCH = 500


def sweep_unused(*, now: datetime) -> int:
    """Forget photos that nothing used for 48 hours, at most `SWEEP_BATCH` a call; returns how many."""
    unused = and_(Photo.used_by_id.is_(None), Photo.created_at < now - UNUSED_AFTER)
    ids = db.session().scalars(select(Photo.id).where(unused).order_by(Photo.created_at).limit(SWEEP_BATCH)).all()
    db.session().rollback()  # the read is over

    def forget(some: Sequence[uuid.UUID]) -> int:
        with transaction() as session:
            old = select(Photo.id).where(Photo.id.in_(some), unused).with_for_update(skip_locked=True)
            return drop(session, session.scalars(old).all())

    swept = sweeps.together("photos.sweep_unused", ids, forget)
    swept.raise_if_not_the_rows()
    return swept.done


def forget_owner(session: Session, owner_id: uuid.UUID) -> int:
    """Erase a person from the photos: unused ones go, used ones stay without them. Returns how many went."""
    unused = select(Photo.id).where(Photo.owner_id == owner_id, Photo.used_by_kind.is_(None)).with_for_update()
    dropped = drop(session, session.scalars(unused).all())
    session.execute(
        update(Photo)
        .where(Photo.owner_id == owner_id)
        .values(owner_id=None)
        .execution_options(synchronize_session=False)
    )
    return dropped


def remove_files(photo_id: uuid.UUID) -> None:
    """Delete everything the object store holds of a photo that has no row any more. May run twice."""
    runtime().storage.delete(original_key(photo_id), *(variant_key(photo_id, name) for name in VARIANT_NAMES))


def drop(session: Session, photo_ids: Iterable[uuid.UUID]) -> int:
    """Delete photos nothing refers to any more, in the caller's transaction; their files follow through the outbox."""
    ids = list(photo_ids)
    session.execute(delete(Photo).where(Photo.id.in_(ids)).execution_options(synchronize_session=False))
    for photo_id in ids:
        outbox.record(session, "photo.dropped", photo_id=str(photo_id))
    return len(ids)
