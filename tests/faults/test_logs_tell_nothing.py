"""At DEBUG, through everything that handles a secret or a person, and through WeChat's failures: no log tells any."""

import base64
import dataclasses
import io
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from flask import Flask

from config import Config
from tests import pictures, reporting
from tests.factories import People
from tests.fake_wechat_control import FakeControl
from tests.faults.conftest import Bench
from tests.processes import await_true
from tests.reporting import VILLAGE
from wxapi.app import create_app
from wxapi.demo.embedded import free_port
from wxapi.kernel.permissions import Role
from wxapi.notifications.models import Template
from wxapi.notifications.services import templates
from wxapi.platform.db import db
from wxapi.platform.runtime import runtime
from wxapi.platform.wechat.codes import LOGIN_PATH, PHONE_PATH, TEXT_CHECK_PATH
from wxapi.reports.rules.messages import REPORT_PROGRESS

pytestmark = pytest.mark.processes

TEMPLATE = "template-of-this-test"
REPORTER, WORKER, JOINER = "oREPORTERxSECRETx1", "oWORKERxSECRETx2", "oJOINERxSECRETx3"
PHONE, TYPED_PHONE, TYPED_ID = "13987654321", "13711112222", "11010519491231002X"


class Wire:
    """Phones talking to a running API; remembers what must not be told."""

    def __init__(self, url: str, fake: FakeControl) -> None:
        self.api, self.fake = f"{url}/api/v1", fake
        self.secrets: set[str] = {REPORTER, WORKER, JOINER, PHONE, TYPED_PHONE, TYPED_ID}
        self._session = requests.Session()
        self._session.trust_env = False

    def log_in(self, openid: str) -> str:
        code = self.fake.login_code(openid)
        self.secrets.add(code)
        token = str(self.call("", "POST", "/auth/wechat", {"code": code})["access_token"])
        self.secrets.add(token)
        return token

    def call(self, token: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
        answer = self._session.request(method, self.api + path, json=body, headers=headers, timeout=20, **more)
        for signature in re.findall(r"signature=([\w-]+)", answer.text):
            self.secrets.add(signature)
        return answer.json() if answer.content else {}

    def upload(self, token: str) -> str:
        picture = io.BytesIO(pictures.encoded(pictures.scene(1200, 900), "JPEG"))
        photo_id = self.call(token, "POST", "/photos", files={"file": ("photo.jpg", picture)})["id"]
        await_true(lambda: self.call(token, "GET", f"/photos/{photo_id}")["state"] == "ready", 60)
        return str(photo_id)


@pytest.fixture
def app(bench: Bench, fake: FakeControl) -> Iterator[Flask]:
    """Prepares the city; what is under test are the processes with the same configuration."""
    url = f"http://127.0.0.1:{free_port()}"
    bench.config = dataclasses.replace(
        bench.config, public_url=url, wechat_base_url=fake.url, log_level="DEBUG", rate_limits=True
    )
    made = create_app(dataclasses.replace(bench.config, log_level="WARNING"))
    with made.app_context():
        people = People(made)
        reporting.settle(people)
        people.make((Role.COMMUNITY_WORKER, VILLAGE), openid=WORKER)
        fields = {"character_string1": "number", "phrase2": "state"}
        template = Template(kind=REPORT_PROGRESS.code, template_id=TEMPLATE, fields=fields, long_term=False)
        templates.set_template(template, now=runtime().clock.now())
        yield made
        db.engine.dispose()


def test_no_log_tells_a_secret_or_a_person(app: Flask, bench: Bench, fake: FakeControl) -> None:
    wire = start(bench, fake)
    reporter, worker, joiner = (wire.log_in(openid) for openid in (REPORTER, WORKER, JOINER))
    give_phone(wire, reporter)
    fake.order("POST", "template", template_id=TEMPLATE, keys=["character_string1", "phrase2"])
    fake.order("POST", "grant", openid=REPORTER, template_id=TEMPLATE, count=3)
    report = file_and_work(wire, reporter, worker)
    wire.call(joiner, "POST", f"/reports/{report['id']}/me-too", {"photo_ids": [wire.upload(joiner)]})
    let_wechat_fail(wire, reporter)
    push_all_kinds(fake, bench.config)
    wire.call(reporter, "GET", "/me/data")
    wire.call(reporter, "DELETE", "/me")
    # The reporter by their own word, the joiner by WeChat's; and everything that follows from it.
    await_true(lambda: bench.sql("SELECT count(*) FROM users WHERE erased_at IS NOT NULL") == [2], 60)
    await_true(lambda: bench.sql("SELECT count(*) FROM outbox WHERE attempts > 0 AND NOT dead") == [0], 60)

    logs = {program.log.name: program.log.read_text(errors="replace") for program in bench.programs}
    assert all(len(text.splitlines()) > 20 for text in logs.values())
    secrets = wire.secrets | secrets_of(bench)
    # The first characters: enough to find it, too few to repeat it.
    told = {(name, f"{secret[:6]}…") for name, text in logs.items() for secret in secrets if secret in text}
    assert told == set()


def start(bench: Bench, fake: FakeControl) -> Wire:
    """The product's own API and workers, and WeChat pushing to them."""
    url = bench.config.public_url
    port = url.rpartition(":")[2]
    options = ["--interface", "rsgi", "--host", "127.0.0.1", "--port", port, "--no-ws"]
    bench.start(*options, "wsgi:front", module="granian")
    bench.start(module="workers").await_event("worker_ready", count=4)
    await_true(lambda: is_up(url), 60)
    token, key = (
        secret.value.decode() for secret in (bench.config.wechat_push_token, bench.config.wechat_push_aes_key)
    )
    fake.order("POST", "push_target", url=f"{url}/api/v1/wechat/push", token=token, aes_key=key)
    return Wire(url, fake)


def is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


def give_phone(wire: Wire, token: str) -> None:
    code = wire.fake.phone_code(REPORTER, PHONE)
    wire.secrets.add(code)
    assert wire.call(token, "POST", "/me/phone", {"code": code})["phone_masked"]
    assert wire.call(token, "POST", "/me/phone", {"code": code})["code"] == "phone_code_invalid"


def file_and_work(wire: Wire, reporter: str, worker: str) -> dict[str, Any]:
    """A report from the phone to the desk, until WeChat has judged its words and pictures and rung the phone."""
    body = reporting.body(description=f"联系 {TYPED_PHONE},证件 {TYPED_ID}", photo_ids=[wire.upload(reporter)])
    report = wire.call(reporter, "POST", "/reports", body)
    path = f"/reports/{report['id']}"
    seen = await_true(lambda: judged(wire.call(worker, "GET", path)), 60)
    wire.call(worker, "POST", f"{path}/original")
    wire.call(worker, "POST", f"{path}/actions", {"action": "accept", "version": seen["version"]})
    await_true(lambda: wire.call(reporter, "GET", "/me/messages")["items"], 60)
    return dict(seen)


def judged(report: dict[str, Any]) -> dict[str, Any] | None:
    checks = report["moderation"]["checks"]
    done = report["state"] == "routed" and {check["state"] for check in checks} == {"pass"} and len(checks) == 2
    return report if done else None


def let_wechat_fail(wire: Wire, token: str) -> None:
    """Every kind of failure a client may be tempted to log whole."""
    for path, trouble in [
        (LOGIN_PATH, {"drop": "before"}),
        (LOGIN_PATH, {"html": True}),
        (LOGIN_PATH, {"errcode": 40029, "errmsg": f"invalid code of {REPORTER}"}),
        (LOGIN_PATH, {"errcode": 40163}),
    ]:
        wire.fake.fault(path, **trouble)
        code = wire.fake.login_code(REPORTER)
        wire.secrets.add(code)
        assert wire.call("", "POST", "/auth/wechat", {"code": code})["status"] >= 401
    for trouble in ({"drop": "after"}, {"truncate": True}, {"errcode": 40001, "errmsg": "access_token expired"}):
        wire.fake.fault(PHONE_PATH, **trouble)
        code = wire.fake.phone_code(REPORTER, PHONE)
        wire.secrets.add(code)
        wire.call(token, "POST", "/me/phone", {"code": code})
    wire.fake.fault(TEXT_CHECK_PATH, errcode=61010, errmsg=f"{REPORTER} is not active")
    wire.call(token, "POST", "/reports", reporting.body(description=f"又来了 {TYPED_PHONE}"))
    wire.call("not-a-token-" + token[:20], "GET", "/me")
    wire.call(token, "POST", "/reports", {"phone": TYPED_PHONE, "description": TYPED_PHONE})


def push_all_kinds(fake: FakeControl, config: Config) -> None:
    head = {"ToUserName": "gh_1", "FromUserName": JOINER, "CreateTime": int(time.time()), "MsgType": "event"}
    events = [
        {
            **head,
            "Event": "user_authorization_revoke",
            "OpenID": JOINER,
            "RevokeInfo": "8",
            "AppID": config.wechat_appid,
        },
        {**head, "Event": "user_authorization_cancellation", "OpenID": JOINER, "AppID": config.wechat_appid},
        {**head, "Event": "user_info_modified", "OpenID": JOINER},
        {**head, "Event": "an_event_of_tomorrow", "OpenID": JOINER, "Phone": PHONE},
    ]
    fake.order("POST", "push", events=events, repeat=2)
    fake.order("POST", "push", event=events[0], bad_signature=True)
    fake.order("POST", "push", event=events[0], age=3600)


def secrets_of(bench: Bench) -> set[str]:
    """What the configuration and Redis hold."""
    config = bench.config
    keys = [*config.lookup_keys, *config.signing_keys, *(named.key for named in config.encryption_keys)]
    plain = [config.wechat_secret, config.wechat_push_token, config.wechat_push_aes_key]
    values = {base64.b64encode(key.value).decode() for key in keys} | {secret.value.decode() for secret in plain}
    (token_key,) = [key for key in bench.redis.keys("*") if key.endswith(b"token")]  # type: ignore[union-attr]
    access_token = bench.redis.get(token_key)
    assert isinstance(access_token, bytes)
    return values | {access_token.decode()}
