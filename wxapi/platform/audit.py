"""Who did what to what, when: rows that are only ever added."""

import hmac
import secrets
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, Index, LargeBinary, Text, func, select
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, Session, mapped_column

from wxapi.kernel.clock import to_the_microsecond
from wxapi.kernel.json_text import encoder, to_json
from wxapi.platform.cipher import Cipher
from wxapi.platform.db import Base, loose, write_later
from wxapi.platform.present import this_request
from wxapi.platform.runtime import runtime


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
    # A random part and a keyed digest of it and the row: only the product writes rows that are sealed. None: of a
    # release that wrote none.
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)


class AuditAddress(Base):
    """The client address an act came from, by the digest of its row. Kept apart, because it is forgotten in time."""

    __tablename__ = "audit_addresses"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    address: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


_ADD = """
INSERT INTO audit (at, actor_id, action, subject, detail, request_id, digest)
VALUES (%(at)s, %(actor_id)s, %(action)s, %(subject)s, CAST(%(detail)s AS jsonb), %(request_id)s, %(digest)s)
RETURNING id
"""
_ADD_ADDRESS = """
INSERT INTO audit_addresses (digest, address, at) VALUES (%(digest)s, %(address)s, %(at)s) RETURNING digest
"""
_RANDOM_BYTES = 8
_digested_form = encoder(ensure_ascii=False, sort_keys=True)


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
    """Add one row to the audit, in the caller's transaction; with the client's address, where somebody is named.

    Not where nobody is: an address beside a report that was filed would tell who filed it.
    """
    asked = this_request(None)
    request_id = asked.own_request_id if asked else None
    address = asked.remote_addr if asked and actor_id is not None else None
    # Two acts that are alike in everything are two acts; a copy of a row has the same random part.
    unique = secrets.token_bytes(_RANDOM_BYTES)
    values: dict[str, Any] = {
        "at": at,
        "actor_id": actor_id,
        "action": action,
        "subject": subject,
        "detail": detail,
        "request_id": request_id,
    }
    digest = keyed_digests(runtime().cipher, loose(AuditRow, values), unique.hex())[0]
    values |= {"detail": to_json(detail), "digest": unique + digest}
    write_later(session, _ADD, values)
    if address:
        write_later(session, _ADD_ADDRESS, {"digest": values["digest"], "address": address, "at": at})


def is_ours(cipher: Cipher, row: AuditRow) -> bool:
    """Whether the product wrote the row, and nobody changed it since."""
    if row.digest is None:
        return False
    unique = row.digest[:_RANDOM_BYTES]
    return believed(row.digest[_RANDOM_BYTES:], keyed_digests(cipher, row, unique.hex()))


def believed(found: bytes, digests: tuple[bytes, ...]) -> bool:
    """Whether a digest is one of those."""
    return any(hmac.compare_digest(found, digest) for digest in digests)


def keyed_digests(cipher: Cipher, row: AuditRow, *before: str | int) -> tuple[bytes, ...]:
    """Digests over a row's values and something before them, one a key of the audit; the first is written.

    The keys are not in the database.
    """
    values = [
        *before,
        to_the_microsecond(row.at),
        str(row.actor_id) if row.actor_id else None,
        row.action,
        row.subject,
        row.detail,
        row.request_id,
    ]
    return cipher.audit_digests(_digested_form(values))
