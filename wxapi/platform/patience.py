"""A database that hangs: it takes what is sent and gives nothing back, so its own limits of time never come.

A server's process has few threads, and each that waits for ever is one less for what needs no database at all. So
there a statement is given up soon after the database should have ended it, with its connection, and is answered 503.
Commands and jobs wait: some of their statements may take long.
"""

from time import monotonic
from typing import Any, ClassVar, TypeVar

import psycopg
import structlog
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

log = structlog.get_logger(__name__)
STATEMENT_S = 15
_CONNECT_S = 5
# A moment more than the database gives a statement itself.
_LONGEST_S = STATEMENT_S + 2.0
# To answer a ping is no work, however much a machine has to do.
_PING_S = 5.0
# Nobody tries to connect for so long after somebody has waited in vain.
_AWAY_S = 3.0
_INTERVAL_S = 0.1
# Over a network: whoever is gone without a word is missed within a minute, not after two hours.
CONNECTING = {
    "connect_timeout": _CONNECT_S,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

Value = TypeVar("Value")


class WatchedConnection(psycopg.Connection[Any]):
    """A connection that is not waited for beyond `longest_s`; None: for ever."""

    longest_s: float | None = None
    away_until: ClassVar[float] = 0.0

    def wait(self, gen: PQGen[Value], interval: float = _INTERVAL_S, timeout: float | None = None) -> Value:
        """As the driver does, but no longer; a connection that was given up is closed.

        Raises:
            OperationalError: nothing came in time.
        """
        longest = self.longest_s if timeout is None else timeout
        began = monotonic()
        try:
            return super().wait(gen, interval, longest)
        except psycopg.OperationalError:
            if longest is not None and monotonic() - began >= longest:
                log.warning("database_hangs", seconds=longest)
                self.pgconn.finish()
                WatchedConnection.away_until = monotonic() + _AWAY_S
            raise

    def rollback(self) -> None:
        """As the driver does, where a transaction is open: the pool rolls back whatever it is given back."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            super().rollback()

    def ping(self) -> None:
        """See whether it is alive; raises what `execute` does."""
        longest = self.longest_s
        self.longest_s = longest and _PING_S
        try:
            self.execute("SELECT 1")
            self.rollback()
        finally:
            self.longest_s = longest


def connect(_dialect: Any, _record: Any, args: Any, options: Any) -> WatchedConnection:
    """What SQLAlchemy connects by. While the database is known to hang it is not waited for again and again.

    Raises:
        OperationalError: no connection.
    """
    if monotonic() < WatchedConnection.away_until:
        raise psycopg.OperationalError("the database did not answer just now")
    try:
        return WatchedConnection.connect(*args, **options)
    except psycopg.errors.ConnectionTimeout:
        if WatchedConnection.longest_s is not None:
            log.warning("database_hangs", seconds=_CONNECT_S)
            WatchedConnection.away_until = monotonic() + _AWAY_S
        raise


def limit_waits() -> None:
    """From now on no connection of this process waits for a statement beyond its time: the process is a server's."""
    WatchedConnection.longest_s = _LONGEST_S
