"""Statements as the driver takes them, and connections that lay idle: what lies below SQLAlchemy, see `platform.db`."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from operator import itemgetter
from time import monotonic
from typing import Any, NamedTuple, cast

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DataError, DisconnectionError, IntegrityError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool
from sqlalchemy.util.queue import Empty, Full, Queue

from wxapi.platform.patience import CONNECTING, STATEMENT_S, WatchedConnection
from wxapi.platform.prepared import Statements

_IDLE_SINCE = "wxapi.idle_since"
# Of each connection, what it has prepared.
_STATEMENTS = "wxapi.statements"
_PING_AFTER_S = 1.0
_PARAMETER = re.compile(r"%\((\w+)\)s")
# PostgreSQL counts these among its internal errors: it ended a transaction in which this machine slept, or it is a
# standby since a failover. And among mistakes of ours: what was prepared went or came behind our back, by a DISCARD or
# by what lends connections.
_SPENT = (
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.InvalidSqlStatementName,
    psycopg.errors.DuplicatePreparedStatement,
)
# Where PostgreSQL finds that an upgrade beside this process changed what a plan it kept would give.
_STALE_PLAN = "RevalidateCachedQuery"
# Takes the values of some names out of a mapping, in order.
Pick = Callable[[Mapping[str, Any]], Sequence[Any]]
# Of a statement's parameters: by their names, or as a list in the order in which it first names each.
Values = dict[str, Any] | list[Any]
# In the log of the database, where the statement failed on purpose.
_NOT_AS_EXPECTED = "not as expected: undone, to be judged again"


class SurpriseError(Exception):
    """What was to be written at once met something unusual, and nothing is written: do it again, step by step."""


class Part(NamedTuple):
    """A statement that is one of several.

    Args:
        sql: with `%(name)s` parameters, ending in RETURNING where it writes.
        values: of its parameters.
        rows: how many it must give, or nothing of the whole is written; None: any.
        name: by which others of the whole read its rows.
    """

    sql: str
    values: Mapping[str, Any]
    rows: int | None = None
    name: str = ""


def engine_options(pool: int) -> dict[str, Any]:
    """How SQLAlchemy connects; `pool` connections of a process, and twice as many for a moment."""
    return {
        # One statement that takes longer than this is a fault, not work; jobs set their own limit. Without `jit`, which
        # most packages of PostgreSQL bring switched on: to compile the counts of a figure takes longer than to count.
        "connect_args": {
            "options": f"-c statement_timeout={STATEMENT_S}s -c lock_timeout=5000 "
            "-c idle_in_transaction_session_timeout=60000 -c timezone=UTC -c jit=off",
            "application_name": "wxapi",
            # The driver would have the database forget them all at each ROLLBACK: those of hot paths are `prepared`.
            "prepare_threshold": None,
            **CONNECTING,
        },
        "poolclass": Pool,
        # Instead of a ping before every request: under load a connection is never idle that long.
        "pool_events": [(_note_idle, "checkin"), (_ping_idle, "checkout")],
        "pool_size": pool,
        "max_overflow": pool,
        "pool_timeout": 10,
        # A failed statement is logged without its values, which are people's words.
        "hide_parameters": True,
    }


class Idle(Queue[ConnectionPoolEntry]):
    """Connections at rest, the last given back first. Taking one that is there and giving one back cost no lock.

    Who finds none notes that they wait before they look again, and who gives one back looks for waiters afterwards: so
    nobody waits for what is there.
    """

    _waiting = 0

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:  # noqa: FBT001, FBT002
        """One of them.

        Raises:
            Empty: there is none, or came none in so many seconds.
        """
        try:
            return self.queue.pop()
        except IndexError:
            if not block:
                raise Empty from None
        ends = None if timeout is None else monotonic() + timeout
        with self.not_empty:
            self._waiting += 1
            try:
                while self.not_empty.wait_for(lambda: self.queue, ends and ends - monotonic()):
                    with suppress(IndexError):  # somebody who did not wait was quicker
                        return self.queue.pop()
            finally:
                self._waiting -= 1
        raise Empty

    def put(self, item: ConnectionPoolEntry, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002, FBT001, FBT002
        """Have one back; the pool never waits for room.

        Raises:
            Full: there are as many as are kept.
        """
        if len(self.queue) >= self.maxsize:
            raise Full
        self.queue.append(item)
        if self._waiting:
            with self.not_empty:
                self.not_empty.notify()


class Pool(QueuePool):
    """SQLAlchemy's, which also lends a connection for one statement, without the object that it puts around each."""

    # Who was used last is used next: taken in turns, as many processes of the database as there are connections would
    # each answer with a cold cache, and cost it a third more where two are asked at a time.
    _queue_class = Idle

    def lend(self) -> ConnectionPoolEntry:
        """A connection that is open, to be given back by who takes it.

        Raises:
            psycopg.Error: there is none, and none could be made.
            TimeoutError: of SQLAlchemy; all are taken.
        """
        entry: Any = self._do_get()
        try:
            connection = entry.get_connection()
            if _lay_idle(entry):
                try:
                    connection.ping()
                except psycopg.Error as error:
                    entry.invalidate(error)
                    entry.get_connection()
        except BaseException as error:
            entry.invalidate(error)
            self._do_return_conn(entry)
            raise
        return cast("ConnectionPoolEntry", entry)

    def take_back(self, entry: ConnectionPoolEntry) -> None:
        """Have a connection that was lent; one that was given up meanwhile is made anew when it is asked for."""
        connection = entry.dbapi_connection
        try:
            if connection is not None:
                connection.rollback()
                _note_idle(connection, entry)
        except psycopg.Error as error:
            entry.invalidate(error)
        finally:
            self._do_return_conn(entry)


