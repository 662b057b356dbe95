"""One access token for all processes, whatever happens to it."""

import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from tests.conftest import APP_SECRET, APPID, NOW
from tests.fake_wechat_control import FakeControl
from tests.service.wechat_race import CALLS, CHECK, call_many
from wxapi.kernel.clock import FixedClock
from wxapi.platform.wechat.client import WeChatClient
from wxapi.platform.wechat.codes import TEXT_CHECK_PATH, TOKEN_PATH, ErrorClass
from wxapi.platform.wechat.errors import WeChatError
from wxapi.platform.wechat.shared import Shared
from wxapi.platform.wechat.tokens import AccessToken, Tokens

PROCESSES = 8


@pytest.fixture
def active(fake: FakeControl, wechat_client: WeChatClient) -> WeChatClient:
    """A client whose person has used the mini program, and a token in Redis."""
    wechat_client.code_to_session(fake.login_code("o-token"))
    wechat_client.call(TEXT_CHECK_PATH, CHECK)
    fake.order("DELETE", "calls")
    return wechat_client


@pytest.mark.processes
def test_eight_processes_survive_the_death_of_the_token(
    active: WeChatClient, fake: FakeControl, redis_url: str
) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, results = spawn.Barrier(PROCESSES), spawn.Queue()
    processes = [
        spawn.Process(target=call_many, args=(fake.url, (APPID, APP_SECRET), redis_url, number, start, results))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    done = [results.get(timeout=90) for _ in processes]
    for process in processes:
        process.join(30)
    assert sum(done) == PROCESSES * CALLS == 320
    assert fake.calls(TOKEN_PATH) == 1
    answers = fake.answers()
    assert answers[f"{TEXT_CHECK_PATH} 0"] == 320
    assert 1 <= answers[f"{TEXT_CHECK_PATH} 40001"] <= PROCESSES
    assert active.call(TEXT_CHECK_PATH, CHECK)["errcode"] == 0


def test_a_cold_start_of_many_threads_is_one_fetch(wechat_client: WeChatClient, fake: FakeControl) -> None:
    wechat_client.code_to_session(fake.login_code("o-token"))
    fake.fault(TOKEN_PATH, delay=0.3)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: wechat_client.call(TEXT_CHECK_PATH, CHECK)["errcode"], range(32)))
    assert answers == [0] * 32
    assert fake.calls(TOKEN_PATH) == 1


@pytest.mark.parametrize("errcode", [40001, 40014, 42001, "42001"])
def test_a_refused_token_is_renewed_and_the_call_repeated_once(
    active: WeChatClient, fake: FakeControl, errcode: int | str
) -> None:
    fake.fault(TEXT_CHECK_PATH, errcode=errcode)
    assert active.call(TEXT_CHECK_PATH, CHECK)["errcode"] == 0
    assert (fake.calls(TEXT_CHECK_PATH), fake.calls(TOKEN_PATH)) == (2, 1)


def test_a_second_refusal_is_the_end(active: WeChatClient, fake: FakeControl) -> None:
    fake.fault(TEXT_CHECK_PATH, errcode=40001, count=-1)
    with pytest.raises(WeChatError) as caught:
        active.call(TEXT_CHECK_PATH, CHECK)
    assert caught.value.error_class is ErrorClass.TOKEN
    assert (fake.calls(TEXT_CHECK_PATH), fake.calls(TOKEN_PATH)) == (2, 1)


def test_other_errors_are_not_repeated(active: WeChatClient, fake: FakeControl) -> None:
    for errcode in (-1, 43101, 47003, 99999):
        fake.fault(TEXT_CHECK_PATH, errcode=errcode)
        with pytest.raises(WeChatError):
            active.call(TEXT_CHECK_PATH, CHECK)
    assert (fake.calls(TEXT_CHECK_PATH), fake.calls(TOKEN_PATH)) == (4, 0)


