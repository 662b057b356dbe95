"""What a city's list calls people: shown to those who appoint, never to citizens."""

import uuid
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity.models import RosterEntry
from wxapi.platform.runtime import runtime

PURPOSE = "roster"


def known_as(session: Session, user_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[str, str]]:
    """User id → name and post, of those whom a list named."""
    cipher = runtime().cipher
    rows = session.scalars(select(RosterEntry).where(RosterEntry.user_id.in_(user_ids)).order_by(RosterEntry.id))
    return {
        row.user_id: (cipher.open(row.name_sealed, purpose=PURPOSE), cipher.open(row.post_sealed, purpose=PURPOSE))
        for row in rows
        if row.user_id is not None
    }
