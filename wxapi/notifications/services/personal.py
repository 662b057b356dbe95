"""What notifications hold about a person, for `GET /me/data` and `DELETE /me`."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from wxapi.identity.services.personal_data import PersonalData
from wxapi.kernel.clock import local_day, to_wire, to_wire_or_none
from wxapi.notifications.models import Grant, Message
from wxapi.notifications.queries.registered import may_be_read
from wxapi.platform.runtime import runtime


def _read(session: Session, user_id: uuid.UUID) -> dict[str, Any]:
    readable = may_be_read(local_day(runtime().clock.now()))
    messages = session.scalars(select(Message).where(Message.user_id == user_id, readable).order_by(Message.visible_at))
    grants = session.scalars(select(Grant).where(Grant.user_id == user_id).order_by(Grant.answered_at))
    return {
        "messages": [_message(row) for row in messages],
        "answers": [
            {"template_id": row.template_id, "accepted": row.accepted, "at": to_wire(row.answered_at)} for row in grants
        ],
    }


def _message(row: Message) -> dict[str, Any]:
    """Under the names the inbox uses."""
    subject_type, _, subject_id = row.subject.partition(":")
    return {
        "id": str(row.id),
        "kind": row.kind,
        "title": row.title,
        "body": row.body,
        "subject": {"type": subject_type, "id": subject_id},
        "created_at": to_wire(row.visible_at),
        "read_at": to_wire_or_none(row.read_at),
    }


def _erase(session: Session, user_id: uuid.UUID, _now: datetime) -> None:
    session.execute(delete(Message).where(Message.user_id == user_id))
    session.execute(delete(Grant).where(Grant.user_id == user_id))


personal_data = PersonalData("notifications", "the inbox, and which messages the person agreed to", _read, _erase)
