"""What photos hold about a person, for `GET /me/data` and `DELETE /me`."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from wxapi.identity.services.personal_data import PersonalData
from wxapi.kernel.clock import to_wire
from wxapi.photos.queries import photos_of
from wxapi.photos.service import forget_owner
from wxapi.photos.wire import photo_dict


def _read(session: Session, user_id: uuid.UUID) -> list[dict[str, Any]]:
    return [
        {**photo_dict(photo), "uploaded_at": to_wire(photo.created_at), "used_by": photo.used_by_kind}
        for photo in photos_of(session, user_id)
    ]


def _erase(session: Session, user_id: uuid.UUID, _now: datetime) -> None:
    forget_owner(session, user_id)


personal_data = PersonalData("photos", "pictures for reports", _read, _erase)
