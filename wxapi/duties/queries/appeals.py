"""Cards and the appeals against them, as the pages show them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, not_, or_, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from wxapi.duties.models import Duty, DutyAppeal
from wxapi.duties.queries import lists
from wxapi.duties.rules.scope import sees
from wxapi.kernel.actor import Actor


@dataclass(frozen=True, slots=True)
class CardRow:
    """A duty with a card; `asked`: its unit appealed, `decision`: what was decided then."""

    id: UUID
    stage: str
    card: str
    is_lifted: bool
    asked: bool
    decision: str | None


def waiting(
    session: Session,
    actor: Actor,
    own: Sequence[ColumnElement[bool]],
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[tuple[Duty, datetime]]:
    """Up to `limit + 1` duties whose appeal a person decides (`services.work.decides_over`), with when it was asked.

    The longest waiting first.

    Args:
        session: to read with.
        actor: the person.
        own: what is owed by units the person acts for, on which they do not decide.
        after: when the last one of the page before was asked, and its duty.
        limit: how many at the most.
    """
    above = [and_(lists.arm_above(prefix), Duty.unit_code != prefix) for prefix in sorted(sees(actor).below)]
    if not above:
        return []
    # The limit of one keeps PostgreSQL from the other way round: for who decides on few, it would read all duties there
    # ever were. So each open appeal asks for its duty, and nothing else is read.
    of_appeal = (
        select(Duty)
        .where(Duty.id == DutyAppeal.duty_id, or_(false(), *above), not_(or_(false(), *own)))
        .limit(1)
        .lateral()
    )
    duty = aliased(Duty, of_appeal)
    statement = select(duty, DutyAppeal.asked_at).join(duty, true()).where(DutyAppeal.decided_at.is_(None))
    if after is not None:
        statement = statement.where(tuple_(DutyAppeal.asked_at, DutyAppeal.duty_id) > after)
    statement = statement.order_by(DutyAppeal.asked_at, DutyAppeal.duty_id).limit(limit + 1)
    return [(found, asked_at) for found, asked_at in session.execute(statement)]


def asked(session: Session, duty_ids: Collection[UUID]) -> Mapping[UUID, str | None]:
    """Those of some duties that were appealed against, with the decision; None while it waits."""
    if not duty_ids:
        return {}
    rows = session.execute(select(DutyAppeal.duty_id, DutyAppeal.decision).where(DutyAppeal.duty_id.in_(duty_ids)))
    return {row.duty_id: row.decision for row in rows}


def cards_of(session: Session, arms: Sequence[ColumnElement[bool]], subject_id: UUID) -> Sequence[CardRow]:
    """The cards of a subject that a person may see, the oldest first."""
    statement = (
        select(
            Duty.id,
            Duty.stage,
            Duty.card,
            Duty.card_lifted_at.is_not(None),
            DutyAppeal.id.is_not(None),
            DutyAppeal.decision,
        )
        .outerjoin(DutyAppeal, DutyAppeal.duty_id == Duty.id)
        .where(Duty.subject_id == subject_id, Duty.card.is_not(None), or_(false(), *arms))
        .order_by(Duty.carded_at, Duty.id)
    )
    return [
        CardRow(duty_id, stage, card or "", is_lifted, asked, decision)
        for duty_id, stage, card, is_lifted, asked, decision in session.execute(statement)
    ]
