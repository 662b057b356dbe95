"""Develop a photo: decode it, store its variants or why it is refused, delete the original."""

import uuid
from datetime import datetime

import structlog
from sqlalchemy import select, update

from wxapi.photos.models import Photo, original_key, variant_key
from wxapi.photos.rules.decoding import jpeg_markers
from wxapi.photos.rules.photos import (
    VARIANT_NAMES,
    Developed,
    PhotoState,
    RejectedError,
    RejectionCode,
    Variant,
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
        try:
            outcome = _outcome(runtime().storage.get(original_key(photo_id)))
        except FileNotFoundError:
            outcome = _of_an_earlier_run(photo_id)
        else:
            _store(photo_id, outcome)
        decide(photo_id, outcome, now=now)
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


def _store(photo_id: uuid.UUID, outcome: Developed | RejectionCode) -> None:
    if isinstance(outcome, Developed):
        for variant in outcome.variants:
            runtime().storage.put(variant_key(photo_id, variant.name), variant.data)


def _of_an_earlier_run(photo_id: uuid.UUID) -> Developed:
    """The variants of a run whose decision is not known here: the database was put back to a time before it.

    The original went with that decision, and its size with the original: the large picture's stands for it.

    Raises:
        FileNotFoundError: not all of them are stored.
    """
    variants = []
    for name in VARIANT_NAMES:
        data = runtime().storage.get(variant_key(photo_id, name))
        facts = jpeg_markers.walk(data, max_scans=1)
        variants.append(Variant(name, facts.width, facts.height, data))
    log.info("photo_finished_by_its_variants", photo_id=str(photo_id))
    return Developed(variants[0].width, variants[0].height, tuple(variants))


def decide(photo_id: uuid.UUID, outcome: Developed | RejectionCode, *, now: datetime) -> None:
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
