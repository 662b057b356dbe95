"""How long what is kept: each feature names its categories, one job forgets what is past its time, in small batches.

Each category brings its period, which `WXAPI_RETENTION` may change; one whose period is `fixed` is forgotten by its own
job and is listed here so that the list is whole.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Flask, current_app
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from config import Config, ConfigError
from wxapi.platform import idempotency
from wxapi.platform.audit import AuditRow
from wxapi.platform.db import Base, db, transaction
from wxapi.platform.idempotency import IdempotencyRow
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime

_KEY = "wxapi.retention"
BATCH = 500
_MOST_DAYS = 36500
# A run of the job ends; the next one goes on.
_BATCHES_A_RUN = 10

Count = Callable[[Session, datetime], int]
Forget = Callable[[Session, datetime, int], int]


@dataclass(frozen=True, slots=True)
class RetentionCategory:
    """One kind of thing that is kept for a time.

    Args:
        name: its name in the setting.
        what: what is forgotten, for operators.
        why: what it is kept for.
        count: how many are older than an instant.
        forget: forget at most so many of them, in the caller's transaction; returns how many. None: by its own job.
        fixed: the period of a category that is not in the setting; None with `forget` None: kept for ever.
        days: the period of a category that is forgotten here, where the setting names no other.
        least: the shortest one the setting may name.
    """

    name: str
    what: str
    why: str
    count: Count
    forget: Forget | None = None
    fixed: timedelta | None = None
    days: int = 0
    least: int = 1

    def kept(self) -> timedelta | None:
        """How long; None: for ever."""
        return timedelta(days=runtime().config.retention.get(self.name, self.days)) if self.forget else self.fixed


@dataclass(frozen=True, slots=True)
class Due:
    """A category with what is past its time now."""

    category: RetentionCategory
    kept: timedelta | None
    due: int


def install(app: Flask, categories: Sequence[RetentionCategory]) -> None:
    """Tell the app what is forgotten in time.

    Raises:
        ConfigError: the setting names something else, or a period that is none.
    """
    judge(app.extensions["wxapi"].config, categories)
    app.extensions[_KEY] = tuple(categories)


def judge(config: Config, categories: Sequence[RetentionCategory]) -> None:
    """See that `WXAPI_RETENTION` fits the features' categories.

    Raises:
        ConfigError: naming the category and what it wants.
    """
    known = {category.name: category for category in categories if category.forget}
    for name, days in config.retention.items():
        if name not in known:
            raise ConfigError(f"WXAPI_RETENTION: there is no category {name!r} to set; there are {', '.join(known)}.")
        if not known[name].least <= days <= _MOST_DAYS:
            raise ConfigError(f"WXAPI_RETENTION: {name} wants days from {known[name].least} to {_MOST_DAYS}.")


def categories() -> tuple[RetentionCategory, ...]:
    """All categories of the app."""
    return cast("tuple[RetentionCategory, ...]", current_app.extensions[_KEY])


def overview(*, now: datetime) -> list[Due]:
    """What would be forgotten now; nothing is changed."""
    session = db.session()
    found = []
    for category in categories():
        kept = category.kept()
        found.append(Due(category, kept, category.count(session, now - kept) if kept else 0))
    return found


def forget_due(*, now: datetime) -> dict[str, int]:
    """Forget what is past its time, a batch a transaction; returns how many by category. Harmless when repeated."""
    done: dict[str, int] = {}
    for category in categories():
        kept = category.kept()
        if category.forget is None or kept is None:
            continue
        for _ in range(_BATCHES_A_RUN):
            with transaction() as session:
                forgotten = category.forget(session, now - kept, BATCH)
            done[category.name] = done.get(category.name, 0) + forgotten
            if forgotten < BATCH:
                break
    return done


def counting(model: type[Base], at: InstrumentedAttribute[datetime], *more: ColumnElement[bool]) -> Count:
    """Count the rows of a table older than an instant."""

    def count(session: Session, before: datetime) -> int:
        return session.scalar(select(func.count()).select_from(model).where(at < before, *more)) or 0

    return count


def deleting(model: type[Base], at: InstrumentedAttribute[datetime], *more: ColumnElement[bool]) -> Forget:
    """Delete rows of a table older than an instant."""
    key: ColumnElement[Any] = next(iter(model.__table__.primary_key))

    def forget(session: Session, before: datetime, limit: int) -> int:
        old = select(key).where(at < before, *more).limit(limit).with_for_update(skip_locked=True)
        return deleted(session, model, session.scalars(old).all())

    return forget


def deleted(session: Session, model: type[Base], keys: Iterable[Any]) -> int:
    """Delete rows by their key; returns how many were asked for."""
    wanted = list(keys)
    key: ColumnElement[Any] = next(iter(model.__table__.primary_key))
    session.execute(delete(model).where(key.in_(wanted)).execution_options(synchronize_session=False))
    return len(wanted)


RETENTION = (
    RetentionCategory(
        "dead_letters",
        "jobs given up after many attempts",
        "an operator may mend the cause and retry them",
        counting(OutboxRow, OutboxRow.created_at, OutboxRow.dead.is_(True)),
        deleting(OutboxRow, OutboxRow.created_at, OutboxRow.dead.is_(True)),
        days=90,
    ),
    RetentionCategory(
        "idempotency",
        "answers to requests, sealed",
        "so that a repeated request is answered and not done again",
        counting(IdempotencyRow, IdempotencyRow.created_at),
        fixed=idempotency.KEPT,
    ),
    RetentionCategory(
        "audit",
        "who did what: ids and codes only",
        "proof of every change and every opening; kept for ever",
        counting(AuditRow, AuditRow.at),
    ),
)
