"""What every request has: ids, problems in one form, size limits, a guard that is closed by default."""

import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import SimpleNamespace

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from config import Config
from tests.conftest import app_in_savepoint
from tests.factories import People
from wxapi.kernel import errors
from wxapi.kernel.permissions import Permission, Role
from wxapi.platform import http, metrics
from wxapi.platform.db import transaction
from wxapi.platform.front import ROUTED
from wxapi.platform.guard import guard
from wxapi.platform.heartbeat import BEAT, SCHEDULE, Heartbeat
from wxapi.platform.outbox import OutboxRow

MEMBERS = {"type", "title", "status", "code", "detail", "errors", "request_id"}


def test_request_ids_are_taken_made_and_echoed(client: FlaskClient) -> None:
    given = client.get("/healthz", headers={"X-Request-ID": "phone-7.a_b"})
    assert given.headers["X-Request-ID"] == "phone-7.a_b"
    made = client.get("/healthz", headers={"X-Request-ID": "bad id\twith tab"})
    assert len(made.headers["X-Request-ID"]) == 32


def test_problems_have_all_members_and_the_request_id(client: FlaskClient) -> None:
    response = client.get("/api/v1/me", headers={"X-Request-ID": "abc"})
    body = response.get_json()
    assert response.content_type == "application/problem+json"
    assert set(body) == MEMBERS
    assert (body["status"], body["code"], body["request_id"]) == (401, "token_missing", "abc")
    assert (body["type"], body["title"]) == ("about:blank", "Unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nowhere", 404, "not_found"),
        ("DELETE", "/api/v1/auth/wechat", 405, "method_not_allowed"),
        ("PATCH", "/api/v1/me", 405, "method_not_allowed"),
    ],
)
def test_what_the_router_refuses_is_a_problem_too(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    response = client.open(path, method=method)
    body = response.get_json()
    assert (response.status_code, body["code"], body["title"]) == (status, code, HTTPStatus(status).phrase)


def test_bodies_are_judged_in_steps(client: FlaskClient) -> None:
    broken = client.post("/api/v1/auth/wechat", data="{", content_type="application/json")
    assert (broken.status_code, broken.get_json()["code"]) == (400, "malformed_request")
    unknown = client.post("/api/v1/auth/wechat", json={"code": "x", "extra": 1})
    assert unknown.status_code == 422
    assert unknown.get_json()["errors"] == {"extra": ["未知字段。"]}
    missing = client.post("/api/v1/auth/wechat", json={})
    assert missing.get_json()["errors"] == {"code": ["必填。"]}


def test_json_over_256_kib_is_refused_before_it_is_read(client: FlaskClient) -> None:
    response = client.post("/api/v1/auth/wechat", json={"code": "x" * 300_000})
    assert (response.status_code, response.get_json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("token", ["", "short", "x" * 43, "x" * 5000, "密" * 30])
def test_a_token_nobody_holds_is_401(client: FlaskClient, token: str) -> None:
    response = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")})
    assert response.status_code == 401


def test_a_role_is_needed_for_what_names_one(people: People) -> None:
    response = people.make().get("/appointments")
    assert (response.status_code, response.get_json()["code"]) == (403, "role_not_allowed")


def test_an_answer_without_content_names_no_kind_of_it(people: People) -> None:
    person = people.make()
    for nothing in (person.call("OPTIONS", "/me"), person.post("/auth/logout")):
        assert nothing.get_data() == b""
        assert "Content-Type" not in nothing.headers
    refused = person.call("OPTIONS", "/me?%00=1")
    assert (refused.status_code, refused.content_type) == (422, "application/problem+json")


@pytest.fixture
def own_app(make_config: Callable[..., Config]) -> Iterator[Flask]:
    """An app to which a test may add routes."""
    with app_in_savepoint(make_config()) as made:
        yield made


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [("OPTIONS", "/healthz", "a", 200), ("GET", "/healthz", "a..b", 400), ("GET", "/desk", "a:80", 303)],
)
def test_a_route_that_the_front_found_is_answered_as_any(
    own_app: Flask, method: str, path: str, host: str, status: int
) -> None:
    routed = own_app.url_map.bind("").match(path, method, return_rule=True)
    alone, found = (
        own_app.test_client().open(
            path, method=method, headers={"Host": host, "Accept": "text/html"}, environ_overrides=more
        )
        for more in ({}, {ROUTED: routed})
    )
    assert found.status_code == status
    for answer in (alone, found):
        answer.headers.pop("X-Request-ID")
        answer.headers["Allow"] = ",".join(sorted(answer.allow))
    assert [*found.headers] == [*alone.headers]


def test_a_route_that_names_no_permission_is_refused(own_app: Flask) -> None:
    def forgotten() -> Response:
        return Response("open door")

    own_app.view_functions["test.forgotten"] = forgotten
    own_app.url_map.add(own_app.url_rule_class("/api/v1/forgotten", endpoint="test.forgotten"))
    assert own_app.test_client().get("/api/v1/forgotten").status_code == 401
    response = People(own_app).make().get("/forgotten")
    assert (response.status_code, response.get_json()["code"]) == (403, "role_not_allowed")


def test_unexpected_errors_tell_nothing(own_app: Flask) -> None:
    @guard(Permission.PUBLIC)
    def broken() -> Response:
        raise RuntimeError("the secret is 42")

    own_app.view_functions["test.broken"] = broken
    own_app.url_map.add(own_app.url_rule_class("/api/v1/broken", endpoint="test.broken"))
    response = own_app.test_client().get("/api/v1/broken")
    assert (response.status_code, response.get_json()["code"]) == (500, "internal_error")
    told = {name: value for name, value in response.get_json().items() if name != "request_id"}  # that one is random
    assert "42" not in str(told)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.TooManyRequestsError("slow_down", "慢一点。", retry_after=7), 429),
        (errors.UnavailableError("away", "不在。", retry_after=9), 503),
    ],
)
def test_errors_that_pass_say_when_to_come_back(own_app: Flask, error: errors.DomainError, status: int) -> None:
    @guard(Permission.PUBLIC)
    def refuse() -> Response:
        raise error

    own_app.view_functions["test.refuse"] = refuse
    own_app.url_map.add(own_app.url_rule_class("/api/v1/refuse", endpoint="test.refuse"))
    response = own_app.test_client().get("/api/v1/refuse")
    assert response.status_code == status
    assert int(response.headers["Retry-After"]) == error.retry_after  # type: ignore[attr-defined]


