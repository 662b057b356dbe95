"""Logging in against the fake WeChat over a socket: one answer a code, nothing secret kept in the open."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.lock import Lock
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from config import Config
from tests.conftest import NOW, app_in_savepoint
from tests.fake_wechat_control import FakeControl
from tests.processes import await_true
from wxapi.app import LANES, create_app
from wxapi.identity.models import Token, User
from wxapi.identity.queries import digest_of
from wxapi.kernel.clock import FixedClock
from wxapi.platform.db import db
from wxapi.platform.wechat.client import WeChatClient
from wxapi.platform.wechat.codes import PHONE_PATH


@pytest.fixture
def app(app: Flask, wechat_client: WeChatClient) -> Iterator[Flask]:
    """The app, which asks the fake WeChat."""
    parts = app.extensions["wxapi"]
    former, parts.wechat = parts.wechat, wechat_client
    yield app
    parts.wechat = former


def log_in(client: FlaskClient, code: str) -> TestResponse:
    return client.post("/api/v1/auth/wechat", json={"code": code})


def bearer(response: TestResponse) -> dict[str, str]:
    return {"Authorization": f"Bearer {response.get_json()['access_token']}"}


def test_a_code_becomes_a_token(client: FlaskClient, fake: FakeControl) -> None:
    response = log_in(client, fake.login_code("reporter-1"))
    body = response.get_json()
    assert response.status_code == 200
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 30 * 24 * 3600)
    assert set(body["user"]) == {"id", "nickname", "kind", "phone_masked", "appointments", "consent"}
    assert client.get("/api/v1/me", headers=bearer(response)).get_json() == body["user"]


def test_one_person_each_openid(client: FlaskClient, fake: FakeControl) -> None:
    first = log_in(client, fake.login_code("reporter-1")).get_json()
    again = log_in(client, fake.login_code("reporter-1")).get_json()
    other = log_in(client, fake.login_code("reporter-2")).get_json()
    assert first["user"]["id"] == again["user"]["id"] != other["user"]["id"]
    assert first["access_token"] != again["access_token"]


def test_the_same_code_gets_the_same_answer(client: FlaskClient, fake: FakeControl) -> None:
    code = fake.login_code("reporter-1")
    assert log_in(client, code).data == log_in(client, code).data


def test_a_code_is_answered_again_for_a_minute_of_the_products_clock(
    client: FlaskClient, fake: FakeControl, app: Flask
) -> None:
    code, clock = fake.login_code("reporter-1"), app.extensions["wxapi"].clock
    first = log_in(client, code)
    clock.advance(seconds=-1)  # a copy that began before the one that was answered first, and waited for it
    assert log_in(client, code).data == first.data
    clock.advance(seconds=60)
    assert log_in(client, code).data == first.data
    clock.advance(seconds=2)
    late = log_in(client, code)
    assert (late.status_code, late.get_json()["code"]) == (401, "wx_code_invalid")
    clock.advance(seconds=-120)  # put back: what was kept is of a time yet to come
    assert log_in(client, code).status_code == 401


def test_a_dead_code_is_401(client: FlaskClient, fake: FakeControl, redis: Redis) -> None:
    assert log_in(client, "never-issued").get_json()["code"] == "wx_code_invalid"
    code = fake.login_code("reporter-1")
    log_in(client, code)
    redis.flushdb()  # the 60 s are over
    spent = log_in(client, code)
    assert (spent.status_code, spent.get_json()["code"]) == (401, "wx_code_invalid")


def test_logging_in_goes_on_without_redis(
    make_config: Callable[..., Config], fake_wechat: str, fake: FakeControl
) -> None:
    with app_in_savepoint(make_config(wechat_base_url=fake_wechat, redis_url="redis://127.0.0.1:9/0")) as app:
        assert log_in(app.test_client(), fake.login_code("reporter-1")).status_code == 200


def test_wechat_away_is_503(make_config: Callable[..., Config], redis: Redis) -> None:
    with app_in_savepoint(make_config()) as app:
        response = log_in(app.test_client(), "any")
    assert (response.status_code, response.get_json()["code"]) == (503, "wechat_unavailable")
    assert int(response.headers["Retry-After"]) > 0


def test_nothing_secret_is_stored_in_the_open(client: FlaskClient, fake: FakeControl, redis: Redis) -> None:
    response = log_in(client, fake.login_code("very-special-openid"))
    token = response.get_json()["access_token"]
    client.post(
        "/api/v1/me/phone",
        json={"code": fake.phone_code("very-special-openid", "13812345678")},
        headers=bearer(response),
    )
    user = db.session.scalars(select(User)).one()
    stored = b"".join(
        value if isinstance(value, bytes) else str(value).encode()
        for row in (user, db.session.get(Token, digest_of(token)))
        for value in vars(row).values()
    )
    kept = b"".join(redis.get(key) or b"" for key in redis.scan_iter("login:*"))
    for secret in (b"very-special-openid", b"13812345678", token.encode()):
        assert secret not in stored
        assert secret not in kept


def test_a_phone_is_bound_and_shown_masked(client: FlaskClient, fake: FakeControl) -> None:
    response = log_in(client, fake.login_code("reporter-1"))
    bound = client.post(
        "/api/v1/me/phone", json={"code": fake.phone_code("reporter-1", "13812345678")}, headers=bearer(response)
    )
    assert bound.status_code == 200
    assert bound.get_json()["phone_masked"] == "138****5678"
    someone_elses = client.post(
        "/api/v1/me/phone", json={"code": fake.phone_code("reporter-2", "13900000000")}, headers=bearer(response)
    )
    assert someone_elses.status_code == 422


def replays(answer: TestResponse) -> bool:
    return answer.headers.get("Idempotency-Replayed") == "true"


def test_one_code_is_asked_about_once_though_its_answer_was_lost(client: FlaskClient, fake: FakeControl) -> None:
    """The phone repeats with the same key what WeChat would not tell twice."""
    headers = bearer(log_in(client, fake.login_code("reporter-1"))) | {"Idempotency-Key": "k1"}
    body = {"code": fake.phone_code("reporter-1", "13812345678")}
    first, again = (client.post("/api/v1/me/phone", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code, first.data) == (200, 200, again.data)
    assert (replays(first), replays(again)) == (False, True)
    other = client.post("/api/v1/me/phone", json={"code": "another"}, headers=headers)
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")


def test_a_code_that_failed_keeps_no_key(client: FlaskClient, fake: FakeControl) -> None:
    headers = bearer(log_in(client, fake.login_code("reporter-1"))) | {"Idempotency-Key": "k1"}
    assert client.post("/api/v1/me/phone", json={"code": "dead"}, headers=headers).status_code == 422
    body = {"code": fake.phone_code("reporter-1", "13812345678")}
    assert client.post("/api/v1/me/phone", json=body, headers=headers).status_code == 200


@pytest.fixture
def slow_app(
    make_config: Callable[..., Config],
    make_migrated_database: Callable[[], str],
    fake_wechat: str,
    fake: FakeControl,
    redis: Redis,
) -> Iterator[Flask]:
    """An app that really commits, and asks the fake WeChat."""
    url = make_migrated_database()
    config = make_config(wechat_base_url=fake_wechat, database_url=url)
    made = create_app(config, clock=FixedClock(NOW))
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("with_redis", [True, False])
def test_copies_of_one_phone_call_while_wechat_is_slow(
    slow_app: Flask, fake: FakeControl, monkeypatch: pytest.MonkeyPatch, with_redis: bool
) -> None:
    """Two with one key: WeChat is asked once, both get its answer, and no transaction waits for it."""
    path = PHONE_PATH
    headers = bearer(log_in(slow_app.test_client(), fake.login_code("reporter-1"))) | {"Idempotency-Key": "k1"}
    body = {"code": fake.phone_code("reporter-1", "13812345678")}
    if not with_redis:
        monkeypatch.setattr(Lock, "acquire", _no_redis)
    fake.fault(path, delay=1.5, count=1)

    def call() -> TestResponse:
        return slow_app.test_client().post("/api/v1/me/phone", json=body, headers=headers)

    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(call) for _ in range(2)]
        await_true(lambda: fake.calls(path) > 0)
        with slow_app.app_context(), db.engine.connect() as connection:
            idle = text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
                " AND pid <> pg_backend_pid()"
            )
            # While WeChat is asked nobody holds anything, the copy that waits neither.
            await_true(lambda: connection.scalar(idle) == 0 or any(each.done() for each in calls), 1)
            assert not all(each.done() for each in calls)
        answers = [each.result() for each in calls]
    if with_redis:
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.data for answer in answers}) == 1
        assert sorted(map(replays, answers)) == [False, True]
        assert fake.calls(path) == 1
    # Without Redis a copy may be told that the code is spent; the next one gets the answer.
    assert call().status_code == 200
    assert replays(call())


def _no_redis(*_args: object, **_kwargs: object) -> None:
    raise RedisConnectionError


def test_nothing_is_held_while_wechat_is_asked(
    client: FlaskClient, fake: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every request with a key that asks WeChat; a new one goes into this list and `LANES`."""
    headers = bearer(log_in(client, fake.login_code("reporter-1")))
    bodies = {
        "/me/phone": {"code": fake.phone_code("reporter-1", "13812345678")},
        "/auth/confirm": {"code": fake.login_code("reporter-1")},
    }
    held: list[bool] = []
    for name in ("phone_number", "code_to_session"):
        real = getattr(WeChatClient, name)

        def ask(self: WeChatClient, *args: Any, real: Any = real) -> Any:
            held.append(db.session().in_transaction())
            return real(self, *args)

        monkeypatch.setattr(WeChatClient, name, ask)
    for number, (path, body) in enumerate(bodies.items()):
        keyed = headers | {"Idempotency-Key": f"k{number}"}
        assert client.post(f"/api/v1{path}", json=body, headers=keyed).status_code == 200
    assert held == [False, False]
    assert {name for name, lane in LANES.items() if lane == "wechat"} >= {"identity.set_phone", "identity.confirm"}


