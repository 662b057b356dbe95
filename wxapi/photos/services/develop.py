"""Develop a photo: decode it, store its variants or why it is refused, delete the original."""

import uuid
from datetime import datetime

import structlog
from sqlalchemy import select, update

from wxapi.photos.models import Photo, original_key, variant_key
from wxapi.photos.rules.photos import (
    Developed,
    PhotoState,
    RejectedError,
    RejectionCode,
)
from wxapi.photos.services import forget
from wxapi.photos.services.sandbox.client import shared
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime

log = structlog.get_logger(__name__)


def develop(photo_id: uuid.UUID, *, now: datetime) -> None:
    """Decode a pending photo, store its variants or its rejection, and delete the original. May run twice.

    Raises:
        SandboxLostError, FileNotFoundError: nothing was decided; run it again.
    """
    state = _state_of(photo_id)
    if state == PhotoState.PENDING:
        outcome = _outcome(runtime().storage.get(original_key(photo_id)))
        if isinstance(outcome, Developed):
            for variant in outcome.variants:
                runtime().storage.put(variant_key(photo_id, variant.name), variant.data)
        _decide(photo_id, outcome, now=now)
        state = _state_of(photo_id)
    if state is None:  # swept or erased meanwhile
        forget.remove_files(photo_id)
    else:
        runtime().storage.delete(original_key(photo_id))


def _state_of(photo_id: uuid.UUID) -> str | None:
    """The state now, read in a transaction of its own: none stays open while a picture is decoded."""
    with transaction() as session:
        return session.scalar(select(Photo.state).where(Photo.id == photo_id))


def _outcome(data: bytes) -> Developed | RejectionCode:
    try:
        return shared().develop(data)
    except RejectedError as rejected:
        return rejected.code


def _decide(photo_id: uuid.UUID, outcome: Developed | RejectionCode, *, now: datetime) -> None:
    """Write the outcome; only the first of several runs has an effect."""
    if isinstance(outcome, Developed):
        values: dict[str, object] = {
            "state": PhotoState.READY.value,
            "width": outcome.width,
            "height": outcome.height,
            "variants": {
                v.name: {"width": v.width, "height": v.height, "bytes": len(v.data)} for v in outcome.variants
            },
        }
    else:
        values = {"state": PhotoState.REJECTED.value, "rejection": outcome.value}
        log.info("photo_rejected", photo_id=str(photo_id), code=outcome.value)
    with transaction() as session:
        session.execute(
            update(Photo)
            .where(Photo.id == photo_id, Photo.state == PhotoState.PENDING.value)
            .values(**values, judged_at=now)
            .execution_options(synchronize_session=False)
        )
