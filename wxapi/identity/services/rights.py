"""What a person may do, asked again inside the transaction that writes.

Every writing transaction of a request takes the person's row FOR SHARE and compares `rights_version`. Whatever changes
rights raises the version under the row's own lock, so it waits for what is being written and stops what comes after.
"""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wxapi.identity.models import User
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.platform.db import fetch, write_later
from wxapi.platform.runtime import runtime

# Part of every write: for the driver as it is. The row's key is not touched, so rows that refer to it go in meanwhile.
_SEEN = "SELECT rights_version FROM users WHERE id = %(id)s FOR SHARE"
_SAME = "SELECT 1 FROM users WHERE id = %(id)s AND rights_version = %(version)s FOR SHARE"


def confirm(session: Session, actor: Actor | None, locking: Collection[Any], *, later: bool) -> bool:
    """Whether a request's Actor still says what is true; locks the rows of `locking` against every other change.

    An appointment that begins or lapses at midnight counts as a change, too. `later`: the version is asked for in the
    one statement of the unit, which then says so.
    """
    if actor is None or actor.rights_version is None:
        _lock(session, locking)
        return True
    if later:
        write_later(session, _SAME, {"id": actor.user_id, "version": actor.rights_version}, rows=1)
        return actor.day == local_day(runtime().clock.now())
    if locking:
        found = _lock(session, {*locking, actor.user_id}).get(actor.user_id)
    else:
        rows = fetch(session, _SEEN, {"id": actor.user_id})
        found = rows[0][0] if rows else None
    return found == actor.rights_version and actor.day == local_day(runtime().clock.now())


def change_rights(session: Session, user_ids: Collection[uuid.UUID]) -> None:
    """Note that what these people may do has changed; requests under way are judged again. Lock them first."""
    session.execute(
        update(User)
        .where(User.id.in_(user_ids))
        .values(rights_version=User.rights_version + 1)
        .execution_options(synchronize_session=False)
    )


def _lock(session: Session, user_ids: Collection[Any]) -> dict[uuid.UUID, int]:
    """Lock the rows in the order of the ids; returns the versions."""
    if not user_ids:
        return {}
    rows = session.execute(
        select(User.id, User.rights_version)
        .where(User.id.in_(list(user_ids)))
        .order_by(User.id)
        .with_for_update(key_share=True)
    )
    return {row.id: row.rights_version for row in rows}
