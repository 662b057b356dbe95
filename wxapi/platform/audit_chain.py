"""The audit as a chain: an altered, removed or inserted row is found, and named.

Rows are written by many transactions at once, so chaining them as they are written would put every writer in one
queue. Instead a job seals, each minute, the rows that are not in the chain yet: one link a row, each link a keyed
digest over the row and the link before. The key is not in the database; whoever can write there cannot forge a link.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from sqlalchemy import BigInteger, ColumnElement, DateTime, LargeBinary, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from wxapi.platform.audit import AuditRow, believed, is_ours, keyed_digests
from wxapi.platform.cipher import Cipher
from wxapi.platform.db import Base

# A release that writes no digests runs this long beside one that does.
_REPLACED_WITHIN = timedelta(hours=1)
# Ids taken by transactions still open are never this far behind; it keeps the search for loose rows short.
_ID_WINDOW = 100_000
_BATCH = 1000
_BEGINNING = datetime.min.replace(tzinfo=UTC)


class AuditLink(Base):
    """One link: the place of a row in the chain and the digest up to it.

    `latest_at`, the latest time of any row up to it, is written for sealers of the release before.
    """

    __tablename__ = "audit_links"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    # No foreign key: a removed row must leave its link behind.
    audit_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    latest_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Head:
    """The last link. Noted outside (each sealing logs it), it also proves that nothing was cut off the end."""

    seq: int = 0
    digest: bytes = bytes(32)
    latest_at: datetime = _BEGINNING

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest.hex()}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was sealed: `altered`, `removed`, `inserted`, `copied`, `relinked` or `cut_off`."""

    kind: str
    audit_id: int | None
    seq: int | None


def seal(session: Session, cipher: Cipher, *, now: datetime) -> Head:
    """Link up to 1,000 rows that are in no link yet, in the order of their ids; returns the head.

    Sealers wait for one another. Times of rows decide nothing: clocks are put back. Rows that are not ours are passed
    over each time, however many stand before those to be linked.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("audit.seal"))))
    head = head_of(session)
    newest = session.scalar(select(func.max(AuditLink.audit_id))) or 0
    without = _without_digest(session, newest, now)
    loose = select(AuditRow).where(_loose(), AuditRow.id > newest - _ID_WINDOW)
    rows = session.scalars(loose.order_by(AuditRow.id).execution_options(yield_per=_BATCH))
    ours = (row for row in rows if is_ours(cipher, row) or (without and row.digest is None))
    for row in islice(ours, _BATCH):
        head = Head(head.seq + 1, _digests(cipher, head.digest, row)[0], max(head.latest_at, row.at))
        session.add(AuditLink(seq=head.seq, audit_id=row.id, digest=head.digest, latest_at=head.latest_at))
    session.flush()
    return head


def _without_digest(session: Session, newest: int, now: datetime) -> bool:
    """Whether rows without a digest are taken: of the release before, until all its processes have been replaced."""
    first = session.scalar(
        select(AuditRow.at)
        .where(AuditRow.id > newest - _ID_WINDOW, AuditRow.digest.is_not(None))
        .order_by(AuditRow.id)
        .limit(1)
    )
    return first is None or now < first + _REPLACED_WITHIN


def head_of(session: Session) -> Head:
    """The last link, or the beginning of an empty chain."""
    last = session.scalars(select(AuditLink).order_by(AuditLink.seq.desc()).limit(1)).one_or_none()
    return Head(last.seq, last.digest, last.latest_at) if last else Head()


def verify(
    session: Session, cipher: Cipher, *, now: datetime, known: tuple[int, bytes] | None = None
) -> Iterator[Fault]:
    """Walk the whole chain and name what is not as it was sealed.

    Args:
        session: only read from.
        cipher: holds the key of the digests.
        now: the time.
        known: place and digest of a head noted earlier, which must still be a link.
    """
    before = Head()
    links = select(AuditLink, AuditRow).outerjoin(AuditRow, AuditRow.id == AuditLink.audit_id).order_by(AuditLink.seq)
    for link, row in session.execute(links.execution_options(yield_per=_BATCH)):
        if link.seq != before.seq + 1 or (known is not None and known[0] == link.seq and known[1] != link.digest):
            yield Fault("relinked", link.audit_id, link.seq)
        if row is None:
            yield Fault("removed", link.audit_id, link.seq)
        elif not believed(link.digest, _digests(cipher, before.digest, row)):
            yield Fault("altered", link.audit_id, link.seq)
        before = Head(link.seq, link.digest, link.latest_at)
    if known is not None and known[0] > before.seq:
        yield Fault("cut_off", None, before.seq + 1)
    yield from _intruders(session, cipher, now)


def _intruders(session: Session, cipher: Cipher, now: datetime) -> Iterator[Fault]:
    """Rows that the product did not write: those without its digest, and copies with the digest of another."""
    newest = session.scalar(select(func.max(AuditLink.audit_id))) or 0
    without = _without_digest(session, newest, now)
    loose = select(AuditRow).where(_loose()).order_by(AuditRow.id)
    for row in session.scalars(loose.execution_options(yield_per=_BATCH)):
        if not (is_ours(cipher, row) or (without and row.digest is None)):
            yield Fault("inserted", row.id, None)
    known = select(AuditRow.digest).where(AuditRow.digest.is_not(None))
    twice = known.group_by(AuditRow.digest).having(func.count() > 1)
    copies = select(func.max(AuditRow.id)).where(AuditRow.digest.in_(twice)).group_by(AuditRow.digest)
    yield from (Fault("copied", audit_id, None) for audit_id in session.scalars(copies))


def _loose() -> ColumnElement[bool]:
    return ~select(AuditLink.seq).where(AuditLink.audit_id == AuditRow.id).exists()


def _digests(cipher: Cipher, before: bytes, row: AuditRow) -> tuple[bytes, ...]:
    return keyed_digests(cipher, row, before.hex(), row.id)
