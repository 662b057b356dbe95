"""The one connection pool to Redis, with one breaker for all its users.

Everything that is kept in Redis can be done without. A Redis that hangs costs one short time-out, and then nobody
asks it for a few seconds; one that refuses connections costs nothing either way.
"""

import select
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import structlog
from redis import Connection, ConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

log = structlog.get_logger(__name__)

TIMEOUT_S = 0.5
_LEFT_ALONE_S = 5.0
# Bytes of an answer that is one number; a longer one is something else.
_SHORT = 64
# While the library expects notices of a server's upkeep, it hands a connection on that holds an answer too many.
NO_NOTICES = MaintNotificationsConfig(enabled=False)


class Breaker:
    """Opens when Redis does not answer; while it is open nobody gets a connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open_until = 0.0

    def check(self) -> None:
        """Let a command through.

        Raises:
            redis.exceptions.ConnectionError: Redis did not answer a moment ago.
        """
        if not self._open_until:
            return
        with self._lock:
            now = time.monotonic()
            if now < self._open_until:
                raise RedisConnectionError("Redis did not answer a moment ago.")
            if self._open_until:  # one tries, the others wait for what it finds
                self._open_until = now + 2 * TIMEOUT_S

    def open(self, error: Exception) -> None:
        """Redis did not answer: give out no connection for a moment."""
        with self._lock:
            self._open_until = time.monotonic() + _LEFT_ALONE_S
        log.warning("redis_away", error=type(error).__name__)

    def close(self) -> None:
        """Redis answered: give out connections again."""
        if self._open_until:
            with self._lock:
                self._open_until = 0.0


def connect(url: str) -> Redis:
    """A client behind a breaker, which all share that share its pool. Nothing is contacted before the first command."""
    breaker = Breaker()
    pool = _Pool.from_url(
        url,
        socket_connect_timeout=TIMEOUT_S,
        socket_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        maint_notifications_config=NO_NOTICES,
        breaker=breaker,
    )
    pool.breaker = breaker
    pool.connection_class = _KINDS[pool.connection_class]
    return Redis(connection_pool=pool)


def ask_number(redis: Redis, *command: str | int) -> int:
    """The whole number that answers a command of a hot path, sent and read without the client between.

    Whatever else is answered, such as that the command was not carried out, the client asks for again and understands.

    Raises:
        redis.exceptions.RedisError: as the client does.
    """
    pool = redis.connection_pool
    connection: Any = pool.get_connection()
    try:
        number: int | None = connection.number_for(_packed(command))
    finally:
        pool.release(connection)
    if number is not None:
        return number
    answer: Any = redis.execute_command(*command)  # type: ignore[no-untyped-call]
    try:
        return int(answer)
    except (TypeError, ValueError) as error:
        raise InvalidResponse("Redis answered no number.") from error


def _packed(command: tuple[str | int, ...]) -> bytes:
    """The command as it is sent: how many words, and each after its length."""
    return b"*%d\r\n%b" % (len(command), b"".join(map(_word, command)))


@lru_cache(maxsize=1024)
def _word(word: str | int) -> bytes:
    """Of a command's eight words six are the same each time."""
    sent = str(word).encode()
    return b"$%d\r\n%b\r\n" % (len(sent), sent)


class _Pool(ConnectionPool):
    """Gives a connection out again as it is, while it is open and nothing came on it that nobody asked for.

    The library's own way says the same of it by reading without waiting, and notes both ways for observers that are not
    there. It is left to make connections, to mend them, and to take back those of which something is odd.
    """

    breaker: Breaker

    def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        self.breaker.check()
        self._checkpid()
        with self._lock:
            connection = self._available_connections.pop() if self._available_connections else None
            if connection is not None:
                self._in_use_connections.add(connection)
        if connection is not None:
            if connection.is_at_rest():
                return connection
            super().release(connection)
        try:
            return super().get_connection(*args, **kwargs)
        except _AWAY as error:
            self.breaker.open(error)
            raise

    def release(self, connection: Any) -> None:
        self._checkpid()
        with self._lock:
            lent = connection in self._in_use_connections and connection.pid == self.pid
            if lent and not connection.should_reconnect():
                self._in_use_connections.remove(connection)
                self._available_connections.append(connection)
                return
        super().release(connection)


class _Watched:
    """Tells the breaker of every answer, and of every one that did not come."""

    _sock: Any
    disconnect: Callable[[], None]
    can_read: Callable[..., bool]
    # Asks whether something came, and on what it does.
    _poll: Any = None
    _polled: Any = None
    # The library has read from it, whose parser may hold more than it gave.
    _parsed = False

    def __init__(self, *args: Any, breaker: Breaker, **kwargs: Any) -> None:
        self._breaker = breaker
        super().__init__(*args, **kwargs)

    def is_at_rest(self) -> bool:
        """Whether it is open and nothing waits to be read; an end that was closed over there reads as something."""
        if self._sock is None:
            return False
        if self._parsed:
            self._parsed = False
            try:
                return not self.can_read()
            except _AWAY:
                return False
        if self._polled is not self._sock:  # connected anew
            self._poll, self._polled = select.poll(), self._sock
            self._poll.register(self._sock, select.POLLIN)
        return not self._poll.poll(0)

    def number_for(self, command: bytes) -> int | None:
        """The whole number that answers a command; None where something else came, and this connection is closed."""
        number = None
        try:
            self._sock.sendall(command)
            answer = self._sock.recv(_SHORT)
            if not answer:
                raise ConnectionResetError
            if answer[:1] == b":":
                # Asked for again, what came in pieces would be counted twice.
                while answer[-2:] != b"\r\n" and len(answer) < _SHORT and (more := self._sock.recv(_SHORT)):
                    answer += more
                if answer[-2:] == b"\r\n":
                    number = int(answer[1:-2])
        except OSError as error:
            self._breaker.open(error)
            raise RedisConnectionError("Redis did not answer.") from error
        except ValueError:  # two answers at once, or none that is one
            pass
        finally:
            if number is None:  # the rest may come yet
                self.disconnect()
        self._breaker.close()
        return number

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        read: Callable[..., Any] = super().read_response  # type: ignore[misc]  # of the class it is mixed with
        self._parsed = True
        try:
            answer = read(*args, **kwargs)
        except _AWAY as error:
            self._breaker.open(error)
            raise
        self._breaker.close()
        return answer


class _Plain(_Watched, Connection):
    pass


class _Tls(_Watched, SSLConnection):
    pass


class _Local(_Watched, UnixDomainSocketConnection):
    pass


_AWAY = (RedisConnectionError, RedisTimeoutError, OSError)
_KINDS: dict[type[Any], type[Any]] = {Connection: _Plain, SSLConnection: _Tls, UnixDomainSocketConnection: _Local}
