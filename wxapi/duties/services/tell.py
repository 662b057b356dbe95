"""Telling people of a rung or a card, in a job: the unit, from the card on the unit above, at last the next above."""

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from wxapi.duties.models import Duty
from wxapi.duties.queries.people import chiefs_of, deciders_over, unit_people
from wxapi.duties.rules.clock import CARD_RUNG
from wxapi.duties.rules.messages import CARD, WORK_DUE
from wxapi.duties.services.work import SubjectKind, kinds
from wxapi.kernel.clock import local_day, to_wire
from wxapi.kernel.permissions import Role
from wxapi.notifications.rules.notices import MessageKind, Notice
from wxapi.notifications.services.tell import tell
from wxapi.platform.db import transaction
from wxapi.regions.rules.levels import Level, level_of, within
from wxapi.units.queries import unit_names
from wxapi.units.rules import above

_REMIND, _NEXT_ABOVE = 80, 200
_TITLES = {
    _REMIND: "有事项即将超期，请及时办理",
    CARD_RUNG: "有事项已超期，已亮黄牌",
    _NEXT_ABOVE: "有事项已超期一倍时限",
}
_RED = "有事项严重超期，已亮红牌"
_APPEALS = {None: "有督办牌申诉待处理", "uphold": "督办牌申诉已处理：维持", "lift": "督办牌申诉已处理：撤销"}


def tell_of_rung(duty_id: uuid.UUID, rung: int | None, *, now: datetime) -> None:
    """Tell of one rung (None: the red card). A duty that was met or moved meanwhile tells nobody."""
    with transaction() as session:
        duty = session.get(Duty, duty_id)
        if duty is None or duty.met_at is not None or duty.dropped_at is not None or rung == 50:
            return
        kind = kinds()[duty.subject_type]
        # A feature that tells of its own reminders and cards is helped only where nobody else hears: above.
        if kind.tells_itself and rung != _NEXT_ABOVE:
            return
        tell(session, _audience(session, duty, kind.roles, rung, now), _notice(session, duty, kind, rung), now=now)


def tell_of_appeal(duty_id: uuid.UUID, decision: str | None, *, now: datetime) -> None:
    """Tell who decides that a unit appealed, or the unit what was decided."""
    with transaction() as session:
        duty = session.get(Duty, duty_id)
        if duty is None:
            return
        today, hidden = local_day(now), _hidden_from(duty)
        kind = kinds()[duty.subject_type]
        if decision is None:
            told = deciders_over(session, duty.unit_code, hidden, roles=kind.roles, today=today)
        else:
            told = unit_people(session, duty.unit_code, hidden, roles=kind.roles, today=today)
        notice = _notice_of(session, duty, kind, CARD, f"appeal_{decision or 'asked'}", _APPEALS[decision])
        tell(session, told, notice, now=now)


def _audience(session: Session, duty: Duty, roles: frozenset[Role], rung: int | None, now: datetime) -> set[uuid.UUID]:
    today, hidden = local_day(now), _hidden_from(duty)
    if rung == _REMIND:
        return unit_people(session, duty.unit_code, hidden, roles=roles, today=today)
    first = above(duty.unit_code)
    if rung != _NEXT_ABOVE:
        told = unit_people(session, duty.unit_code, hidden, roles=roles, today=today)
        return told | (unit_people(session, first, hidden, today=today) if first else set())
    second = above(first) if first else None
    told = unit_people(session, second or first or duty.unit_code, hidden, today=today)
    return told | (chiefs_of(session, duty.place_code, hidden, today=today) if duty.place_code else set())


def _hidden_from(duty: Duty) -> tuple[str, ...]:
    """The village that must not hear of a confidential subject."""
    place = duty.place_code or ""
    if not duty.confidential or level_of(place) not in {Level.VILLAGE, Level.GRID}:
        return ()
    return (within(place, Level.VILLAGE),)


def _notice(session: Session, duty: Duty, kind: SubjectKind, rung: int | None) -> Notice:
    title = _RED if rung is None else _TITLES[rung]
    return _notice_of(session, duty, kind, WORK_DUE if rung == _REMIND else CARD, str(rung or "red"), title)


def _notice_of(session: Session, duty: Duty, kind: SubjectKind, message: MessageKind, step: str, title: str) -> Notice:
    unit = unit_names(session, [duty.unit_code])[duty.unit_code]
    stage = kind.stages.get(duty.stage, duty.stage)
    return Notice(
        message,
        subject=f"{kind.message_subject}:{duty.subject_id}",
        step=f"duty:{duty.id}:{step}",
        title=title,
        body=f"{duty.subject_number}，{stage}环节，承办单位：{unit}。",
        values={"number": duty.subject_number, "unit": unit, "stage": stage, "due_at": to_wire(duty.due_at)},
    )
