"""Sessions, series of sessions, and who has a seat."""

import uuid
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, Text, Uuid, false, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base
from wxapi.platform.sealed import Sealed
from wxapi.training.models.columns import Instant, PersonId, SessionId


class Series(Base):
    """One course of many dates: who enrols is enrolled in every session of it, those still to come included."""

    __tablename__ = "training_series"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    created_by: Mapped[PersonId]
    created_at: Mapped[Instant]
    # Numbers of those who enrolled, in order; the row's lock makes them one after the other.
    last_seq: Mapped[int] = mapped_column(server_default="0")


class SeriesEnrolment(Base):
    """A person enrolled in a series. `seq` keeps the order for sessions published later."""

    __tablename__ = "training_series_enrolments"

    series_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("training_series.id"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    seq: Mapped[int]
    withdrawn_at: Mapped[Instant | None]


class TrainingSession(Base):
    """One session. `version` counts edits; enrolments and sign-ins do not move it."""

    __tablename__ = "training_sessions"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="times"),
        CheckConstraint("capacity IS NULL OR seats_taken <= capacity", name="seats"),
        CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="position"),
        Index("ix_training_sessions_region_code", "region_code", postgresql_ops={"region_code": "text_pattern_ops"}),
        Index("ix_training_sessions_published", "ends_at", "id", postgresql_where=text("state = 'published'")),
        Index("ix_training_sessions_created_by", "created_by", "starts_at"),
        Index("ix_training_sessions_series_id", "series_id", postgresql_where=text("series_id IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    series_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("training_series.id"))
    title: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    place: Mapped[str] = mapped_column(Text)
    # GCJ-02; None: the session asks for no position.
    longitude: Mapped[float | None]
    latitude: Mapped[float | None]
    radius_m: Mapped[int | None]
    capacity: Mapped[int | None]
    credit_hours: Mapped[Decimal | None] = mapped_column(Numeric(5, 1))
    audience_region_codes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    audience_roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    audience_user_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid))
    sign_in_opens_min: Mapped[int]
    late_after_min: Mapped[int]
    sign_out: Mapped[bool]
    offline_hours: Mapped[int]
    # Somebody else runs it: it may overlap the organiser's other sessions.
    parallel: Mapped[bool] = mapped_column(server_default=false())
    state: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(server_default="1")
    # Sealed; the key of the rotating codes.
    secret_sealed: Mapped[bytes] = mapped_column(Sealed("training.code"))
    # Both change under the row's lock only, so that exactly `capacity` people get in, in order.
    seats_taken: Mapped[int] = mapped_column(server_default="0")
    last_seq: Mapped[int] = mapped_column(server_default="0")
    created_by: Mapped[PersonId]
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]


class Enrolment(Base):
    """A seat or a place on the waiting list; `seq` is the order of coming, without reuse."""

    __tablename__ = "training_enrolments"
    __table_args__ = (
        Index("ix_training_enrolments_queue", "session_id", "seq", postgresql_where=text("state = 'waiting'")),
        Index("ix_training_enrolments_user_id", "user_id"),
    )

    session_id: Mapped[SessionId] = mapped_column(primary_key=True)
    user_id: Mapped[PersonId] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid)
    state: Mapped[str] = mapped_column(Text)
    seq: Mapped[int]
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]
