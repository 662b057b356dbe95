"""What an action carries, checked against its row and the calendar: pure."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import InvalidError
from wxapi.reports.rules.workflow import Transition

MAX_HOLD_DAYS = 30
MAX_PHOTOS = 9
# Beside what its row names, an action may always carry a note.
_ALWAYS = frozenset({"note"})


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """One action as a person asks for it: each field of the right form, none checked against the case yet."""

    action: str
    version: int
    note: str | None = None
    reason_code: str | None = None
    desk_code: str | None = None
    review_on: date | None = None
    days: int | None = None
    rating: int | None = None
    photo_ids: Sequence[uuid.UUID] = ()
    into: uuid.UUID | None = None


def check(request: ActionRequest, row: Transition, *, now: datetime) -> None:
    """Find what is missing, what does not belong there, and a review date out of bounds.

    Raises:
        InvalidError: `validation_failed`, naming the fields.
    """
    given = {name for name in _FIELDS if getattr(request, name)}
    errors = {name: ["必填。"] for name in row.needs if name not in given}
    errors |= {name: ["该操作不接受此项。"] for name in given - _ALWAYS - {*row.needs, *row.takes}}
    if request.review_on and not _in_hold_bounds(request.review_on, now):
        errors["review_on"] = [f"须为明天起{MAX_HOLD_DAYS}天之内的日期。"]
    if errors:
        raise InvalidError("validation_failed", "提交的内容有误,请检查后再试。", fields=errors)


_FIELDS = ("note", "reason_code", "desk_code", "review_on", "days", "rating", "photo_ids", "into")


def _in_hold_bounds(review_on: date, now: datetime) -> bool:
    today = local_day(now)
    return today < review_on <= today + timedelta(days=MAX_HOLD_DAYS)
