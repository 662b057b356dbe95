"""A closed region's units and matters go on under its successor's code."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from wxapi.kernel.clock import local_day
from wxapi.platform import audit
from wxapi.regions.rules.changes import RegionMove
from wxapi.regions.services.holdings import RegionHolding
from wxapi.units import queries
from wxapi.units.models import Matter, Unit
from wxapi.units.rules import UnitKind

# A unit of the same code at the successor goes on for both. One that was closed there stays closed.
_ADD = text(
    """
    INSERT INTO units (code, region_code, name, kind, field, created_at)
    SELECT :new || substr(code, :length + 1), :new, name, kind, field, :now FROM units
    WHERE region_code = :old AND kind <> 'region' AND closed_on IS NULL
    ON CONFLICT (code) DO NOTHING
    """
)
# The last day is the day of the change: until then the unit acted.
_CLOSE = text(
    """
    UPDATE units SET closed_on = :today, successor_code = :new || substr(code, :length + 1)
    WHERE region_code = :old AND closed_on IS NULL
    RETURNING code, successor_code
    """
)
# A line that the successor's list has already is the successor's.
_MOVE_MATTERS = text(
    """
    WITH gone AS (DELETE FROM matters WHERE region_code = :old RETURNING *)
    INSERT INTO matters (region_code, code, name, kind, lead_unit_code)
    SELECT :new, code, name, kind, lead_unit_code FROM gone
    ON CONFLICT (region_code, code) DO NOTHING
    """
)
_RENAME_LEADS = text(
    """
    UPDATE matters SET lead_unit_code = :new || substr(lead_unit_code, :length + 1)
    WHERE lead_unit_code = :old OR starts_with(lead_unit_code, :old || '-')
    """
)


def _count(session: Session, codes: Sequence[str], _now: datetime) -> int:
    units = select(func.count()).where(
        Unit.region_code.in_(codes), Unit.kind != UnitKind.REGION, Unit.closed_on.is_(None)
    )
    matters = select(func.count()).where(Matter.region_code.in_(codes))
    return (session.scalar(units) or 0) + (session.scalar(matters) or 0)


def _move(session: Session, moves: Sequence[RegionMove], now: datetime) -> int:
    moved = 0
    for move in moves:
        # Offices first: what was named as a unit must have a unit to go to.
        queries.make_offices(session, [move.old, move.new], now=now)
        values = {"old": move.old, "new": move.new, "length": len(move.old), "now": now, "today": local_day(now)}
        session.execute(_ADD, values)
        for code, successor in session.execute(_CLOSE, values):
            audit.record(session, None, "unit.close", subject=f"unit:{code}", at=now, successor=successor)
            moved += "-" in code
        matters = session.execute(_MOVE_MATTERS, values)
        moved += int(matters.rowcount)  # type: ignore[attr-defined]
        session.execute(_RENAME_LEADS, values)
    return moved


HOLDING = RegionHolding("units", "单位和履职事项", _count, _move)
