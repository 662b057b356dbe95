"""The climb itself, on the table: one that slept does what one that ran every few hours did."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.tries import tries
from wxapi.duties.models import Duty
from wxapi.duties.rules.clock import DutyClock, next_step, rung_times, work_time
from wxapi.duties.services import climb
from wxapi.kernel.deadlines import red_at
from wxapi.platform.outbox import OutboxRow

_UNITS = ("421002001001", "421002001002")
_STAGES = ("triage", "respond", "resolve")
# Of one subject: by whom, when it began, how long it may take, by which clock.
_OWED = st.tuples(st.sampled_from(_UNITS), st.integers(0, 40), st.integers(1, 40), st.sampled_from(DutyClock))


def _store(session: Session, owed: Sequence[tuple[str, int, int, DutyClock]]) -> list[uuid.UUID]:
    session.execute(text("SET LOCAL session_replication_role = replica"))  # units that are not there
    subject, found = uuid.UUID(int=7), []
    for stage, (unit, hours, limit_h, clock) in zip(_STAGES, owed, strict=False):
        began, limit = NOW + timedelta(hours=hours), timedelta(hours=limit_h)
        due = work_time(clock).add(began, limit)
        first = next_step(due, limit, clock, rung=0, card=None)
        assert first is not None
        row = Duty(
            id=uuid.UUID(int=len(found)), subject_type="report", subject_id=subject, subject_number="JZ", stage=stage, seq=1,
            unit_code=unit, clock=clock.value, limit_s=int(limit.total_seconds()), origin_at=began, started_at=began,
            due_at=due, next_rung_at=first.at, rung=0,
        )  # fmt: skip
        session.add(row)
        found.append(row.id)
    session.commit()
    return found


def _climbed(session: Session, ids: Sequence[uuid.UUID], runs: Sequence[datetime]) -> list[Any]:
    """Let it run at some instants; what the duties are then, and what was told of each."""
    for now in runs:
        climb.climb(now=now)
    columns = (Duty.rung, Duty.card, Duty.carded_at, Duty.next_rung_at)
    rows = session.execute(select(*columns).where(Duty.id.in_(ids)).order_by(Duty.id)).all()
    payloads = session.scalars(select(OutboxRow.payload).where(OutboxRow.topic == "duty.climbed")).all()
    # Rows of one statement have numbers in any order, and jobs run side by side: how often, not in which order.
    told = [sorted(str(each["rung"]) for each in payloads if each["duty_id"] == str(duty)) for duty in ids]
    session.execute(delete(OutboxRow))
    session.execute(delete(Duty))
    session.commit()
    return [*map(tuple, rows), told]


@settings(
    deadline=None,
    max_examples=tries(10),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# What is due first has its first rung last: the other's card is the second one of the unit, and red.
@example(owed=[(_UNITS[0], 0, 40, DutyClock.ROUND), (_UNITS[0], 30, 6, DutyClock.ROUND)], runs=[37], last=45)
@given(
    owed=st.lists(_OWED, min_size=1, max_size=3),
    runs=st.lists(st.integers(0, 24 * 20), max_size=3),
    last=st.integers(0, 24 * 20),
)
def test_a_climb_that_slept_does_what_one_that_ran_did(
    session: Session, owed: list[tuple[str, int, int, DutyClock]], runs: list[int], last: int
) -> None:
    instants = [NOW + timedelta(hours=hours) for hours in sorted({*(each for each in runs if each < last), last})]
    ids = _store(session, owed)
    rows = [session.get_one(Duty, each) for each in ids]
    dues = [(row.due_at, timedelta(seconds=row.limit_s), DutyClock(row.clock)) for row in rows]
    often = _climbed(session, ids, instants)
    once = _climbed(session, _store(session, owed), instants[-1:])
    assert often == once
    for (due, limit, clock), told in zip(dues, once[-1], strict=True):
        # Each rung once; the colour is told to nobody, and a card that fell red falls red no more.
        reached = [str(rung) for rung, at in rung_times(due, limit, clock).items() if at <= instants[-1] and rung != 50]
        assert [rung for rung in told if rung != "None"] == sorted(reached)
        assert told.count("None") <= (red_at(due) <= instants[-1])
