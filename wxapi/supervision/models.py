"""Frozen bulletins, exports with their files, and the sums of months that are over."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base

_At = DateTime(timezone=True)


class Bulletin(Base):
    """Figures as they were published. A trigger refuses every change; a later one may name what it corrects."""

    __tablename__ = "bulletins"
    __table_args__ = (Index("ix_bulletins_issued_at", "issued_at", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    region_code: Mapped[str] = mapped_column(String(15), ForeignKey("regions.code"))
    title: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[str] = mapped_column(Text)
    corrects_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("bulletins.id"))
    issued_at: Mapped[datetime] = mapped_column(_At)


class Export(Base):
    """One export: asked for, made by a job, its file kept for some days."""

    __tablename__ = "exports"
    __table_args__ = (
        CheckConstraint("state <> 'ready' OR num_nonnulls(sha256, row_count, bytes, file_key) = 4", name="ready"),
        Index("ix_exports_user_id", "user_id", "created_at", "id"),
        Index("ix_exports_expires_at", "expires_at", postgresql_where=text("file_key IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    format: Mapped[str] = mapped_column(Text)
    # Filter, columns and datum, as they were asked for.
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(Text)
    done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    total: Mapped[int | None] = mapped_column(BigInteger)
    code: Mapped[str | None] = mapped_column(Text)
    file_key: Mapped[str | None] = mapped_column(Text)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    row_count: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_At)
    expires_at: Mapped[datetime | None] = mapped_column(_At)


class FigureMark(Base):
    """What a month of a county says may have changed. Only ever added, by triggers of the tables that are counted."""

    __tablename__ = "figure_marks"

    county_code: Mapped[str] = mapped_column(Text, primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)


class FigureMonth(Base):
    """The sums of a month of a county are kept. They hold while nothing marks the month."""

    __tablename__ = "figure_months"

    county_code: Mapped[str] = mapped_column(Text, primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    kept_at: Mapped[datetime] = mapped_column(_At)


class FigureSum(Base):
    """Counts of a month of a county: of each township, and of it by village, by class and by unit; of it by day.

    `stage` is of what duties say, and empty of what reports and their steps say. The counts are those of
    `rules.measures.Counts`.
    """

    __tablename__ = "figure_sums"

    county_code: Mapped[str] = mapped_column(Text, primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    axis: Mapped[str] = mapped_column(Text, primary_key=True)
    stage: Mapped[str] = mapped_column(Text, primary_key=True)
    township_code: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    due: Mapped[int] = mapped_column(Integer)
    on_time: Mapped[int] = mapped_column(Integer)
    late: Mapped[int] = mapped_column(Integer)
    open_overdue: Mapped[int] = mapped_column(Integer)
    pending: Mapped[int] = mapped_column(Integer)
    inherited: Mapped[int] = mapped_column(Integer)
    held: Mapped[int] = mapped_column(Integer)
    received: Mapped[int] = mapped_column(Integer)
    returned: Mapped[int] = mapped_column(Integer)
    reworked: Mapped[int] = mapped_column(Integer)
    extended: Mapped[int] = mapped_column(Integer)
    held_new: Mapped[int] = mapped_column(Integer)
    self_settled: Mapped[int] = mapped_column(Integer)
    filed: Mapped[int] = mapped_column(Integer)
    closed: Mapped[int] = mapped_column(Integer)
    refused: Mapped[int] = mapped_column(Integer)
    withdrawn: Mapped[int] = mapped_column(Integer)
    merged: Mapped[int] = mapped_column(Integer)
    rated: Mapped[int] = mapped_column(Integer)
    rating_sum: Mapped[int] = mapped_column(Integer)


class FigureTime(Base):
    """Used seconds of the duties of a stage that were met in a month of a county: whole numbers of four bytes."""

    __tablename__ = "figure_times"

    county_code: Mapped[str] = mapped_column(Text, primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    stage: Mapped[str] = mapped_column(Text, primary_key=True)
    used: Mapped[bytes] = mapped_column(LargeBinary)
