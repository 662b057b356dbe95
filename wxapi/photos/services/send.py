"""Upload a photo, and look at one."""

import hashlib
import uuid
from datetime import datetime

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import (
    InvalidError,
    TooLargeError,
    TooManyRequestsError,
    UnsupportedMediaError,
    not_found,
)
from wxapi.kernel.ids import new_id
from wxapi.photos.models import Photo, original_key
from wxapi.photos.queries import photos
from wxapi.photos.rules.decoding.signatures import HEAD_BYTES, Kind, sniff
from wxapi.photos.rules.photos import (
    MAX_BYTES,
    MAX_UNUSED,
    REJECTION_DETAILS,
    PhotoState,
    RejectionCode,
)
from wxapi.platform import outbox
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime


def upload(actor: Actor, data: bytes, *, sha256: str | None, now: datetime) -> Photo:
    """Store a file as it came, and have it developed. It is judged by its first bytes only; a worker does the rest.

    Raises:
        TooLargeError: more than 20 MiB.
        UnsupportedMediaError: not a picture of any kind.
        InvalidError: `checksum_mismatch`.
        TooManyRequestsError: too many photos uploaded and not used.
    """
    if len(data) > MAX_BYTES:
        raise TooLargeError("photo_too_large", "照片不能超过 20 MB,请压缩后再上传。")
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None and sha256.lower() != digest:
        raise InvalidError("checksum_mismatch", "照片在传输中损坏(校验值不符),请重新上传。")
    if data and sniff(data[:HEAD_BYTES]) is Kind.UNKNOWN:
        code = RejectionCode.UNSUPPORTED_FORMAT
        raise UnsupportedMediaError(code.value, REJECTION_DETAILS[code])
    with transaction() as session:
        if photos.count_unused(session, actor.user_id) >= MAX_UNUSED:
            raise TooManyRequestsError(
                "too_many_unused_photos", "您上传了太多未使用的照片,请稍后再试。", retry_after=3600
            )
        photo = Photo(
            id=new_id(),
            owner_id=actor.user_id,
            sha256=digest,
            bytes=len(data),
            state=PhotoState.PENDING.value,
            created_at=now,
        )
        session.add(photo)
        outbox.record(session, "photo.uploaded", photo_id=str(photo.id))
        session.flush()
        # Before the commit: a row never names a file that is not there.
        runtime().storage.put(original_key(photo.id), data)
        return photo


def read(actor: Actor, photo_id: uuid.UUID) -> Photo:
    """A photo of one's own, or of something one may see; otherwise it is not there."""
    photo = photos.find_visible(db.session(), photo_id, actor)
    if photo is None:
        raise not_found()
    return photo
