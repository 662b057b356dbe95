"""What features bring to messages: their kinds, and the things a message may be about."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from flask import Flask, current_app
from sqlalchemy import ColumnElement, Uuid, and_, case, func, or_
from sqlalchemy import cast as sql_cast

from wxapi.notifications.models import Message
from wxapi.notifications.rules.notices import MessageKind

_KEY = "wxapi.messages"
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# The person, the thing's id (of a row of another type: NULL), and the day it is asked on.
MessageSight = Callable[[ColumnElement[uuid.UUID], ColumnElement[uuid.UUID], date], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class MessageSubject:
    """A type of things that messages are about.

    Args:
        type: the first part of a subject, such as `report` of `report:<uuid>`.
        sight: whether a person may still hear of a thing; asked whenever a message is read or sent, because what
            was allowed at writing may be so no more. None: who was told of it may always read it again.
    """

    type: str
    sight: MessageSight | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """All kinds by their codes, and all types of things."""

    kinds: Mapping[str, MessageKind]
    subjects: tuple[MessageSubject, ...]


def install(app: Flask, kinds: Sequence[MessageKind], subjects: Sequence[MessageSubject]) -> None:
    """Tell the app which messages there are."""
    app.extensions[_KEY] = Registered({kind.code: kind for kind in kinds}, tuple(subjects))


def registered() -> Registered:
    """The kinds and subjects of messages that the features registered."""
    return cast("Registered", current_app.extensions[_KEY])


def may_be_read(today: date) -> ColumnElement[bool]:
    """The condition under which a message exists for its person today; of an unknown type it never does."""
    return or_(*(_of(subject, today) for subject in registered().subjects))


def _of(subject: MessageSubject, today: date) -> ColumnElement[bool]:
    begins = f"{subject.type}:"
    of_type = Message.subject.startswith(begins, autoescape=True)
    if subject.sight is None:
        return of_type
    # CASE keeps what is no id of this type from being read as one.
    well_formed = Message.subject.regexp_match(f"^{begins}{_UUID}$")
    subject_id = case((well_formed, sql_cast(func.substr(Message.subject, len(begins) + 1), Uuid)))
    person: ColumnElement[uuid.UUID] = Message.__table__.c.user_id
    return and_(of_type, subject.sight(person, subject_id, today))
