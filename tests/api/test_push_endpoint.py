"""WeChat's pushes over HTTP: sealed as WeChat seals them, with the product's own settings."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.conftest import APPID, NOW
from tests.factories import People, Person
from wxapi.identity.models import User
from wxapi.kernel.clock import FixedClock
from wxapi.notifications.models import Message, PushEvent, Template
from wxapi.notifications.rules.notices import Delivery, Notice
from wxapi.notifications.services import ledger, pushes, templates
from wxapi.notifications.services import tell as telling
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.wechat.push_crypto import PushKeys, seal_event, sign
from wxapi.reports.rules.messages import REPORT_PROGRESS

TOKEN, AES_KEY = "gridWoodpecker2026", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
KEYS = PushKeys.from_settings(TOKEN, AES_KEY, APPID)
STAMP, NONCE = str(int(NOW.timestamp())), "20261123"
OPENID = "o-push"


def push(client: FlaskClient, event: Any, *, keys: PushKeys = KEYS, **change: str) -> TestResponse:
    """Push as WeChat does; `change` spoils a parameter."""
    message = event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
    encrypted, signature = seal_event(keys, message, timestamp=STAMP, nonce=NONCE, random=b"0123456789abcdef")
    query = {
        "signature": sign(TOKEN, STAMP, NONCE),
        "timestamp": STAMP,
        "nonce": NONCE,
        "openid": OPENID,
        "encrypt_type": "aes",
        "msg_signature": signature,
    }
    body = {"ToUserName": "gh_000000000001", "Encrypt": change.pop("encrypted", encrypted)}
    return client.post("/api/v1/wechat/push", query_string=query | change, json=body)


def popup(status: str = "accept", *, at: int = 0, template: str = "T") -> dict[str, Any]:
    item = {"TemplateId": template, "SubscribeStatusString": status, "PopupScene": "0"}
    return {
        "ToUserName": "gh_000000000001",
        "FromUserName": OPENID,
        "CreateTime": str(int(NOW.timestamp()) - 1000 + at),
        "MsgType": "event",
        "Event": "subscribe_msg_popup_event",
        "List": item,
    }


def work(session: Session, *, now: Any = NOW) -> None:
    """Run the jobs of all pushes, twice."""
    for push_id in session.scalars(select(PushEvent.id).order_by(PushEvent.id)).all() * 2:
        pushes.work_on(push_id, now=now)


def topics(session: Session) -> list[str]:
    return list(session.scalars(select(OutboxRow.topic).order_by(OutboxRow.id)))


@pytest.fixture
def person(people: People) -> Person:
    templates.set_template(
        Template(kind=REPORT_PROGRESS.code, template_id="T", fields={"thing1": "what"}, long_term=False), now=NOW
    )
    return people.make(openid=OPENID)


def test_the_url_check(client: FlaskClient) -> None:
    query = {"timestamp": STAMP, "nonce": NONCE, "echostr": "5927782489442352469"}
    right = client.get("/api/v1/wechat/push", query_string=query | {"signature": sign(TOKEN, STAMP, NONCE)})
    assert (right.status_code, right.text) == (200, "5927782489442352469")
    assert right.content_type.startswith("text/plain")
    wrong = client.get("/api/v1/wechat/push", query_string=query | {"signature": sign("other", STAMP, NONCE)})
    assert (wrong.status_code, wrong.json["code"]) == (403, "push_refused")
    assert "5927782489442352469" not in wrong.text


def test_a_push_is_answered_and_kept_sealed(client: FlaskClient, person: Person, session: Session) -> None:
    assert person
    answer = push(client, popup())
    assert (answer.status_code, answer.text) == (200, "success")
    assert answer.content_type.startswith("text/plain")
    row = session.scalars(select(PushEvent)).one()
    assert OPENID.encode() not in row.body_sealed
    assert OPENID not in json.dumps(session.scalars(select(OutboxRow.payload)).all())


def test_grants_are_counted_once_however_often_pushed(client: FlaskClient, person: Person, session: Session) -> None:
    for _ in range(3):
        assert push(client, popup()).text == "success"
    assert push(client, popup(at=5)).text == "success"
    assert topics(session).count("wechat.pushed") == 2
    work(session)
    assert ledger.balances(session, person.actor.user_id) == {"T": 2}
    assert set(session.scalars(select(PushEvent.body_sealed))) == {None}
    push(client, popup())
    work(session)
    assert ledger.balances(session, person.actor.user_id) == {"T": 2}


def test_a_rejection_before_its_acceptance(client: FlaskClient, person: Person, session: Session) -> None:
    change = popup("reject", at=10) | {"Event": "subscribe_msg_change_event"}
    for event in (change, popup(at=5), popup(at=20)):
        push(client, event)
    work(session)
    assert ledger.balances(session, person.actor.user_id) == {"T": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"msg_signature": "0" * 40},
        {"msg_signature": ""},
        {"timestamp": str(int(STAMP) + 1)},
        {"nonce": "1"},
        {"encrypted": "AAAA"},
        {"encrypted": "签名"},
    ],
)
def test_forged_pushes_change_nothing(client: FlaskClient, session: Session, change: dict[str, str]) -> None:
    answer = push(client, popup(), **change)
    assert (answer.status_code, answer.json["code"]) == (403, "push_refused")
    assert session.scalars(select(PushEvent)).all() == []


def test_the_plain_signature_is_not_enough(client: FlaskClient, session: Session) -> None:
    answer = push(client, popup(), msg_signature=sign(TOKEN, STAMP, NONCE))
    assert answer.status_code == 403
    assert session.scalars(select(PushEvent)).all() == []


def test_late_and_foreign_pushes_are_refused(client: FlaskClient, clock: FixedClock, session: Session) -> None:
    other = PushKeys.from_settings(TOKEN, AES_KEY, "wxffffffffffffffff")
    assert push(client, popup(), keys=other).status_code == 403
    clock.advance(minutes=10, seconds=1)
    assert push(client, popup()).status_code == 403
    assert session.scalars(select(PushEvent)).all() == []


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"not json",
        b"[]",
        b"\xff\xfe",
        b"<xml></xml>",
        b"[" * 100_000,
        # What no table takes: its job would fail until it is given up.
        rb'{"Event": "wxa_media_check", "trace_id": "a\u0000"}',
        rb'{"Event": "subscribe_msg_popup_event", "List": [{"TemplateId": "\ud800"}]}',
    ],
)
def test_what_opens_and_is_no_event(client: FlaskClient, message: bytes) -> None:
    answer = push(client, message)
    assert (answer.status_code, answer.json["code"]) == (400, "push_malformed")


@pytest.mark.parametrize("body", [b"", b"{}", b"<xml/>", b'{"Encrypt": 5}', b'{"Encrypt": ["x"]}', b"[]"])
def test_bodies_that_are_none(client: FlaskClient, body: bytes) -> None:
    query = {"timestamp": STAMP, "nonce": NONCE, "msg_signature": "0" * 40}
    answer = client.post("/api/v1/wechat/push", query_string=query, data=body, content_type="application/json")
    assert answer.status_code in {400, 422}


def test_events_nobody_waits_for_are_answered_and_left(client: FlaskClient, session: Session) -> None:
    assert push(client, {"Event": "user_info_modified", "OpenID": OPENID}).text == "success"
    assert push(client, {"no": "event"}).text == "success"
    assert session.scalars(select(PushEvent)).all() == []


def test_events_about_strangers_change_nothing(client: FlaskClient, session: Session) -> None:
    push(client, popup())
    work(session)
    assert topics(session) == ["wechat.pushed"]


def test_withdrawing_the_phone_number(client: FlaskClient, person: Person, session: Session, app: Flask) -> None:
    cipher = app.extensions["wxapi"].cipher
    user = session.get(User, person.actor.user_id)
    user.phone_sealed, user.phone_digest = cipher.seal("13800000000", purpose="user.phone"), b"d"
    user.nickname = "小李"
    session.commit()
    push(client, {"Event": "user_authorization_revoke", "OpenID": OPENID, "AppID": APPID, "RevokeInfo": "8"})
    work(session)
    session.expire_all()
    user = session.get(User, person.actor.user_id)
    assert (user.phone_sealed, user.phone_digest, user.nickname) == (None, None, "小李")


def test_cancelling_the_authorization_erases_the_person(client: FlaskClient, person: Person, session: Session) -> None:
    push(client, {"Event": "user_authorization_cancellation", "OpenID": OPENID, "AppID": APPID})
    work(session)
    erase = session.scalars(select(OutboxRow).where(OutboxRow.topic == "user.erase")).all()
    assert {row.payload["user_id"] for row in erase} == {str(person.actor.user_id)}
    assert person.get("/me").status_code == 401


@pytest.mark.parametrize("event", ["user_authorization_cancellation", "user_authorization_revoke"])
def test_a_late_push_is_about_somebody_erased_since(
    client: FlaskClient, person: Person, session: Session, event: str
) -> None:
    session.get(User, person.actor.user_id).nickname = "小李"
    session.flush()
    before = str(int(NOW.timestamp()) - 86400)
    push(client, {"Event": event, "OpenID": OPENID, "AppID": APPID, "RevokeInfo": "6", "CreateTime": before})
    work(session)
    session.expire_all()
    assert "user.erase" not in topics(session)
    assert session.get(User, person.actor.user_id).nickname == "小李"


def test_a_number_given_again_since_stays(client: FlaskClient, person: Person, session: Session, app: Flask) -> None:
    cipher = app.extensions["wxapi"].cipher
    user = session.get(User, person.actor.user_id)
    user.created_at = NOW - timedelta(days=9)
    with transaction() as own:
        user.phone_sealed = cipher.seal("13800000000", purpose="user.phone")
        audit.record(own, user.id, "user.phone_set", subject=f"user:{user.id}", at=NOW - timedelta(hours=1))
    late = str(int(NOW.timestamp()) - 7200)
    push(client, {"Event": "user_authorization_revoke", "OpenID": OPENID, "RevokeInfo": "8", "CreateTime": late})
    work(session)
    session.expire_all()
    assert session.get(User, person.actor.user_id).phone_sealed is not None


def test_wechats_word_on_a_message(client: FlaskClient, person: Person, session: Session) -> None:
    notice = Notice(REPORT_PROGRESS, "report:1", "a", "t", "b", {"what": "x"})
    with transaction() as own:
        telling.tell(own, [person.actor.user_id], notice, now=NOW)
    item = {"TemplateId": "T", "MsgID": "4000", "ErrorCode": "20001", "ErrorStatus": "fail"}
    push(client, {"Event": "subscribe_msg_sent_event", "FromUserName": OPENID, "List": item})
    pushes.work_on(session.scalars(select(PushEvent.id)).one(), now=NOW)
    assert topics(session).count("wechat.pushed") == 2, "it may be faster than our own note of the id: look again"
    row = session.scalars(select(Message)).one()
    row.delivery, row.wechat_id = Delivery.SENT.value, "4000"
    session.commit()
    work(session, now=NOW + timedelta(seconds=10))
    session.expire_all()
    row = session.scalars(select(Message)).one()
    assert (row.delivery, row.errcode) == (Delivery.FAILED, 20001)
    assert session.scalars(select(PushEvent.body_sealed)).one() is None


def test_wechats_word_on_a_message_nobody_knows_is_given_up(client: FlaskClient, session: Session) -> None:
    item = {"TemplateId": "T", "MsgID": "4001", "ErrorCode": "0", "ErrorStatus": "success"}
    push(client, {"Event": "subscribe_msg_sent_event", "FromUserName": OPENID, "List": item})
    work(session, now=NOW + timedelta(minutes=2))
    assert session.scalars(select(PushEvent.body_sealed)).one() is None
    assert topics(session) == ["wechat.pushed"]


def test_without_settings_every_push_is_refused(app: Flask, client: FlaskClient, session: Session) -> None:
    parts = app.extensions["wxapi"]
    former = parts.config
    parts.config = type(former)(
        **{
            name: getattr(former, name)
            for name in former.__dataclass_fields__
            if name not in {"wechat_push_token", "wechat_push_aes_key"}
        },
        wechat_push_token=type(former.wechat_secret)(b""),
        wechat_push_aes_key=type(former.wechat_secret)(b""),
    )
    try:
        assert push(client, popup()).status_code == 403
    finally:
        parts.config = former
    assert session.scalars(select(PushEvent)).all() == []
