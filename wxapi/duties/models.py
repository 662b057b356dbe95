"""Duties, and the appeals against their cards."""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    Uuid,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base
from wxapi.units.rules import LONGEST_CODE

# Literals: a partial index is used only by a query that repeats its condition word for word.
OPEN_SQL = "met_at IS NULL AND dropped_at IS NULL"
# A clock that stands has no due time: only what was left of it is known.
RUNS_SQL = "stopped_at IS NULL"
# A card that counts: a lifted one shows as lifted, and nowhere else. What asks for cards of duties asks for this.
CARD_HANGS_SQL = "card IS NOT NULL AND card_lifted_at IS NULL"
_OPEN = text(OPEN_SQL)
_At = DateTime(timezone=True)
_COUNTED = [
    "stage", "place_township_code", "place_village_code", "class_code", "unit_code", "started_at", "met_at",
    "dropped_at", "stopped_at", "self_settled", "confidential", "subject_type", "used_s",
]  # fmt: skip
_WHAT = [
    "stage", "place_township_code", "place_village_code", "class_code", "unit_code", "confidential", "subject_type",
]  # fmt: skip
_PLACED = ["place_township_code", "place_village_code"]


class Duty(Base):
    """One unit owes one step of one subject by then. Written by `services.write` and `services.climb` only."""

    __tablename__ = "duties"
    __table_args__ = (
        CheckConstraint("num_nonnulls(met_at, dropped_at) <= 1", name="one_end"),
        CheckConstraint("(dropped_at IS NULL) = (drop_reason IS NULL)", name="drop_reason"),
        CheckConstraint("due_at > origin_at", name="due_after_origin"),
        CheckConstraint("(stopped_at IS NULL) = (left_s IS NULL)", name="stopped"),
        CheckConstraint("rung IN (0, 50, 80, 100, 200)", name="rung"),
        CheckConstraint("card IS NULL OR carded_at IS NOT NULL", name="carded"),
        CheckConstraint("card_lifted_at IS NULL OR card IS NOT NULL", name="lifted"),
        Index("uq_duties_open", "subject_id", "unit_code", "stage", unique=True, postgresql_where=_OPEN),
        Index("uq_duties_seq", "subject_id", "stage", "seq", unique=True),
        # The inbox of a unit, and the list of those above it, by what runs out first.
        Index("ix_duties_unit_due", "unit_code", "due_at", "id", postgresql_where=_OPEN),
        Index("ix_duties_county_due", "unit_county_code", "due_at", "id", postgresql_where=_OPEN),
        Index("ix_duties_township_due", "unit_township_code", "due_at", "id", postgresql_where=_OPEN),
        Index("ix_duties_open_due", "due_at", "id", postgresql_where=_OPEN),
        # What the climb looks for.
        Index("ix_duties_next_rung_at", "next_rung_at", "id", postgresql_where=text("next_rung_at IS NOT NULL")),
        # What is past its time: rows lie in the order they began, so a summary of each block finds them.
        Index("ix_duties_started_at", "started_at", postgresql_using="brin"),
        # Statistics and panorama: all they count stands in the index.
        Index("ix_duties_counted", "place_county_code", "due_at", postgresql_include=_COUNTED),
        Index("ix_duties_begun", "place_county_code", "started_at", postgresql_include=_WHAT),
        Index(
            "ix_duties_met",
            "place_county_code",
            "met_at",
            postgresql_include=[*_WHAT, "self_settled", "used_s"],
            postgresql_where=text("met_at IS NOT NULL"),
        ),
        # The panorama: how late what is open is.
        Index(
            "ix_duties_open_place",
            "place_county_code",
            "due_at",
            postgresql_include=[
                *_PLACED,
                "confidential",
                "subject_type",
                "rung",
                "card",
                "card_lifted_at",
                "stopped_at",
            ],
            postgresql_where=_OPEN,
        ),
        Index(
            "ix_duties_self_settled",
            "place_county_code",
            "met_at",
            postgresql_include=_WHAT,
            postgresql_where=text("self_settled"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    subject_type: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    subject_number: Mapped[str] = mapped_column(Text)
    stage: Mapped[str] = mapped_column(Text)
    seq: Mapped[int] = mapped_column(SmallInteger)
    unit_code: Mapped[str] = mapped_column(String(LONGEST_CODE), ForeignKey("units.code"))
    # Ancestors of the unit's region (itself included), None above its level.
    unit_county_code: Mapped[str | None] = mapped_column(Text)
    unit_township_code: Mapped[str | None] = mapped_column(Text)
    unit_village_code: Mapped[str | None] = mapped_column(Text)
    # Where the subject lies, and its ancestors.
    place_code: Mapped[str | None] = mapped_column(Text)
    place_county_code: Mapped[str | None] = mapped_column(Text)
    place_township_code: Mapped[str | None] = mapped_column(Text)
    place_village_code: Mapped[str | None] = mapped_column(Text)
    class_code: Mapped[str | None] = mapped_column(Text)
    # The subject is hidden from the village of the place: counted nowhere, listed only for the unit that owes it.
    confidential: Mapped[bool] = mapped_column(Boolean, server_default=false())
    clock: Mapped[str] = mapped_column(Text)
    limit_s: Mapped[int] = mapped_column(Integer)
    # When the clock started; a duty that was moved keeps it. `started_at`: when it reached this unit.
    origin_at: Mapped[datetime] = mapped_column(_At)
    started_at: Mapped[datetime] = mapped_column(_At)
    due_at: Mapped[datetime] = mapped_column(_At)
    stopped_at: Mapped[datetime | None] = mapped_column(_At)
    # Seconds of its own clock that were left when it stopped; negative when overdue.
    left_s: Mapped[int | None] = mapped_column(BigInteger)
    met_at: Mapped[datetime | None] = mapped_column(_At)
    # Seconds of its own clock that had been used when it was met, stops left out.
    used_s: Mapped[int | None] = mapped_column(BigInteger)
    dropped_at: Mapped[datetime | None] = mapped_column(_At)
    drop_reason: Mapped[str | None] = mapped_column(Text)
    # Met by the very unit whose people had asked for it; counted apart.
    self_settled: Mapped[bool] = mapped_column(Boolean, server_default=false())
    rung: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_rung_at: Mapped[datetime | None] = mapped_column(_At)
    card: Mapped[str | None] = mapped_column(Text)
    carded_at: Mapped[datetime | None] = mapped_column(_At)
    card_lifted_at: Mapped[datetime | None] = mapped_column(_At)


# What a photo is used by that a unit gave with an appeal; the duty is its id.
APPEAL_PHOTO = "duty_appeal"


class DutyAppeal(Base):
    """A unit appealed against the card of one of its duties: once, decided by the unit above."""

    __tablename__ = "duty_appeals"
    __table_args__ = (
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided"),
        Index("uq_duty_appeals_duty_id", "duty_id", unique=True),
        # What waits for a decision, the longest waiting first.
        Index("ix_duty_appeals_open", "asked_at", postgresql_where=text("decided_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    duty_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("duties.id"))
    asked_at: Mapped[datetime] = mapped_column(_At)
    asked_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    note: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime | None] = mapped_column(_At)
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    decision: Mapped[str | None] = mapped_column(Text)
    decision_note: Mapped[str | None] = mapped_column(Text)
