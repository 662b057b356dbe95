"""Statements of hot paths, which a connection runs again and again: prepared once, and sent without a cursor.

The driver's cursor makes a dozen objects for each and looks for its name anew; that costs more than the sending. Here
the driver turns values into what is sent and rows into values, as ever, and the statement goes to libpq itself.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import execute
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

_IDLE, _ROWS, _DONE = TransactionStatus.IDLE, ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK
# Asked so often, a statement is worth a plan that is kept.
_WORTH = 3
# More of one connection than the product has: then its texts are not what they should be, and all begin anew.
_MOST = 200
# A statement and the types of its values, which are not the same for a None.
_Key = tuple[bytes, tuple[int, ...]]


class Statements:
    """What one connection has prepared.

    Args:
        connection: the driver's; used by one thread at a time, and not preparing anything by itself (see
            `driver.engine_options`): who ends a transaction through the driver would have it forget these, too.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection, self._libpq = connection, connection.pgconn
        self._adapted = Transformer(connection)
        self._names: dict[_Key, bytes] = {}
        # How often, of those that were not asked often enough; who was asked last stands last.
        self._asked: dict[_Key, int] = {}
        self._made = 0

    def rows(self, text: bytes, values: Sequence[Any], *, alone: bool) -> list[tuple[Any, ...]]:
        """Run a statement with `$1` for its values, and return its rows.

        Args:
            text: the statement, which gives rows.
            values: in the order of their numbers.
            alone: it is a transaction of its own; else it is part of the one that is open, or begins one.

        Raises:
            psycopg.Error: as the driver raises it.
        """
        libpq, adapted = self._libpq, self._adapted
        if libpq.transaction_status == _IDLE:
            if not alone:
                self._begin()
        elif alone:  # what it writes would be rolled back by whoever takes the connection back
            raise psycopg.InterfaceError("a statement of its own on a connection with an open transaction")
        given = adapted.dump_sequence(values, [PyFormat.AUTO] * len(values))
        key = (text, adapted.types or ())
        name = self._names.get(key) or self._prepared(key)
        if name:
            libpq.send_query_prepared(name, given, adapted.formats)
        else:
            libpq.send_query_params(text, given, key[1], adapted.formats)
        result = self._result()
        adapted.set_pgresult(result)
        return adapted.load_rows(0, result.ntuples, tuple)

    def _prepared(self, key: _Key) -> bytes | None:
        """The name of a statement that is worth one; None: not yet."""
        asked = self._asked.pop(key, 0) + 1
        if asked < _WORTH:
            if len(self._asked) == _MOST:  # a list has as many texts as people have wishes of it
                del self._asked[next(iter(self._asked))]
            self._asked[key] = asked
            return None
        if len(self._names) == _MOST:
            self._libpq.send_query(b"DEALLOCATE ALL")
            self._result()
            self._names.clear()
        # Never a name again: whoever is interrupted here does not know whether the database has it. And never one of
        # another statement: where connections are lent by transaction, who asks by name may meet what others prepared.
        self._made += 1
        name = b"wxapi_%d_%b" % (self._made, sha256(repr(key).encode()).hexdigest()[:32].encode())
        self._libpq.send_prepare(name, *key)
        self._result()
        self._names[key] = name
        return name

    def _result(self) -> PGresult:
        result: PGresult = self._connection.wait(execute(self._libpq))[-1]
        if result.status not in (_ROWS, _DONE):
            raise psycopg.errors.error_from_result(result, encoding=self._connection.info.encoding)
        return result

    def _begin(self) -> None:
        """Begin as the driver does before a statement: at the level that the connection was given."""
        self._connection.wait(self._connection._start_query())  # noqa: SLF001 - no public name; nothing where it is on
