"""The ledger of grants: one tap on accept is one message, a long-term template's consent serves for many.

A line a tap, by WeChat's time of it: a rejection voids what was accepted before it, whichever push comes first.
All functions join the caller's transaction.
"""

import uuid
from datetime import datetime

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.notifications.models import Grant, Template
from wxapi.notifications.queries.grants import is_open, open_of


def note_answer(
    session: Session, user_id: uuid.UUID, template_id: str, *, accepted: bool, at: datetime, source: str
) -> None:
    """Write down what a person answered; `source` makes it count once. Unknown templates are left out."""
    if not session.scalar(select(exists().where(Template.template_id == template_id))):
        return
    session.execute(
        insert(Grant)
        .values(user_id=user_id, template_id=template_id, accepted=accepted, answered_at=at, source=source)
        .on_conflict_do_nothing(index_elements=["source"])
    )


def spend(session: Session, user_id: uuid.UUID, template: Template, message_id: uuid.UUID) -> bool:
    """Use a grant for a message; True if there is one. A message that has one already keeps it."""
    if session.scalar(select(exists().where(Grant.message_id == message_id))):
        return True
    grant = session.scalars(
        select(Grant)
        .where(open_of(user_id, template.template_id))
        .order_by(Grant.answered_at, Grant.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if grant is None:
        return False
    if not template.long_term:
        grant.message_id = message_id
    return True


def refund(session: Session, message_id: uuid.UUID) -> None:
    """The grant of a message was not used after all."""
    session.execute(update(Grant).where(Grant.message_id == message_id).values(message_id=None))


def void(session: Session, user_id: uuid.UUID, template_id: str, *, now: datetime) -> None:
    """WeChat says that nothing is left: the balance is zero."""
    session.execute(update(Grant).where(open_of(user_id, template_id)).values(voided_at=now))


def balances(session: Session, user_id: uuid.UUID) -> dict[str, int]:
    """How many accepts of the person are open, by template; templates without any are left out."""
    rows = session.execute(
        select(Grant.template_id, func.count().label("open"))
        .where(Grant.user_id == user_id, is_open())
        .group_by(Grant.template_id)
    )
    return {row.template_id: row.open for row in rows}
