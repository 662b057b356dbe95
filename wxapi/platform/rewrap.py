"""Sealing again, under the newest key, what older ones sealed; and digests anew, under the newest look-up key.

Safe beside everything that runs: a value is exchanged only while it is still the one that was opened. What is done
already is passed over, so a run that was stopped goes on where it was.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, and_, func, select, text, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from wxapi.platform import keys
from wxapi.platform.cipher import Cipher, SealError
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.platform.sealed import DigestColumn, Sealed, digest_columns, sealed_columns

BATCH = 500
# The name of a key is at most 16 bytes and ends with a zero byte.
_LONGEST_NAME = 16


@dataclass(frozen=True, slots=True)
class RewrapStep:
    """One column: how many values are to be looked at, and what does it, giving the numbers of each batch."""

    name: str
    count: int
    run: Callable[[], Iterator["RewrapBatch"]]


@dataclass(frozen=True, slots=True)
class RewrapBatch:
    """Values looked at, changed, and those that cannot be: their rows' keys."""

    seen: int
    changed: int
    faults: tuple[str, ...] = ()


def steps() -> list[RewrapStep]:
    """What is to be done now, column by column. Digests only while several look-up keys are named."""
    cipher = runtime().cipher
    found = [_sealing_step(column, kind, cipher) for column, kind in sealed_columns()]
    if len(runtime().config.lookup_keys) > 1:
        found += [_digest_step(each, cipher) for each in digest_columns()]
    return [step for step in found if step.count]


def names_in(session: Session, column: Column[Any]) -> set[str]:
    """Names of the keys in a column; reads it whole."""
    start = func.encode(func.substr(column, 1, _LONGEST_NAME + 1), "escape")
    name = func.split_part(start, "\\000", 1)
    return set(session.scalars(select(name).where(column.is_not(None)).distinct()))


def retire() -> list[str]:
    """Forget that older keys are needed, where nothing is sealed with them or found by them any more; returns which."""
    cipher, config = runtime().cipher, runtime().config
    with transaction() as session:
        _without_limit(session)
        needed = {name for column, _ in sealed_columns() for name in names_in(session, column)}
        gone = [f"encryption {name}" for name in keys.forget(session, "encryption", but=[*needed, cipher.first])]
        if len(config.lookup_keys) > 1 and not any(_stale(session, each) for each in digest_columns()):
            newest = keys.fingerprint(config.lookup_keys[0])
            gone += [f"look-up {name}" for name in keys.forget(session, "lookup", but=[newest])]
    return gone


def _sealing_step(column: Column[Any], kind: Sealed, cipher: Cipher) -> RewrapStep:
    prefix = cipher.first.encode() + b"\0"
    old = and_(column.is_not(None), func.substr(column, 1, len(prefix)) != prefix)

    def change(row: Any) -> bytes:
        return cipher.seal(cipher.open(row.value, purpose=kind.purpose), purpose=kind.purpose)

    name = f"{column.table.name}.{column.name}"
    return RewrapStep(name, _count(column, old), lambda: _run(column, column, old, change))


def _digest_step(each: DigestColumn, cipher: Cipher) -> RewrapStep:
    column, sealed = each.column, each.sealed

    def change(row: Any) -> bytes:
        return cipher.digest(cipher.open(row.sealed, purpose=each.sealed_for), purpose=each.purpose)

    name = f"{column.table.name}.{column.name}"
    there = and_(column.is_not(None), sealed.is_not(None))
    return RewrapStep(name, _count(column, there), lambda: _run(column, sealed, there, change))


def _stale(session: Session, each: DigestColumn) -> bool:
    """Whether a digest is not what the newest look-up key makes of its value."""
    cipher = runtime().cipher
    query = select(each.column, each.sealed).where(each.column.is_not(None))
    for digest, value in session.execute(query.execution_options(yield_per=BATCH)):
        if value is None:
            return True
        if cipher.digest(cipher.open(value, purpose=each.sealed_for), purpose=each.purpose) != digest:
            return True
    return False


def _count(column: Column[Any], condition: ColumnElement[bool]) -> int:
    session = db.session()
    _without_limit(session)
    found = session.scalar(select(func.count()).select_from(column.table).where(condition)) or 0
    session.rollback()  # the read is over
    return int(found)


def _run(
    column: Column[Any], sealed: Column[Any], condition: ColumnElement[bool], change: Callable[[Any], bytes]
) -> Iterator[RewrapBatch]:
    table = column.table
    assert isinstance(table, Table)
    key = list(table.primary_key)
    after: tuple[Any, ...] | None = None
    while True:
        with transaction() as session:
            _without_limit(session)
            query = select(*key, column.label("value"), sealed.label("sealed")).where(condition)
            if after is not None:
                query = query.where(tuple_(*key) > tuple_(*after))
            rows = session.execute(query.order_by(*key).limit(BATCH)).all()
            changed, faults = _exchange(session, column, rows, change)
        if rows:
            yield RewrapBatch(len(rows), changed, tuple(faults))
        if len(rows) < BATCH:
            return
        after = tuple(rows[-1][: len(key)])


def _exchange(
    session: Session, column: Column[Any], rows: Sequence[Any], change: Callable[[Any], bytes]
) -> tuple[int, list[str]]:
    table = column.table
    changed, faults = 0, []
    for row in rows:
        place = and_(*(part == value for part, value in zip(table.primary_key, row, strict=False)))
        try:
            fresh = change(row)
            if fresh == row.value:
                continue
            with session.begin_nested():
                statement = update(table).where(place, column == row.value).values({column: fresh})
                changed += session.execute(statement).rowcount  # type: ignore[attr-defined]  # an UPDATE's
        except (SealError, IntegrityError) as error:
            key = ", ".join(str(value) for value in row[: len(table.primary_key)])
            faults.append(f"{table.name}.{column.name} ({key}): {type(error).__name__}")
    return changed, faults


def _without_limit(session: Session) -> None:
    """A column that is read whole takes as long as it takes."""
    session.execute(text("SET LOCAL statement_timeout = 0"))
