"""Take photos for the one thing that they belong to."""

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from wxapi.kernel.errors import InvalidError
from wxapi.photos.models import PLAIN_COLUMNS, Photo, PlainPhoto
from wxapi.photos.queries import photos
from wxapi.platform.db import fetch, fetch_alone, is_at_once, write_later

# Every report claims its photos: for the driver as they are. Of the kind, which is there as the id is: asked for those
# without an id, PostgreSQL goes through all photos that nobody has used yet, by their own index, for each claim.
_FREE = """
SELECT id FROM photos
WHERE id = ANY(%(ids)s) AND owner_id = %(owner)s AND used_by_kind IS NULL AND state <> 'rejected'
"""
_LOOK = f"SELECT {PLAIN_COLUMNS} FROM photos WHERE id IN ({_FREE})"  # noqa: S608 - of the two above
# In the order of the ids, the same for everybody: two claims wait, they do not deadlock.
_TAKE = f"""
UPDATE photos SET used_by_kind = %(kind)s, used_by_id = %(subject_id)s
WHERE id IN ({_FREE} ORDER BY id FOR UPDATE)
RETURNING {PLAIN_COLUMNS}
"""  # noqa: S608 - of the two above


def claim(
    session: Session, owner_id: uuid.UUID, photo_ids: Sequence[uuid.UUID], *, kind: str, subject_id: uuid.UUID
) -> list[PlainPhoto[uuid.UUID]]:
    """Take photos for one thing, in the caller's transaction; returned in the order given.

    Raises:
        InvalidError: photo_not_yours, photo_used (also when named twice), photo_rejected.
    """
    if len(set(photo_ids)) < len(photo_ids):
        raise _refusal("photo_used")
    if not photo_ids:
        return []
    wanted = {"ids": list(photo_ids), "owner": owner_id, "kind": kind, "subject_id": subject_id}
    if is_at_once(session):
        rows = fetch_alone(_LOOK, {"ids": wanted["ids"], "owner": owner_id})
        write_later(session, _TAKE, wanted, rows=len(photo_ids))
    else:
        rows = fetch(session, _TAKE, wanted)
    by_id = {row[0]: PlainPhoto._make(row) for row in rows}
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
