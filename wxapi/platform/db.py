"""The database: one declarative base, one session, and the one place that commits.

A unit of work is `with transaction() as session:`. Nothing else in the product calls `commit()`.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

from flask import Flask
from sqlalchemy import ColumnElement, Connection, CursorResult, delete, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from wxapi.platform.driver import Part, SurpriseError, as_one
from wxapi.platform.engine import Base, db, fetch, fetch_alone, init_app, loose, ready
from wxapi.platform.present import this_app

__all__ = ["Base", "db", "fetch", "fetch_alone", "init_app", "loose", "ready"]

_OPEN = "wxapi.transaction_open"
_UNIT = "wxapi.deferred_unit"
_ON_BEGIN = "wxapi.on_begin"
_LATER = "wxapi.written_later"
_AT_ONCE = "wxapi.at_once"
# More of them in one statement would make its text, and the plans kept of it, too many.
_MOST = 8
_DONE = [(1,)]


class OnBegin(Protocol):
    """What is asked before a unit of work; see `on_begin`."""

    def __call__(self, session: Session, locking: Collection[Any], *, later: bool) -> None: ...


def delete_some(session: Session, model: type[Base], *due: ColumnElement[bool], limit: int) -> int:
    """Delete rows that are due and that nobody holds, at most so many; returns how many.

    The rows are chosen by a part of their own: a subquery with LIMIT is run anew for each row where PostgreSQL joins by
    a nested loop, passes over what it has deleted, and so takes them all.
    """
    key = tuple_(*model.__table__.primary_key)
    chosen = select(*model.__table__.primary_key).where(*due).limit(limit).with_for_update(skip_locked=True).cte()
    gone = session.execute(delete(model).where(key.in_(select(*chosen.c))).execution_options(synchronize_session=False))
    return int(cast("CursorResult[Any]", gone).rowcount)


def write_later(
    session: Session,
    sql: str,
    values: dict[str, Any],
    *,
    rows: int | None = None,
    name: str = "",
    first: bool = False,
) -> None:
    """Write with the commit what nobody reads before it: audit, outbox, the answer to a key; see `driver.Part`.

    Several such statements go to the server as one, which saves each a round trip. Those that must give `rows` take
    their locks in the order of the calls. `first` puts one before the others, where the way step by step locks first.
    """
    info: dict[Any, Any] = session.info
    waiting: list[Part] = info.setdefault(_LATER, [])
    waiting.insert(0 if first else len(waiting), Part(sql, values, rows, name))
    if len(waiting) == _MOST and not info.get(_AT_ONCE) and not _goes_at_once(info.get(_UNIT)):
        write_now(session)


def write_or_tell(session: Session, sql: str, values: dict[str, Any], *, rows: int) -> bool:
    """Write and tell whether as many rows came. In `at_once()` it is written later, and done again if they do not."""
    if is_at_once(session):
        write_later(session, sql, values, rows=rows)
        return True
    return len(fetch(session, sql, values)) == rows


def is_at_once(session: Session) -> bool:
    """Whether what is written now goes with the commit, as one statement: it must be read before, outside of it."""
    return bool(session.info.get(_AT_ONCE))


def write_now(session: Session) -> None:
    """Write what `write_later` was given: what comes next must see it.

    Raises:
        SurpriseError: a part of it did not give the rows it must.
    """
    waiting: list[Part] = session.info.pop(_LATER, [])
    if waiting and fetch(session, *as_one(waiting)) != _DONE:
        raise SurpriseError


def _commit(session: Session) -> None:
    alone = not (session.in_transaction() or session.new) and session.info.get(_LATER)
    try:
        if not alone:
            write_now(session)
        elif fetch_alone(*as_one(session.info.pop(_LATER))) != _DONE:
            raise SurpriseError
    except IntegrityError as error:
        # Somebody wrote the same meanwhile. Who does it step by step next will see it; who does so now must hear it.
        if alone or session.info.get(_AT_ONCE) or _goes_at_once(session.info.get(_UNIT)):
            raise SurpriseError from error
        raise
    if not alone:
        session.commit()


def _roll_back(session: Session) -> None:
    session.info.pop(_LATER, None)
    session.rollback()


def _goes_at_once(unit: "UnitOfWork | None") -> bool:
    return unit is not None and not unit.careful


class UnitOfWork:
    """A deferred commit under way.

    Attributes:
        careful: False where its maker does it again, carefully, after a `SurpriseError`.
        completed: a transaction inside it ran to its end.
    """

    def __init__(self, session: Session, *, careful: bool = True) -> None:
        self.session = session
        self.careful = careful
        self.completed = False

    def commit(self) -> None:
        """Commit what has been done so far."""
        _commit(self.session)


@contextmanager
def apart() -> Iterator[Connection]:
    """A transaction of its own, on a connection of its own: what is noted stays, whatever becomes of the caller's."""
    bind = db.engine
    if isinstance(bind, Connection):  # as in tests
        with bind.begin_nested():
            yield bind
    else:
        with bind.begin() as connection:
            yield connection