def test_openapi_names_every_route(app: Flask, client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    paths = set(document["paths"])
    routes = {
        re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.endpoint.startswith(("files.", "openapi"))
    }
    assert routes == paths


def schedule_beat(ago: timedelta = timedelta()) -> None:
    with transaction() as session:
        session.connection().exec_driver_sql(BEAT, {"name": SCHEDULE})
        session.execute(update(Heartbeat).values(at=Heartbeat.at - ago))


def test_readyz_tells_of_database_redis_and_outbox(app: Flask, client: FlaskClient) -> None:
    schedule_beat()
    body = client.get("/readyz").get_json()
    assert (body["status"], body["database"], body["redis"]) == ("ok", "ok", "ok")
    with transaction() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO outbox (topic, payload, due_at) VALUES ('t', '{}', now() - interval '5 minutes')"
        )
    late = client.get("/readyz").get_json()
    assert late["status"] == "degraded"
    assert late["outbox"]["lag_seconds"] >= 300


@pytest.mark.parametrize("minutes", [5, -5, None])
def test_a_scheduler_that_is_gone_is_seen_though_nothing_is_to_be_done(
    app: Flask, client: FlaskClient, minutes: int | None
) -> None:
    """Also when it ended before the database's clock was put back, and when it never ran."""
    schedule_beat(timedelta(seconds=30))
    figure = "wxapi_schedule_silent_seconds"
    assert client.get("/readyz").get_json()["conditions"]["schedule_silent"] == 0
    assert f"{figure} 0.0\n" in client.get("/metrics").get_data(as_text=True)
    if minutes is None:
        with transaction() as session:
            session.execute(delete(Heartbeat))
    else:
        schedule_beat(timedelta(minutes=minutes))
    body = client.get("/readyz").get_json()
    assert (body["status"], body["outbox"]["due"]) == ("degraded", 0)
    assert body["conditions"]["schedule_silent"] >= 299
    assert f"{figure} 0.0\n" not in client.get("/metrics").get_data(as_text=True)


