"""Reading what WeChat answered. Pure: bytes in, a dict or a `WeChatError` out."""

import json
import re
from collections.abc import Mapping
from typing import Any

from wxapi.platform.wechat.codes import ErrorClass, classify
from wxapi.platform.wechat.errors import WeChatError

_RID = re.compile(r"rid: ([0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8})")
_FIELD = re.compile(r"data\.([a-z_]+[0-9]{1,3})\.")


def read_answer(path: str, content: bytes) -> dict[str, Any]:
    """The JSON object WeChat answered.

    Decoded from the bytes, never by the declared charset: some answers are `text/plain` without one.

    Raises:
        WeChatError: by the class of `errcode`; BUSY where the body is no JSON object.
    """
    answer = _json_object(content)
    errcode = None if answer is None else _errcode(answer)
    if answer is None or errcode is None:
        raise WeChatError(path, ErrorClass.BUSY, maybe_done=True)
    error_class = classify(path, errcode)
    if error_class is ErrorClass.OK:
        return answer
    message = str(answer.get("errmsg", ""))
    raise WeChatError(path, error_class, errcode=errcode, rid=_first(_RID, message), field=_first(_FIELD, message))


def read_picture(path: str, content: bytes) -> bytes:
    """The picture WeChat answered, judged by its first bytes: the content type is not reliable.

    Raises:
        WeChatError: the body is an error in JSON, or neither JPEG nor PNG (BUSY).
    """
    if content.lstrip()[:1] == b"{":
        read_answer(path, content)
    elif content.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
        return content
    raise WeChatError(path, ErrorClass.BUSY, maybe_done=True)


def text_of(answer: Mapping[str, Any], path: str, name: str, *, limit: int = 512) -> str:
    """A non-empty text of the answer; an answer without it is as good as none."""
    value = answer.get(name)
    if isinstance(value, str) and 0 < len(value) <= limit:
        return value
    raise WeChatError(path, ErrorClass.BUSY, maybe_done=True)


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _errcode(answer: dict[str, Any]) -> int | None:
    """0 when absent; WeChat writes it as a number or as text. None where it is neither."""
    try:
        return int(answer.get("errcode", 0))
    except (TypeError, ValueError, OverflowError):
        return None


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match.group(1) if match else None
