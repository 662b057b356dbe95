"""What hangs holds up nobody else: bodies that do not come, WeChat, Redis."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from config import Config
from tests.fake_wechat_control import FakeControl
from tests.faults.api_process import log_in, serve
from tests.faults.conftest import Bench
from tests.processes import await_true
from wxapi.app import LANES, UPLOADS, create_app

pytestmark = pytest.mark.processes

# What hangs, hangs for 10 s. The promise is 1 s, on a machine that does nothing else; tests share theirs.
AT_ONCE_S = 3.0
HANGS_S = 10.0
AS_JSON = {"Content-Type": "application/json"}


@pytest.fixture
def api(bench: Bench, fake: FakeControl) -> str:
    """One process: every thread that is held counts."""
    return serve(bench, fake)[0]


def quick(url: str, token: str | None = None, path: str = "/healthz") -> None:
    """An unrelated request is answered at once, five times over."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for _ in range(5):
        began = time.monotonic()
        answer = requests.get(url + path, headers=headers, timeout=20)
        assert answer.status_code == 200, answer.text
        assert time.monotonic() - began < AT_ONCE_S


def hanging(url: str, head: str, body: bytes = b"") -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
    return connection


def rest(connection: socket.socket) -> str:
    parts = []
    with suppress(OSError):
        while part := connection.recv(65536):
            parts.append(part)
            if b"}" in part:
                break
    return b"".join(parts).decode()


def test_bodies_that_do_not_come_are_408_and_hold_up_nobody(api: str) -> None:
    json_head = "POST /api/v1/auth/wechat HTTP/1.1\nHost: x\nContent-Type: application/json\n"
    heads = [json_head + "Content-Length: 20", json_head + "Transfer-Encoding: chunked"] * 32
    began = time.monotonic()
    sockets = [hanging(api, head, b"1\r\n{\r\n" if "chunked" in head else b"{") for head in heads]
    quick(api)
    for connection in sockets:
        answer = rest(connection)
        assert " 408 " in answer.splitlines()[0]
        assert '"code":"request_timeout"' in answer
        connection.close()
    assert 9 < time.monotonic() - began < 40
    quick(api)


