"""The database: one declarative base, one session, and the one place that commits.

A unit of work is `with transaction() as session:`. Nothing else in the product calls `commit()`.
"""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from time import monotonic
from typing import Any, cast

import psycopg
import structlog
from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ColumnElement, Connection, CursorResult, MetaData, delete, select, tuple_
from sqlalchemy.exc import DataError, DisconnectionError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from config import Config

# Names that migrations can rely on.
_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
log = structlog.get_logger(__name__)

_OPEN = "wxapi.transaction_open"
_UNIT = "wxapi.deferred_unit"
_ON_BEGIN = "wxapi.on_begin"
_IDLE_SINCE = "wxapi.idle_since"
_LATER = "wxapi.written_later"
_PING_AFTER_S = 1.0
# More of them in one statement would make its text, and the plans kept of it, too many.
_AT_ONCE = 8
_PARAMETER = re.compile(r"%\((\w+)\)s")


class Base(DeclarativeBase):
    """Base of all models."""

    metadata = MetaData(naming_convention=_NAMING)


db = SQLAlchemy(disable_autonaming=True, session_options={"expire_on_commit": False})


def init_app(app: Flask, config: Config) -> None:
    """Bind the database to the app."""
    app.config["SQLALCHEMY_DATABASE_URI"] = config.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        # One statement that takes longer than this is a fault, not work; jobs set their own limit.
        "connect_args": {
            "options": "-c statement_timeout=15000 -c lock_timeout=5000 "
            "-c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
            "application_name": "wxapi",
            "connect_timeout": 5,
        },
        # Instead of a ping before every request: under load a connection is never idle that long.
        "pool_events": [(_note_idle, "checkin"), (_ping_idle, "checkout")],
        "pool_size": config.database_pool,
        "max_overflow": config.database_pool,
        "pool_timeout": 10,
        # A failed statement is logged without its values, which are people's words.
        "hide_parameters": True,
    }
    db.init_app(app)
    hooks = app.teardown_appcontext_funcs
    hooks[:] = [_end_session if hook == db._teardown_session else hook for hook in hooks]  # noqa: SLF001 - no setting


def _end_session(_error: BaseException | None) -> None:
    """Give the session's connection back; one that is lost just now costs nobody an answer that is ready."""
    try:
        db.session.remove()
    except (SQLAlchemyError, psycopg.Error) as error:
        log.warning("session_end_failed", error=type(error).__name__)
        db.session.registry.clear()


