"""What a closed region's units owe goes to its successor's; duties about places there name the successor.

Registered behind what reports do: their own duties have moved with their history by then. Those of a report that was
routed meanwhile, which nobody has looked at, stay with it until it follows (`regions.settle`).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from wxapi.duties.models import OPEN_SQL, Duty
from wxapi.duties.services.hold import HOLDING as OF_UNITS
from wxapi.duties.services.write import ancestors
from wxapi.platform.db import write_now
from wxapi.regions.rules.changes import RegionMove
from wxapi.regions.rules.levels import region_of
from wxapi.regions.services.holdings import RegionHolding
from wxapi.units.queries import standing_unit
from wxapi.units.services.holdings import UnitClosing

_PLACE = text(
    f"""
    UPDATE duties SET place_code = :new, place_county_code = :place_county, place_township_code = :place_township,
        place_village_code = :place_village
    WHERE place_code = :old AND {OPEN_SQL}
    """  # noqa: S608 - constants of ours
)


def _units_at(session: Session, region_code: str) -> Sequence[str]:
    """Units that owe something and hang on a region."""
    at = (Duty.unit_code == region_code) | Duty.unit_code.startswith(f"{region_code}-", autoescape=True)
    return session.scalars(select(Duty.unit_code).where(at, text(OPEN_SQL)).distinct()).all()


def _count(session: Session, codes: Sequence[str], _now: datetime) -> int:
    wanted = func.split_part(Duty.unit_code, "-", 1).in_(codes)
    return session.scalar(select(func.count()).where(wanted, text(OPEN_SQL))) or 0


def _move(session: Session, moves: Sequence[RegionMove], now: datetime) -> int:
    write_now(session)
    moved = 0
    for move in moves:
        for unit in _units_at(session, move.old):
            # Where the successor closed its unit of that name with nobody to go on, its own office owes.
            heir = standing_unit(session, move.new + unit[len(region_of(unit)) :]) or move.new
            moved += OF_UNITS.move(session, UnitClosing(unit, heir, None, now))
        session.execute(_PLACE, {"old": move.old, "new": move.new, **ancestors("place", move.new)})
    return moved


HOLDING = RegionHolding("duties", "其他未办事项", _count, _move)
