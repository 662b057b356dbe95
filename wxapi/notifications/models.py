"""The inbox, the ledger of what people agreed to, the templates, and pushed events still to be worked on."""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wxapi.platform.db import Base
from wxapi.platform.sealed import Sealed


class Message(Base):
    """One notice to one person, and how far its subscribe message has come."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("user_id", "subject", "step"),
        Index("ix_messages_inbox", "user_id", "visible_at", "id"),
        Index("ix_messages_wechat_id", "wechat_id", postgresql_where=text("wechat_id IS NOT NULL")),
        # One send per person at a time.
        Index("ix_messages_sending", "user_id", postgresql_where=text("delivery = 'sending'")),
        Index("ix_messages_created_at", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    step: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    values: Mapped[dict[str, str]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    visible_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    delivery: Mapped[str] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    # An earlier try had no answer and may have arrived.
    unsure: Mapped[bool] = mapped_column(server_default=false())
    claimed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    errcode: Mapped[int | None] = mapped_column(Integer)
    wechat_id: Mapped[str | None] = mapped_column(Text)

    @property
    def is_delayed(self) -> bool:
        """Whether it was to be shown later than it was written."""
        return self.visible_at > self.created_at


class Template(Base):
    """The subscribe-message template of a kind: WeChat's id, and which value goes into which of its fields."""

    __tablename__ = "message_templates"
    __table_args__ = (UniqueConstraint("template_id"),)

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    template_id: Mapped[str] = mapped_column(Text)
    # Template key → name of a value, such as {"thing1": "what"}.
    fields: Mapped[dict[str, str]] = mapped_column(JSONB)
    # The mini program's page a tap opens; `{id}` stands for the subject's id.
    page: Mapped[str | None] = mapped_column(Text)
    # One consent serves for many messages.
    long_term: Mapped[bool] = mapped_column(server_default=false())


class Grant(Base):
    """A line of the ledger: a tap on accept (spent by one message), or on reject."""

    __tablename__ = "message_grants"
    __table_args__ = (
        UniqueConstraint("source"),
        Index("ix_message_grants_person", "user_id", "template_id", "answered_at"),
        Index("ix_message_grants_message_id", "message_id", postgresql_where=text("message_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    template_id: Mapped[str] = mapped_column(Text)
    accepted: Mapped[bool] = mapped_column()
    # WeChat's time of it: pushes may come out of order.
    answered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # Where it was learnt, so that it counts once.
    source: Mapped[str] = mapped_column(Text)
    # The message it was spent on. Messages go in time, the ledger keeps that it is spent.
    message_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    voided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PushEvent(Base):
    """An event WeChat pushed. The body goes when it has been worked on; the key stays to know repeats by."""

    __tablename__ = "push_events"
    __table_args__ = (UniqueConstraint("repeat_digest"), Index("ix_push_events_received_at", "received_at"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    repeat_digest: Mapped[bytes] = mapped_column(LargeBinary)
    event: Mapped[str] = mapped_column(Text)
    body_sealed: Mapped[bytes | None] = mapped_column(Sealed("push.event"))
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
