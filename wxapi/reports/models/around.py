"""Photos of a report, who joined it, and filters that people keep."""

import uuid
from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base
from wxapi.reports.models.columns import At


class ReportPhoto(Base):
    """A photo's place in a report: of the problem, of the work done, or with a line of the history."""

    __tablename__ = "report_photos"
    __table_args__ = (Index("ix_report_photos_report_id", "report_id", "position"),)

    photo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photos.id"), primary_key=True)
    report_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reports.id"))
    purpose: Mapped[str] = mapped_column(Text)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("report_events.id"))
    position: Mapped[int] = mapped_column(SmallInteger)


class ReportJoin(Base):
    """Somebody who met the same problem and joined the report instead of filing it again."""

    __tablename__ = "report_joins"
    __table_args__ = (Index("ix_report_joins_user_id", "user_id", "joined_at"),)

    report_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reports.id"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    joined_at: Mapped[datetime] = mapped_column(At)
    # Joined because their report was merged into this one; unmerging takes it back.
    via_report_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reports.id"))


class ReportJoinMark(Base):
    """That a WeChat account joined a report, under a keyed digest: erased and back, it is not counted again."""

    __tablename__ = "report_join_marks"
    __table_args__ = (Index("ix_report_join_marks_at", "at"),)

    report_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reports.id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    at: Mapped[datetime] = mapped_column(At)


class SavedFilter(Base):
    """A person's own filter of the desk, by the name they gave it; `query` is that of the desk's address."""

    __tablename__ = "report_filters"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    query: Mapped[str] = mapped_column(Text)
