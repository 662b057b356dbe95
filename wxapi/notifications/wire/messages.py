"""Messages and templates as JSON; their schemas in `schemas.py` document and test it."""

from typing import Any

from wxapi.kernel.clock import to_wire, to_wire_or_none
from wxapi.notifications.models import Message, Template


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
        "read_at": to_wire_or_none(row.read_at),
    }


def template_dict(row: Template, granted: int) -> dict[str, Any]:
    """`<template>`, with how many messages the person has agreed to and not had yet."""
    return {"kind": row.kind, "template_id": row.template_id, "long_term": row.long_term, "granted": granted}
