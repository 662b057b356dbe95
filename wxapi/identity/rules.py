"""Decisions about people: kinds, masks, how long a token lives. Pure."""

from datetime import timedelta
from enum import StrEnum

TOKEN_IDLE = timedelta(days=30)
# `last_used_at` is written at most this often, so that reading costs no write.
TOUCH_AFTER = timedelta(hours=1)
# A login code repeated within this time gets the first answer again.
LOGIN_REPEAT_S = 60
NICKNAME_MAX = 30


class Kind(StrEnum):
    """What a reporter says of himself; it gives no rights."""

    COURIER = "courier"
    RIDER = "rider"
    PARTY_MEMBER = "party_member"
    VOLUNTEER = "volunteer"
    GRID_WORKER = "grid_worker"
    RESIDENT = "resident"


def mask_phone(phone: str) -> str:
    """`138****1234`: enough to recognise one's own number."""
    if len(phone) < 7:
        return "*" * len(phone)
    return f"{phone[:3]}{'*' * (len(phone) - 7)}{phone[-4:]}"
