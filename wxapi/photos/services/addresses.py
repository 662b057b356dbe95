"""Where clients load the pictures of a photo: signed addresses that expire."""

import uuid
from typing import Any

from wxapi.photos.models import variant_key
from wxapi.platform.runtime import runtime
from wxapi.platform.storage import Signer


def variants_of(
    photo_id: uuid.UUID | str, variants: dict[str, Any] | None, sign: Signer | None = None
) -> dict[str, dict[str, Any]]:
    """Name → `{"url", "width", "height", "bytes"}`; empty until the photo is ready.

    Args:
        photo_id: the photo.
        variants: its own.
        sign: the store's, where an answer has many photos.
    """
    if not variants:
        return {}
    sign = sign or runtime().storage.signer()
    return {name: {"url": sign(variant_key(photo_id, name)), **facts} for name, facts in variants.items()}
