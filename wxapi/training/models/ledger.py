"""The ledger of credit hours, and the certificates made from it."""

import uuid
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Numeric, SmallInteger, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base
from wxapi.training.models.columns import Instant, PersonId, SessionId


class HourEntry(Base):
    """Hours booked or taken back. Only ever added: what counts is the sum; a correction is one more entry."""

    __tablename__ = "training_hours"
    __table_args__ = (
        Index("ix_training_hours_user_id", "user_id", "year"),
        Index("ix_training_hours_session_id", "session_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[PersonId]
    session_id: Mapped[SessionId]
    # Calendar year in Asia/Shanghai.
    year: Mapped[int] = mapped_column(SmallInteger)
    hours: Mapped[Decimal] = mapped_column(Numeric(6, 1))
    rule_version: Mapped[str] = mapped_column(Text)
    at: Mapped[Instant]


class Certificate(Base):
    """A certificate of one session or one year. What it certifies is read from the ledger whenever it is checked."""

    __tablename__ = "training_certificates"
    __table_args__ = (
        CheckConstraint("(session_id IS NULL) <> (year IS NULL)", name="of_what"),
        Index("uq_training_certificates_check_code", "check_code", unique=True),
        # The two below are partial: they cannot answer for a person alone.
        Index("ix_training_certificates_user_id", "user_id"),
        Index(
            "uq_training_certificates_session",
            "user_id",
            "session_id",
            unique=True,
            postgresql_where=text("session_id IS NOT NULL"),
        ),
        Index(
            "uq_training_certificates_year",
            "user_id",
            "year",
            unique=True,
            postgresql_where=text("year IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    check_code: Mapped[str] = mapped_column(Text)
    user_id: Mapped[PersonId]
    session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("training_sessions.id"))
    year: Mapped[int | None] = mapped_column(SmallInteger)
    issued_at: Mapped[Instant]
    # The name as the person gave it when the certificate was issued. None: issued before names were kept.
    holder_name: Mapped[str | None] = mapped_column(Text)