def test_a_body_that_breaks_off_is_400_and_no_body(api: str, fake: FakeControl) -> None:
    """Whoever stops sending still listens; half of a request is not carried out, however well it reads."""
    token = log_in(api, fake, "o-breaks").json()["access_token"]
    whole = b'{"nickname":"\xe5\xbc\xa0"}'
    own = f"Host: x\nAuthorization: Bearer {token}"
    head = f"PUT /api/v1/me HTTP/1.1\n{own}\nContent-Type: application/json\n"
    photo = f"POST /api/v1/photos HTTP/1.1\n{own}\nContent-Type: multipart/form-data; boundary=b\nContent-Length: "
    chunk = b"%x\r\n%s\r\n" % (len(whole), whole)
    broken = [
        (head + f"Content-Length: {len(whole) + 1}", whole),
        (photo + "9000", b"--b\r\n"),
        (photo + "9000000", b"--b\r\n"),
        (head + "Transfer-Encoding: chunked", chunk),
        (head + "Transfer-Encoding: chunked", chunk + b"5\r\n{"),
        (head + "Transfer-Encoding: chunked", chunk + b"none\r\n"),
    ]
    for sent, body in broken:
        with hanging(api, sent, body) as connection:
            connection.shutdown(socket.SHUT_WR)
            answer = rest(connection)
        assert " 400 " in answer.splitlines()[0], (sent, body)
        assert '"code":"malformed_request"' in answer
    me = requests.get(f"{api}/api/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=9).json()
    assert me["nickname"] == ""
    with hanging(api, head + "Transfer-Encoding: chunked\nConnection: close", chunk + b"0\r\n\r\n") as connection:
        assert " 200 " in rest(connection).splitlines()[0]


def test_a_photo_has_more_time_than_json(api: str) -> None:
    head = "POST /api/v1/photos HTTP/1.1\nHost: x\nContent-Type: multipart/form-data; boundary=b\nContent-Length: 9000"
    connection = hanging(api, head, b"--b\r\n")
    connection.settimeout(12)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    connection.close()


def test_who_is_asking_is_asked_when_the_body_is_there(api: str, fake: FakeControl) -> None:
    """A token that was good when the head came, and ended before the body, does nothing."""
    token = log_in(api, fake, "o-held").json()["access_token"]
    body = b'{"nickname":"\xe5\xbc\xa0"}'
    head = (
        f"PUT /api/v1/me HTTP/1.1\nHost: x\nAuthorization: Bearer {token}\n"
        f"Content-Type: application/json\nContent-Length: {len(body)}"
    )
    connection = hanging(api, head)
    assert requests.post(f"{api}/api/v1/auth/logout", headers={"Authorization": f"Bearer {token}"}, timeout=9).ok
    connection.sendall(body)
    assert " 401 " in rest(connection).splitlines()[0]
    connection.close()


def test_what_is_too_long_is_refused_whether_it_comes_or_not(api: str) -> None:
    """Who sends all of it is told why, and not cut off while sending."""
    head = "POST /api/v1/auth/wechat HTTP/1.1\nHost: x\nContent-Type: application/json\nContent-Length: 99999999"
    with hanging(api, head) as connection:
        assert " 413 " in rest(connection).splitlines()[0]
    for size in (300_000, 30_000_000):
        for body in (b"0" * size, iter([b"0" * 100_000] * (size // 100_000))):  # with a length, and in chunks
            answer = requests.post(f"{api}/api/v1/auth/wechat", data=body, headers=AS_JSON, timeout=30)
            assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_wechat_that_hangs_holds_up_nobody_else(api: str, fake: FakeControl) -> None:
    token = log_in(api, fake, "o-before").json()["access_token"]
    fake.fault("/sns/jscode2session", count=-1, delay=HANGS_S)
    codes = [fake.login_code(f"o-{n}") for n in range(24)]
    with ThreadPoolExecutor(24) as phones:
        calls = [
            phones.submit(requests.post, f"{api}/api/v1/auth/wechat", json={"code": code}, timeout=60) for code in codes
        ]
        await_true(lambda: fake.calls("/sns/jscode2session") > 1, 30)
        quick(api)
        quick(api, token, "/api/v1/me")
        refused = [call.result() for call in calls]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "wechat_unavailable")}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    # The circuit opened: most of them never asked WeChat.
    assert fake.calls("/sns/jscode2session") < 12
    began = time.monotonic()
    assert log_in(api, fake, "o-after").status_code == 503
    assert time.monotonic() - began < AT_ONCE_S


def test_redis_that_hangs_costs_one_short_wait(api: str, bench: Bench, fake: FakeControl) -> None:
    token = log_in(api, fake, "o-redis").json()["access_token"]
    pid = int(bench.redis.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(16) as phones:
            logins = [phones.submit(log_in, api, fake, f"o-r{n}") for n in range(16)]
            quick(api, token, "/api/v1/me")
            assert {login.result().status_code for login in logins} == {200}
        # Redis is known to be away: a login takes as long as WeChat.
        for path in ("/readyz",):
            began = time.monotonic()
            assert requests.get(api + path, timeout=20).json()["redis"] == "away"
            assert time.monotonic() - began < AT_ONCE_S
    finally:
        os.kill(pid, signal.SIGCONT)
    await_true(lambda: requests.get(f"{api}/readyz", timeout=20).json()["redis"] == "ok", 60)


def each_gets(pids: Iterable[int], sent: signal.Signals) -> None:
    """Some serve one connection, which may have ended since they were counted."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, sent)


def test_a_database_that_hangs_is_given_up(api: str, bench: Bench, fake: FakeControl) -> None:
    """It takes what is sent and answers nothing, as over a network that drops everything."""
    headers = {"Authorization": f"Bearer {log_in(api, fake, 'o-db').json()['access_token']}"}
    for _ in range(2):  # the second waits to be written with a request to come
        assert requests.get(f"{api}/api/v1/me", timeout=20).status_code == 401
    (server,) = bench.sql("SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)::integer")
    children = Path(f"/proc/{server}/task/{server}/children").read_text("ascii").split()
    served = [server, *map(int, children)]
    each_gets(served, signal.SIGSTOP)
    try:
        lay_idle_from = time.monotonic()
        await_true(lambda: time.monotonic() - lay_idle_from > 1, 5)  # then they are tried before they are used
        with ThreadPoolExecutor(16) as phones:
            calls = [phones.submit(requests.get, f"{api}/api/v1/me", headers=headers, timeout=60) for _ in range(15)]
            calls.append(phones.submit(requests.get, f"{api}/readyz", timeout=60))
            quick(api)
            answers = [call.result() for call in calls]
        assert {answer.status_code for answer in answers} == {503}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
        assert max(answer.elapsed.total_seconds() for answer in answers) < 1.5 * HANGS_S
        quick(api, None, "/api/v1/vocabulary")
    finally:
        each_gets(served, signal.SIGCONT)
    await_true(lambda: requests.get(f"{api}/api/v1/me", headers=headers, timeout=20).status_code == 200, 30)


def test_every_lane_and_every_upload_is_of_a_route(make_config: Callable[..., Config]) -> None:
    app = create_app(make_config())
    assert set(LANES) | set(UPLOADS) <= set(app.view_functions)
    # A page's photo waits for the store as the API's does.
    assert LANES["kit.upload_photo"] == LANES["photos.upload"]