def _note_idle(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[_IDLE_SINCE] = monotonic()


def _ping_idle(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Try a connection that lay idle before handing it out; a dead one makes the pool take another."""
    if monotonic() - record.info.get(_IDLE_SINCE, monotonic()) <= _PING_AFTER_S:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error as error:
        raise DisconnectionError from error


def delete_some(session: Session, model: type[Base], *due: ColumnElement[bool], limit: int) -> int:
    """Delete rows that are due and that nobody holds, at most so many; returns how many."""
    key = tuple_(*model.__table__.primary_key)
    some = select(*model.__table__.primary_key).where(*due).limit(limit).with_for_update(skip_locked=True)
    gone = session.execute(delete(model).where(key.in_(some)).execution_options(synchronize_session=False))
    return int(cast("CursorResult[Any]", gone).rowcount)


def fetch(session: Session, sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Run one ready statement of a hot path on the session's connection, in its transaction, and return its rows.

    It goes to the driver as it is (`%(name)s` parameters): compiling a statement and dressing its result takes
    SQLAlchemy as long as the driver takes to run it.
    """
    connection = session.connection().connection
    assert connection.driver_connection is not None
    return _rows(connection, connection.driver_connection, sql, values)


def fetch_alone(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement that is a whole unit of work: committed by itself, without a BEGIN and a COMMIT around it.

    That saves two round trips and the session. Where the session has begun already, as under an `Idempotency-Key`,
    the statement joins its transaction; where the session is bound to one connection, as in tests, it commits there.
    """
    session = db.session()
    if session.in_transaction():
        return fetch(session, sql, values)
    bind = session.get_bind()
    if isinstance(bind, Connection):
        rows = fetch(session, sql, values)
        session.commit()
        return rows
    try:
        connection = bind.raw_connection()
    except psycopg.Error as error:  # the pool passes on what the driver raises
        raise OperationalError(None, None, error) from error
    driver: Any = connection.driver_connection
    try:
        driver.autocommit = True
        return _rows(connection, driver, sql, values)
    finally:
        if not driver.closed:
            driver.autocommit = False
        connection.close()


def _rows(pooled: PoolProxiedConnection, driver: Any, sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Run the statement; what SQLAlchemy would do with a lost connection is done here."""
    try:
        with driver.cursor() as cursor:
            cursor.execute(sql, values)
            return cast("list[tuple[Any, ...]]", cursor.fetchall())
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if driver.closed or driver.broken:
            pooled.invalidate(error)
        raise OperationalError(None, None, error) from error
    except psycopg.DataError as error:
        raise DataError(None, None, error) from error


def write_later(session: Session, sql: str, values: dict[str, Any]) -> None:
    """Write with the commit what nobody reads before it: audit, outbox, the answer to a key.

    Several such statements go to the server as one, which saves each a round trip. `sql` is an INSERT or UPDATE with
    `%(name)s` parameters that ends in RETURNING.
    """
    waiting: list[tuple[str, dict[str, Any]]] = session.info.setdefault(_LATER, [])
    waiting.append((sql, values))
    if len(waiting) == _AT_ONCE:
        write_now(session)


def write_now(session: Session) -> None:
    """Write what `write_later` was given: what comes next must see it."""
    waiting = session.info.pop(_LATER, [])
    if waiting:
        values = {f"{name}_{n}": value for n, (_, each) in enumerate(waiting) for name, value in each.items()}
        fetch(session, _as_one(tuple(sql for sql, _ in waiting)), values)


@lru_cache(maxsize=256)
def _as_one(statements: tuple[str, ...]) -> str:
    """One statement that does what several do, each parameter marked with the number of its statement."""
    marked = (_PARAMETER.sub(rf"%(\1_{n})s", sql) for n, sql in enumerate(statements))
    return f"WITH {', '.join(f'_{n} AS ({sql})' for n, sql in enumerate(marked))} SELECT 1"


def _commit(session: Session) -> None:
    write_now(session)
    session.commit()


def _roll_back(session: Session) -> None:
    session.info.pop(_LATER, None)
    session.rollback()


class UnitOfWork:
    """A deferred commit under way; `completed` when a transaction inside it ran to its end."""

    def __init__(self, session: Session) -> None:
        self.session = session
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


def on_begin(app: Flask, hook: Callable[[Session, Collection[Any]], None]) -> None:
    """Have `hook(session, locking)` called at the beginning of every `transaction()` of the app, after earlier ones."""
    app.extensions[_ON_BEGIN] = (*app.extensions.get(_ON_BEGIN, ()), hook)


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
        for hook in current_app.extensions.get(_ON_BEGIN, ()):
            hook(session, locking)
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


def commit_so_far() -> None:
    """Commit what a deferred unit has done until here, so that what fails later leaves it standing. Else nothing."""
    unit: UnitOfWork | None = db.session().info.get(_UNIT)
    if unit is not None:
        unit.commit()


@contextmanager
def deferred_commit() -> Iterator[UnitOfWork]:
    """Make everything inside, a `transaction()` included, one commit at the end of this block."""
    session = db.session()
    unit = UnitOfWork(session)
    session.info[_UNIT] = unit
    try:
        yield unit
        _commit(session)
    except BaseException:
        _roll_back(session)
        raise
    finally:
        del session.info[_UNIT]
