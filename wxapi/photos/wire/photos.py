"""A photo as clients see it; other features embed it."""

from typing import Any

from wxapi.photos.models import Photo, variant_key
from wxapi.photos.rules.photos import REJECTION_DETAILS, RejectionCode
from wxapi.photos.services.addresses import variants_of
from wxapi.platform.runtime import runtime


def photo_dict(photo: Photo) -> dict[str, Any]:
    """`<photo>` of the contract. `variants` is empty until the photo is ready; its URLs are signed and expire."""
    return {
        "id": str(photo.id),
        "sha256": photo.sha256,
        "bytes": photo.bytes,
        "state": photo.state,
        "rejection": _rejection(photo),
        "width": photo.width,
        "height": photo.height,
        "variants": variants_of(photo),
    }


def thumb_url(photo: Photo) -> str | None:
    """Signed address of the thumb; None until the photo is ready."""
    if not photo.variants:
        return None
    return runtime().storage.signed_url(variant_key(photo.id, "thumb"))


def _rejection(photo: Photo) -> dict[str, str] | None:
    if photo.rejection is None:
        return None
    return {"code": photo.rejection, "detail": REJECTION_DETAILS[RejectionCode(photo.rejection)]}
