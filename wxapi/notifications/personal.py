"""What notifications hold about a person, for `GET /me/data` and `DELETE /me`."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from wxapi.identity.services.personal_data import PersonalData
from wxapi.kernel.clock import to_wire
from wxapi.notifications.models import Grant, Message
from wxapi.notifications.wire import message_dict


def _read(session: Session, user_id: uuid.UUID) -> dict[str, Any]:
    messages = session.scalars(select(Message).where(Message.user_id == user_id).order_by(Message.visible_at))
    grants = session.scalars(select(Grant).where(Grant.user_id == user_id).order_by(Grant.answered_at))
    return {
        "messages": [message_dict(row) for row in messages],
        "answers": [
            {"template_id": row.template_id, "accepted": row.accepted, "at": to_wire(row.answered_at)} for row in grants
        ],
    }


def _erase(session: Session, user_id: uuid.UUID, _now: datetime) -> None:
    session.execute(delete(Message).where(Message.user_id == user_id))
    session.execute(delete(Grant).where(Grant.user_id == user_id))


personal_data = PersonalData("notifications", "the inbox, and which messages the person agreed to", _read, _erase)
