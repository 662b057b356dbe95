"""Telling people: into the inbox, and on to their phones where they agreed to it."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.kernel.ids import new_id
from wxapi.notifications.models import Message
from wxapi.notifications.queries import messages
from wxapi.notifications.rules.notices import BODY_LENGTH, TITLE_LENGTH, Delivery, Notice, cut, not_at_night
from wxapi.platform import outbox

# A statement takes 65,535 values at most, and a row here has eleven.
_BATCH = 1000


def tell(
    session: Session,
    user_ids: Iterable[uuid.UUID],
    notice: Notice,
    *,
    now: datetime,
    not_before: datetime | None = None,
) -> int:
    """Put a notice into each person's inbox, once, and have the subscribe message sent; returns how many are new.

    Joins the caller's transaction. Who may hear of it is the caller's decision.

    Args:
        session: the caller's.
        user_ids: the people; the erased are left out.
        notice: what happened.
        now: the time.
        not_before: neither the inbox nor a phone shows it earlier.
    """
    wanted = sorted(set(user_ids))
    return sum(
        _tell_some(session, wanted[first : first + _BATCH], notice, now=now, not_before=not_before)
        for first in range(0, len(wanted), _BATCH)
    )


def _tell_some(
    session: Session, user_ids: Sequence[uuid.UUID], notice: Notice, *, now: datetime, not_before: datetime | None
) -> int:
    people = messages.still_here(session, user_ids)
    if not people:
        return 0
    visible_at = max(now, not_before or now)
    has_template = messages.template_of(session, notice.kind.code) is not None
    delivery = Delivery.PENDING if has_template else Delivery.INBOX
    rows = [_row(user_id, notice, delivery, now=now, visible_at=visible_at) for user_id in people]
    new = session.scalars(
        insert(Message)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["user_id", "subject", "step"])
        .returning(Message.id)
    ).all()
    if has_template:
        due = [str(message_id) for message_id in new]
        outbox.record_each(session, "message.due", "message_id", due, not_before=not_at_night(visible_at))
    return len(new)


def _row(
    user_id: uuid.UUID, notice: Notice, delivery: Delivery, *, now: datetime, visible_at: datetime
) -> dict[str, object]:
    return {
        "id": new_id(),
        "user_id": user_id,
        "kind": notice.kind.code,
        "subject": notice.subject,
        "step": notice.step,
        "title": cut(notice.title, TITLE_LENGTH),
        "body": cut(notice.body, BODY_LENGTH),
        "values": dict(notice.values),
        "created_at": now,
        "visible_at": visible_at,
        "delivery": delivery.value,
    }
