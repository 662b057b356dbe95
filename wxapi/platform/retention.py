"""How long what is kept: each feature names its categories, one job forgets what is past its time, in small batches.

Each category brings its period, which `WXAPI_RETENTION` may change; one whose period is `fixed` is forgotten by its own
job and is listed here so that the list is whole.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Flask, current_app
from sqlalchemy import ColumnElement, Select, delete, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from config import Config, ConfigError
from wxapi.platform import idempotency, sweeps
from wxapi.platform.audit import AuditAddress, AuditRow
from wxapi.platform.db import Base, db, transaction
from wxapi.platform.kept_answers import IdempotencyRow
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.refusals import RefusedAttempt
from wxapi.platform.runtime import runtime

_KEY = "wxapi.retention"
BATCH = 500
_MOST_DAYS = 36500
# A run of the job ends; the next one goes on.
_BATCHES_A_RUN = 10

# The keys of the rows older than an instant: one column, or the columns of a key of several.
Due = Callable[[datetime], Select[Any]]
# Forgets the rows of these keys (tuples where the key has several columns), in the caller's transaction.
Forget = Callable[[Session, Sequence[Any]], object]


@dataclass(frozen=True, slots=True)
class RetentionCategory:
    """One kind of thing that is kept for a time.

    Args:
        name: its name in the setting.
        what: what is forgotten, for operators.
        why: what it is kept for.
        due: the keys of those older than an instant.
        forget: forget some of them, a batch or a part of one. None: by its own job.
        table: whose rows are held while they are forgotten, where `due` joins others.
        fixed: the period of a category that is not in the setting; None with `forget` None: kept for ever.
        days: the period of a category that is forgotten here, where the setting names no other.
        least: the shortest one the setting may name.
    """

    name: str
    what: str
    why: str
    due: Due
    forget: Forget | None = None
    table: type[Base] | None = None
    fixed: timedelta | None = None
    days: int = 0
    least: int = 1

    def count(self, session: Session, before: datetime) -> int:
        """How many are older than an instant."""
        return session.scalar(select(func.count()).select_from(self.due(before).subquery())) or 0

    def kept(self) -> timedelta | None:
        """How long rows of this category are kept; None: for ever."""
        return timedelta(days=runtime().config.retention.get(self.name, self.days)) if self.forget else self.fixed


@dataclass(frozen=True, slots=True)
class DueCategory:
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


def days_kept(name: str) -> int:
    """For how many days a category of this name, which is not kept for ever, is kept here: for pages that say so."""
    found = next(each for each in categories() if each.name == name).kept()
    assert found is not None
    return found.days


def overview(*, now: datetime) -> list[DueCategory]:
    """What would be forgotten now; nothing is changed."""
    session = db.session()
    found = []
    for category in categories():
        kept = category.kept()
        found.append(DueCategory(category, kept, category.count(session, now - kept) if kept else 0))
    return found


def forget_due(*, now: datetime) -> dict[str, int]:
    """Forget what is past its time, a batch a transaction; returns how many by category. Harmless when repeated.

    A row that cannot be forgotten is logged and stays; the rest of its batch and the other categories go on.

    Raises:
        Exception: of a category of which nothing could be forgotten, when all others are done.
    """
    done, errors = {}, []
    for category in categories():
        kept = category.kept()
        if category.forget is None or kept is None:
            continue
        swept = _forget(category, now - kept)
        done[category.name] = swept.done
        errors += [error] if (error := swept.not_the_rows()) else []
    if errors:
        raise errors[0]
    return done


def _forget(category: RetentionCategory, before: datetime) -> sweeps.Swept:
    """A run's batches of one category."""
    all_swept = sweeps.Swept()
    for _ in range(_BATCHES_A_RUN):
        keys = _some_due(category, before, all_swept.failed)
        swept = sweeps.together(f"retention.{category.name}", keys, lambda part: _forget_some(category, before, part))
        all_swept.done += swept.done
        all_swept.through += swept.through
        all_swept.failed += swept.failed
        all_swept.error = all_swept.error or swept.error
        if len(keys) < BATCH:
            break
    return all_swept


def _some_due(category: RetentionCategory, before: datetime, left_out: Sequence[Any]) -> list[Any]:
    due = category.due(before)
    if left_out:
        due = due.where(_key(due).not_in(left_out))
    keys = _plain(db.session().execute(due.limit(BATCH)).all())
    db.session().rollback()  # the read is over
    return keys


def _forget_some(category: RetentionCategory, before: datetime, keys: Sequence[Any]) -> int:
    """Forget those that are still due and that nobody holds."""
    assert category.forget is not None
    due = category.due(before)
    with transaction() as session:
        held = due.where(_key(due).in_(keys)).with_for_update(key_share=True, skip_locked=True, of=category.table)
        found = _plain(session.execute(held).all())
        category.forget(session, found)
        return len(found)


def _key(due: Select[Any]) -> ColumnElement[Any]:
    columns = list(due.selected_columns)
    return columns[0] if len(columns) == 1 else tuple_(*columns)


def _plain(rows: Sequence[Any]) -> list[Any]:
    return [row[0] if len(row) == 1 else tuple(row) for row in rows]


def older(model: type[Base], at: InstrumentedAttribute[datetime], *more: ColumnElement[bool]) -> Due:
    """The rows of a table older than an instant."""
    return lambda before: select(*model.__table__.primary_key).where(at < before, *more)


def deleting(model: type[Base]) -> Forget:
    """Delete rows of a table by their key."""
    columns = list(model.__table__.primary_key)
    key: ColumnElement[Any] = columns[0] if len(columns) == 1 else tuple_(*columns)

    def forget(session: Session, keys: Sequence[Any]) -> None:
        session.execute(delete(model).where(key.in_(keys)).execution_options(synchronize_session=False))

    return forget


RETENTION = (
    RetentionCategory(
        "dead_letters",
        "jobs given up after many attempts",
        "an operator may mend the cause and retry them",
        older(OutboxRow, OutboxRow.created_at, OutboxRow.dead.is_(True)),
        deleting(OutboxRow),
        days=90,
    ),
    RetentionCategory(
        "idempotency",
        "answers to requests, sealed",
        "so that a repeated request is answered and not done again",
        older(IdempotencyRow, IdempotencyRow.created_at),
        fixed=idempotency.KEPT,
    ),
    RetentionCategory(
        "audit",
        "who did what: ids and codes only",
        "proof of every change and every opening; kept for ever",
        older(AuditRow, AuditRow.at),
    ),
    RetentionCategory(
        "audit_addresses",
        "the client addresses of those who did it",
        "from where an account was used; 网络安全法 21 wants six months",
        older(AuditAddress, AuditAddress.at),
        deleting(AuditAddress),
        days=190,
        least=180,
    ),
    RetentionCategory(
        "refused_attempts",
        "attempts that were refused, by hour, address and kind",
        "to see that somebody tries doors; 网络安全法 21 wants six months",
        # The hour is asked for its index: no attempt is before its hour.
        lambda before: select(RefusedAttempt.id).where(RefusedAttempt.hour < before, RefusedAttempt.last_at < before),
        deleting(RefusedAttempt),
        days=190,
        least=180,
    ),
)
