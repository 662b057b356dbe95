"""The inbox as its person reads it."""

import uuid
from datetime import datetime

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
from wxapi.kernel.paging import Page
from wxapi.notifications.models import Message
from wxapi.notifications.queries import messages
from wxapi.platform.db import db, transaction


def read_inbox(actor: Actor, *, unread: bool, limit: int, cursor: str | None, now: datetime) -> Page[Message]:
    """The person's inbox, newest first."""
    return messages.inbox_page(db.session(), actor.user_id, unread=unread, limit=limit, cursor=cursor, now=now)


def mark_read(actor: Actor, message_id: uuid.UUID, *, now: datetime) -> Message:
    """Note that the person has read a message; the first time counts. Returns the message.

    Raises:
        NotFoundError: no such message of this person.
    """
    with transaction() as session:
        row = messages.find_shown(session, actor.user_id, message_id, now=now)
        if row is None:
            raise not_found()
        row.read_at = row.read_at or now
        return row
