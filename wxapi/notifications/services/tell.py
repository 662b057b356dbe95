"""Telling people: into the inbox, and on to their phones where they agreed to it."""

import json
import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from wxapi.notifications.queries import messages
from wxapi.notifications.rules.notices import BODY_LENGTH, TITLE_LENGTH, Delivery, Notice, cut, not_at_night
from wxapi.platform import outbox
from wxapi.platform.db import fetch


def tell(
    session: Session,
    user_ids: Iterable[uuid.UUID],
    notice: Notice,
    *,
    now: datetime,
    not_before: datetime | None = None,
) -> int:
    """Put a notice into each person's inbox, once, and have the subscribe message sent; returns how many are new.

    Joins the caller's transaction. Who may hear of it is the caller's decision. Of what is due at once, only what the
    person has agreed to gets a job: most people have not, and the job would only find that out.

    Args:
        session: the caller's.
        user_ids: the people; the erased are left out.
        notice: what happened.
        now: the time.
        not_before: neither the inbox nor a phone shows it earlier.
    """
    wanted = list(user_ids)
    if not wanted:
        return 0
    visible_at = max(now, not_before or now)
    send_at = not_at_night(visible_at)
    sql, values = messages.telling()
    told = {
        "people": wanted,
        "kind": notice.kind.code,
        "subject": notice.subject,
        "step": notice.step,
        "title": cut(notice.title, TITLE_LENGTH),
        "body": cut(notice.body, BODY_LENGTH),
        "values": json.dumps(dict(notice.values)),
        "created_at": now,
        "visible_at": visible_at,
        "waits": send_at > now,
    }
    session.flush()  # what the statement reads may still be on its way
    new = fetch(session, sql, values | told)
    if due := [str(message_id) for message_id, delivery in new if delivery == Delivery.PENDING]:
        outbox.record_each(session, "message.due", "message_id", due, not_before=send_at)
    return len(new)
