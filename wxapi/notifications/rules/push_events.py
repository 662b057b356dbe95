"""Reading WeChat's pushed events. Pure: the opened JSON in, plain values out."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GRANT_EVENTS = frozenset({"subscribe_msg_popup_event", "subscribe_msg_change_event"})
SENT_EVENT = "subscribe_msg_sent_event"
REVOKE_EVENT = "user_authorization_revoke"
CANCEL_EVENT = "user_authorization_cancellation"
MEDIA_EVENT = "wxa_media_check"
HANDLED = GRANT_EVENTS | {SENT_EVENT, REVOKE_EVENT, CANCEL_EVENT, MEDIA_EVENT}

_ACCEPTED = frozenset({"accept", "acceptWithAudio"})
# 2017-01-09, in seconds.
_MINI_PROGRAMS_BEGAN = 1_483_920_000
# RevokeInfo's codes of what is kept about a person as such: reports and their places and photos are public business.
_REVOKED = {"6": "nickname", "8": "phone", "19": "nickname"}


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """A person's answer to one template's prompt."""

    template_id: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message, by WeChat's id; `errcode` 0: delivered."""

    message_id: str
    errcode: int


@dataclass(frozen=True, slots=True)
class CheckedMedia:
    """WeChat's word on a picture that was handed in; `errcode` other than 0: it could not be judged."""

    trace_id: str
    suggest: str | None
    label: int | None
    errcode: int


def repeat_key(event: Mapping[str, Any]) -> str:
    """What is equal for repeats of one event and different for others."""
    name = str(event.get("Event", ""))
    if name == SENT_EVENT:
        return "|".join([name, *sorted(sent.message_id for sent in sent_messages(event))])
    if name == MEDIA_EVENT and event.get("trace_id"):
        return f"{name}|{event['trace_id']}"
    if event.get("MsgId"):
        return f"{name}|{event['MsgId']}"
    body = hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()
    return f"{name}|{event.get('FromUserName')}|{event.get('CreateTime')}|{body}"


def person(event: Mapping[str, Any]) -> str:
    """The openid an event is about; empty if it names none."""
    return str(event.get("OpenID") or event.get("FromUserName") or "")


def happened_at(event: Mapping[str, Any], *, now: datetime) -> datetime:
    """When it happened at WeChat; `now` where that is not told, lies ahead, or lies before mini programs were."""
    seconds = whole_number(event.get("CreateTime"))
    if seconds is None or not _MINI_PROGRAMS_BEGAN < seconds < now.timestamp():
        return now
    return datetime.fromtimestamp(seconds, UTC)


def answers(event: Mapping[str, Any]) -> list[PushAnswer]:
    """What the person answered, by template."""
    return [
        PushAnswer(str(item.get("TemplateId", "")), str(item.get("SubscribeStatusString", "")) in _ACCEPTED)
        for item in _items(event)
    ]


def sent_messages(event: Mapping[str, Any]) -> list[Sent]:
    """The messages an event reports on, by WeChat's id, each with its error code (0: delivered)."""
    return [Sent(str(item.get("MsgID", "")), whole_number(item.get("ErrorCode")) or 0) for item in _items(event)]


def checked_media(event: Mapping[str, Any]) -> CheckedMedia:
    """The verdict on a picture; the old form of the event has `isrisky` and `status_code` instead of a result."""
    result = event.get("result")
    suggest: str | None = None
    label: int | None = None
    if isinstance(result, Mapping):
        suggest, label = str(result.get("suggest")), whole_number(result.get("label"))
    elif "isrisky" in event:
        suggest = "pass" if whole_number(event["isrisky"]) == 0 else "risky"
    errcode = whole_number(event.get("errcode")) or whole_number(event.get("status_code")) or 0
    return CheckedMedia(str(event.get("trace_id", "")), suggest, label, errcode)


def revoked(event: Mapping[str, Any]) -> list[str]:
    """Which of the data we hold the person has withdrawn: nickname, phone."""
    codes = str(event.get("RevokeInfo", "")).replace(",", " ").split()
    return sorted({_REVOKED[code] for code in codes if code in _REVOKED})


def _items(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """`List` is an object for one item and an array for several."""
    found = event.get("List")
    for item in found if isinstance(found, list) else [found]:
        if isinstance(item, Mapping):
            yield item


def whole_number(value: Any) -> int | None:
    """A number of WeChat's, which may come as a text; None for what is none."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
