"""Upload a photo, and look at one."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import (
    DomainError,
    InvalidError,
    TooLargeError,
    TooManyRequestsError,
    UnsupportedMediaError,
    not_found,
)
from wxapi.kernel.ids import new_id
from wxapi.photos.models import Photo, PlainPhoto, original_key
from wxapi.photos.queries import photos
from wxapi.photos.rules.decoding.signatures import HEAD_BYTES, PictureKind, sniff
from wxapi.photos.rules.photos import (
    MAX_BYTES,
    MAX_UNUSED,
    REJECTION_DETAILS,
    PhotoState,
    RejectionCode,
)
from wxapi.platform import outbox
from wxapi.platform.db import at_once, db, write_or_tell
from wxapi.platform.runtime import runtime


@dataclass(slots=True)
class Original:
    """A file in the store that may have no row yet; `sha256` in hex."""

    photo_id: uuid.UUID
    sha256: str
    bytes: int
    entered: bool = False


@contextmanager
def stored(data: bytes, *, sha256: str | None) -> Iterator[Original]:
    """Store a file as it came, outside any transaction; inside the block `enter` gives it its row.

    A row so never names a file that is not there, and no transaction waits for a disk. What no row was given goes
    again: at once after a refusal, by the daily sweep (`services.strays`) where it is not known what was committed.

    Raises:
        TooLargeError: more than 20 MiB.
        UnsupportedMediaError: not a picture of any kind.
        InvalidError: `checksum_mismatch`.
        UnavailableError: the store takes nothing.
    """
    original = Original(new_id(), _judged(data, sha256), len(data))
    runtime().storage.put(original_key(original.photo_id), data)
    try:
        yield original
    except DomainError:
        _let_go(original)
        raise
    _let_go(original)


# Asked of the kind, not of the id: see `claim`.
_UNUSED = "SELECT count(*) FROM photos WHERE owner_id = %(owner_id)s AND used_by_kind IS NULL"
# Nobody holds more unused ones than `most`.
_ENTER = f"""
INSERT INTO photos (id, owner_id, sha256, bytes, state, created_at)
SELECT %(id)s, %(owner_id)s, %(sha256)s, %(bytes)s, %(state)s, %(now)s
WHERE ({_UNUSED}) < %(most)s
RETURNING 1
"""


def enter(actor: Actor, original: Original, *, now: datetime) -> PlainPhoto[uuid.UUID]:
    """Give a stored file its row, and have it developed.

    Raises:
        TooManyRequestsError: too many photos uploaded and not used.
    """
    photo = PlainPhoto(original.photo_id, actor.user_id, original.sha256, original.bytes, PhotoState.PENDING.value)
    original.entered = False
    with at_once() as session:
        row = {**photo._asdict(), "now": now, "most": MAX_UNUSED}
        if not write_or_tell(session, _ENTER, row, rows=1):
            raise TooManyRequestsError(
                "too_many_unused_photos", "您上传了太多未使用的照片，请稍后再试。", retry_after=3600
            )
        outbox.record(session, "photo.uploaded", photo_id=str(photo.id))
        original.entered = True
    return photo


def upload(actor: Actor, data: bytes, *, sha256: str | None, now: datetime) -> PlainPhoto[uuid.UUID]:
    """`stored` and `enter` in one. A file is judged by its first bytes here; a worker does the rest."""
    with stored(data, sha256=sha256) as original:
        return enter(actor, original, now=now)


def _judged(data: bytes, sha256: str | None) -> str:
    """The digest of a file that may be stored."""
    if len(data) > MAX_BYTES:
        raise TooLargeError("photo_too_large", "照片不能超过 20 MB，请压缩后再上传。")
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None and sha256.lower() != digest:
        raise InvalidError("checksum_mismatch", "照片在传输中损坏（校验值不符），请重新上传。")
    if data and sniff(data[:HEAD_BYTES]) is PictureKind.UNKNOWN:
        code = RejectionCode.UNSUPPORTED_FORMAT
        raise UnsupportedMediaError(code.value, REJECTION_DETAILS[code])
    return digest


def _let_go(original: Original) -> None:
    if not original.entered:
        # The sweep takes what stays: the answer is the refusal's, not the store's.
        runtime().storage.try_to_delete(original_key(original.photo_id))


def read(actor: Actor, photo_id: uuid.UUID) -> Photo:
    """A photo of one's own, or of something one may see; otherwise it is not there."""
    photo = photos.find_visible(db.session(), photo_id, actor)
    if photo is None:
        raise not_found()
    return photo