def test_logging_out_ends_one_token(client: FlaskClient, fake: FakeControl) -> None:
    first, second = (log_in(client, fake.login_code("reporter-1")) for _ in range(2))
    key = {"Idempotency-Key": "logout"}
    assert client.post("/api/v1/auth/logout", headers=bearer(first) | key).status_code == 204
    assert client.get("/api/v1/me", headers=bearer(first)).status_code == 401
    assert client.get("/api/v1/me", headers=bearer(second)).status_code == 200
    # Under the key of the other's end it is ended all the same, and not told so only.
    assert client.post("/api/v1/auth/logout", headers=bearer(second) | key).status_code == 204
    assert client.get("/api/v1/me", headers=bearer(second)).status_code == 401


def test_a_token_lives_30_idle_days(client: FlaskClient, fake: FakeControl, app: Flask) -> None:
    clock = app.extensions["wxapi"].clock
    headers = bearer(log_in(client, fake.login_code("reporter-1")))
    clock.advance(days=29)
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    clock.advance(days=29)
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    clock.advance(days=30, seconds=1)
    assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_using_a_token_writes_at_most_once_an_hour(client: FlaskClient, fake: FakeControl, app: Flask) -> None:
    headers = bearer(log_in(client, fake.login_code("reporter-1")))
    clock = app.extensions["wxapi"].clock

    def last_use() -> object:
        return db.session.scalar(text("SELECT last_used_at FROM tokens"))

    before = last_use()
    clock.advance(minutes=59)
    client.get("/api/v1/me", headers=headers)
    assert last_use() == before
    clock.advance(minutes=2)
    client.get("/api/v1/me", headers=headers)
    assert last_use() == clock.now()


def test_a_repeat_after_logging_out_does_not_give_a_dead_token(client: FlaskClient, fake: FakeControl) -> None:
    code = fake.login_code("reporter-1")
    client.post("/api/v1/auth/logout", headers=bearer(log_in(client, code)))
    again = log_in(client, code)
    assert (again.status_code, again.get_json()["code"]) == (401, "wx_code_invalid")


def test_copies_of_one_login_get_one_answer(slow_app: Flask, fake: FakeControl) -> None:
    """All at once: one asks WeChat, the others wait for its answer."""
    code = fake.login_code("reporter-1")
    fake.fault("/sns/jscode2session", delay=0.3, count=1)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: log_in(slow_app.test_client(), code), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.data for answer in answers}) == 1
    assert fake.calls("/sns/jscode2session") == 1