def test_metrics_count_requests(client: FlaskClient) -> None:
    client.get("/healthz")
    text = client.get("/metrics").get_data(as_text=True)
    assert 'wxapi_requests_total{endpoint="health.healthz",method="GET",status="200"}' in text


def test_appointments_are_administrators_business(city: None, people: People) -> None:
    # A permission opens the kind of thing; it says nothing of the place.
    assert people.make((Role.ADMIN, "4210")).get("/appointments?region=9999").status_code == 404


@pytest.mark.parametrize(
    "text", ['{"code":', "[" * 100_000, '{"code": ' + "1" * 5000 + "}", '{"code": "\\ud800', "\x00", '{"a":1}x']
)
def test_json_beyond_reading_is_malformed(client: FlaskClient, text: str) -> None:
    response = client.post("/api/v1/auth/wechat", data=text, content_type="application/json")
    assert (response.status_code, response.get_json()["code"]) == (400, "malformed_request")


def test_a_body_that_is_not_json_is_told_so(client: FlaskClient) -> None:
    response = client.post("/api/v1/auth/wechat", data='{"code": "x"}', content_type="text/plain")
    assert (response.status_code, response.get_json()["code"]) == (400, "not_json")


def test_a_body_in_chunks_has_the_same_limit(client: FlaskClient) -> None:
    body = b'{"code": "x"}' + b" " * 300_000
    response = client.post(
        "/api/v1/auth/wechat",
        input_stream=io.BytesIO(body),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (response.status_code, response.get_json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("limit", ["1_0", " 5", "１", "+5", "0", "101", "1e1"])
def test_numbers_in_queries_are_plain_digits(people: People, limit: str) -> None:
    assert people.make().get("/regions", query_string={"limit": limit}).status_code == 422


@pytest.mark.parametrize(
    "path", ["/scenes/%00", "/regions/4210%00", "/training/certificates/%0A", "/nowhere/%EF%BF%BF"]
)
def test_a_path_that_no_text_holds_is_refused(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/api/v1{path}")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")


def test_a_query_that_no_text_holds_is_refused_by_name(client: FlaskClient) -> None:
    answer = client.get("/api/v1/regions?parent=4210&%01=x&cursor=%EF%B7%90")
    assert (answer.status_code, set(answer.get_json()["errors"])) == (422, {"\x01", "cursor"})


@pytest.mark.parametrize("path", ["/api/v1//me", "//evil.example/api/v1/me?a=b", "/api/v1/me//"])
def test_a_redirect_stays_on_this_site(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example"})
    if answer.status_code < 400:
        assert answer.headers["Location"].startswith("/")
        assert not answer.headers["Location"].startswith("//")
        assert "evil.example" not in answer.text
    assert "http" not in answer.headers.get("Location", "")


def test_methods_that_nobody_knows_are_one_label(client: FlaskClient) -> None:
    for word in ("BREW", "X" * 40):
        assert client.open("/api/v1/me", method=word).status_code == 405
    exposition = client.get("/metrics").get_data(as_text=True)
    assert 'method="other"' in exposition
    assert "BREW" not in exposition
    assert "X" * 40 not in exposition


def test_readyz_shows_what_a_clock_put_back_has_left_behind(app: Flask, client: FlaskClient) -> None:
    with transaction() as session:
        ahead = datetime.now(UTC) + timedelta(hours=1)
        session.add(OutboxRow(topic="report.filed", payload={}, created_at=ahead, due_at=ahead))
    body = client.get("/readyz").get_json()
    assert (body["status"], body["outbox"]["stranded"], body["outbox"]["due"]) == ("degraded", 1, 0)


def test_what_probes_and_screens_ask_all_day_is_counted_and_not_logged(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    log = SimpleNamespace(isEnabledFor=lambda _level: True, info=lambda _event, **said: logged.append(said["endpoint"]))
    monkeypatch.setattr(http, "log", log)
    quiet = {name for name, view in app.view_functions.items() if getattr(view, "__quiet__", False)}
    assert quiet == {"health.healthz", "health.readyz", "health.exposition", "training.live_counts"}
    before = metrics.requests.labels("health.healthz", "GET", 200)._value.get()
    client.get("/healthz")
    client.get("/api/v1/regions")
    assert logged == ["regions.list_regions"]
    assert metrics.requests.labels("health.healthz", "GET", 200)._value.get() == before + 1
