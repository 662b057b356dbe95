"""The climb: every minute each duty whose next rung has come takes it, in order, once.

A run that was missed for a day takes the rungs of that day one after another; the time of a rung is the time it was
due, not the time of the run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from wxapi.duties.models import Duty
from wxapi.duties.queries.lists import CARD_HANGS
from wxapi.duties.rules.clock import CARD_RUNG, Card, DutyClock, LadderStep, next_step
from wxapi.platform import audit, outbox, sweeps
from wxapi.platform.db import db, transaction

_AT_ONCE = 500
# A colour in the inbox, no message.
_SILENT = 50
# A subject, and the unit that bears a card on it.
_Bearer: TypeAlias = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Climbed:
    """What one run did."""

    duties: int
    steps: int


def climb(*, now: datetime) -> Climbed:
    """Take every rung that is due, in batches of a transaction each; a duty that cannot climb stops no other.

    Rows another run holds are left to it.
    """
    duties = steps = 0
    last: UUID | None = None
    while True:
        due, last = _due(now, last)
        climbed = sweeps.together("duties.climb", due, lambda some: _climb(some, now))
        duties += len(due) - len(climbed.failed)
        steps += climbed.done
        if last is None:
            climbed.raise_if_not_the_rows()
            return Climbed(duties, steps)


def _due(now: datetime, last: UUID | None) -> tuple[list[UUID], UUID | None]:
    """The duties behind the last subject of a run, all of a subject at once; and the last subject, if there are more.

    Of one unit and subject the second card is red: which is the second is not to depend on what a batch cuts.
    """
    behind = true() if last is None else Duty.subject_id > last
    place = (Duty.subject_id, Duty.id)
    found = select(*place).where(Duty.next_rung_at <= now, behind).order_by(*place).limit(_AT_ONCE)
    due = [(subject_id, duty_id) for subject_id, duty_id in db.session().execute(found)]
    db.session().rollback()  # the read is over
    if len(due) < _AT_ONCE:
        return [duty_id for _, duty_id in due], None
    # The last one may have more; a subject that alone fills a batch is taken as far as it is there.
    whole = [each for each in due if each[0] != due[-1][0]] or due
    return [duty_id for _, duty_id in whole], whole[-1][0]


def _climb(some: Sequence[UUID], now: datetime) -> int:
    with transaction() as session:
        due = select(Duty).where(Duty.id.in_(some), Duty.next_rung_at <= now).order_by(Duty.next_rung_at, Duty.id)
        duties = session.scalars(due.with_for_update(skip_locked=True)).all()
        return _take_all(session, duties, _carded(session, duties), now)


def _carded(session: Session, duties: Sequence[Duty]) -> set[_Bearer]:
    """Who bears a card already among the subjects of some duties: one question for all of them."""
    found = select(Duty.subject_id, Duty.unit_code).where(
        Duty.subject_id.in_({duty.subject_id for duty in duties}), CARD_HANGS
    )
    return {(subject_id, unit) for subject_id, unit in session.execute(found)}


def _take_all(session: Session, duties: Sequence[Duty], carded: set[_Bearer], now: datetime) -> int:
    """Take what is due of all of them in the order of its time, as runs that missed nothing would have."""
    taken = 0
    ahead: list[tuple[datetime, UUID, Duty, LadderStep]] = []
    for duty in duties:
        _wait(duty, ahead)
    while ahead and ahead[0][0] <= now:
        _, _, duty, step = heappop(ahead)
        _take(session, duty, step, carded, now)
        _wait(duty, ahead)
        taken += 1
    return taken


def _wait(duty: Duty, ahead: list[tuple[datetime, UUID, Duty, LadderStep]]) -> None:
    """What comes next of a duty, if anything does."""
    step = _next(duty)
    duty.next_rung_at = step.at if step else None
    if step is not None:
        heappush(ahead, (step.at, duty.id, duty, step))


def _next(duty: Duty) -> LadderStep | None:
    limit, clock = timedelta(seconds=duty.limit_s), DutyClock(duty.clock)
    return next_step(duty.due_at, limit, clock, rung=duty.rung, card=Card(duty.card) if duty.card else None)


def _take(session: Session, duty: Duty, step: LadderStep, carded: set[_Bearer], now: datetime) -> None:
    card: Card | None = None
    if step.rung is None:
        card = Card.RED
    else:
        duty.rung = step.rung
        if step.rung == CARD_RUNG and duty.card is None:
            # The second yellow of a unit on the same subject is red.
            bearer = (duty.subject_id, duty.unit_code)
            card = Card.RED if bearer in carded else Card.YELLOW
            carded.add(bearer)
    if card is not None:
        # A card is lifted, not what comes after it: a red one that falls later is new.
        duty.card, duty.carded_at, duty.card_lifted_at = card.value, step.at, None
        audit.record(session, None, f"duty.card_{card.value}", subject=f"duty:{duty.id}", at=now, unit=duty.unit_code)
    if step.rung != _SILENT:
        outbox.record(session, "duty.climbed", duty_id=str(duty.id), rung=step.rung)
