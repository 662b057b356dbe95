"""Checks of what citizens hand in, and the names WeChat gave to those under way."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, SmallInteger, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.moderation.rules.checks import QUEUED
from wxapi.platform.db import Base

_At = DateTime(timezone=True)
_QUEUED = ", ".join(repr(state.value) for state in QUEUED)
# Literals: a partial index is used only by a query that repeats its condition word for word.
_QUEUE = f"state IN ({_QUEUED}) AND decided_at IS NULL"
QUEUE_SQL = f"moderation_checks.state IN ({_QUEUED}) AND moderation_checks.decided_at IS NULL"


class Check(Base):
    """One thing to be checked: the text of a subject (a report), or one of its pictures."""

    __tablename__ = "moderation_checks"
    __table_args__ = (
        CheckConstraint("(kind = 'picture') = (photo_id IS NOT NULL)", name="photo"),
        Index("uq_moderation_checks_text", "subject_id", unique=True, postgresql_where=text("kind = 'text'")),
        Index("uq_moderation_checks_photo_id", "photo_id", unique=True),
        Index("ix_moderation_checks_subject_id", "subject_id"),
        Index("ix_moderation_checks_queue", "created_at", "id", postgresql_where=text(_QUEUE)),
        # A person's right to read and to be forgotten.
        Index("ix_moderation_checks_author_id", "author_id", postgresql_where=text("author_id IS NOT NULL")),
        # Verdicts that did not come.
        Index("ix_moderation_checks_asked_at", "asked_at", postgresql_where=text("state = 'asked'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    photo_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))
    # Whose openid WeChat is told; None once the person is forgotten.
    author_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    state: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_At)
    # How often WeChat took it, and how often it did not.
    asks: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    asked_at: Mapped[datetime | None] = mapped_column(_At)
    label: Mapped[int | None] = mapped_column(Integer)
    errcode: Mapped[int | None] = mapped_column(Integer)
    # A person's decision; the state then says what came of it.
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime | None] = mapped_column(_At)


class Trace(Base):
    """WeChat's name of one asking. Written by whoever learns of it first: the asker, or the push with the verdict."""

    __tablename__ = "moderation_traces"
    __table_args__ = (Index("ix_moderation_traces_at", "at"),)

    trace_id: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(_At)
    # No foreign key: the picture may be gone before its verdict comes.
    check_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    suggest: Mapped[str | None] = mapped_column(Text)
    label: Mapped[int | None] = mapped_column(Integer)
    # None until the verdict has come.
    errcode: Mapped[int | None] = mapped_column(Integer)
