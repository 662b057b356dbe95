"""The client against the fake over real sockets."""

import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import structlog
from redis import Redis

from tests.conftest import APP_SECRET, APPID, NOW
from tests.fake_wechat_control import FakeControl
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.errors import ForbiddenError, InvalidError, TooManyRequestsError, UnauthenticatedError
from wxapi.platform.wechat.client import WeChatClient
from wxapi.platform.wechat.codes import LOGIN_PATH, PHONE_PATH, QR_PATH, TEXT_CHECK_PATH, TOKEN_PATH, ErrorClass
from wxapi.platform.wechat.errors import CircuitOpenError, CodeUsedError, WeChatError

CHECK = {"version": 2, "scene": 3, "openid": "o-text", "content": "路口垃圾箱满溢"}


def quick(fake: FakeControl, redis: Redis) -> WeChatClient:
    """A client that does not wait long."""
    return WeChatClient(fake.url, APPID, APP_SECRET, redis, FixedClock(NOW), timeout=(0.5, 0.3))


def logged_in(client: WeChatClient, fake: FakeControl, openid: str) -> None:
    """WeChat knows only people who have used the mini program lately."""
    client.code_to_session(fake.login_code(openid))


def test_login_gives_who_it_is(wechat_client: WeChatClient, fake: FakeControl) -> None:
    login = wechat_client.code_to_session(fake.login_code("o-1", unionid="u-1"))
    assert login.openid == "o-1"
    assert repr(login) == "WeChatLogin()"


def test_a_code_is_good_once(wechat_client: WeChatClient, fake: FakeControl) -> None:
    code = fake.login_code("o-1")
    wechat_client.code_to_session(code)
    with pytest.raises(CodeUsedError) as caught:
        wechat_client.code_to_session(code)
    assert caught.value.code == "wx_code_invalid"


@pytest.mark.parametrize("code", ["", "nonsense", "码", "a" * 4000, "a&secret=b", "%00"])
def test_a_code_that_never_was(wechat_client: WeChatClient, fake: FakeControl, code: str) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        wechat_client.code_to_session(code)
    assert not isinstance(caught.value, CodeUsedError)
    assert fake.answers() == {f"{LOGIN_PATH} 40029": 1}


def test_a_code_is_good_for_five_minutes(wechat_client: WeChatClient, fake: FakeControl) -> None:
    code = fake.login_code("o-1")
    fake.order("POST", "advance", seconds=301)
    with pytest.raises(UnauthenticatedError):
        wechat_client.code_to_session(code)


def test_a_phone_code_is_no_login_code(wechat_client: WeChatClient, fake: FakeControl) -> None:
    with pytest.raises(UnauthenticatedError):
        wechat_client.code_to_session(fake.phone_code("o-1", "13800000000"))


@pytest.mark.parametrize("errcode", [40226, "40226"])
def test_a_person_refused_by_wechat(wechat_client: WeChatClient, fake: FakeControl, errcode: int | str) -> None:
    fake.fault(LOGIN_PATH, openid="o-risky", errcode=errcode, count=1)
    with pytest.raises(ForbiddenError):
        wechat_client.code_to_session(fake.login_code("o-risky"))
    assert wechat_client.code_to_session(fake.login_code("o-fine")).openid == "o-fine"


def test_the_minute_limit_says_when_to_come_back(wechat_client: WeChatClient, fake: FakeControl) -> None:
    fake.fault(LOGIN_PATH, errcode=45011)
    with pytest.raises(TooManyRequestsError) as caught:
        wechat_client.code_to_session(fake.login_code("o-1"))
    assert caught.value.retry_after == 60


@pytest.mark.parametrize(
    "trouble",
    [
        {"errcode": -1},
        {"errcode": "-1"},
        {"http_status": 502},
        {"http_status": 404},
        {"html": True},
        {"truncate": True},
        {"drop": "before"},
        {"drop": "after"},
        {"delay": 0.6},
    ],
    ids=lambda trouble: "-".join(f"{name}:{value}" for name, value in trouble.items()),
)
def test_a_busy_wechat_is_asked_once(fake: FakeControl, redis: Redis, trouble: dict[str, object]) -> None:
    client = quick(fake, redis)
    fake.fault(LOGIN_PATH, count=-1, **trouble)
    with pytest.raises(WeChatError) as caught:
        client.code_to_session(fake.login_code("o-1"))
    assert caught.value.error_class is ErrorClass.BUSY
    assert caught.value.code == "wechat_unavailable"
    assert fake.calls(LOGIN_PATH) == 1
    assert client.circuits() == []


