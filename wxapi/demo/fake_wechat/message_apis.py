"""Subscribe messages: grants that run out, one send per person at a time, fields by type."""

import time
from typing import Any

from wxapi.demo.fake_wechat.exchange import Answer, Call, RefusedError, done
from wxapi.demo.fake_wechat.template_fields import broken_field
from wxapi.demo.fake_wechat.world import LONG_TERM, World

_STATES = {"formal", "trial", "developer"}
_LANGUAGES = {"zh_CN", "en_US", "zh_HK", "zh_TW"}
SEND_SECONDS = 0.03  # long enough for a parallel send to the same person to be noticed


def subscribe_send(world: World, call: Call) -> Answer:
    """`POST /cgi-bin/message/subscribe/send`. Called with the lock held; lets go of it while sending."""
    body = call.body or {}
    openid = body.get("touser")
    if not isinstance(openid, str) or openid not in world.last_seen:
        raise RefusedError(40003, "invalid openid")
    if openid in world.sending_to:
        raise RefusedError(43108, "concurrent send to the same user")
    world.sending_to.add(openid)
    world.lock.release()
    try:
        time.sleep(SEND_SECONDS)
    finally:
        world.lock.acquire()
        world.sending_to.discard(openid)
    return _deliver(world, openid, body)


def _deliver(world: World, openid: str, body: dict[str, Any]) -> Answer:
    template_id = body.get("template_id")
    if not isinstance(template_id, str) or not _is_known(world, template_id):
        raise RefusedError(40037, "invalid template_id")
    _check_form(body)
    _check_data(world.templates.get(template_id), body.get("data"))
    left = world.grants.get((openid, template_id), 0)
    if left == 0:
        raise RefusedError(43101, "user refuse to accept the msg")
    if left != LONG_TERM:
        world.grants[openid, template_id] = left - 1
    message_id = str(4_000_000_000_000_000_000 + len(world.messages))
    world.messages.append({**body, "msgid": message_id, "at": int(world.now())})
    sent = {"TemplateId": template_id, "MsgID": message_id, "ErrorCode": "0", "ErrorStatus": "success"}
    world.tell("subscribe_msg_sent_event", openid, List=sent)
    return done(msgid=int(message_id))


def _is_known(world: World, template_id: str) -> bool:
    """Registered, or granted by somebody."""
    return template_id in world.templates or any(granted == template_id for _, granted in world.grants)


def _check_form(body: dict[str, Any]) -> None:
    page = body.get("page", "")
    if not isinstance(page, str) or page.startswith(("/", "http")):
        raise RefusedError(41030, "invalid page")
    if body.get("miniprogram_state", "formal") not in _STATES or body.get("lang", "zh_CN") not in _LANGUAGES:
        raise RefusedError(47001, "data format error")


def _check_data(keys: tuple[str, ...] | None, data: object) -> None:
    """An object with exactly the template's keys, each value of its type."""
    if not isinstance(data, dict) or not data:
        raise RefusedError(47001, "data format error")
    missing = next((key for key in keys or () if key not in data), None)
    if missing is not None:
        raise RefusedError(47003, f"argument invalid! data.{missing}.value is empty")
    broken = next((key for key in data if keys is not None and key not in keys), None) or broken_field(data)
    if broken is not None:
        raise RefusedError(47003, f"argument invalid! data.{broken}.value invalid")
