"""Conditions on the ledger of grants."""

import uuid

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.orm import InstrumentedAttribute, aliased

from wxapi.notifications.models import Grant


def open_of(
    user_id: uuid.UUID | InstrumentedAttribute[uuid.UUID], template_id: str | InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """The grants of a person for a template that a message can be sent by."""
    return and_(Grant.user_id == user_id, Grant.template_id == template_id, is_open())


def is_open() -> ColumnElement[bool]:
    """Accepted, not spent, not void, and not followed by a rejection."""
    later = aliased(Grant)
    rejected = exists().where(
        later.user_id == Grant.user_id,
        later.template_id == Grant.template_id,
        ~later.accepted,
        or_(
            later.answered_at > Grant.answered_at,
            and_(later.answered_at == Grant.answered_at, later.id > Grant.id),
        ),
    )
    return and_(
        Grant.accepted,
        Grant.message_id.is_(None),
        Grant.voided_at.is_(None),
        ~rejected,
    )
