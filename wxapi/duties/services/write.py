"""The one writer of duties, inside the transaction of the feature that changes the subject.

`record` takes what was owed before and after a change and writes the difference. The statements go out with the commit,
together with audit and outbox; nobody reads them before it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wxapi.duties.models import OPEN_SQL, Duty
from wxapi.duties.rules.clock import DutyClock, next_step, rung_at, rung_times
from wxapi.duties.rules.owed import Alter, Begin, Drop, DutyChange, Meet, Owed, changes
from wxapi.kernel.deadlines import red_at
from wxapi.kernel.ids import new_id
from wxapi.platform.db import fetch, write_later
from wxapi.regions.rules.levels import region_of
from wxapi.units.rules import UnitKind, is_region


@dataclass(frozen=True, slots=True)
class OwedSubject:
    """What a duty is about.

    Args:
        type: registered in `wxapi.app`: `report`, `training`, …
        number: what people call it.
        place_code: the region it lies in.
        confidential: hidden from the people of that place.
    """

    type: str
    id: UUID
    number: str
    place_code: str | None = None
    class_code: str | None = None
    confidential: bool = False


# The office of a region becomes a unit when it is first named. A region's name is read from the tree, not from here.
_OFFICE = f"""
INSERT INTO units (code, region_code, name, kind, created_at)
SELECT code, code, name, '{UnitKind.REGION.value}', %(at)s FROM regions
WHERE code = %(office)s AND NOT EXISTS (SELECT FROM units WHERE code = %(office)s)
ON CONFLICT (code) DO NOTHING
RETURNING code
"""  # noqa: S608 - constants of ours, here and below
_BEGIN = """
INSERT INTO duties (
    id, subject_type, subject_id, subject_number, stage, seq, unit_code, unit_county_code, unit_township_code,
    unit_village_code, place_code, place_county_code, place_township_code, place_village_code, class_code, confidential,
    clock, limit_s, origin_at, started_at, due_at, stopped_at, left_s, next_rung_at
)
SELECT
    %(id)s, %(subject_type)s, %(subject_id)s, %(number)s, %(stage)s,
    (SELECT count(*) + 1 FROM duties WHERE subject_id = %(subject_id)s AND stage = %(stage)s),
    %(unit)s, %(unit_county)s, %(unit_township)s, %(unit_village)s, %(place)s, %(place_county)s, %(place_township)s,
    %(place_village)s, %(class)s, %(confidential)s, %(clock)s, %(limit_s)s, %(origin_at)s, %(at)s, %(due_at)s,
    CAST(%(stopped_at)s AS timestamptz), CAST(%(left_s)s AS bigint), CAST(%(next_rung_at)s AS timestamptz)
RETURNING id
"""
_OPEN = f"WHERE subject_id = %(subject_id)s AND stage = %(stage)s AND {OPEN_SQL}"
_MEET = f"""
UPDATE duties SET met_at = %(at)s, stopped_at = NULL, left_s = NULL, next_rung_at = NULL, self_settled = %(self)s,
    used_s = %(used_s)s
{_OPEN} RETURNING id
"""  # noqa: S608
_DROP = f"""
UPDATE duties SET dropped_at = %(at)s, drop_reason = %(reason)s, next_rung_at = NULL
{_OPEN} RETURNING id
"""  # noqa: S608
# Rungs whose time lies ahead again are taken again; those that were due and not taken yet are still to come.
_ALTER = f"""
UPDATE duties SET due_at = %(due_at)s, limit_s = %(limit_s)s, stopped_at = CAST(%(stopped_at)s AS timestamptz),
    left_s = CAST(%(left_s)s AS bigint),
    rung = LEAST(rung, %(rung_now)s),
    next_rung_at = CASE
        WHEN %(stopped_at)s IS NOT NULL THEN NULL
        WHEN LEAST(rung, %(rung_now)s) < 50 THEN CAST(%(r50)s AS timestamptz)
        WHEN LEAST(rung, %(rung_now)s) < 80 THEN CAST(%(r80)s AS timestamptz)
        WHEN LEAST(rung, %(rung_now)s) < 100 THEN CAST(%(r100)s AS timestamptz)
        WHEN LEAST(rung, %(rung_now)s) < 200 AND card = 'yellow'
            THEN LEAST(CAST(%(r200)s AS timestamptz), CAST(%(red)s AS timestamptz))
        WHEN LEAST(rung, %(rung_now)s) < 200 THEN CAST(%(r200)s AS timestamptz)
        WHEN card = 'yellow' THEN CAST(%(red)s AS timestamptz)
    END
{_OPEN} RETURNING id
"""  # noqa: S608


def open_owed(session: Session, subject_id: UUID) -> list[Owed]:
    """What is owed for a subject as it was last written. The caller holds the subject's lock."""
    rows = session.scalars(select(Duty).where(Duty.subject_id == subject_id, text(OPEN_SQL)))
    return [
        Owed(
            stage=row.stage,
            unit_code=row.unit_code,
            origin_at=row.origin_at,
            due_at=row.due_at,
            limit=timedelta(seconds=row.limit_s),
            clock=DutyClock(row.clock),
            stopped_at=row.stopped_at,
        )
        for row in rows
    ]


