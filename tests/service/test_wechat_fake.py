"""The fake is strict where the real WeChat is: a wrong client fails here."""

import hashlib
import hmac
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.conftest import APP_SECRET, APPID
from tests.fake_wechat_control import FakeControl
from wxapi.kernel.clock import SystemClock
from wxapi.platform.wechat.push_crypto import PushKeys, PushRefusedError, open_event

TEMPLATE = "template-fake-tests"
ACCOUNT = {"appid": APPID, "secret": APP_SECRET}
PUSH = {"token": "gridWoodpecker2026", "aes_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}


class Wire:
    """The fake's API side by hand, so that wrong calls can be made."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str, **query: str) -> Any:
        return json.loads(self._session.get(self._url + path, params=query, timeout=10).content)

    def post(self, path: str, body: Any, token: str | None = None) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        query = {"access_token": token} if token is not None else {}
        return json.loads(self._session.post(self._url + path, params=query, data=data, timeout=10).content)

    def login(self, code: str) -> Any:
        return self.get("/sns/jscode2session", js_code=code, grant_type="authorization_code", **ACCOUNT)

    def token(self, **fields: Any) -> Any:
        return self.post("/cgi-bin/stable_token", {"grant_type": "client_credential", **ACCOUNT, **fields})

    def close(self) -> None:
        self._session.close()


@pytest.fixture
def wire(fake: FakeControl) -> Iterator[Wire]:
    made = Wire(fake.url)
    yield made
    made.close()


@pytest.fixture
def token(wire: Wire) -> str:
    return str(wire.token()["access_token"])


def test_login_answers_are_plain_text_without_errcode(fake: FakeControl) -> None:
    query = {"js_code": fake.login_code("o-a"), "grant_type": "authorization_code", **ACCOUNT}
    answer = requests.get(fake.url + "/sns/jscode2session", params=query, timeout=10)
    assert answer.headers["Content-Type"] == "text/plain"
    assert set(answer.json()) == {"openid", "session_key"}


@pytest.mark.parametrize(
    ("change", "errcode"),
    [({"appid": "wxother"}, 40013), ({"secret": "x"}, 40125), ({"grant_type": "x"}, 40002), ({"js_code": "x"}, 40029)],
)
def test_wrong_logins(wire: Wire, fake: FakeControl, change: dict[str, str], errcode: int) -> None:
    query = {"js_code": fake.login_code("o-a"), "grant_type": "authorization_code", **ACCOUNT, **change}
    answer = wire.get("/sns/jscode2session", **query)
    assert answer["errcode"] == errcode
    assert " rid: " in answer["errmsg"]


def test_the_stable_token_stays_and_the_classic_one_changes(wire: Wire) -> None:
    first, second = wire.token(), wire.token()
    assert first["access_token"] == second["access_token"]
    assert 0 < second["expires_in"] <= first["expires_in"] <= 7200
    classic = [wire.get("/cgi-bin/token", grant_type="client_credential", **ACCOUNT)["access_token"] for _ in "ab"]
    assert len({*classic, first["access_token"]}) == 3
    body = {"code": "x"}
    for token in (*classic, first["access_token"]):
        assert wire.post("/wxa/business/getuserphonenumber", body, token)["errcode"] == 40029


def test_a_token_dies_in_its_ways(wire: Wire, fake: FakeControl, token: str) -> None:
    def ask(given: str | None) -> int:
        return int(wire.post("/wxa/business/getuserphonenumber", {"code": "x"}, given)["errcode"])

    assert [ask(None), ask("short"), ask("x" * 64), ask(token)] == [41001, 40014, 40001, 40029]
    fake.order("POST", "advance", seconds=7201)
    assert ask(token) == 42001
    fresh = str(wire.token()["access_token"])
    fake.kill_token()
    assert ask(fresh) == 40001


def test_the_stable_token_is_renewed_five_minutes_before_its_end(wire: Wire, fake: FakeControl, token: str) -> None:
    left = wire.token()["expires_in"]
    fake.order("POST", "advance", seconds=left - 299)
    renewed = wire.token()
    assert renewed["access_token"] != token
    assert wire.post("/wxa/business/getuserphonenumber", {"code": "x"}, token)["errcode"] == 40029


def test_a_forced_token_kills_the_former_one_and_is_rare(wire: Wire, fake: FakeControl, token: str) -> None:
    fake.order("POST", "advance", seconds=31)
    forced = wire.token(force_refresh=True)
    assert forced["access_token"] != token
    assert wire.post("/wxa/business/getuserphonenumber", {"code": "x"}, token)["errcode"] == 40001
    assert wire.token(force_refresh=True)["errcode"] == 45009


def test_check_session(wire: Wire, fake: FakeControl, token: str) -> None:
    key = wire.login(fake.login_code("o-a"))["session_key"]
    right = hmac.new(key.encode(), b"", hashlib.sha256).hexdigest()
    query = {"access_token": token, "openid": "o-a", "sig_method": "hmac_sha256"}
    assert wire.get("/wxa/checksession", signature=right, **query)["errcode"] == 0
    assert wire.get("/wxa/checksession", signature=right[::-1], **query)["errcode"] == 87009


def check_text(wire: Wire, token: str, **change: Any) -> Any:
    body = {"version": 2, "scene": 3, "openid": "o-a", "content": "这里有人赌博"}
    return wire.post("/wxa/msg_sec_check", body | change, token)


def test_the_text_check(wire: Wire, fake: FakeControl, token: str) -> None:
    wire.login(fake.login_code("o-a"))
    assert check_text(wire, token)["result"] == {"suggest": "risky", "label": 20006}
    assert check_text(wire, token, content="加微信咨询")["result"]["suggest"] == "review"
    assert check_text(wire, token, content="路灯不亮")["result"] == {"suggest": "pass", "label": 100}
    assert check_text(wire, token, version="2")["errcode"] == 40129
    assert check_text(wire, token, scene=9)["errcode"] == 40129
    assert check_text(wire, token, content="")["errcode"] == 44002
    assert check_text(wire, token, content="长" * 2501)["errcode"] == 40129
    assert check_text(wire, token, openid="o-never-seen")["errcode"] == 40003


def test_escaped_text_passes_whatever_it_says(wire: Wire, fake: FakeControl, token: str) -> None:
    wire.login(fake.login_code("o-a"))
    body = {"version": 2, "scene": 3, "openid": "o-a", "content": "这里有人赌博"}
    assert wire.post("/wxa/msg_sec_check", json.dumps(body).encode(), token)["result"]["suggest"] == "pass"


def test_an_author_must_have_been_there_within_two_hours(wire: Wire, fake: FakeControl) -> None:
    wire.login(fake.login_code("o-late"))
    fake.order("POST", "advance", seconds=7201)
    token = wire.token()["access_token"]
    assert check_text(wire, token, openid="o-late")["errcode"] == 61010


@pytest.mark.parametrize("raw", [b"", b"not json", b"[]", '{"a": "中"}'.encode("gbk")])
def test_a_body_is_a_json_object_in_utf8(wire: Wire, token: str, raw: bytes) -> None:
    assert wire.post("/wxa/msg_sec_check", raw, token)["errcode"] == 47001


def test_method_and_path(wire: Wire, token: str) -> None:
    assert wire.get("/wxa/msg_sec_check", access_token=token)["errcode"] == 43002
    assert wire.post("/sns/jscode2session", {})["errcode"] == 43001
    assert wire.post("/wxa/no_such_thing", {})["errcode"] == 40066


def send(wire: Wire, token: str, **change: Any) -> Any:
    body = {
        "touser": "o-msg",
        "template_id": TEMPLATE,
        "page": "pages/report/report?id=1",
        "data": {"thing1": {"value": "路口垃圾箱满溢"}, "phrase2": {"value": "已受理"}},
        "miniprogram_state": "formal",
        "lang": "zh_CN",
    }
    return wire.post("/cgi-bin/message/subscribe/send", body | change, token)


@pytest.fixture
def template(wire: Wire, fake: FakeControl) -> None:
    wire.login(fake.login_code("o-msg"))
    fake.order("POST", "template", template_id=TEMPLATE, keys=["thing1", "phrase2"])
    fake.order("POST", "revoke", openid="o-msg", template_id=TEMPLATE)


@pytest.mark.usefixtures("template")
def test_grants_run_out(wire: Wire, fake: FakeControl, token: str) -> None:
    assert send(wire, token)["errcode"] == 43101
    fake.order("POST", "grant", openid="o-msg", template_id=TEMPLATE, count=2)
    before = len(fake.messages("o-msg"))
    assert [send(wire, token)["errcode"] for _ in range(3)] == [0, 0, 43101]
    assert len(fake.messages("o-msg")) == before + 2
    fake.order("POST", "grant", openid="o-msg", template_id=TEMPLATE, long_term=True)
    assert [send(wire, token)["errcode"] for _ in range(3)] == [0, 0, 0]


@pytest.mark.usefixtures("template")
def test_one_send_to_a_person_at_a_time(wire: Wire, fake: FakeControl, token: str) -> None:
    fake.order("POST", "grant", openid="o-msg", template_id=TEMPLATE, count=8)
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda _: Wire(fake.url), range(4)))
        answers = sorted(pool.map(lambda one: send(one, token)["errcode"], codes))
    for one in codes:
        one.close()
    assert answers[0] == 0
    assert answers[-1] == 43108


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize(
    ("change", "errcode", "field"),
    [
        ({"touser": "o-nobody"}, 40003, None),
        ({"template_id": "none"}, 40037, None),
        ({"page": "/pages/report"}, 41030, None),
        ({"miniprogram_state": "live"}, 47001, None),
        ({"data": '{"thing1":{"value":"x"}}'}, 47001, None),
        ({"data": {}}, 47001, None),
        ({"data": {"thing1": {"value": "x"}}}, 47003, "phrase2"),
        ({"data": {"thing1": {"value": "x"}, "phrase2": {"value": "abc"}}}, 47003, "phrase2"),
        ({"data": {"thing1": {"value": "x" * 21}, "phrase2": {"value": "好"}}}, 47003, "thing1"),
        ({"data": {"thing1": {"value": "x"}, "phrase2": {"value": "好"}, "thing3": {"value": "x"}}}, 47003, "thing3"),
    ],
)
def test_wrong_messages(wire: Wire, token: str, change: dict[str, Any], errcode: int, field: str | None) -> None:
    answer = send(wire, token, **change)
    assert answer["errcode"] == errcode
    assert field is None or f"data.{field}." in answer["errmsg"]


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"scene": ""}, 40169),
        ({"scene": "x" * 33}, 40169),
        ({"scene": "a b"}, 40129),
        ({"page": "/pages/a"}, 41030),
        ({"page": "pages/a?x=1"}, 41030),
        ({"width": 100}, 40129),
    ],
)
def test_wrong_codes_come_as_json_under_a_pictures_type(
    fake: FakeControl, token: str, change: dict[str, Any], errcode: int
) -> None:
    url = f"{fake.url}/wxa/getwxacodeunlimit?access_token={token}"
    answer = requests.post(url, data=json.dumps({"scene": "abc"} | change), timeout=10)
    assert answer.json()["errcode"] == errcode
    assert answer.headers["Content-Type"] == "image/jpeg"


class Receiver(HTTPServer):
    """What WeChat pushes to: keeps what it opens, answers what it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receive)
        self.events: list[dict[str, Any]] = []
        self.refused = 0
        self.replies: list[bytes] = []
        self.seen = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/push"


