"""Text and picture checks, and mini-program codes."""

import io
import re
import secrets
from typing import Any

import segno
from PIL import Image

from wxapi.demo.fake_wechat.exchange import PLAIN, Answer, Call, RefusedError, done, json_answer
from wxapi.demo.fake_wechat.world import World

_ACTIVE_SECONDS = 2 * 3600
_LONGEST_TEXT = 2500
_SCENES = {1, 2, 3, 4}
_QR_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}", re.ASCII)
_QR_PAGE = re.compile(r"[0-9A-Za-z_\-][0-9A-Za-z_/\-]*", re.ASCII)


def msg_sec_check(world: World, call: Call) -> Answer:
    r"""`POST /wxa/msg_sec_check`. Text escaped to `\uXXXX` passes whatever it says, as at the real one."""
    body = _check_common(world, call)
    content = body.get("content")
    if not isinstance(content, str) or not content:
        raise RefusedError(44002, "empty post data")
    if len(content) > _LONGEST_TEXT:
        raise RefusedError(40129, "content size out of limit")
    found = {} if b"\\u" in call.raw else _found(world, content)
    suggest, label = _worst(list(found.values()))
    detail = [
        {"strategy": "keyword", "errcode": 0, "suggest": how, "label": what, "level": 90, "keyword": word}
        for word, (how, what) in found.items()
    ]
    fields = {
        "errcode": 0,
        "errmsg": "ok",
        "result": {"suggest": suggest, "label": label},
        "detail": detail,
        "trace_id": secrets.token_hex(16),
    }
    return json_answer(fields, content_type=PLAIN)


def media_check_async(world: World, call: Call) -> Answer:
    """`POST /wxa/media_check_async`: a trace id now, the verdict later as a push."""
    body = _check_common(world, call)
    url = body.get("media_url")
    if body.get("media_type") not in {1, 2} or not isinstance(url, str):
        raise RefusedError(40129, "invalid media_type or media_url")
    if not url.startswith(("http://", "https://")):
        raise RefusedError(40129, "invalid media_url")
    trace_id = secrets.token_hex(16)
    world.checks.append({"trace_id": trace_id, "media_url": url, "openid": body["openid"]})
    world.tell("wxa_media_check", "oSYSTEM", appid=world.appid, trace_id=trace_id, version=2, media_url=url)
    return done(trace_id=trace_id)


def wxa_code(world: World, call: Call) -> Answer:
    """`POST /wxa/getwxacodeunlimit`: a picture; errors come under the picture's content type all the same."""
    body = call.body or {}
    scene, page = body.get("scene"), body.get("page", "pages/index/index")
    if not isinstance(scene, str) or not 1 <= len(scene) <= 32:
        raise RefusedError(40169, "invalid length for scene, or the data is not json string")
    if not _QR_SCENE.fullmatch(scene):
        raise RefusedError(40129, "invalid scene")
    if not isinstance(page, str) or not _QR_PAGE.fullmatch(page):
        raise RefusedError(41030, "invalid page")
    width = body.get("width", 430)
    if not isinstance(width, int) or not 280 <= width <= 1280:
        raise RefusedError(40129, "invalid width")
    transparent = body.get("is_hyaline") is True
    picture = _draw(f"{world.appid}:{page}?scene={scene}", width, "PNG" if transparent else "JPEG")
    return Answer(picture, "image/jpeg")


def _check_common(world: World, call: Call) -> dict[str, Any]:
    """Version, scene, and an author who has used the mini program within two hours."""
    body = call.body or {}
    if body.get("version") != 2 or body.get("scene") not in _SCENES:
        raise RefusedError(40129, "invalid version or scene")
    seen = world.last_seen.get(str(body.get("openid", "")))
    if seen is None:
        raise RefusedError(40003, "invalid openid")
    if world.now() - seen > _ACTIVE_SECONDS:
        raise RefusedError(61010, "code is expired")
    return body


def _found(world: World, content: str) -> dict[str, tuple[str, int]]:
    return {word: verdict for word, verdict in world.words.items() if word in content}


def _worst(verdicts: list[tuple[str, int]]) -> tuple[str, int]:
    """The most serious one; pass where there is none."""
    return max(verdicts, key=lambda verdict: ("review", "risky").index(verdict[0]), default=("pass", 100))


def _draw(text: str, width: int, kind: str) -> bytes:
    drawn, out = io.BytesIO(), io.BytesIO()
    segno.make(text).save(drawn, kind="png", scale=4)
    with Image.open(drawn, formats=("PNG",)) as code:
        code.convert("RGB").resize((width, width)).save(out, kind)
    return out.getvalue()