def test_the_token_lives_in_redis_until_shortly_before_its_end(active: WeChatClient, redis: Redis) -> None:
    assert active
    (key,) = redis.keys("wechat:*:token")
    assert 6800 < redis.ttl(key) <= 7200 - 300


class Office:
    """Hands out numbered tokens and counts."""

    def __init__(self, *, seconds: int = 7200, work: Callable[[], None] = lambda: None) -> None:
        self.fetched = 0
        self._seconds = seconds
        self._work = work

    def __call__(self) -> AccessToken:
        self._work()
        self.fetched += 1
        return AccessToken(f"token-{self.fetched}", self._seconds)


def test_a_token_near_its_end_is_kept_half_a_minute(redis: Redis) -> None:
    shared = Shared(redis, APPID)
    assert Tokens(shared, Office(seconds=100)).get() == "token-1"
    assert 28 <= redis.ttl(shared.name("token")) <= 30


def test_only_the_token_that_failed_is_discarded(redis: Redis) -> None:
    tokens = Tokens(Shared(redis, APPID), office := Office())
    assert tokens.get() == "token-1"
    tokens.discard("token-0")
    assert (tokens.get(), office.fetched) == ("token-1", 1)
    tokens.discard("token-1")
    assert (tokens.get(), office.fetched) == ("token-2", 2)


def test_a_lock_that_went_to_somebody_else_is_left_alone(redis: Redis) -> None:
    shared = Shared(redis, APPID)
    name = shared.name("token-lock")
    Tokens(shared, Office(work=lambda: redis.set(name, "somebody else"))).get()
    assert redis.get(name) == b"somebody else"


def test_who_waits_for_another_gives_up_with_busy(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wxapi.platform.wechat.tokens._WAIT_SECONDS", 0.2)
    shared = Shared(redis, APPID)
    redis.set(shared.name("token-lock"), "a process that hangs", px=8000)
    started = time.monotonic()
    with pytest.raises(WeChatError) as caught:
        Tokens(shared, office := Office()).get()
    assert caught.value.error_class is ErrorClass.BUSY
    assert office.fetched == 0
    assert 0.1 <= time.monotonic() - started < 2


def test_a_failed_fetch_lets_the_next_one_try(redis: Redis) -> None:
    def fail() -> AccessToken:
        raise WeChatError(TOKEN_PATH, ErrorClass.BUSY)

    shared = Shared(redis, APPID)
    with pytest.raises(WeChatError):
        Tokens(shared, fail).get()
    assert Tokens(shared, Office()).get() == "token-1"


def test_without_redis_each_process_has_a_token_for_itself(fake: FakeControl) -> None:
    with Redis.from_url("redis://127.0.0.1:9", socket_connect_timeout=0.2) as nowhere:
        client = WeChatClient(fake.url, APPID, APP_SECRET, nowhere, FixedClock(NOW))
        assert client.code_to_session(fake.login_code("o-token")).openid == "o-token"
        for _ in range(3):
            assert client.call(TEXT_CHECK_PATH, CHECK)["errcode"] == 0
        assert fake.calls(TOKEN_PATH) == 1
        fake.kill_token()
        assert client.call(TEXT_CHECK_PATH, CHECK)["errcode"] == 0
        assert fake.calls(TOKEN_PATH) == 2
        fake.fault(TEXT_CHECK_PATH, errcode=48001)
        with pytest.raises(WeChatError):
            client.call(TEXT_CHECK_PATH, CHECK)
        assert [circuit["path"] for circuit in client.circuits()] == [TEXT_CHECK_PATH]


def test_threads_without_redis_fetch_once() -> None:
    with Redis.from_url("redis://127.0.0.1:9", socket_connect_timeout=0.2) as nowhere:
        started = threading.Event()
        office = Office(work=lambda: started.wait(0.1) and None)
        tokens = Tokens(Shared(nowhere, APPID), office)
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: tokens.get(), range(16))) == {"token-1"}
    assert office.fetched == 1
