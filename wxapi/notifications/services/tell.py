"""Telling people: into the inbox, and on to their phones where they agreed to it."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, literal
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from wxapi.notifications.models import Message
from wxapi.notifications.queries import messages
from wxapi.notifications.rules.notices import BODY_LENGTH, TITLE_LENGTH, Delivery, Notice, cut, not_at_night
from wxapi.platform import outbox


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
    wanted = list(user_ids)
    if not wanted:
        return 0
    visible_at = max(now, not_before or now)
    has_template = messages.template_of(session, notice.kind.code) is not None
    delivery = Delivery.PENDING if has_template else Delivery.INBOX
    new = session.scalars(_to_each(wanted, notice, delivery, now=now, visible_at=visible_at)).all()
    if has_template:
        due = [str(message_id) for message_id in new]
        outbox.record_each(session, "message.due", "message_id", due, not_before=not_at_night(visible_at))
    return len(new)


def _to_each(
    user_ids: Sequence[uuid.UUID], notice: Notice, delivery: Delivery, *, now: datetime, visible_at: datetime
) -> ReturningInsert[tuple[uuid.UUID]]:
    """One statement for any number of people: they go as one array, and what is the same for all goes once."""
    same = {
        Message.kind: notice.kind.code,
        Message.subject: notice.subject,
        Message.step: notice.step,
        Message.title: cut(notice.title, TITLE_LENGTH),
        Message.body: cut(notice.body, BODY_LENGTH),
        Message.values: dict(notice.values),
        Message.created_at: now,
        Message.visible_at: visible_at,
        Message.delivery: delivery.value,
    }
    rows = messages.still_here(user_ids).add_columns(
        func.gen_random_uuid(), *(literal(value, column.type) for column, value in same.items())
    )
    return (
        insert(Message)
        .from_select([Message.user_id, Message.id, *same], rows)
        .on_conflict_do_nothing(index_elements=["user_id", "subject", "step"])
        .returning(Message.id)
    )
