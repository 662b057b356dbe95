"""Cards and the appeals against them, as the pages show them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, not_, or_, select
from sqlalchemy.orm import Session

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


def waiting(session: Session, actor: Actor, own: Sequence[ColumnElement[bool]], *, limit: int) -> Sequence[Duty]:
    """Duties whose appeal waits for a person to decide, the longest waiting first; as `services.work.decides_over`.

    Args:
        session: to read with.
        actor: the person.
        own: what is owed by units the person acts for, on which they do not decide.
        limit: how many at the most.
    """
    above = [and_(lists.arm_above(prefix), Duty.unit_code != prefix) for prefix in sorted(sees(actor).below)]
    if not above:
        return []
    statement = (
        select(Duty)
        .join(DutyAppeal, DutyAppeal.duty_id == Duty.id)
        .where(DutyAppeal.decided_at.is_(None), or_(false(), *above), not_(or_(false(), *own)))
        .order_by(DutyAppeal.asked_at, Duty.id)
        .limit(limit)
    )
    return session.scalars(statement).all()


def asked(session: Session, duty_ids: Collection[UUID]) -> Mapping[UUID, str | None]:
    """Those of some duties that were appealed against, with the decision; None while it waits."""
    if not duty_ids:
        return {}
    rows = session.execute(select(DutyAppeal.duty_id, DutyAppeal.decision).where(DutyAppeal.duty_id.in_(duty_ids)))
    return {row.duty_id: row.decision for row in rows}


def cards_of(session: Session, arms: Sequence[ColumnElement[bool]], subject_id: UUID) -> Sequence[CardRow]:
    """The cards of a subject that a person may see, the oldest first."""
    statement = (
        select(Duty, DutyAppeal.id, DutyAppeal.decision)
        .outerjoin(DutyAppeal, DutyAppeal.duty_id == Duty.id)
        .where(Duty.subject_id == subject_id, Duty.card.is_not(None), or_(false(), *arms))
        .order_by(Duty.carded_at, Duty.id)
    )
    return [
        CardRow(duty.id, duty.stage, duty.card or "", duty.card_lifted_at is not None, said is not None, how)
        for duty, said, how in session.execute(statement)
    ]