class _Receive(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        keys = PushKeys.from_settings(PUSH["token"], PUSH["aes_key"], APPID)
        try:
            message = open_event(
                keys,
                msg_signature=query["msg_signature"],
                timestamp=query["timestamp"],
                nonce=query["nonce"],
                encrypted=body["Encrypt"],
                now=SystemClock().now(),
            )
        except PushRefusedError:
            self.server.refused += 1
            self.send_response(403)
            self.end_headers()
            return
        self.server.events.append(json.loads(message))
        self.server.seen.set()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.replies.pop(0) if self.server.replies else b"success")

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"\xff\xd8\xff\xe0 a picture")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


def test_pushes_are_sealed_and_tried_three_times(fake: FakeControl, receiver: Receiver) -> None:
    receiver.replies = [b"later", b"success"]
    order = {"url": receiver.url, **PUSH, "event": {"Event": "x", "Text": "荆州"}}
    assert fake.order("POST", "push", **order)["tries"] == [["200 later", "200 success"]]
    assert receiver.events == [{"Event": "x", "Text": "荆州"}] * 2
    assert fake.order("POST", "push", **order, bad_signature=True)["tries"] == [["403 "] * 3]
    assert fake.order("POST", "push", **order, age=601)["tries"] == [["403 "] * 3]
    assert fake.order("POST", "push", **order, appid="wxother")["tries"] == [["403 "] * 3]
    assert receiver.refused == 9


