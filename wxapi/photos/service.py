"""What happens to a photo: it is uploaded, developed or rejected, used, and forgotten when nobody uses it."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from sqlalchemy import ARRAY, Uuid, any_, bindparam, delete, select, update
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import (
    InvalidError,
    TooLargeError,
    TooManyRequestsError,
    UnsupportedMediaError,
    not_found,
)
from wxapi.kernel.ids import new_id
from wxapi.photos import queries
from wxapi.photos.models import Photo, original_key, variant_key
from wxapi.photos.rules import (
    MAX_BYTES,
    MAX_UNUSED,
    REJECTION_DETAILS,
    UNUSED_AFTER,
    VARIANT_NAMES,
    Developed,
    PhotoState,
    RejectedError,
    RejectionCode,
)
from wxapi.photos.sandbox import shared
from wxapi.photos.signatures import HEAD_BYTES, Kind, sniff
from wxapi.platform import outbox
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime

SWEEP_BATCH = 500
log = structlog.get_logger(__name__)


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
        if queries.count_unused(session, actor.user_id) >= MAX_UNUSED:
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
    photo = queries.find_visible(db.session(), photo_id, actor)
    if photo is None:
        raise not_found()
    return photo


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
        remove_files(photo_id)
    else:
        runtime().storage.delete(original_key(photo_id))


# Built once: every report claims its photos.
_FREE = (
    select(Photo.id)
    .where(
        Photo.id == any_(bindparam("ids", type_=ARRAY(Uuid))),
        Photo.owner_id == bindparam("owner"),
        Photo.used_by_id.is_(None),
        Photo.state != PhotoState.REJECTED.value,
    )
    .order_by(Photo.id)  # the same order for everybody: two claims wait, they do not deadlock
    .with_for_update()
)
_CLAIM = (
    update(Photo)
    .where(Photo.id.in_(_FREE))
    .values(used_by_kind=bindparam("kind"), used_by_id=bindparam("subject_id"))
    .returning(Photo)
    .execution_options(synchronize_session=False, populate_existing=True)
)


def claim(
    session: Session, owner_id: uuid.UUID, photo_ids: Sequence[uuid.UUID], *, kind: str, subject_id: uuid.UUID
) -> list[Photo]:
    """Take photos for one thing, in the caller's transaction; returned in the order given.

    Raises:
        InvalidError: photo_not_yours, photo_used (also when named twice), photo_rejected.
    """
    if len(set(photo_ids)) < len(photo_ids):
        raise _refusal("photo_used")
    if not photo_ids:
        return []
    wanted = {"ids": list(photo_ids), "owner": owner_id, "kind": kind, "subject_id": subject_id}
    taken = session.scalars(_CLAIM, wanted).all()
    by_id = {photo.id: photo for photo in taken}
    missing = [photo_id for photo_id in photo_ids if photo_id not in by_id]
    if missing:
        raise _refusal(_why_not(queries.photos_by_ids(session, missing).get(missing[0]), owner_id))
    return [by_id[photo_id] for photo_id in photo_ids]


def sweep_unused(*, now: datetime) -> int:
    """Forget photos that nothing used for 48 hours, at most `SWEEP_BATCH` a call; returns how many."""
    with transaction() as session:
        old = (
            select(Photo.id)
            .where(Photo.used_by_id.is_(None), Photo.created_at < now - UNUSED_AFTER)
            .limit(SWEEP_BATCH)
            .with_for_update(skip_locked=True)
        )
        return drop(session, session.scalars(old).all())


def forget_owner(session: Session, owner_id: uuid.UUID) -> int:
    """Erase a person from the photos: unused ones go, used ones stay without them. Returns how many went."""
    unused = select(Photo.id).where(Photo.owner_id == owner_id, Photo.used_by_id.is_(None)).with_for_update()
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


def _why_not(photo: Photo | None, owner_id: uuid.UUID) -> str:
    """Which rule keeps a photo from being taken. Another person's photo and none at all are not told apart."""
    if photo is None or photo.owner_id != owner_id:
        return "photo_not_yours"
    return "photo_used" if photo.used_by_id is not None else "photo_rejected"


_REFUSALS = {
    "photo_not_yours": "所选照片不存在或不属于您,请重新上传。",
    "photo_used": "所选照片已经使用过,请重新拍摄上传。",
    "photo_rejected": "所选照片未通过检查,请更换照片。",
}


def _refusal(code: str) -> InvalidError:
    return InvalidError(code, _REFUSALS[code], fields={"photo_ids": [_REFUSALS[code]]})
