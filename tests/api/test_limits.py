"""Rate limits: every window counts, what is refused counts for none, and Redis away stops nobody."""

import socket
import socketserver
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Thread
from time import sleep
from typing import ClassVar
from urllib.parse import urlsplit, urlunsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from config import Config
from tests.conftest import app_in_savepoint
from workers import post
from wxapi.kernel.clock import SystemClock
from wxapi.kernel.permissions import Permission
from wxapi.platform import metrics
from wxapi.platform.guard import guard
from wxapi.platform.limits import limited
from wxapi.platform.redis_client import ask_number, connect

MINUTE_US, HOUR_US = 60 * 1_000_000, 3_600 * 1_000_000


class _AheadClock(SystemClock):
    by = timedelta()

    def ahead(self) -> timedelta:
        return self.by


@pytest.fixture
def limited_app(make_config: Callable[..., Config], redis: Redis) -> Iterator[Flask]:
    """An app of its own: it gets a view and a clock."""
    with app_in_savepoint(make_config(rate_limits=True)) as made:
        yield made


@pytest.fixture
def client(limited_app: Flask) -> FlaskClient:
    """Of an app with one limited view, `/limited`: three a minute and five an hour."""

    @guard(Permission.PUBLIC)
    @limited("3/minute;5/hour")
    def view() -> str:
        return "passed"

    limited_app.add_url_rule("/limited", "limited", view)
    return limited_app.test_client()


def ask(client: FlaskClient, times: int, address: str = "10.0.0.1") -> list[int]:
    return [client.get("/limited", environ_base={"REMOTE_ADDR": address}).status_code for _ in range(times)]


def earlier(redis: Redis, by_us: int) -> None:
    """Move what was counted back in time: Redis' clock is nobody's to set."""
    for key in redis.scan_iter("limit:*"):
        for place, at in enumerate(redis.lrange(key, 0, -1)):
            redis.lset(key, place, int(at) - by_us)


def test_the_short_window_moves_and_the_long_one_still_counts(client: FlaskClient, redis: Redis) -> None:
    assert ask(client, 5) == [200, 200, 200, 429, 429]
    earlier(redis, MINUTE_US + 1)
    # Two were refused and counted for nothing, so the hour has room for two.
    assert ask(client, 4) == [200, 200, 429, 429]
    earlier(redis, HOUR_US + 1)
    assert ask(client, 4) == [200, 200, 200, 429]