def test_nobody_listens(redis: Redis) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = WeChatClient(f"http://127.0.0.1:{unused.getsockname()[1]}", APPID, APP_SECRET, redis, FixedClock(NOW))
        with pytest.raises(WeChatError) as caught:
            client.code_to_session("code")
    assert caught.value.error_class is ErrorClass.BUSY
    assert not caught.value.maybe_done


def test_a_drop_may_have_done_the_work(fake: FakeControl, redis: Redis) -> None:
    fake.fault(LOGIN_PATH, drop="after")
    with pytest.raises(WeChatError) as caught:
        quick(fake, redis).code_to_session(fake.login_code("o-1"))
    assert caught.value.maybe_done


def test_the_phone_number(wechat_client: WeChatClient, fake: FakeControl) -> None:
    for number in ("13800000001", "13800000002"):  # the fake writes the country code as text and as number
        phone = wechat_client.phone_number(fake.phone_code("o-1", number), "o-1")
        assert phone.pure == number
        assert number not in repr(phone)


def test_a_phone_code_of_somebody_else(wechat_client: WeChatClient, fake: FakeControl) -> None:
    code = fake.phone_code("o-1", "13800000000")
    with pytest.raises(InvalidError) as caught:
        wechat_client.phone_number(code, "o-2")
    assert caught.value.code == "phone_code_invalid"
    assert fake.answers()[f"{PHONE_PATH} 40003"] == 1


def test_chinese_goes_out_unescaped(wechat_client: WeChatClient, fake: FakeControl) -> None:
    """The fake passes everything that is escaped, as the real one does."""
    logged_in(wechat_client, fake, "o-text")
    answer = wechat_client.call(TEXT_CHECK_PATH, CHECK | {"content": "有人聚众赌博"})
    assert answer["result"] == {"suggest": "risky", "label": 20006}
    assert answer["detail"][0]["keyword"] == "赌博"


def test_a_picture_and_an_error_in_its_place(wechat_client: WeChatClient) -> None:
    picture = wechat_client.call_for_picture(QR_PATH, {"scene": "g-421002001001001"})
    assert picture.startswith(b"\xff\xd8\xff")
    with pytest.raises(WeChatError) as caught:
        wechat_client.call_for_picture(QR_PATH, {"scene": "中文"})
    assert caught.value.error_class is ErrorClass.BUG


@pytest.mark.parametrize("errcode", [48001, "40164"])
def test_a_circuit_opens_for_one_api_and_closes_by_itself(fake: FakeControl, redis: Redis, errcode: int | str) -> None:
    clock = FixedClock(NOW)
    client = WeChatClient(fake.url, APPID, APP_SECRET, redis, clock)
    other_process = WeChatClient(fake.url, APPID, APP_SECRET, redis, clock)
    logged_in(client, fake, "o-text")
    fake.fault(TEXT_CHECK_PATH, errcode=errcode)
    with pytest.raises(WeChatError):
        client.call(TEXT_CHECK_PATH, CHECK)
    for one in (client, other_process):
        with pytest.raises(CircuitOpenError):
            one.call(TEXT_CHECK_PATH, CHECK)
        (circuit,) = one.circuits()
        assert (circuit["path"], circuit["errcode"], circuit["until"]) == (
            TEXT_CHECK_PATH,
            int(errcode),
            "2026-11-23T02:10:00.000Z",
        )
    assert fake.calls(TEXT_CHECK_PATH) == 1
    logged_in(client, fake, "o-text")
    clock.advance(minutes=10)
    assert other_process.call(TEXT_CHECK_PATH, CHECK)["errcode"] == 0
    assert client.circuits() == []


def test_the_day_limit_holds_until_midnight_in_shanghai(fake: FakeControl, redis: Redis) -> None:
    clock = FixedClock(datetime(2026, 11, 23, 15, 59, tzinfo=UTC))  # 23:59 there
    client = WeChatClient(fake.url, APPID, APP_SECRET, redis, clock)
    logged_in(client, fake, "o-text")
    fake.fault(TEXT_CHECK_PATH, errcode=45009)
    with pytest.raises(WeChatError):
        client.call(TEXT_CHECK_PATH, CHECK)
    assert client.circuits()[0]["until"] == "2026-11-23T16:00:00.000Z"
    clock.advance(seconds=61)
    assert client.call(TEXT_CHECK_PATH, CHECK)["errcode"] == 0


