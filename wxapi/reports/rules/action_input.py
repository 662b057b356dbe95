"""What an action carries: defined here once, for the request, the table, the effects and the history. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from wxapi.kernel.action_inputs import InputForm, Needing, carried, check_given, refuse_if
from wxapi.kernel.city import city
from wxapi.kernel.clock import local_day

MAX_NOTE = 500
MAX_PHOTOS = 9
# Whatever a city allows: `hold_days` and `extension_days` of its workflow are no more.
LONGEST_DAYS = 366
# Beside what its row names, an action may always carry a note.
_ALWAYS = frozenset({"note"})


@dataclass(frozen=True, slots=True)
class ActionInput:
    """What comes with an action, each of the right form; which of it an action needs is in its row."""

    note: str | None = carried(InputForm.TEXT, most=MAX_NOTE, kept=False)
    reason_code: str | None = carried(InputForm.CODE)
    desk_code: str | None = carried(InputForm.REGION)
    review_on: date | None = carried(InputForm.DAY)  # noqa: RUF009
    days: int | None = carried(InputForm.NUMBER, most=LONGEST_DAYS)
    rating: int | None = carried(InputForm.NUMBER, most=5)
    photo_ids: Sequence[UUID] = carried(InputForm.PHOTOS, most=MAX_PHOTOS, kept=False)
    into: UUID | None = carried(InputForm.ID)  # noqa: RUF009


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """One action as a person asks for it, on the version they saw; nothing checked against the case yet."""

    action: str
    version: int
    given: ActionInput = field(default_factory=ActionInput)


def check(given: ActionInput, row: Needing, *, now: datetime) -> None:
    """Find what is missing, what does not belong there, and days beyond what the city allows.

    Raises:
        InvalidError: `validation_failed`, naming the inputs.
    """
    errors = check_given(given, row, always=_ALWAYS)
    allowed = city().workflow
    if given.review_on and not _is_within(given.review_on, allowed.hold_days, now):
        errors["review_on"] = [f"须为明天起{allowed.hold_days}天之内的日期。"]
    if given.days and given.days > allowed.extension_days:
        errors["days"] = [f"须为1至{allowed.extension_days}天。"]
    refuse_if(errors)


def _is_within(review_on: date, days: int, now: datetime) -> bool:
    today = local_day(now)
    return today < review_on <= today + timedelta(days=days)