def test_pushes_come_double_and_out_of_order(fake: FakeControl, receiver: Receiver) -> None:
    events = [{"Event": "a"}, {"Event": "b"}]
    fake.order("POST", "push", url=receiver.url, **PUSH, events=events, repeat=2, reverse=True)
    assert [event["Event"] for event in receiver.events] == ["b", "b", "a", "a"]


@pytest.mark.parametrize(("path", "errcode"), [("/picture.jpg", 0), ("http://127.0.0.1:9/gone.jpg", -1008)])
def test_the_verdict_on_a_picture_is_pushed(
    wire: Wire, fake: FakeControl, receiver: Receiver, token: str, path: str, errcode: int
) -> None:
    wire.login(fake.login_code("o-a"))
    fake.order("POST", "push_target", url=receiver.url, **PUSH)
    url = path if path.startswith("http") else receiver.url + path
    body = {"media_url": url, "media_type": 2, "version": 2, "scene": 3, "openid": "o-a"}
    trace_id = wire.post("/wxa/media_check_async", body, token)["trace_id"]
    assert receiver.seen.wait(10)
    event = receiver.events[0]
    assert (event["Event"], event["trace_id"], event["errcode"]) == ("wxa_media_check", trace_id, errcode)
    assert ("result" in event) is (errcode == 0)


