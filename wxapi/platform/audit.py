"""Who did what to what, when: rows that are only ever added."""

import json
import uuid
from datetime import datetime
from typing import Any

from flask import g, has_request_context
from sqlalchemy import BigInteger, DateTime, Identity, Index, Text, func, select
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, Session, mapped_column

from wxapi.platform.db import Base, write_later


class AuditRow(Base):
    """One act. `detail` holds ids and codes only, never openids, phones or free text."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # None: the system itself.
    actor_id: Mapped[uuid.UUID | None] = mapped_column(UUID(as_uuid=True))
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[str | None] = mapped_column(Text)


_ADD = """
INSERT INTO audit (at, actor_id, action, subject, detail, request_id)
VALUES (%(at)s, %(actor_id)s, %(action)s, %(subject)s, CAST(%(detail)s AS jsonb), %(request_id)s)
RETURNING id
"""


def last_at(session: Session, action: str, *, subject: str) -> datetime | None:
    """When something was last done to a subject."""
    return session.scalar(select(func.max(AuditRow.at)).where(AuditRow.subject == subject, AuditRow.action == action))


def record(
    session: Session,
    actor_id: uuid.UUID | None,
    action: str,
    *,
    subject: str,
    at: datetime,
    **detail: str | int | bool | None,
) -> None:
    """Add one row to the audit, in the caller's transaction."""
    request_id = g.get("request_id") if has_request_context() else None
    row = {"at": at, "actor_id": actor_id, "action": action, "subject": subject, "detail": json.dumps(detail)}
    write_later(session, _ADD, row | {"request_id": request_id})
