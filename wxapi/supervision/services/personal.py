"""What supervision holds about a person: the exports they asked for."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity.services.personal_data import PersonalData
from wxapi.kernel.clock import to_wire
from wxapi.supervision.models import Export
from wxapi.supervision.services.exports import forget_person


def _read(session: Session, user_id: uuid.UUID) -> list[dict[str, Any]]:
    rows = session.scalars(select(Export).where(Export.user_id == user_id).order_by(Export.created_at))
    return [
        {"id": str(row.id), "kind": row.kind, "format": row.format, "state": row.state, "at": to_wire(row.created_at)}
        for row in rows
    ]


def _erase(session: Session, user_id: uuid.UUID, _now: datetime) -> None:
    forget_person(session, user_id)


personal_data = PersonalData("exports", "files an office asked for", _read, _erase)
