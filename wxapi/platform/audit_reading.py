"""Looking things up in the audit, for whoever checks on administrators. A look is audited itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.platform import audit
from wxapi.platform.audit import AuditAddress, AuditRow
from wxapi.platform.db import transaction

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """Which rows; None leaves a question open. `action` is a word or its beginning up to a dot: `appointment`."""

    subject: str | None = None
    actor_id: UUID | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A row of the audit, and the client address it came from while that is kept."""

    row: AuditRow
    address: str | None


def page(
    session: Session, asked: AuditQuestion, *conditions: ColumnElement[bool], limit: int, cursor: str | None
) -> Page[AuditLine]:
    """One page of the rows, newest first, narrowed by more conditions on `AuditRow`. Notes nothing."""
    query = _lines(*_conditions(asked), *conditions).order_by(AuditRow.id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(AuditRow.id < decode_cursor(cursor, int)[0])
    found = [AuditLine(row, address) for row, address in session.execute(query)]
    return page_of(found, limit, lambda line: (line.row.id,))


def said(asked: AuditQuestion) -> str:
    """What was asked for, in codes; an id of a person is one."""
    parts = {"subject": asked.subject, "actor": asked.actor_id, "action": asked.action}
    return " ".join(f"{name}={value}"[:100] for name, value in parts.items() if value is not None)


def note_look(session: Session, by: UUID | None, asked: str, *, now: datetime) -> None:
    """Note that somebody looked, an operator where it is None."""
    audit.record(session, by, "audit.read", subject="audit", at=now, asked=asked)


def note_operators_look(asked: str, *, now: datetime) -> None:
    """Note it before the first row is shown: a reader who goes away takes nothing back."""
    with transaction() as session:
        note_look(session, None, asked, now=now)


def rows_of(
    session: Session, asked: AuditQuestion, *, most: int | None = None, at_once: int = _AT_ONCE
) -> Iterator[AuditLine]:
    """The rows, oldest first, read `at_once` of them at a time.

    `most`: only the newest so many.
    """
    conditions = _conditions(asked)
    after = 0
    if most is not None:
        newest = select(AuditRow.id).where(*conditions).order_by(AuditRow.id.desc()).limit(most)
        after = min(session.scalars(newest).all(), default=1) - 1
    while True:
        query = _lines(AuditRow.id > after, *conditions).order_by(AuditRow.id).limit(at_once)
        portion = [AuditLine(row, address) for row, address in session.execute(query)]
        yield from portion
        if len(portion) < at_once:
            return
        after = portion[-1].row.id
        session.expunge_all()


def _lines(*conditions: ColumnElement[bool]) -> Any:
    query = select(AuditRow, AuditAddress.address).outerjoin(AuditAddress, AuditAddress.digest == AuditRow.digest)
    return query.where(*conditions)


def _conditions(asked: AuditQuestion) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.subject is not None:
        found.append(AuditRow.subject == asked.subject)
    if asked.actor_id is not None:
        found.append(AuditRow.actor_id == asked.actor_id)
    if asked.action is not None:
        found.append(
            (AuditRow.action == asked.action) | AuditRow.action.startswith(f"{asked.action}.", autoescape=True)
        )
    if asked.since is not None:
        found.append(AuditRow.at >= asked.since)
    if asked.until is not None:
        found.append(AuditRow.at < asked.until)
    return found