def test_a_wrong_secret_stops_the_token_call_only(fake: FakeControl, redis: Redis) -> None:
    client = WeChatClient(fake.url, APPID, "wrong", redis, FixedClock(NOW))
    for _ in range(3):
        with pytest.raises(WeChatError):
            client.call(TEXT_CHECK_PATH, CHECK)
    assert fake.calls(TOKEN_PATH) == 1
    assert [circuit["path"] for circuit in client.circuits()] == [TOKEN_PATH]


@contextmanager
def all_logs(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Everything that is logged at any level, by structlog and the standard library."""
    lines: list[str] = []

    def keep(_logger: object, _name: str, event: structlog.typing.EventDict) -> str:
        lines.append(repr(event))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[keep], cache_logger_on_first_use=False)
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    try:
        yield lines
        lines += [record.getMessage() for record in caplog.records]
    finally:
        logging.getLogger("urllib3").setLevel(logging.WARNING)
        structlog.configure(**before)


def test_no_secret_in_logs_or_errors(fake: FakeControl, redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    code, phone_code = fake.login_code("oSECRETopenid"), fake.phone_code("oSECRETopenid", "13812345678")
    errors: list[BaseException] = []
    with all_logs(caplog) as lines:
        client = quick(fake, redis)
        for trouble in (
            {"drop": "before"},
            {"delay": 0.5},
            {"http_status": 500},
            {"truncate": True},
            {"errcode": 40029},
        ):
            fake.fault(LOGIN_PATH, **trouble)
            with pytest.raises((WeChatError, UnauthenticatedError)) as caught:
                client.code_to_session(code)
            errors.append(caught.value)
        logged_in(client, fake, "oSECRETopenid")
        client.phone_number(phone_code, "oSECRETopenid")
        fake.fault(PHONE_PATH, errcode=40003, errmsg="invalid openid oSECRETopenid")
        with pytest.raises(InvalidError) as refused:
            client.phone_number(phone_code, "oSECRETopenid")
        errors.append(refused.value)
        nobody = WeChatClient("http://127.0.0.1:9", APPID, APP_SECRET, redis, FixedClock(NOW))
        with pytest.raises(WeChatError) as unreachable:
            nobody.code_to_session(code)
        errors.append(unreachable.value)
    token = redis.get(next(iter(redis.keys("wechat:*:token")))).decode()
    assert lines, "failures must leave a trace"
    assert all(error.__cause__ is None and error.__context__ is None for error in errors)
    text = "\n".join(lines + [repr(error) + str(error) + json.dumps(str(vars(error))) for error in errors])
    for secret in (APP_SECRET, code, phone_code, "oSECRETopenid", "13812345678", token):
        assert secret not in text


def test_redis_names_hold_a_hash_of_the_appid(wechat_client: WeChatClient, fake: FakeControl, redis: Redis) -> None:
    logged_in(wechat_client, fake, "o-text")
    wechat_client.call(TEXT_CHECK_PATH, CHECK)
    stored = b" ".join(redis.keys("*"))
    assert b"wechat:" in stored
    assert APPID.encode() not in stored
    assert APP_SECRET.encode() not in stored


def test_threads_have_sessions_of_their_own(wechat_client: WeChatClient, fake: FakeControl) -> None:
    codes = [fake.login_code(f"o-{number}") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda code: wechat_client.code_to_session(code).openid, codes))
    assert found == [f"o-{number}" for number in range(24)]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_its_own_connection(wechat_client: WeChatClient, fake: FakeControl) -> None:
    wechat_client.code_to_session(fake.login_code("o-parent"))
    session = wechat_client._transport._session()
    code = fake.login_code("o-child")
    child = os.fork()
    if child == 0:
        ok = wechat_client._transport._session() is not session
        ok = ok and wechat_client.code_to_session(code).openid == "o-child"
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert wechat_client._transport._session() is session
    assert wechat_client.code_to_session(fake.login_code("o-parent")).openid == "o-parent"


def test_an_idle_connection_that_wechat_closed_is_replaced(redis: Redis) -> None:
    """A server that hangs up after each answer, without saying so."""
    hung_up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for number in range(2):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    body = b'{"openid":"o-%d"}' % number
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                hung_up.set()

        thread = threading.Thread(target=serve)
        thread.start()
        client = WeChatClient(f"http://127.0.0.1:{server.getsockname()[1]}", APPID, APP_SECRET, redis, FixedClock(NOW))
        assert client.code_to_session("a").openid == "o-0"
        assert hung_up.wait(5)
        assert client.code_to_session("b").openid == "o-1"
        thread.join(5)
