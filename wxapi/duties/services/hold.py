"""What a closed unit owes goes to its successor: the old duty is dropped as moved, a new one begins."""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wxapi.duties.models import OPEN_SQL, Duty
from wxapi.duties.queries.lists import open_at
from wxapi.duties.services.work import kinds
from wxapi.duties.services.write import ancestors
from wxapi.regions.rules.levels import region_of
from wxapi.units.rules import is_region
from wxapi.units.services.holdings import UnitClosing, UnitHolding

# The new duty keeps origin, due time and ladder; what was past due when it came is counted as inherited.
_MOVE = text(
    f"""
    WITH moved AS (
        UPDATE duties SET dropped_at = :at, drop_reason = 'moved', next_rung_at = NULL
        WHERE unit_code = :unit AND subject_type <> ALL(:staying) AND {OPEN_SQL}
        RETURNING *
    )
    INSERT INTO duties (
        id, subject_type, subject_id, subject_number, stage, seq, unit_code, unit_county_code, unit_township_code,
        unit_village_code, place_code, place_county_code, place_township_code, place_village_code, class_code,
        confidential, clock, limit_s, origin_at, started_at, due_at, stopped_at, left_s, rung, next_rung_at
    )
    SELECT gen_random_uuid(), subject_type, subject_id, subject_number, stage,
        (SELECT max(other.seq) + 1 FROM duties other
         WHERE other.subject_id = moved.subject_id AND other.stage = moved.stage),
        :successor, :unit_county, :unit_township, :unit_village, place_code, place_county_code, place_township_code,
        place_village_code, class_code, confidential, clock, limit_s, origin_at, :at, due_at, stopped_at, left_s, rung,
        (SELECT next_rung_at FROM duties before WHERE before.id = moved.id)
    FROM moved
    """  # noqa: S608 - constants of ours
)


def _move(session: Session, closing: UnitClosing) -> int:
    """Hand all open duties over; returns how many. A unit that has some is not closed with nobody to go on."""
    if closing.successor_code is None:
        return 0
    _lock_subjects(session, closing.unit_code)
    itself = [kind.type for kind in kinds().values() if kind.follows_itself and is_region(closing.unit_code)]
    values = {"unit": closing.unit_code, "successor": closing.successor_code, "at": closing.at, "staying": itself}
    found = session.execute(_MOVE, values | ancestors("unit", region_of(closing.successor_code)))
    return int(found.rowcount)  # type: ignore[attr-defined]


def _lock_subjects(session: Session, unit_code: str) -> None:
    """A decision that is being taken holds its subject and knows what is owed: the duty must not move under it."""
    owed = select(Duty.subject_type, Duty.subject_id).where(Duty.unit_code == unit_code, text(OPEN_SQL))
    found = session.execute(owed.distinct()).all()
    for kind in reversed(tuple(kinds().values())):  # sessions before reports, as where a region is closed
        ids = [subject_id for subject_type, subject_id in found if subject_type == kind.type]
        if ids:
            kind.lock(session, ids)


HOLDING = UnitHolding("duties", _move, open_at)
