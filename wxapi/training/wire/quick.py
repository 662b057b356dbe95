"""Reading a well-formed sign-in in one look.

A hall signs in within a minute, and marshmallow takes as long for the body as the database for the row. What is not
plainly right is not judged here: the schema then says what is wrong with it. A property test holds the two together.
"""

import re
from datetime import datetime
from typing import Any

from wxapi.training.rules.codes import MAX_CODE_LENGTH
from wxapi.training.rules.geofence import fix_of

MAX_DEVICE_ID = 128
_BODY = frozenset({"code", "ticket", "client_time", "location", "device_id"})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def quick_sign_in(data: Any) -> dict[str, Any] | None:
    """The loaded body, as `SignInBody` would give it; None when the schema should look."""
    if type(data) is not dict or not data.keys() <= _BODY:
        return None
    code, ticket, device_id = data.get("code"), data.get("ticket"), data.get("device_id")
    if (code is None) == (ticket is None) or not _is_text(ticket if code is None else code, MAX_CODE_LENGTH):
        return None
    if device_id is not None and not _is_text(device_id, MAX_DEVICE_ID):
        return None
    client_time = data.get("client_time")
    at = None if client_time is None else _time(client_time)
    if (at is None) != (client_time is None):
        return None
    fix = fix_of(data.get("location"))
    return {"code": code, "ticket": ticket, "client_time": at, "location": fix, "device_id": device_id}


def _is_text(value: Any, longest: int) -> bool:
    return type(value) is str and 0 < len(value) <= longest and value.isprintable()


def _time(value: Any) -> datetime | None:
    if type(value) is not str or not _TIME.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None
