"""The officers' queue and the original words as JSON."""

from typing import Any

from wxapi.kernel.clock import to_wire, to_wire_or_none
from wxapi.photos.wire.photos import photo_dict
from wxapi.reports.services.moderate import QueueEntry
from wxapi.reports.services.originals import TypedWords


def queue_item(entry: QueueEntry) -> dict[str, Any]:
    """A check as the officer sees it."""
    return {
        "id": str(entry.id),
        "kind": entry.kind,
        "state": entry.state,
        "label": entry.label,
        "errcode": entry.errcode,
        "report": {"id": str(entry.report_id), "number": entry.report_number},
        "text": entry.text,
        "photo": photo_dict(entry.photo, None) if entry.photo else None,
        "created_at": to_wire(entry.created_at),
        "decided_at": to_wire_or_none(entry.decided_at),
    }


def words_dict(words: TypedWords) -> dict[str, Any]:
    """What was typed, personal data included."""
    return {
        "description": words.description,
        "address": words.address,
        "notes": [{"at": to_wire(note.at), "role": note.role, "note": note.text} for note in words.notes],
    }
