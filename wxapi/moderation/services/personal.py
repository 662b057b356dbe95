"""What moderation holds about a person, for `GET /me/data` and `DELETE /me`."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wxapi.identity.services.personal_data import PersonalData
from wxapi.kernel.clock import to_wire
from wxapi.moderation.models import Check


def _read(session: Session, user_id: uuid.UUID) -> list[dict[str, Any]]:
    checks = session.scalars(select(Check).where(Check.author_id == user_id).order_by(Check.created_at, Check.id))
    return [{"kind": check.kind, "state": check.state, "at": to_wire(check.created_at)} for check in checks]


def _erase(session: Session, user_id: uuid.UUID, _now: datetime) -> None:
    session.execute(
        update(Check)
        .where(Check.author_id == user_id)
        .values(author_id=None)
        .execution_options(synchronize_session=False)
    )


personal_data = PersonalData(
    "moderation", "what was checked of a person, so that only what passed is shown to others", _read, _erase
)