def record(
    session: Session,
    subject: OwedSubject,
    before: Sequence[Owed],
    after: Sequence[Owed],
    *,
    meets: Collection[str] = (),
    self_settled: bool = False,
    at: datetime,
) -> None:
    """Write what a change of a subject makes of its duties. The caller holds the subject's lock.

    Args:
        session: of the feature's transaction.
        subject: what the duties are about.
        before: owed before the change.
        after: owed after it.
        meets: stages the change fulfils.
        self_settled: the unit's own people had asked for what is met.
        at: the present instant.
    """
    found = changes(before, after, meets=meets)
    begun = [change.owed for change in found if isinstance(change, Begin)]
    for office in sorted({owed.unit_code for owed in begun if is_region(owed.unit_code)}):
        write_later(session, _OFFICE, {"office": office, "at": at})
    anew = {(owed.stage, owed.unit_code) for owed in before} & {(owed.stage, owed.unit_code) for owed in begun}
    for change in found:
        sql, values = _statement(subject, change, self_settled=self_settled, at=at)
        if isinstance(change, Meet):
            values["used_s"] = next(owed.used_s(at) for owed in before if owed.stage == change.stage)
        if isinstance(change, Meet) and any(stage == change.stage for stage, _ in anew):
            # Parts of one statement see each other's rows as they were before it: the open row must end first.
            fetch(session, sql, values)
        else:
            write_later(session, sql, values)


def _statement(
    subject: OwedSubject, change: DutyChange, *, self_settled: bool, at: datetime
) -> tuple[str, dict[str, Any]]:
    if isinstance(change, Begin):
        return _BEGIN, _begin_values(subject, change.owed, at)
    stage = change.owed.stage if isinstance(change, Alter) else change.stage
    values: dict[str, Any] = {"subject_id": subject.id, "stage": stage, "at": at}
    if isinstance(change, Meet):
        return _MEET, values | {"self": self_settled}
    if isinstance(change, Drop):
        return _DROP, values | {"reason": change.reason.value}
    return _ALTER, values | _alter_values(change.owed, at)


def _begin_values(subject: OwedSubject, owed: Owed, at: datetime) -> dict[str, Any]:
    step = next_step(owed.due_at, owed.limit, owed.clock, rung=0, card=None)
    return {
        "id": new_id(),
        "subject_type": subject.type,
        "subject_id": subject.id,
        "number": subject.number,
        "stage": owed.stage,
        "unit": owed.unit_code,
        **ancestors("unit", region_of(owed.unit_code)),
        "place": subject.place_code,
        **ancestors("place", subject.place_code or ""),
        "class": subject.class_code,
        "confidential": subject.confidential,
        "clock": owed.clock.value,
        "limit_s": owed.limit_s,
        "origin_at": owed.origin_at,
        "at": at,
        "due_at": owed.due_at,
        "stopped_at": owed.stopped_at,
        "left_s": owed.left_s,
        "next_rung_at": step.at if step and owed.stopped_at is None else None,
    }


def _alter_values(owed: Owed, at: datetime) -> dict[str, Any]:
    times = rung_times(owed.due_at, owed.limit, owed.clock)
    return {
        "due_at": owed.due_at,
        "limit_s": owed.limit_s,
        "stopped_at": owed.stopped_at,
        "left_s": owed.left_s,
        "rung_now": rung_at(owed.due_at, owed.limit, owed.clock, owed.stopped_at or at),
        **{f"r{rung}": time for rung, time in times.items()},
        "red": red_at(owed.due_at),
    }


def ancestors(name: str, region: str) -> dict[str, str | None]:
    """The county, township and village of a region's code, each None above its level."""
    lengths = (("county", 6), ("township", 9), ("village", 12))
    return {f"{name}_{level}": region[:length] if len(region) >= length else None for level, length in lengths}
