"""Telling people: into the inbox, and on to their phones where they agreed to it."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
from wxapi.kernel.ids import new_id
from wxapi.kernel.paging import Page
from wxapi.notifications import ledger, queries
from wxapi.notifications.models import Message, Template
from wxapi.notifications.rules import BODY_LENGTH, TITLE_LENGTH, Delivery, Notice, cut, not_at_night
from wxapi.platform import audit, outbox
from wxapi.platform.db import db, transaction


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
    people = queries.still_here(session, set(user_ids))
    if not people:
        return 0
    visible_at = max(now, not_before or now)
    has_template = queries.template_of(session, notice.kind) is not None
    delivery = Delivery.PENDING if has_template else Delivery.INBOX
    rows = [_row(user_id, notice, delivery, now=now, visible_at=visible_at) for user_id in people]
    new = session.scalars(
        insert(Message)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["user_id", "subject", "step"])
        .returning(Message.id)
    ).all()
    if has_template:
        for message_id in new:
            outbox.record(session, "message.due", not_before=not_at_night(visible_at), message_id=str(message_id))
    return len(new)


def read_inbox(actor: Actor, *, unread: bool, limit: int, cursor: str | None, now: datetime) -> Page[Message]:
    """The person's inbox, newest first."""
    return queries.inbox_page(db.session(), actor.user_id, unread=unread, limit=limit, cursor=cursor, now=now)


def list_templates(actor: Actor) -> list[tuple[Template, int]]:
    """The templates a phone may ask consent for, each with how many of the person's accepts are open."""
    session = db.session()
    granted = ledger.balances(session, actor.user_id)
    return [(row, granted.get(row.template_id, 0)) for row in queries.templates(session)]


def mark_read(actor: Actor, message_id: uuid.UUID, *, now: datetime) -> None:
    """Note that the person has read a message; the first time counts.

    Raises:
        NotFoundError: no such message of this person.
    """
    with transaction() as session:
        row = session.scalars(
            select(Message)
            .where(Message.id == message_id, Message.user_id == actor.user_id, Message.visible_at <= now)
            .with_for_update()
        ).one_or_none()
        if row is None:
            raise not_found()
        row.read_at = row.read_at or now


def set_template(template: Template, *, now: datetime) -> None:
    """Choose the subscribe-message template of a kind, or change it."""
    with transaction() as session:
        session.merge(template)
        subject = f"template:{template.kind}"
        audit.record(session, None, "template.set", subject=subject, at=now, template_id=template.template_id)


def _row(
    user_id: uuid.UUID, notice: Notice, delivery: Delivery, *, now: datetime, visible_at: datetime
) -> dict[str, object]:
    return {
        "id": new_id(),
        "user_id": user_id,
        "kind": notice.kind.value,
        "subject": notice.subject,
        "step": notice.step,
        "title": cut(notice.title, TITLE_LENGTH),
        "body": cut(notice.body, BODY_LENGTH),
        "values": dict(notice.values),
        "created_at": now,
        "visible_at": visible_at,
        "delivery": delivery.value,
    }
