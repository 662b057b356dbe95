"""A unit appeals against a card; the one above decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, false, or_, select
from sqlalchemy.orm import Session

from wxapi.duties.models import APPEAL_PHOTO, Duty, DutyAppeal
from wxapi.duties.queries import appeals, lists
from wxapi.duties.queries.appeals import CardRow
from wxapi.duties.rules.clock import appeal_until
from wxapi.duties.services.work import DutyView, arms_owned, arms_seen, decides_over, kinds, owes, views_of
from wxapi.kernel.actor import Actor
from wxapi.kernel.city import city
from wxapi.kernel.errors import ConflictError, ForbiddenError, not_found
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.photos.models import Photo
from wxapi.photos.services.claim import claim
from wxapi.platform import audit, outbox
from wxapi.platform.db import db, transaction

UPHOLD, LIFT = "uphold", "lift"


@dataclass(frozen=True, slots=True)
class NewAppeal:
    """What the carded unit says."""

    note: str
    photo_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class AppealView:
    """What a unit said against a card and what the one above said to it; never who."""

    note: str
    photos: Sequence[Photo]
    asked_at: datetime
    decision: str | None
    decision_note: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class DutyDetail:
    """One duty with the appeal against its card, and what the person may do about it now."""

    duty: DutyView
    said: AppealView | None
    may_appeal: bool = False
    may_decide: bool = False


@dataclass(frozen=True, slots=True)
class WaitingAppeal:
    """A duty whose unit appealed against its card, and since when that waits."""

    duty: DutyView
    asked_at: datetime


def photo_is_visible(actor: Actor) -> ColumnElement[bool]:
    """The photos of an appeal are seen by those who see its duty. A condition on `Photo`."""
    seen = or_(false(), *arms_seen(actor))
    return exists().where(Photo.used_by_kind == APPEAL_PHOTO, Duty.id == Photo.used_by_id, seen)


def appeal(actor: Actor, duty_id: UUID, wanted: NewAppeal, *, now: datetime) -> DutyDetail:
    """Appeal against a duty's card, once, within some working days, five as shipped.

    Raises:
        NotFoundError: not there, or not for this person.
        ForbiddenError: `role_not_allowed`, the person does not act for the carded unit.
        ConflictError: `no_card`, `appealed_before`, `appeal_too_late`.
    """
    with transaction() as session:
        duty = _locked(session, actor, duty_id)
        if not owes(actor, duty):
            raise _not_yours()
        if duty.card is None or duty.carded_at is None or duty.card_lifted_at is not None:
            raise ConflictError("no_card", "该事项没有督办牌，无需申诉。")
        if _appeal_of(session, duty_id) is not None:
            raise ConflictError("appealed_before", "该督办牌已经申诉过一次。")
        if now > appeal_until(duty.carded_at):
            days = city().ladder.appeal_working_days
            raise ConflictError("appeal_too_late", f"已超过申诉期限（亮牌后 {days} 个工作日内）。")
        row = DutyAppeal(duty_id=duty.id, asked_at=now, asked_by=actor.user_id, note=wanted.note)
        session.add(row)
        session.flush()
        claim(session, actor.user_id, wanted.photo_ids, kind=APPEAL_PHOTO, subject_id=duty.id)
        outbox.record(session, "duty.appealed", duty_id=str(duty.id), decision=None)
        audit.record(session, actor.user_id, "duty.appeal", subject=f"duty:{duty.id}", at=now, unit=duty.unit_code)
        return _shown(session, actor, duty, now)


def decide_appeal(actor: Actor, duty_id: UUID, *, decision: str, note: str, now: datetime) -> DutyDetail:
    """Uphold or lift a card. A lifted card shows as lifted and counts nowhere.

    Raises:
        NotFoundError: not there, or not for this person.
        ForbiddenError: `role_not_allowed`, the person does not stand above the unit, or acts for it.
        ConflictError: `no_appeal`, `decided_before`.
    """
    with transaction() as session:
        if decision == LIFT:
            _lock_subject(session, actor, duty_id)
        duty = _locked(session, actor, duty_id)
        if not decides_over(actor, duty):
            raise _not_yours()
        row = _appeal_of(session, duty_id)
        if row is None:
            raise ConflictError("no_appeal", "该事项没有待处理的申诉。")
        if row.decided_at is not None:
            raise ConflictError("decided_before", "该申诉已有处理结果。")
        row.decision, row.decision_note, row.decided_at, row.decided_by = decision, note, now, actor.user_id
        if decision == LIFT:
            _lift(session, duty, now)
        audit.record(session, actor.user_id, f"duty.{decision}", subject=f"duty:{duty.id}", at=now, unit=duty.unit_code)
        outbox.record(session, "duty.appealed", duty_id=str(duty.id), decision=decision)
        session.flush()
        return _shown(session, actor, duty, now)


def read_duty(session: Session, actor: Actor, duty_id: UUID, *, now: datetime) -> DutyDetail:
    """One duty of the person's scope.

    Raises:
        NotFoundError: not there, or not for this person.
    """
    duty = lists.find(session, arms_seen(actor), duty_id)
    if duty is None:
        raise not_found()
    return _shown(session, actor, duty, now)


def waiting_appeals(actor: Actor, *, limit: int, now: datetime, cursor: str | None = None) -> Page[WaitingAppeal]:
    """The duties whose appeal the person decides, the longest waiting first."""
    session = db.session()
    after = None if cursor is None else decode_cursor(cursor, datetime, UUID)
    rows = appeals.waiting(session, actor, arms_owned(actor), after=after, limit=limit)
    found = page_of(rows, limit, lambda row: (row[1], row[0].id))
    asked_at = {duty.id: at for duty, at in found.items}
    views = views_of(session, actor, [duty for duty, _ in found.items], now=now)
    return Page([WaitingAppeal(view, asked_at[view.duty.id]) for view in views], found.next_cursor)


def appeals_of(views: Sequence[DutyView]) -> Mapping[UUID, str | None]:
    """Those of a page of duties that were appealed against, with the decision; None while it waits."""
    return appeals.asked(db.session(), [view.duty.id for view in views if view.duty.card is not None])


def cards_of(actor: Actor, subject_id: UUID) -> Sequence[CardRow]:
    """The cards of a subject as the person may see them."""
    return appeals.cards_of(db.session(), arms_seen(actor), subject_id)


def _locked(session: Session, actor: Actor, duty_id: UUID) -> Duty:
    duty = lists.find(session, arms_seen(actor), duty_id, lock=True)
    if duty is None:
        raise not_found()
    return duty


def _lock_subject(session: Session, actor: Actor, duty_id: UUID) -> None:
    """Before the duty, as everybody who changes a subject and its duties: in the other order two of them hang."""
    found = lists.subject_of(session, arms_seen(actor), duty_id)
    if found is None:
        raise not_found()
    subject_type, subject_id = found
    kinds()[subject_type].lock(session, [subject_id])


def _lift(session: Session, duty: Duty, now: datetime) -> None:
    duty.card_lifted_at = now
    session.flush()
    card_lifted = kinds()[duty.subject_type].card_lifted
    if card_lifted is not None:
        card_lifted(session, duty, now)


def _appeal_of(session: Session, duty_id: UUID) -> DutyAppeal | None:
    return session.scalars(select(DutyAppeal).where(DutyAppeal.duty_id == duty_id)).one_or_none()


def _shown(session: Session, actor: Actor, duty: Duty, now: datetime) -> DutyDetail:
    views = views_of(session, actor, [duty], now=now)
    if not views:
        raise not_found()
    row = _appeal_of(session, duty.id)
    if row is None:
        return DutyDetail(views[0], None, may_appeal=owes(actor, duty) and _is_open(duty, now))
    may_decide = row.decided_at is None and decides_over(actor, duty)
    return DutyDetail(views[0], _view_of(session, row), may_decide=may_decide)


def _is_open(duty: Duty, now: datetime) -> bool:
    """Whether a card hangs there that can be appealed against still."""
    return duty.carded_at is not None and duty.card_lifted_at is None and now <= appeal_until(duty.carded_at)


def _view_of(session: Session, row: DutyAppeal) -> AppealView:
    taken = (Photo.used_by_kind == APPEAL_PHOTO, Photo.used_by_id == row.duty_id)
    photos = session.scalars(select(Photo).where(*taken).order_by(Photo.created_at, Photo.id)).all()
    return AppealView(row.note, photos, row.asked_at, row.decision, row.decision_note, row.decided_at)


def _not_yours() -> ForbiddenError:
    return ForbiddenError("role_not_allowed", "您的身份不能进行此操作。")
