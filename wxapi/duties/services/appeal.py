"""A unit appeals against a card; the one above decides."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.duties.models import Duty, DutyAppeal
from wxapi.duties.queries import lists
from wxapi.duties.rules.clock import appeal_until
from wxapi.duties.rules.scope import acts_for, stands_above
from wxapi.duties.services.work import DutyView, arms_seen, views_of
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ConflictError, ForbiddenError, not_found
from wxapi.photos.services.claim import claim
from wxapi.platform import audit
from wxapi.platform.db import transaction

UPHOLD, LIFT = "uphold", "lift"


@dataclass(frozen=True, slots=True)
class NewAppeal:
    """What the carded unit says."""

    note: str
    photo_ids: tuple[UUID, ...] = ()


def appeal(actor: Actor, duty_id: UUID, wanted: NewAppeal, *, now: datetime) -> DutyView:
    """Appeal against a duty's card, once, within five working days.

    Raises:
        NotFoundError: not there, or not for this person.
        ForbiddenError: `role_not_allowed`, the person does not act for the carded unit.
        ConflictError: `no_card`, `appealed_before`, `appeal_too_late`.
    """
    with transaction() as session:
        duty = _locked(session, actor, duty_id)
        if not acts_for(actor).holds(duty.unit_code):
            raise _not_yours()
        if duty.card is None or duty.carded_at is None or duty.card_lifted_at is not None:
            raise ConflictError("no_card", "该事项没有督办牌，无需申诉。")
        if _appeal_of(session, duty_id) is not None:
            raise ConflictError("appealed_before", "该督办牌已经申诉过一次。")
        if now > appeal_until(duty.carded_at):
            raise ConflictError("appeal_too_late", "已超过申诉期限（亮牌后 5 个工作日内）。")
        row = DutyAppeal(duty_id=duty.id, asked_at=now, asked_by=actor.user_id, note=wanted.note)
        session.add(row)
        session.flush()
        claim(session, actor.user_id, wanted.photo_ids, kind="duty_appeal", subject_id=duty.id)
        audit.record(session, actor.user_id, "duty.appeal", subject=f"duty:{duty.id}", at=now, unit=duty.unit_code)
        return _shown(session, actor, duty, now)


def decide_appeal(actor: Actor, duty_id: UUID, *, decision: str, note: str, now: datetime) -> DutyView:
    """Uphold or lift a card. A lifted card shows as lifted and counts nowhere.

    Raises:
        NotFoundError: not there, or not for this person.
        ForbiddenError: `role_not_allowed`, the person does not stand above the unit.
        ConflictError: `no_appeal`, `decided_before`.
    """
    with transaction() as session:
        duty = _locked(session, actor, duty_id)
        if not stands_above(actor, duty.unit_code):
            raise _not_yours()
        row = _appeal_of(session, duty_id)
        if row is None:
            raise ConflictError("no_appeal", "该事项没有待处理的申诉。")
        if row.decided_at is not None:
            raise ConflictError("decided_before", "该申诉已有处理结果。")
        row.decision, row.decision_note, row.decided_at, row.decided_by = decision, note, now, actor.user_id
        if decision == LIFT:
            duty.card_lifted_at = now
        audit.record(session, actor.user_id, f"duty.{decision}", subject=f"duty:{duty.id}", at=now, unit=duty.unit_code)
        session.flush()
        return _shown(session, actor, duty, now)


def read_duty(session: Session, actor: Actor, duty_id: UUID, *, now: datetime) -> DutyView:
    """One duty of the person's scope.

    Raises:
        NotFoundError: not there, or not for this person.
    """
    duty = lists.find(session, arms_seen(actor), duty_id)
    if duty is None:
        raise not_found()
    return _shown(session, actor, duty, now)


def _locked(session: Session, actor: Actor, duty_id: UUID) -> Duty:
    duty = lists.find(session, arms_seen(actor), duty_id, lock=True)
    if duty is None:
        raise not_found()
    return duty


def _appeal_of(session: Session, duty_id: UUID) -> DutyAppeal | None:
    return session.scalars(select(DutyAppeal).where(DutyAppeal.duty_id == duty_id)).one_or_none()


def _shown(session: Session, actor: Actor, duty: Duty, now: datetime) -> DutyView:
    views = views_of(session, actor, [duty], now=now)
    if not views:
        raise not_found()
    return views[0]


def _not_yours() -> ForbiddenError:
    return ForbiddenError("role_not_allowed", "您的身份不能进行此操作。")
