"""Frozen bulletins, and exports with their files."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, String, Text, Uuid, text
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
