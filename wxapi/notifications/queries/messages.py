"""Reads: whom to tell, and the inbox."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Uuid, and_, any_, exists, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from wxapi.identity.models import User
from wxapi.kernel.clock import local_day
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.notifications.models import Message, Template
from wxapi.notifications.queries.registered import may_be_read


def still_here(user_ids: Sequence[uuid.UUID]) -> Select[uuid.UUID]:
    """Those of the people who have not been erased, in one order for everybody who tells several at once."""
    wanted = literal(list(user_ids), ARRAY(Uuid))
    return select(User.id).where(User.id == any_(wanted), User.erased_at.is_(None)).order_by(User.id)


def template_of(session: Session, kind: str) -> Template | None:
    """The template an operator has chosen for a kind."""
    return session.get(Template, kind)


def templates(session: Session) -> Sequence[Template]:
    """All chosen templates."""
    return session.scalars(select(Template).order_by(Template.kind)).all()


def shown_to(user_id: uuid.UUID, *, now: datetime) -> ColumnElement[bool]:
    """The messages of a person whose time has come, without those about what has since been hidden from the person.

    One that was to be delayed by nothing has come, whatever its time says: it was written by a clock that was ahead.
    """
    has_come = or_(Message.visible_at <= now, Message.visible_at == Message.created_at)
    return and_(Message.user_id == user_id, has_come, may_be_read(local_day(now)))


def find_shown(session: Session, user_id: uuid.UUID, message_id: uuid.UUID, *, now: datetime) -> Message | None:
    """One message of the person, locked."""
    query = select(Message).where(Message.id == message_id, shown_to(user_id, now=now))
    return session.scalars(query.with_for_update(of=Message)).one_or_none()


def may_be_sent(session: Session, message_id: uuid.UUID, *, now: datetime) -> bool:
    """Whether its person may still hear of what a message is about."""
    return bool(session.scalar(select(exists().where(Message.id == message_id, may_be_read(local_day(now))))))


def inbox_page(
    session: Session, user_id: uuid.UUID, *, unread: bool, limit: int, cursor: str | None, now: datetime
) -> Page[Message]:
    """What the person has been told, newest first; delayed messages only when their time has come."""
    query = select(Message).where(shown_to(user_id, now=now))
    if unread:
        query = query.where(Message.read_at.is_(None))
    if cursor is not None:
        query = query.where(
            tuple_(Message.visible_at, Message.id) < tuple_(*decode_cursor(cursor, datetime, uuid.UUID))
        )
    rows = session.scalars(query.order_by(Message.visible_at.desc(), Message.id.desc()).limit(limit + 1)).all()
    return page_of(rows, limit, lambda row: (row.visible_at, row.id))
