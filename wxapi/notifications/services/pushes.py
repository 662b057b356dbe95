"""WeChat's pushes: opened and kept within the request, worked on in a job.

The row of a push is its memory: a repeat finds it and does nothing.
"""

import json
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.identity.models import User
from wxapi.identity.queries import user_by_digest
from wxapi.identity.services.erasure import begin_erasure
from wxapi.identity.services.withdrawal import withdraw
from wxapi.kernel.errors import MalformedError
from wxapi.notifications.models import Message, PushEvent
from wxapi.notifications.rules import push_events
from wxapi.notifications.rules.notices import Delivery
from wxapi.notifications.services import ledger
from wxapi.platform import audit, outbox
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime
from wxapi.platform.wechat.push_crypto import PushKeys, PushRefusedError, check_url, open_event

log = structlog.get_logger(__name__)

_PURPOSE = "push.event"
_NUL = r"\u0000"
# The answer to a send may be stored after the push about it has come.
_SETTLES_WITHIN = timedelta(minutes=2)
_LOOK_AGAIN_IN = timedelta(seconds=10)


def answer_url_check(*, signature: str, timestamp: str, nonce: str, now: datetime) -> None:
    """Accept WeChat's check of the address.

    Raises:
        PushRefusedError: not signed with our Token, or pushes are not set up.
    """
    check_url(_keys(), signature=signature, timestamp=timestamp, nonce=nonce, now=now)


def receive(*, msg_signature: str, timestamp: str, nonce: str, encrypted: str, now: datetime) -> None:
    """Keep a pushed event for its job; a repeat changes nothing.

    Raises:
        PushRefusedError: forged, damaged, old, or not for us.
        MalformedError: it opens, and is no JSON object.
    """
    message = open_event(
        _keys(), msg_signature=msg_signature, timestamp=timestamp, nonce=nonce, encrypted=encrypted, now=now
    )
    event = _json_object(message)
    name = str(event.get("Event", ""))
    if name not in push_events.HANDLED:
        log.info("push_ignored", event_name=name[:64])
        return
    cipher = runtime().cipher
    with transaction() as session:
        push_id = session.scalar(
            insert(PushEvent)
            .values(
                repeat_digest=cipher.digest(push_events.repeat_key(event), purpose=_PURPOSE),
                event=name,
                body_sealed=cipher.seal(message.decode(), purpose=_PURPOSE),
                received_at=now,
            )
            .on_conflict_do_nothing(index_elements=["repeat_digest"])
            .returning(PushEvent.id)
        )
        if push_id is not None:
            outbox.record(session, "wechat.pushed", push_id=push_id)


def work_on(push_id: int, *, now: datetime) -> None:
    """Do what an event asks for, once."""
    with transaction() as session:
        row = session.scalars(select(PushEvent).where(PushEvent.id == push_id).with_for_update()).one_or_none()
        if row is None or row.body_sealed is None:
            return
        event = json.loads(runtime().cipher.open(row.body_sealed, purpose=_PURPOSE))
        if row.event == push_events.SENT_EVENT and not _note_sent(session, event):
            if now - row.received_at < _SETTLES_WITHIN:
                outbox.record(session, "wechat.pushed", not_before=now + _LOOK_AGAIN_IN, push_id=push_id)
                return
        elif row.event == push_events.MEDIA_EVENT:
            _pass_on(session, push_events.checked_media(event))
        elif row.event != push_events.SENT_EVENT:
            _about_person(session, row, event, now=now)
        row.body_sealed = None


def _keys() -> PushKeys:
    config = runtime().config
    try:
        return PushKeys.from_settings(
            config.wechat_push_token.value.decode(),
            config.wechat_push_aes_key.value.decode(),
            config.wechat_appid,
        )
    except ValueError:
        raise PushRefusedError("not set up") from None


def _json_object(message: bytes) -> dict[str, Any]:
    try:
        event = json.loads(message.decode())
        # Escaped halves of characters come back raw here, NUL as it came: neither can be looked up or stored.
        kept = json.dumps(event, ensure_ascii=False)
        kept.encode()
    except (ValueError, RecursionError):
        event, kept = None, ""
    if not isinstance(event, dict) or _NUL in kept:
        raise MalformedError("push_malformed", "推送内容不是 JSON 对象。")
    return event


def _pass_on(session: Session, checked: push_events.CheckedMedia) -> None:
    """Hand a verdict to whoever has pictures checked."""
    outbox.record(
        session,
        "wechat.media_checked",
        trace_id=checked.trace_id,
        suggest=checked.suggest,
        label=checked.label,
        errcode=checked.errcode,
    )


def _note_sent(session: Session, event: dict[str, Any]) -> bool:
    """Write down WeChat's word on messages; False if one of them is not known (yet)."""
    complete = True
    for sent in push_events.sent_messages(event):
        message = session.scalars(select(Message).where(Message.wechat_id == sent.message_id)).first()
        if message is None:
            complete = False
        elif sent.errcode != 0:
            message.delivery, message.errcode = Delivery.FAILED.value, sent.errcode
    return complete


def _about_person(session: Session, row: PushEvent, event: dict[str, Any], *, now: datetime) -> None:
    digests = runtime().cipher.digests(push_events.person(event), purpose="user.openid")
    user = user_by_digest(session, digests)
    at = push_events.happened_at(event, now=now)
    if user is None or user.erased_at is not None:
        return
    if row.event in push_events.GRANT_EVENTS:
        _note_answers(session, user, row, event, at=at)
    elif at < user.created_at.replace(microsecond=0):
        return  # said before this person was here: about the one who was erased since
    elif row.event == push_events.CANCEL_EVENT:
        begin_erasure(session, user.id, now=now)
    else:
        withdraw(session, user, _still_revoked(session, user, event, at), now=now)


def _still_revoked(session: Session, user: User, event: dict[str, Any], at: datetime) -> list[str]:
    """What was revoked and not given again since: pushes come late, and in any order."""
    given_at = audit.last_at(session, "user.phone_set", subject=f"user:{user.id}")
    given_again = given_at is not None and at < given_at.replace(microsecond=0)
    return [what for what in push_events.revoked(event) if what != "phone" or not given_again]


def _note_answers(session: Session, user: User, row: PushEvent, event: dict[str, Any], *, at: datetime) -> None:
    for number, answer in enumerate(push_events.answers(event)):
        ledger.note_answer(
            session,
            user.id,
            answer.template_id,
            accepted=answer.accepted,
            at=at,
            source=f"push:{row.id}:{number}",
        )
