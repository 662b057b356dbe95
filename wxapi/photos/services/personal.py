"""What photos hold about a person, for `GET /me/data` and `DELETE /me`."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from wxapi.identity.services.personal_data import PersonalData
from wxapi.kernel.clock import to_wire
from wxapi.photos.models import Photo
from wxapi.photos.queries.photos import photos_of
from wxapi.photos.rules.photos import REJECTION_DETAILS, RejectionCode
from wxapi.photos.services.addresses import variants_of
from wxapi.photos.services.forget import forget_owner


def _read(session: Session, user_id: uuid.UUID) -> list[dict[str, Any]]:
    return [_held(photo) for photo in photos_of(session, user_id)]


def _held(photo: Photo) -> dict[str, Any]:
    code = photo.rejection
    return {
        "id": str(photo.id),
        "sha256": photo.sha256,
        "bytes": photo.bytes,
        "state": photo.state,
        "rejection": {"code": code, "detail": REJECTION_DETAILS[RejectionCode(code)]} if code else None,
        "width": photo.width,
        "height": photo.height,
        "variants": variants_of(photo.id, photo.variants),
        "uploaded_at": to_wire(photo.created_at),
        "used_by": photo.used_by_kind,
    }


def _erase(session: Session, user_id: uuid.UUID, _now: datetime) -> None:
    forget_owner(session, user_id)


personal_data = PersonalData("photos", "pictures for reports", _read, _erase)
