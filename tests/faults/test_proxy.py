"""nginx with deploy/nginx/wxapi.conf in front of the API, as a city runs it; skipped where nginx is not installed."""

import io
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests import pictures
from tests.conftest import random_key
from tests.fake_wechat_control import FakeControl
from tests.faults.api_process import log_in, serve
from tests.faults.conftest import Bench
from tests.nginx import nginx_settings, port_answers
from tests.processes import Program, await_true
from wxapi.demo.embedded import free_port
from wxapi.photos.views import MAX_UPLOAD

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed: the way through it cannot be tried"),
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),  # the certificate is its own
]
PHONE = "127.0.0.7"
MIB = 1024**2


class From(HTTPAdapter):
    """Connections from another address of this machine: a phone's, as the proxy sees it."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, source_address=(PHONE, 0), **named)


def phone() -> requests.Session:
    made = requests.Session()
    made.verify = made.trust_env = False
    made.mount("https://", From())
    return made


@contextmanager
def proxied(api: str, folder: Path) -> Iterator[str]:
    """nginx in front of an address; gives its own."""
    tls = free_port()
    whole = nginx_settings(folder, (free_port(), tls, urlsplit(api).port or 0))
    with subprocess.Popen(["nginx", "-c", str(whole), "-p", str(folder)]) as nginx:
        try:
            await_true(lambda: port_answers(tls))
            yield f"https://127.0.0.1:{tls}"
        finally:
            nginx.terminate()


def test_what_goes_through_the_proxy(bench: Bench, fake: FakeControl, tmp_path: Path) -> None:
    bench.config = replace(bench.config, trusted_proxies=1)
    api, program = serve(bench, fake)
    headers = {"Authorization": f"Bearer {log_in(api, fake, 'o-proxy').json()['access_token']}"}
    with proxied(api, tmp_path) as url:
        log = tmp_path / "access.log"
        assert_the_same_number_in_both_logs(url, headers, log)
        assert_the_phones_own_address_counts(url, bench)
        assert_large_photos_pass(url, headers)
        assert_slow_bodies_hold_up_nobody(url, headers)
        for path in ("/metrics", "/healthz"):
            assert phone().get(url + path, timeout=30).status_code == 404
        assert_away_is_told_as_the_api_tells_it(url, program)


def assert_the_same_number_in_both_logs(url: str, headers: dict[str, str], log: Path) -> None:
    answer = phone().get(f"{url}/api/v1/me", headers=headers, timeout=30)
    assert answer.status_code == 200
    number = answer.headers["X-Request-ID"]
    line = await_true(lambda: next((line for line in log.read_text().splitlines() if number in line), None))
    assert line.startswith(f"{PHONE} [")


def assert_the_phones_own_address_counts(url: str, bench: Bench) -> None:
    """Not the proxy's, and not what a client claims."""
    refused = phone().get(
        f"{url}/api/v1/me",
        headers={"Authorization": "Bearer nobody", "X-Forwarded-For": "192.0.2.1"},
        timeout=30,
    )
    assert refused.status_code == 401
    await_true(lambda: bench.sql("SELECT address FROM refused_attempts WHERE endpoint = 'identity.read_me'") == [PHONE])


def assert_large_photos_pass(url: str, headers: dict[str, str]) -> None:
    """The largest that the API takes; one byte more is the API's own refusal, three times as much is nginx's."""
    picture = pictures.encoded(pictures.scene(640, 480), "JPEG")
    for size, status, code in (
        (20 * MIB, 201, None),
        (20 * MIB + 1, 413, "photo_too_large"),
        (MAX_UPLOAD + MIB, 413, "body_too_large"),
        (61 * MIB, 413, "body_too_large"),
    ):
        answer = phone().post(
            f"{url}/api/v1/photos",
            headers={**headers, "Idempotency-Key": random_key()},
            files={"file": ("photo.jpg", io.BytesIO(picture.ljust(size, b"\0")), "image/jpeg")},
            timeout=60,
        )
        assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text


def assert_slow_bodies_hold_up_nobody(url: str, headers: dict[str, str]) -> None:
    """nginx waits for the bodies; the API, one process here, hears of none of them."""
    parts = urlsplit(url)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    head = "POST /api/v1/photos HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000000\r\n\r\n"
    slow = []
    for _ in range(64):
        connection = context.wrap_socket(socket.create_connection(("127.0.0.1", parts.port or 0), 30))
        connection.sendall(head.encode() + b"first bytes")
        slow.append(connection)
    began = time.monotonic()
    for _ in range(10):
        assert phone().get(f"{url}/api/v1/me", headers=headers, timeout=30).status_code == 200
    assert time.monotonic() - began < 10
    for connection in slow:
        connection.close()


def assert_away_is_told_as_the_api_tells_it(url: str, program: Program) -> None:
    program.kill_family()
    answer = phone().get(f"{url}/api/v1/me", timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert (answer.json()["code"], answer.headers["Retry-After"]) == ("service_unavailable", "5")