@pytest.mark.usefixtures("template")
def test_a_sent_message_is_confirmed_by_push(wire: Wire, fake: FakeControl, receiver: Receiver, token: str) -> None:
    fake.order("POST", "grant", openid="o-msg", template_id=TEMPLATE)
    fake.order("POST", "push_target", url=receiver.url, **PUSH)
    message_id = send(wire, token)["msgid"]
    assert receiver.seen.wait(10)
    sent = receiver.events[0]["List"]
    assert (sent["TemplateId"], sent["MsgID"], sent["ErrorStatus"]) == (TEMPLATE, str(message_id), "success")


def test_wrong_orders_are_told(fake: FakeControl) -> None:
    for name, body, status in (("login", {}, 400), ("faults", {"paht": "/x"}, 400), ("nothing", {}, 404)):
        answer = requests.post(f"{fake.url}/_fake/{name}", json=body, timeout=10)
        assert answer.status_code == status
        assert answer.json()["error"]


@pytest.mark.processes
def test_the_command_explains_itself_and_refuses_a_taken_port(fake: FakeControl) -> None:
    command = [sys.executable, "-m", "wxapi.demo.fake_wechat"]
    helped = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True, timeout=60)
    assert "--port" in helped.stdout
    port = str(urlsplit(fake.url).port)
    taken = subprocess.run([*command, "--port", port], capture_output=True, text=True, check=False, timeout=60)
    assert taken.returncode == 1
    assert f"port {port} cannot be used" in taken.stderr
    assert not taken.stdout