def _note_idle(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[_IDLE_SINCE] = monotonic()


def _ping_idle(connection: WatchedConnection, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Try a connection that lay idle before handing it out; a dead one makes the pool take another."""
    if not _lay_idle(record):
        return
    try:
        connection.ping()
    except psycopg.Error as error:
        raise DisconnectionError from error


def _lay_idle(entry: ConnectionPoolEntry) -> bool:
    since = entry.info.get(_IDLE_SINCE)
    return since is not None and monotonic() - since > _PING_AFTER_S


def is_spent(error: BaseException) -> bool:
    """Whether the connection is of no more use while another may be, though the error's class does not say so."""
    if isinstance(error, psycopg.NotSupportedError):
        return error.diag.source_function == _STALE_PLAN
    return isinstance(error, _SPENT)


def tell_spent(context: ExceptionContext) -> None:
    """Listener of SQLAlchemy's `handle_error`: give such a connection up, and all older ones of the pool.

    Raises:
        OperationalError: as for any connection that is lost.
    """
    if is_spent(context.original_exception):
        context.is_disconnect = True
        raise OperationalError(None, None, context.original_exception) from context.original_exception


def rows_of(
    pooled: PoolProxiedConnection | ConnectionPoolEntry,
    driver: Any,
    sql: str,
    values: Values,
    *,
    alone: bool = False,
) -> list[tuple[Any, ...]]:
    """Run the statement; what SQLAlchemy would do with a lost connection is done here.

    Args:
        pooled: what the pool gave.
        driver: its connection.
        sql: the statement, with `%(name)s` parameters; it gives rows.
        values: of the parameters, see `Values`.
        alone: it is committed by itself; else it is part of the transaction that is open, or begins one.

    Raises:
        SurpriseError: a part of it did not give what it must.
    """
    text, pick = _numbered(sql)
    given = values if isinstance(values, list) else pick(values)
    try:
        statements = pooled.info.get(_STATEMENTS)
        if statements is None:  # the pool forgets it with the connection
            statements = pooled.info[_STATEMENTS] = Statements(driver)
        return cast("list[tuple[Any, ...]]", statements.rows(text, given, alone=alone))
    except (psycopg.DataError, psycopg.errors.CardinalityViolation) as error:
        several = isinstance(error, psycopg.errors.CardinalityViolation)  # of a part that must give one row
        if several or _NOT_AS_EXPECTED in (error.diag.message_primary or ""):
            raise SurpriseError from error
        raise DataError(None, None, error) from error
    except psycopg.IntegrityError as error:
        raise IntegrityError(None, None, error) from error
    except psycopg.Error as error:
        if driver.closed or driver.broken or is_spent(error):
            pooled.invalidate(error)
        elif not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            raise
        raise OperationalError(None, None, error) from error
    except BaseException as interrupted:
        _give_up_busy(pooled, driver, interrupted)
        raise


def _give_up_busy(pooled: PoolProxiedConnection | ConnectionPoolEntry, driver: Any, interrupted: BaseException) -> None:
    """Who is interrupted in the middle of a statement, as a job at its limit, leaves an answer that may come yet."""
    if driver.pgconn.transaction_status == TransactionStatus.ACTIVE:
        pooled.invalidate(interrupted)


def as_one(parts: list[Part]) -> tuple[str, list[Any]]:
    """One statement that does what several do, and its values in the order of its parameters.

    It answers 1 where every part gave the rows it must; 0 where one did not and nothing was written; else it fails.
    """
    sql, picks = _text_of(tuple([(sql, rows, name) for sql, _, rows, name in parts]))
    return sql, [value for pick, part in zip(picks, parts, strict=True) for value in pick(part[1])]


@lru_cache(maxsize=512)
def _numbered(sql: str) -> tuple[bytes, Pick]:
    """The statement with `$1` for `%(name)s`, and what picks their values: the driver would read it each time."""
    names = _names_of(sql)
    places = {name: f"${n}" for n, name in enumerate(names, 1)}
    return _PARAMETER.sub(lambda found: places[found[1]], sql).encode(), _pick(names)


@lru_cache(maxsize=256)
def _text_of(parts: tuple[tuple[str, int | None, str], ...]) -> tuple[str, list[Pick]]:
    """Each part is a query of a WITH, its parameters marked with its number; and what picks the values of each."""
    picks = [_pick(_names_of(sql)) for sql, _, _ in parts]
    texts = [_PARAMETER.sub(rf"%(\1_{n})s", sql.strip()) for n, (sql, _, _) in enumerate(parts)]
    names = [name or f"_{n}" for n, (_, _, name) in enumerate(parts)]
    whole = ", ".join(f"{name} AS ({text})" for name, text in zip(names, texts, strict=True))
    met = [_met(names[n], rows) for n, (_, rows, _) in enumerate(parts) if rows is not None]
    if not met:
        return f"WITH {whole} SELECT 1", picks
    written = [f"EXISTS (SELECT FROM {names[n]})" for n, text in enumerate(texts) if not text.startswith("SELECT")]
    checked = (
        f"SELECT CAST(CASE WHEN {' AND '.join(met)} THEN '1'"
        f" WHEN NOT ({' OR '.join(written)}) THEN '0' ELSE '{_NOT_AS_EXPECTED}' END AS integer)"
    )
    return f"WITH {whole} {checked}", picks


def _met(name: str, rows: int) -> str:
    """Whether a part gave the rows it must. To count even one row costs the database as much as to look for two."""
    return f"(SELECT true FROM {name})" if rows == 1 else f"(SELECT count(*) FROM {name}) = {rows}"  # noqa: S608 - names


def _pick(names: Sequence[str]) -> Pick:
    """The interpreter's own loop over the fifty values of a report takes longer than all else done with them."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


def _names_of(sql: str) -> tuple[str, ...]:
    """The parameters of a statement, each once."""
    return tuple(dict.fromkeys(_PARAMETER.findall(sql)))
