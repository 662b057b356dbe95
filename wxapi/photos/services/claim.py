"""Take photos for the one thing that they belong to."""

import uuid
from collections.abc import Sequence

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select, update
from sqlalchemy.orm import Session

from wxapi.kernel.errors import (
    InvalidError,
)
from wxapi.photos.models import Photo
from wxapi.photos.queries import photos
from wxapi.photos.rules.photos import (
    PhotoState,
)

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
        raise _refusal(_why_not(photos.photos_by_ids(session, missing).get(missing[0]), owner_id))
    return [by_id[photo_id] for photo_id in photo_ids]


def _why_not(photo: Photo | None, owner_id: uuid.UUID) -> str:
    """Which rule keeps a photo from being taken. Another person's photo and none at all are not told apart."""
    if photo is None or photo.owner_id != owner_id:
        return "photo_not_yours"
    return "photo_used" if photo.used_by_id is not None else "photo_rejected"


_REFUSALS = {
    "photo_not_yours": "所选照片不存在或不属于您，请重新上传。",
    "photo_used": "所选照片已经使用过，请重新拍摄上传。",
    "photo_rejected": "所选照片未通过检查，请更换照片。",
}


def _refusal(code: str) -> InvalidError:
    return InvalidError(code, _REFUSALS[code], fields={"photo_ids": [_REFUSALS[code]]})
