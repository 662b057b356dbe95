"""A message as JSON; its schema in `schemas.py` documents and tests it."""

from typing import Any

from wxapi.kernel.clock import to_wire
from wxapi.notifications.models import Message


def message_dict(row: Message) -> dict[str, Any]:
    """`<message>` of the inbox. A delayed one counts from when it could be seen."""
    kind, _, subject_id = row.subject.partition(":")
    return {
        "id": str(row.id),
        "kind": row.kind,
        "title": row.title,
        "body": row.body,
        "subject": {"type": kind, "id": subject_id},
        "created_at": to_wire(row.visible_at),
        "read_at": to_wire(row.read_at) if row.read_at else None,
    }
