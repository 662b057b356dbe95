"""Reads: whom to tell, and the inbox."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeEngine

from wxapi.identity.models import User
from wxapi.kernel.clock import local_day
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.notifications.models import Message, Template
from wxapi.notifications.queries.grants import open_of
from wxapi.notifications.queries.registered import may_be_read
from wxapi.notifications.rules.notices import Delivery
from wxapi.platform.db import ready

# What is the same for all who are told.
_SAME = (
    Message.kind,
    Message.subject,
    Message.step,
    Message.title,
    Message.body,
    Message.values,
    Message.created_at,
    Message.visible_at,
)


@lru_cache(maxsize=1)
def telling() -> tuple[str, dict[str, Any]]:
    """One statement that tells any number of people, each once: `people` and what is the same for all are its values.

    The erased are left out. All who tell several at once write them in one order. Each new message comes back with its
    delivery: it is to be sent where it `waits` for its hour, or where its person has agreed by now.
    """
    agreed = and_(User.openid_sealed.is_not(None), exists().where(open_of(User.id, Template.template_id)))
    to_be_sent = exists().where(Template.kind == _given(Message.kind), or_(_named("waits", Boolean()), agreed))
    delivery = case((to_be_sent, Delivery.PENDING.value), else_=Delivery.INBOX.value)
    people = select(User.id, func.gen_random_uuid(), delivery, *map(_given, _SAME)).where(
        User.id == any_(_named("people", ARRAY(Uuid))), User.erased_at.is_(None)
    )
    statement = (
        insert(Message)
        .from_select([Message.user_id, Message.id, Message.delivery, *_SAME], people.order_by(User.id))
        .on_conflict_do_nothing(index_elements=["user_id", "subject", "step"])
        .returning(Message.id, Message.delivery)
    )
    return ready(statement)


def _given(column: InstrumentedAttribute[Any]) -> BindParameter[Any]:
    return _named(column.key, column.type)


def _named(name: str, kind: TypeEngine[Any]) -> BindParameter[Any]:
    return bindparam(name, None, kind)


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
