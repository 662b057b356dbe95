"""What follows from a change is a row in the same transaction.

`record` writes it; `workers.relay` hands it to RQ; the row goes when the last of its jobs is done. Until then its
`due_at` is a lease: a row whose work did not finish in time is simply due again, whatever became of Redis or a worker.
Only ids and short texts cross: payloads are read by operators.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, Index, SmallInteger, Text, false, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from wxapi.platform.db import Base

CHANNEL = "outbox"


class OutboxRow(Base):
    """One thing that is still to be done."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "due_at", "id", postgresql_where=text("NOT dead")),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # Names of the jobs not done yet; None until the relay has looked the topic up.
    jobs: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    # Given up after too many attempts; kept for the operator.
    dead: Mapped[bool] = mapped_column(server_default=false())
    last_error: Mapped[str | None] = mapped_column(Text)


def record(session: Session, topic: str, *, not_before: datetime | None = None, **payload: str | int | None) -> None:
    """Note that something follows from this transaction; a trigger wakes the relay at commit."""
    row = OutboxRow(topic=topic, payload=payload)
    if not_before is not None:
        row.due_at = not_before
    session.add(row)
