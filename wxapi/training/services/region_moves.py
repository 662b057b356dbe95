"""Sessions whose roll is still open, and series, go to a closed region's successor."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wxapi.duties.models import OPEN_SQL
from wxapi.platform import audit
from wxapi.regions.rules.changes import RegionMove
from wxapi.regions.services.holdings import RegionHolding

# Drafts, what is to come, what may still receive offline records, and where something is still to be decided.
_OPEN = f"""
    state IN ('draft', 'published') AND (
        ends_at + offline_hours * interval '1 hour' > :now
        OR EXISTS (SELECT FROM duties WHERE subject_id = training_sessions.id AND {OPEN_SQL})
    )
"""
_THERE = f"(region_code = ANY(:codes) OR audience_region_codes && CAST(:codes AS text[])) AND {_OPEN}"
_COUNT = text(f"SELECT count(*) FROM training_sessions WHERE {_THERE}")  # noqa: S608
# In the order in which whoever changes several of them locks them.
_LOCK = text(f"SELECT id FROM training_sessions WHERE {_THERE} ORDER BY id FOR NO KEY UPDATE")  # noqa: S608
# The version is raised: processes keep what they know of a session by it.
_MOVE = text(
    f"""
    UPDATE training_sessions SET
        region_code = CASE region_code WHEN :old THEN :new ELSE region_code END,
        audience_region_codes = array_replace(audience_region_codes, :old, :new),
        version = version + 1, updated_at = :now
    WHERE (region_code = :old OR :old = ANY(audience_region_codes)) AND {_OPEN}
    RETURNING id
    """  # noqa: S608
)
_MOVE_SERIES = text("UPDATE training_series SET region_code = :new WHERE region_code = :old")


def _count(session: Session, codes: Sequence[str], now: datetime) -> int:
    return session.scalar(_COUNT, {"codes": list(codes), "now": now}) or 0


def _move(session: Session, moves: Sequence[RegionMove], now: datetime) -> int:
    moved = 0
    session.execute(_LOCK, {"codes": [move.old for move in moves], "now": now})
    for move in moves:
        values = {"old": move.old, "new": move.new, "now": now}
        session.execute(_MOVE_SERIES, values)
        for session_id in session.scalars(_MOVE, values):
            audit.record(session, None, "training.move", subject=f"training:{session_id}", at=now, region=move.new)
            moved += 1
    return moved


HOLDING = RegionHolding("training", "培训班次", _count, _move)
