"""What fell out of the way of photos: rows whose job is lost, files whose row is. Every function may run twice."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from itertools import islice

import structlog
from sqlalchemy import Exists, Select, String, cast, exists, select, update
from sqlalchemy.orm import Session

from wxapi.photos.models import Photo, original_key, variant_key
from wxapi.photos.rules.photos import STRAY_AFTER, VARIANT_NAMES, WAITS_AT_MOST, PhotoState, RejectionCode
from wxapi.photos.services.develop import decide
from wxapi.platform import outbox, sweeps
from wxapi.platform.db import db, fetch, transaction
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime

log = structlog.get_logger(__name__)

BATCH = 500
# A city keeps millions of files: each look into the database is for many.
_FILES_A_LOOK = 5_000
_FOLDER = "photos"
_WITHOUT_A_ROW = """
SELECT id FROM unnest(CAST(%(ids)s AS uuid[])) AS file (id)
WHERE NOT EXISTS (SELECT FROM photos WHERE photos.id = file.id)
"""


def heal_pending(*, now: datetime) -> int:
    """Have photos developed whose job was lost or given up, oldest first; returns how many were looked at.

    One that has neither its original nor its variants after a day will never be developed: it is refused, so that its
    owner hears of it.
    """
    ids = list(db.session().scalars(_waiting(now)))
    db.session().rollback()  # the read is over; no transaction stays open between the photos
    sweeps.one_by_one("photos.heal_pending", ids, lambda photo_id: _heal(photo_id, now=now))
    return len(ids)


def sweep_files(*, now: datetime) -> int:
    """Delete files older than a day whose photo has no row, and empty folders; returns how many files.

    They are what an upload leaves that died before its commit, and a database that was put back. Their age is told by
    the machine's clock, not by the product's.
    """
    before = now - runtime().clock.ahead() - STRAY_AFTER
    gone = 0
    keys = runtime().storage.stored_before(_FOLDER, before)
    while batch := list(islice(keys, _FILES_A_LOOK)):
        gone += _delete_strays(batch)
    runtime().storage.remove_empty_folders(_FOLDER, before)
    return gone


def _waiting(now: datetime) -> Select[uuid.UUID]:
    waits = (Photo.state == PhotoState.PENDING.value, Photo.created_at < now - WAITS_AT_MOST, ~_has_a_job())
    return select(Photo.id).where(*waits).order_by(Photo.created_at).limit(BATCH)


def _has_a_job() -> Exists:
    return exists().where(
        OutboxRow.topic == "photo.uploaded",
        ~OutboxRow.dead,
        OutboxRow.payload["photo_id"].astext == cast(Photo.id, String),
    )


def _heal(photo_id: uuid.UUID, *, now: datetime) -> None:
    if _has_files(photo_id):
        with transaction() as session:
            if not _revived(session, photo_id):
                outbox.record(session, "photo.uploaded", photo_id=str(photo_id))
        return
    with transaction() as session:
        lost = session.scalar(select(Photo.id).where(Photo.id == photo_id, Photo.created_at < now - STRAY_AFTER))
    if lost is not None:
        decide(photo_id, RejectionCode.TRUNCATED, now=now)


def _has_files(photo_id: uuid.UUID) -> bool:
    storage = runtime().storage
    return storage.has(original_key(photo_id)) or all(
        storage.has(variant_key(photo_id, name)) for name in VARIANT_NAMES
    )


def _revived(session: Session, photo_id: uuid.UUID) -> bool:
    """Let a row that was given up begin again; whether there was one."""
    given_up = (
        update(OutboxRow)
        .where(
            OutboxRow.topic == "photo.uploaded",
            OutboxRow.dead,
            OutboxRow.payload["photo_id"].astext == str(photo_id),
        )
        .values(dead=False, attempts=0, due_at=outbox.product_now())
        .returning(OutboxRow.id)
        .execution_options(synchronize_session=False)
    )
    return bool(session.execute(given_up).all())


def _delete_strays(keys: Iterable[str]) -> int:
    by_key = {key: photo_id for key in keys if (photo_id := _photo_of(key)) is not None}
    with transaction() as session:
        gone = {photo_id for (photo_id,) in fetch(session, _WITHOUT_A_ROW, {"ids": list(set(by_key.values()))})}
    strays = [key for key, photo_id in by_key.items() if photo_id in gone]
    if strays:
        # A file that the store does not give up stops no other.
        swept = sweeps.together("photos.sweep_files", strays, lambda some: runtime().storage.delete(*some))
        swept.raise_if_not_the_rows()
        log.info("stray_files_deleted", files=swept.done)
        return swept.done
    return 0


def _photo_of(key: str) -> uuid.UUID | None:
    """The photo a key belongs to; None for a file that is none of ours."""
    try:
        return uuid.UUID(key.split("/")[1])
    except (IndexError, ValueError):
        return None
