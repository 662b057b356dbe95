"""The lines of a report's history, and what citizens typed, sealed."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base
from wxapi.platform.sealed import Sealed
from wxapi.reports.models.columns import At
from wxapi.reports.rules.counted import COUNTED_STEPS

# A merge is counted where the report went from; the line in the report that took it in is none.
COUNTED_SQL = (
    "action IN ("
    + ", ".join(f"'{step}'" for step in COUNTED_STEPS)
    + ") AND (action <> 'merge' OR to_state = 'merged')"
)


class ReportEvent(Base):
    """One line of a report's history. Who acted is kept as role and unit; the person's id is never shown."""

    __tablename__ = "report_events"
    __table_args__ = (
        Index("ix_report_events_report_id", "report_id", "id"),
        # What one person did: their right to read and to be forgotten.
        Index("ix_report_events_actor_id", "actor_id", postgresql_where=text("actor_id IS NOT NULL")),
        # Steps that statistics count, by county and time; and those whose report must be read to count them.
        Index(
            "ix_report_events_counted",
            "county_code",
            "at",
            postgresql_include=["action", "township_code", "village_code", "category_code", "held_by", "rating"],
            postgresql_where=text("county_code IS NOT NULL"),
        ),
        Index(
            "ix_report_events_unplaced",
            "at",
            postgresql_include=["action", "report_id"],
            postgresql_where=text(f"county_code IS NULL AND {COUNTED_SQL}"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    report_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reports.id"))
    at: Mapped[datetime] = mapped_column(At)
    action: Mapped[str] = mapped_column(Text)
    from_state: Mapped[str | None] = mapped_column(Text)
    to_state: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    # A role of `kernel.permissions`, or reporter, joiner, system; the unit is the appointment's region.
    role: Mapped[str] = mapped_column(Text)
    unit_code: Mapped[str | None] = mapped_column(Text)
    # Whose turn it was after the step; None in lines from before this was kept.
    desk_code: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    # Codes, days and dates that came with the action.
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # Of a step that is counted: where and what the report was, who held it, and the rating. None of all others, of
    # reports about village affairs, and in lines from before this was kept.
    county_code: Mapped[str | None] = mapped_column(Text)
    township_code: Mapped[str | None] = mapped_column(Text)
    village_code: Mapped[str | None] = mapped_column(Text)
    category_code: Mapped[str | None] = mapped_column(Text)
    held_by: Mapped[str | None] = mapped_column(Text)
    rating: Mapped[int | None] = mapped_column(SmallInteger)


class ReportOriginal(Base):
    """What a citizen typed, sealed, where masking changed it; the masked text stands in the report or its history."""

    __tablename__ = "report_originals"
    __table_args__ = (
        CheckConstraint("(field = 'note') = (event_id IS NOT NULL)", name="event"),
        Index("ix_report_originals_report_id", "report_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    report_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reports.id"))
    field: Mapped[str] = mapped_column(Text)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("report_events.id"))
    sealed: Mapped[bytes] = mapped_column(Sealed("report.original"))
