"""Logging in against the fake WeChat over a socket: one answer a code, nothing secret kept in the open."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from config import Config
from tests.conftest import NOW, app_in_savepoint
from tests.fake_wechat_control import FakeControl
from wxapi.app import create_app
from wxapi.identity.models import Token, User
from wxapi.identity.queries import digest_of
from wxapi.kernel.clock import FixedClock
from wxapi.platform.db import db


@pytest.fixture
def app(make_config: Callable[..., Config], fake_wechat: str, redis: Redis) -> Iterator[Flask]:
    """An app that asks the fake WeChat."""
    with app_in_savepoint(make_config(wechat_base_url=fake_wechat)) as made:
        yield made


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


def test_logging_out_ends_one_token(client: FlaskClient, fake: FakeControl) -> None:
    first, second = (log_in(client, fake.login_code("reporter-1")) for _ in range(2))
    assert client.post("/api/v1/auth/logout", headers=bearer(first)).status_code == 204
    assert client.get("/api/v1/me", headers=bearer(first)).status_code == 401
    assert client.get("/api/v1/me", headers=bearer(second)).status_code == 200


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


def test_copies_of_one_login_get_one_answer(
    make_config: Callable[..., Config],
    make_migrated_database: Callable[[], str],
    fake_wechat: str,
    fake: FakeControl,
    redis: Redis,
) -> None:
    """All at once: one asks WeChat, the others wait for its answer."""
    url = make_migrated_database()
    config = make_config(wechat_base_url=fake_wechat, database_url="postgresql+psycopg://" + url.partition("://")[2])
    app = create_app(config, clock=FixedClock(NOW))
    code = fake.login_code("reporter-1")
    fake.fault("/sns/jscode2session", delay=0.3, count=1)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: log_in(app.test_client(), code), range(8)))
    with app.app_context():
        db.engine.dispose()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.data for answer in answers}) == 1
    assert fake.calls("/sns/jscode2session") == 1