@contextmanager
def one_moment() -> Iterator[Session]:
    """A session that reads one moment of the database, on a connection of its own: what is counted in it agrees.

    The common session stays as it is, since an `Idempotency-Key` may be claimed in it; who only reads lets its
    connection go first (`rollback`), that nobody holds two of them.
    """
    bind = db.engine
    if isinstance(bind, Connection):  # as in tests
        yield db.session()
        return
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with bind.connect().execution_options(**options) as connection, Session(connection) as session:
        yield session


def on_begin(app: Flask, hook: OnBegin) -> None:
    """Have `hook(session, locking, later=…)` called at the beginning of every unit of work, after earlier ones.

    Where it is to be `later`, the hook asks with `write_later` what it would else ask at once.
    """
    app.extensions[_ON_BEGIN] = (*app.extensions.get(_ON_BEGIN, ()), hook)


def _begin(session: Session, locking: Collection[Any], *, later: bool) -> None:
    hooks: tuple[OnBegin, ...] = this_app().extensions.get(_ON_BEGIN, ())
    for hook in hooks:
        hook(session, locking, later=later)


@contextmanager
def transaction(*, locking: Collection[Any] = ()) -> Iterator[Session]:
    """One unit of work: commits at the end, rolls back on any exception.

    Args:
        locking: ids of the people whose row or rights this unit changes. Their rows are locked first of all, in the
            order of the ids, so that two such units never wait for one another in a ring.

    Inside `deferred_commit()` it only flushes, and the outer block commits.

    Raises:
        RuntimeError: when opened inside another transaction; join that one's session instead.
    """
    session = db.session()
    info: dict[Any, Any] = session.info
    if info.get(_OPEN):
        raise RuntimeError("transaction() does not nest: pass the open session on instead.")
    info[_OPEN] = True
    unit: UnitOfWork | None = info.get(_UNIT)
    try:
        _begin(session, locking, later=False)
        yield session
        if unit is None:
            _commit(session)
        else:
            session.flush()
            unit.completed = True
    except BaseException:
        _roll_back(session)
        raise
    finally:
        info[_OPEN] = False


@contextmanager
def at_once(*, redone: bool = False) -> Iterator[Session]:
    """A unit of work that is one statement: everything in it goes by `write_later` and `write_or_tell`, in no order.

    That saves BEGIN, COMMIT and a round trip for each thing that is written. A part that does not give the rows it must
    (a key that is taken, a right that is gone) undoes all, and all is done again as a `transaction()`, where each
    part answers for itself. So it is a `transaction()` where nobody would do it again.

    Args:
        redone: the caller catches a `SurpriseError` itself; it gets one at the beginning where all is careful already.
    """
    session = db.session()
    info: dict[Any, Any] = session.info
    unit: UnitOfWork | None = info.get(_UNIT)
    if unit is not None and unit.careful and redone:
        raise SurpriseError
    if not (redone if unit is None else _goes_at_once(unit)):
        with transaction():
            yield session
        return
    if info.get(_OPEN):
        raise RuntimeError("at_once() does not nest: pass the open session on instead.")
    info[_OPEN] = info[_AT_ONCE] = True
    try:
        _begin(session, (), later=True)
        yield session
        if unit is None:
            _commit(session)
    except BaseException:
        _roll_back(session)
        raise
    finally:
        info[_OPEN] = info[_AT_ONCE] = False


def commit_so_far() -> None:
    """Commit what a deferred unit has done until here, so that what fails later leaves it standing. Else nothing.

    Asks for the caller's rights first: what stands by then may be the claim of a key alone, under which nothing would
    be done any more.
    """
    unit: UnitOfWork | None = db.session().info.get(_UNIT)
    if unit is not None:
        if not unit.completed:  # else what was done asked itself
            _begin(unit.session, (), later=False)
        unit.commit()


@contextmanager
def deferred_commit(*, careful: bool = True) -> Iterator[UnitOfWork]:
    """Make everything inside, a `transaction()` included, one commit at the end of this block.

    Args:
        careful: False where the caller does it again with True after a `SurpriseError`; see `at_once`.
    """
    session = db.session()
    unit = UnitOfWork(session, careful=careful)
    session.info[_UNIT] = unit
    try:
        yield unit
        if careful and not unit.completed:
            _begin(session, (), later=False)  # nobody inside has asked for the caller's rights
        _commit(session)
    except BaseException:
        _roll_back(session)
        raise
    finally:
        del session.info[_UNIT]
