"""Where clients load the pictures of a photo: signed addresses that expire."""

from typing import Any

from wxapi.photos.models import PhotoFacts, variant_key
from wxapi.platform.runtime import runtime


def variants_of(photo: PhotoFacts) -> dict[str, dict[str, Any]]:
    """Name → `{"url", "width", "height", "bytes"}`; empty until the photo is ready."""
    storage = runtime().storage
    return {
        name: {"url": storage.signed_url(variant_key(photo.id, name)), **facts}
        for name, facts in (photo.variants or {}).items()
    }
