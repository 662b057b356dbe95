"""People, their tokens and appointments. openid and phone are sealed; digests find them again."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base
from wxapi.platform.sealed import LookupDigest, Sealed


class User(Base):
    """A person as WeChat knows one. An erased person keeps the row, empty: reports keep their author's place."""

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_openid_digest", "openid_digest", unique=True),
        Index("ix_users_phone_digest", "phone_digest", postgresql_where=text("phone_digest IS NOT NULL")),
        Index("ix_users_idle", text("coalesce(seen_at, created_at)"), postgresql_where=text("erased_at IS NULL")),
        Index("ix_users_erased", "erased_at", postgresql_where=text("erased_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    openid_digest: Mapped[bytes | None] = mapped_column(LookupDigest("openid_sealed", "user.openid"))
    openid_sealed: Mapped[bytes | None] = mapped_column(Sealed("user.openid"))
    phone_digest: Mapped[bytes | None] = mapped_column(LookupDigest("phone_sealed", "user.phone"))
    phone_sealed: Mapped[bytes | None] = mapped_column(Sealed("user.phone"))
    nickname: Mapped[str] = mapped_column(Text, server_default="")
    kind: Mapped[str | None] = mapped_column(Text)
    consent_version: Mapped[str | None] = mapped_column(Text)
    consent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    # The last login, or the last use of a token that has since died.
    seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # When the person asked to be forgotten: from then on nobody logs in as them and nothing is written for them.
    erased_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # When what the features hold was last taken out.
    cleaned_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Raised by whatever changes what the person may do: appointments, a logout, erasure.
    rights_version: Mapped[int] = mapped_column(BigInteger, server_default="0")


class Token(Base):
    """An access token, by the SHA-256 of what the client holds."""

    __tablename__ = "tokens"
    __table_args__ = (Index("ix_tokens_user_id", "user_id"), Index("ix_tokens_last_used_at", "last_used_at"))

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # When the phone last said that it is still the same person; before that, the login said so.
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class AppointmentRow(Base):
    """A role for a region and all below it, or for a unit, from a day to a day (both included; or until ended)."""

    __tablename__ = "appointments"
    __table_args__ = (
        CheckConstraint("(role = 'unit_officer') = (unit_code IS NOT NULL)", name="unit"),
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="dates"),
        CheckConstraint("stands_in_for IS NULL OR ends_on IS NOT NULL", name="stand_in"),
        Index("ix_appointments_user_id", "user_id"),
        Index("ix_appointments_stands_in_for", "stands_in_for", postgresql_where=text("stands_in_for IS NOT NULL")),
        Index("ix_appointments_unit_code", "unit_code", postgresql_where=text("unit_code IS NOT NULL")),
        # text_pattern_ops: "at or below a region" is a prefix.
        Index(
            "ix_appointments_region_code",
            "region_code",
            "id",
            postgresql_ops={"region_code": "text_pattern_ops"},
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    role: Mapped[str] = mapped_column(Text)
    region_code: Mapped[str] = mapped_column(String(15), ForeignKey("regions.code"))
    # Of a unit officer: the unit, which hangs on `region_code`.
    unit_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"))
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    appointed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    # Ended before its time; the row stays for the record.
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Of a stand-in (代理): the appointment whose holder they stand in for. It gives the same rights, from day to day.
    stands_in_for: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("appointments.id"))


class WebSession(Base):
    """A browser that is signed in, by the SHA-256 of its cookie."""

    __tablename__ = "web_sessions"
    __table_args__ = (
        Index("ix_web_sessions_user_id", "user_id"),
        Index("ix_web_sessions_last_used_at", "last_used_at"),
    )

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    # How the person's own list names it.
    id: Mapped[uuid.UUID] = mapped_column(Uuid, unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    browser: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # As of a token.
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class WebLogin(Base):
    """A browser's attempt to be signed in by a phone: it lives for two minutes and is used once."""

    __tablename__ = "web_logins"
    __table_args__ = (Index("ix_web_logins_created_at", "created_at"),)

    # 128 random bits, as the code on the screen carries them.
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    # SHA-256 of the cookie that binds the attempt to its browser.
    browser_digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    # The number on the screen, and the three that the phone offers.
    number: Mapped[int] = mapped_column(SmallInteger)
    numbers: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    next_path: Mapped[str] = mapped_column(Text)
    browser: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    # Of an attempt that signs nobody in but asks a signed-in person again: only their own phone may say yes.
    asks_user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class RosterEntry(Base):
    """Somebody a city's list names for an office. All is sealed; `user_id` once the phone is bound."""

    __tablename__ = "people_roster"
    __table_args__ = (
        CheckConstraint("unit_code IS NULL OR role = 'unit_officer'", name="unit"),
        UniqueConstraint(
            "phone_digest",
            "role",
            "region_code",
            "unit_code",
            name="uq_people_roster_office",
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_people_roster_unit_code", "unit_code", postgresql_where=text("unit_code IS NOT NULL")),
        Index("ix_people_roster_region_code", "region_code", postgresql_ops={"region_code": "text_pattern_ops"}),
        Index("ix_people_roster_user_id", "user_id"),
        # One slip may be for several entries of a person.
        Index(
            "ix_people_roster_invitation_digest",
            "invitation_digest",
            postgresql_where=text("invitation_digest IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    name_sealed: Mapped[bytes] = mapped_column(Sealed("roster"))
    post_sealed: Mapped[bytes] = mapped_column(Sealed("roster"))
    phone_sealed: Mapped[bytes] = mapped_column(Sealed("roster"))
    phone_digest: Mapped[bytes] = mapped_column(LookupDigest("phone_sealed", "user.phone"))
    role: Mapped[str] = mapped_column(Text)
    region_code: Mapped[str] = mapped_column(String(15), ForeignKey("regions.code"))
    # Of a unit officer: the unit, which hangs on `region_code`.
    unit_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    # Whose administrator put it there; None: an operator.
    added_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    # Of the code on a slip: who brings it before it expires is this person. Only its keyed digest is here, until then.
    invitation_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    invitation_expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PeopleImport(Base):
    """A list of people that an administrator sent: a job reads, checks and writes it, all or nothing."""

    __tablename__ = "people_imports"
    __table_args__ = (
        Index("ix_people_imports_user_id", "user_id", "created_at", "id"),
        Index("ix_people_imports_created_at", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(Text)
    # Only to be checked; what it would do is counted.
    dry_run: Mapped[bool]
    # The file, until it is written, refused, or a day old.
    content_sealed: Mapped[bytes | None] = mapped_column(Sealed("people.import"))
    done: Mapped[int] = mapped_column(Integer, server_default="0")
    total: Mapped[int | None] = mapped_column(Integer)
    written: Mapped[int | None] = mapped_column(Integer)
    changed: Mapped[int | None] = mapped_column(Integer)
    matched: Mapped[int | None] = mapped_column(Integer)
    unchanged: Mapped[int | None] = mapped_column(Integer)
    # Why it failed: a code with its sentence, and the first faults of rows: [{"row", "sentences"}].
    code: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[str | None] = mapped_column(Text)
    faults: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    fault_count: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
