"""An action on a report as a form sends it: kept as it was typed, and as the service takes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import request

from wxapi.reports.rules import workflow
from wxapi.reports.rules.action_input import ActionRequest
from wxapi.reports.wire.schemas import ActionBody, request_of
from wxapi.web.kit import forms

_FIELDS = ("note", "reason_code", "desk_code", "review_on", "days", "rating")
_NUMBERS = frozenset({"days", "rating", "version"})


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into the panel and refused: it is shown again."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    photo_ids: Sequence[str] = ()
    seen_lines: int | None = None


def typed(photo_ids: Sequence[str]) -> Typed:
    """What the form that was sent holds, as it was typed."""
    seen = request.form.get("lines", "")
    lines = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 6 else None
    return Typed(request.form.get("action", ""), forms.filled(*_FIELDS), photo_ids, lines)


def requested(filled: Typed) -> ActionRequest:
    """The action as the service takes it. Fields that another action would need are left out.

    Raises:
        InvalidError: `validation_failed`, in the words of the API.
    """
    allowed = {"note"}.union(*(row.needs + row.takes for row in workflow.rows_of(filled.action)))
    values: dict[str, object] = {name: text for name, text in filled.fields.items() if name in allowed}
    values |= {"action": filled.action, "version": request.form.get("version", ""), "photo_ids": list(filled.photo_ids)}
    return request_of(forms.load(ActionBody, {name: _number(name, value) for name, value in values.items()}))


def _number(name: str, value: object) -> object:
    """JSON has numbers where a form has their digits."""
    if name in _NUMBERS and isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return value
