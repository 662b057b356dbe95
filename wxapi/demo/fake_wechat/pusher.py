"""Pushes events to the product as WeChat does: sealed, three tries of five seconds each."""

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from wxapi.demo.fake_wechat.world import PushTarget, World
from wxapi.platform.wechat.push_crypto import seal_event, sign

_TRIES = 3
_SECONDS = 5
_LARGEST_PICTURE = 10 * 1024 * 1024
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"GIF8")
_NOT_DOWNLOADABLE = -1008


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a push on purpose. `age` seconds are taken off its timestamp."""

    bad_signature: bool = False
    age: int = 0


def push(target: PushTarget, event: Mapping[str, Any], now: float, trouble: Trouble | None = None) -> list[str]:
    """Deliver one event; what came of each try: the status and body, or the kind of failure."""
    trouble = trouble or Trouble()
    timestamp, nonce = str(int(now) - trouble.age), str(secrets.randbelow(10**9))
    message = json.dumps(event, ensure_ascii=False).encode()
    encrypted, signature = seal_event(
        target.keys, message, timestamp=timestamp, nonce=nonce, random=secrets.token_hex(8).encode()
    )
    query = {
        "signature": sign(target.keys.token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": str(event.get("FromUserName", "")),
        "encrypt_type": "aes",
        "msg_signature": signature[::-1] if trouble.bad_signature else signature,
    }
    body = {"ToUserName": str(event.get("ToUserName", "gh_000000000001")), "Encrypt": encrypted}
    outcomes: list[str] = []
    while len(outcomes) < _TRIES and not (outcomes and outcomes[-1] == "200 success"):
        outcomes.append(_try(target.url, query, body))
    return outcomes


def _try(url: str, query: Mapping[str, str], body: Mapping[str, str]) -> str:
    try:
        response = requests.post(url, params=query, json=body, timeout=_SECONDS)
    except requests.RequestException as error:
        return type(error).__name__
    return f"{response.status_code} {response.text[:200]}"


def start_postman(world: World) -> None:
    """Push in the background what happens by itself, once a target is set."""
    threading.Thread(target=_deliver_forever, args=(world,), name="postman", daemon=True).start()


def _deliver_forever(world: World) -> None:
    while True:
        target, event = world.outgoing.get()
        if target is world.push_target:
            if event["Event"] == "wxa_media_check":
                event = _judged(event, world.picture_verdict)
            push(target, event, world.now())


def _judged(event: Mapping[str, Any], verdict: tuple[str, int]) -> dict[str, Any]:
    """The picture check's event with its verdict, after an honest download."""
    judged = {name: value for name, value in event.items() if name != "media_url"}
    if not _is_picture(event["media_url"]):
        return judged | {"errcode": _NOT_DOWNLOADABLE, "errmsg": "download media failed", "detail": []}
    suggest, label = verdict
    detail = [{"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90}]
    result = {"suggest": suggest, "label": label}
    return judged | {"errcode": 0, "errmsg": "ok", "detail": detail, "result": result}


def _is_picture(url: str) -> bool:
    try:
        response = requests.get(url, timeout=_SECONDS)
    except requests.RequestException:
        return False
    content = response.content
    return response.ok and len(content) <= _LARGEST_PICTURE and content.startswith(_PICTURES)
