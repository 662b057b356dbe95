"""The roll: one row per session and person, what was decided about it, what was refused and what looks odd."""

import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base
from wxapi.training.models.columns import Instant, PersonId, SessionId


class Attendance(Base):
    """A person on the roll of a session: made by enrolling, signing in or the organiser's hand.

    The columns of the sign-in stay as they were first written; later decisions change `state` and are events.
    Positions are not kept, only the distance to the place.
    """

    __tablename__ = "training_attendance"
    __table_args__ = (
        # Does this device sign in for others? Was this person elsewhere at the time?
        Index(
            "ix_training_attendance_device",
            "session_id",
            "device_digest",
            postgresql_where=text("device_digest IS NOT NULL"),
        ),
        Index("ix_training_attendance_user_id", "user_id", "signed_in_at"),
        # Whose session is to be closed?
        Index("ix_training_attendance_enrolled", "session_id", postgresql_where=text("state = 'enrolled'")),
        # What was made up in this session?
        Index(
            "ix_training_attendance_made_up_in",
            "made_up_in",
            "user_id",
            postgresql_where=text("made_up_in IS NOT NULL"),
        ),
    )

    session_id: Mapped[SessionId] = mapped_column(primary_key=True)
    user_id: Mapped[PersonId] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid)
    state: Mapped[str] = mapped_column(Text)
    walk_in: Mapped[bool] = mapped_column(server_default=false())
    signed_in_at: Mapped[Instant | None]
    received_at: Mapped[Instant | None]
    step: Mapped[int | None] = mapped_column(BigInteger)
    via: Mapped[str | None] = mapped_column(Text)
    late_upload: Mapped[bool] = mapped_column(server_default=false())
    distance_m: Mapped[int | None]
    accuracy_m: Mapped[int | None]
    device_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    # Nobody writes or reads it any more; it goes a release later.
    state_before: Mapped[str | None] = mapped_column(Text)
    signed_out_at: Mapped[Instant | None]
    made_up_in: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("training_sessions.id"))


class AttendanceEvent(Base):
    """One decision about a row of the roll, with its reason. Only ever added."""

    __tablename__ = "training_attendance_events"
    __table_args__ = (
        Index("ix_training_attendance_events_row", "session_id", "user_id", "id"),
        Index("ix_training_attendance_events_user_id", "user_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    session_id: Mapped[SessionId]
    user_id: Mapped[PersonId]
    at: Mapped[Instant]
    action: Mapped[str] = mapped_column(Text)
    from_state: Mapped[str | None] = mapped_column(Text)
    # The make-up's session before the decision, so that undoing brings it back.
    from_made_up_in: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("training_sessions.id"))
    to_state: Mapped[str] = mapped_column(Text)
    # Whether a sign-in stood already: one that came after the decision stays when it is undone. None: not known.
    after_sign_in: Mapped[bool | None]
    # None: the system itself.
    actor_id: Mapped[PersonId | None]
    reason: Mapped[str] = mapped_column(Text, server_default="")


class Refusal(Base):
    """A sign-in that was refused, with its stable code."""

    __tablename__ = "training_refusals"
    __table_args__ = (
        Index("ix_training_refusals_person", "session_id", "user_id", "at"),
        Index("ix_training_refusals_at", "at"),
        Index("ix_training_refusals_user_id", "user_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    session_id: Mapped[SessionId]
    user_id: Mapped[PersonId]
    at: Mapped[Instant]
    code: Mapped[str] = mapped_column(Text)
    # What was tried: sign_in, sign_out or ticket.
    tried: Mapped[str] = mapped_column(Text)
    typed: Mapped[bool] = mapped_column(server_default=false())


class Flag(Base):
    """Something odd for the organiser to look at. `user_id` None: about a group, told in `detail`."""

    __tablename__ = "training_flags"
    __table_args__ = (
        # The same thing is flagged once, however often the review runs.
        UniqueConstraint("session_id", "reason", "subject"),
        Index("ix_training_flags_open", "session_id", "created_at", "id"),
        Index("ix_training_flags_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    session_id: Mapped[SessionId]
    user_id: Mapped[PersonId | None]
    reason: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[Instant]
    decision: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[PersonId | None]
    decided_at: Mapped[Instant | None]
    note: Mapped[str] = mapped_column(Text, server_default="")


class LeaveRequest(Base):
    """Asking for leave, before or after; one undecided request per session and person."""

    __tablename__ = "training_leave_requests"
    __table_args__ = (
        Index(
            "uq_training_leave_requests_pending",
            "session_id",
            "user_id",
            unique=True,
            postgresql_where=text("decision IS NULL"),
        ),
        Index("ix_training_leave_requests_session_id", "session_id", "created_at", "id"),
        Index("ix_training_leave_requests_user_id", "user_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    session_id: Mapped[SessionId]
    user_id: Mapped[PersonId]
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Instant]
    decision: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[PersonId | None]
    decided_at: Mapped[Instant | None]
    note: Mapped[str] = mapped_column(Text, server_default="")