def test_it_is_said_when_all_windows_have_room_again(client: FlaskClient, redis: Redis) -> None:
    def wait() -> int:
        return int(client.get("/limited", environ_base={"REMOTE_ADDR": "10.0.0.1"}).headers["Retry-After"])

    ask(client, 3)
    assert 55 < wait() <= 60
    earlier(redis, MINUTE_US // 2)
    assert 25 < wait() <= 30
    earlier(redis, MINUTE_US // 2 + 1)
    ask(client, 2)
    earlier(redis, 5 * MINUTE_US)  # the minute has room, the hour has none before the first of its five is over
    assert 3200 < wait() <= 3600 - 360


def test_a_window_frees_one_place_at_a_time(client: FlaskClient, redis: Redis) -> None:
    assert ask(client, 1) == [200]
    earlier(redis, MINUTE_US // 2)
    assert ask(client, 3) == [200, 200, 429]
    earlier(redis, MINUTE_US // 2 + 1)
    assert ask(client, 2) == [200, 429]


def test_a_clock_put_back_stops_nobody_and_counts_on(client: FlaskClient, redis: Redis) -> None:
    assert ask(client, 4)[-1] == 429
    earlier(redis, -HOUR_US)
    assert ask(client, 4) == [200, 200, 200, 429]


def test_a_demo_that_goes_ahead_frees_its_windows(client: FlaskClient, limited_app: Flask) -> None:
    assert ask(client, 4) == [200, 200, 200, 429]
    ahead = limited_app.extensions["wxapi"].clock = _AheadClock()
    ahead.by = timedelta(seconds=59)
    assert ask(client, 1) == [429]
    ahead.by = timedelta(seconds=61)
    assert ask(client, 3) == [200, 200, 429]  # the hour goes on
    ahead.by = timedelta(hours=2)
    assert ask(client, 4) == [200, 200, 200, 429]


def test_one_does_not_count_for_another(client: FlaskClient) -> None:
    assert ask(client, 4)[-1] == 429
    assert ask(client, 1, address="10.0.0.2") == [200]


def test_an_emptied_or_restarted_server_counts_anew(client: FlaskClient, redis: Redis) -> None:
    assert ask(client, 4)[-1] == 429
    redis.flushall()
    redis.script_flush()
    assert ask(client, 4) == [200, 200, 200, 429]


def test_a_connection_that_redis_closed_is_found_before_it_is_used(client: FlaskClient, redis: Redis) -> None:
    assert ask(client, 2) == [200, 200]
    errors = metrics.rate_limit_errors._value.get()
    me = redis.client_info()
    for other in redis.client_list():
        if other["db"] == str(me["db"]) and other["id"] != str(me["id"]):
            redis.client_kill(other["addr"])
    assert ask(client, 2) == [200, 429]
    assert metrics.rate_limit_errors._value.get() == errors


def test_a_number_is_read_from_among_all_that_redis_answers(redis_url: str, redis: Redis) -> None:
    asked = connect(redis_url)
    assert [ask_number(asked, "INCRBY", "counted", 10**15), ask_number(asked, "DECR", "other")] == [10**15, -1]
    redis.lpush("listed", "x")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        ask_number(asked, "INCR", "listed")
    redis.set("kept", "7")
    assert ask_number(asked, "GET", "kept") == 7
    assert ask_number(asked, "INCR", "counted") == 10**15 + 1
    with pytest.raises(RedisError):
        ask_number(asked, "CLIENT", "REPLY", "OFF")  # is not answered
    with pytest.raises(RedisError, match="a moment ago"):
        ask_number(asked, "INCR", "counted")


class _Between(socketserver.BaseRequestHandler):
    """Goes between a client and Redis; what answers the next INCRs it changes, in turn. It waits at an ellipsis."""

    url: str
    target: tuple[str | None, int | None]
    changed: ClassVar[list[Callable[[bytes], bytes]]] = []
    client: socket.socket

    def handle(self) -> None:
        type(self).client = self.request
        with socket.create_connection(self.target) as redis:
            while asked := self.request.recv(65_536):
                redis.sendall(asked)
                answer = redis.recv(65_536)
                if b"INCR" in asked and self.changed:
                    answer = self.changed.pop(0)(answer)
                first, _, rest = answer.partition(b"...")
                self.request.sendall(first)
                if rest:
                    sleep(0.05)
                    self.request.sendall(rest)


@pytest.fixture
def between(redis_url: str, redis: Redis) -> Iterator[type[_Between]]:
    parts = urlsplit(redis_url)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Between) as server:
        server.daemon_threads = True
        place = f"{parts.username or ''}:{parts.password or ''}@127.0.0.1:{server.server_address[1]}"
        _Between.target, _Between.url = (parts.hostname, parts.port), urlunsplit(parts._replace(netloc=place))
        Thread(target=server.serve_forever, args=(0.01,)).start()
        yield _Between
        server.shutdown()
    _Between.changed.clear()


@pytest.mark.parametrize(
    "odd", [b"%b:77\r\n", b":abc\r\n", b":\r\n", b"$-1\r\n", b"$3\r\nabc\r\n", b"*0\r\n", b"HTTP/1.1 400\r\n\r\n"]
)
def test_what_is_no_number_is_asked_for_again_and_then_an_error_of_redis(between: type[_Between], odd: bytes) -> None:
    """Two answers at once, or what no Redis says: who asks next on the connection gets what they asked for."""
    client = connect(between.url)
    assert ask_number(client, "INCR", "counted") == 1
    between.changed += [lambda answer: odd.replace(b"%b", answer)]
    assert ask_number(client, "INCR", "counted") == 3
    between.changed += [lambda _: odd.replace(b"%b", b"$-1\r\n")] * 2
    with pytest.raises(RedisError, match=r"no number|Protocol error|Bad integer"):
        ask_number(client, "INCR", "counted")
    assert [client.set("a", "b"), client.get("a"), ask_number(client, "INCR", "counted")] == [True, b"b", 6]


@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_number_that_comes_in_pieces_is_asked_for_once(between: type[_Between], place: int) -> None:
    client = connect(between.url)
    between.changed += [lambda answer: answer[:place] + b"..." + answer[place:]]
    assert [ask_number(client, "INCR", "counted"), ask_number(client, "INCR", "counted")] == [1, 2]


@pytest.mark.parametrize("of", [connect, post.connect])
def test_an_answer_too_many_is_nobodys(between: type[_Between], of: Callable[[str], Redis]) -> None:
    client = of(between.url)
    between.changed += [lambda answer: answer + b":77\r\n"]
    assert [client.incr("counted"), client.set("a", "b"), client.get("a")] == [1, True, b"b"]


def test_an_answer_that_comes_when_nobody_asks_is_nobodys(between: type[_Between]) -> None:
    client = connect(between.url)
    assert ask_number(client, "INCR", "counted") == 1
    between.client.sendall(b":77\r\n")
    assert client.connection_pool._available_connections[0].can_read(5)
    assert [ask_number(client, "INCR", "counted"), client.set("a", "b"), client.get("a")] == [2, True, b"b"]


def test_what_is_kept_ends_with_its_window(client: FlaskClient, redis: Redis) -> None:
    ask(client, 5)
    kept = {redis.ttl(key): redis.llen(key) for key in redis.scan_iter("limit:*")}
    assert kept.keys() <= {*range(55, 61), *range(3_595, 3_601)}
    assert set(kept.values()) == {3}


def test_redis_away_stops_nobody_and_is_counted(make_config: Callable[..., Config]) -> None:
    with app_in_savepoint(make_config(rate_limits=True, redis_url="redis://127.0.0.1:9")) as made:

        @guard(Permission.PUBLIC)
        @limited("1/minute")
        def view() -> str:
            return "passed"

        made.add_url_rule("/limited", "limited", view)
        before = metrics.rate_limit_errors._value.get()
        assert ask(made.test_client(), 3) == [200, 200, 200]
        assert metrics.rate_limit_errors._value.get() == before + 3


@pytest.mark.parametrize("wrong", ["3", "3/second", "3/minute,5/hour", ""])
def test_a_limit_that_cannot_be_read_stops_the_start(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not such as 30/minute"):
        limited(wrong)
