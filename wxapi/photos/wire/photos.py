"""A photo as clients see it; other features embed it."""

import uuid
from typing import Any

from wxapi.photos.models import PhotoFacts
from wxapi.photos.rules.photos import REJECTION_DETAILS, RejectionCode
from wxapi.photos.services.addresses import variants_of
from wxapi.platform.storage import Signer


def photo_dict(photo: PhotoFacts, reader_id: uuid.UUID | None, sign: Signer | None = None) -> dict[str, Any]:
    """`<photo>` of the contract. `variants` is empty until the photo is ready; its URLs are signed and expire.

    What tells one original from another is its owner's alone: the same file sent with two reports would tell that one
    person sent both, and whoever has a file could prove who did.

    Args:
        photo: what is shown of it.
        reader_id: who is told.
        sign: the store's, where an answer has many photos.
    """
    photo_id = str(photo.id)
    is_owner = reader_id is not None and photo.owner_id == reader_id
    return {
        "id": photo_id,
        "sha256": photo.sha256 if is_owner else None,
        "bytes": photo.bytes if is_owner else None,
        "state": photo.state,
        "rejection": _rejection(photo),
        "width": photo.width,
        "height": photo.height,
        "variants": variants_of(photo_id, photo.variants, sign),
    }


def _rejection(photo: PhotoFacts) -> dict[str, str] | None:
    if photo.rejection is None:
        return None
    return {"code": photo.rejection, "detail": REJECTION_DETAILS[RejectionCode(photo.rejection)]}
