"""Looking things up in the audit, for whoever checks on administrators. A look is audited itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from wxapi.platform import audit
from wxapi.platform.audit import AuditRow

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """Which rows; None leaves a question open. `action` is a word or its beginning up to a dot: `appointment`."""

    subject: str | None = None
    actor_id: UUID | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def rows_of(
    session: Session, asked: AuditQuestion, *, now: datetime, most: int | None = None, at_once: int = _AT_ONCE
) -> Iterator[AuditRow]:
    """The rows, oldest first, read `at_once` of them at a time; the look is noted first.

    `most`: only the newest so many.
    """
    audit.record(session, None, "audit.read", subject="audit", at=now, asked=_said(asked))
    conditions = _conditions(asked)
    after = 0
    if most is not None:
        newest = select(AuditRow.id).where(*conditions).order_by(AuditRow.id.desc()).limit(most)
        after = min(session.scalars(newest).all(), default=1) - 1
    while True:
        portion = session.scalars(
            select(AuditRow).where(AuditRow.id > after, *conditions).order_by(AuditRow.id).limit(at_once)
        ).all()
        yield from portion
        if len(portion) < at_once:
            return
        after = portion[-1].id
        session.expunge_all()


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


def _said(asked: AuditQuestion) -> str:
    """What was asked for, in codes; an id of a person is one."""
    said = {"subject": asked.subject, "actor": asked.actor_id, "action": asked.action}
    return " ".join(f"{name}={value}"[:100] for name, value in said.items() if value is not None)
