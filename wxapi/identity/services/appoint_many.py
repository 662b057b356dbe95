"""Appointing many people at once, known by openid before they ever logged in: a city's list, or the demo's people."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow, User
from wxapi.identity.services.rights import change_rights
from wxapi.kernel.clock import local_day
from wxapi.kernel.ids import new_id
from wxapi.kernel.permissions import Role
from wxapi.platform import audit
from wxapi.platform.runtime import runtime

_ROWS_AT_ONCE = 1000


def register_openids(session: Session, openids: Sequence[str], *, now: datetime) -> dict[str, uuid.UUID]:
    """Make the people who are not there yet; returns openid → user id. In the caller's transaction."""
    cipher = runtime().cipher
    digests = {digest: openid for openid in openids for digest in cipher.digests(openid, purpose="user.openid")}
    there = _known(session, digests)
    rows = [
        {
            "id": new_id(),
            "openid_digest": cipher.digest(openid, purpose="user.openid"),
            "openid_sealed": cipher.seal(openid, purpose="user.openid"),
            "created_at": now,
        }
        for openid in dict.fromkeys(openids)
        if openid not in there
    ]
    rows.sort(key=itemgetter("openid_digest"))  # two lists that name the same people do not wait in a circle
    statement = insert(User).on_conflict_do_nothing(index_elements=["openid_digest"])
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        session.execute(statement, rows[start : start + _ROWS_AT_ONCE])
    return _known(session, digests)


def _known(session: Session, digests: Mapping[bytes, str]) -> dict[str, uuid.UUID]:
    found = session.execute(select(User.openid_digest, User.id).where(User.openid_digest.in_(list(digests))))
    return {digests[row.openid_digest]: row.id for row in found}


def appoint_openids(session: Session, wanted: Iterable[tuple[str, Role, str]], *, now: datetime) -> int:
    """Appoint people from today on, in the caller's transaction.

    Args:
        session: of the open transaction.
        wanted: (openid, role, region code), each once; the regions must be there.
        now: the time of the appointment.

    Returns:
        how many appointments were written.
    """
    wanted = list(wanted)
    user_ids = register_openids(session, [openid for openid, _, _ in wanted], now=now)
    rows = [
        {
            "id": new_id(),
            "user_id": user_ids[openid],
            "role": role.value,
            "region_code": region_code,
            "starts_on": local_day(now),
        }
        for openid, role, region_code in wanted
    ]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        session.execute(insert(AppointmentRow), rows[start : start + _ROWS_AT_ONCE])
    change_rights(session, set(user_ids.values()))
    for openid, role, region_code in wanted:
        subject = f"user:{user_ids[openid]}"
        audit.record(session, None, "appointment.add", subject=subject, at=now, role=role.value, region=region_code)
    return len(rows)
