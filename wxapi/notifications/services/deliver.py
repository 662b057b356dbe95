"""Sending one subscribe message: claim in one transaction, send between, write down the answer in another.

A person's messages go out one at a time (WeChat refuses parallel sends, 43108): whoever claims one locks the person's
row and looks for another that is being sent. A claim that nobody finished counts as a send without an answer.
"""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from config import Env
from wxapi.identity.models import User
from wxapi.notifications.models import Message, Template
from wxapi.notifications.queries import messages as queries
from wxapi.notifications.rules.notices import Delivery, not_at_night
from wxapi.notifications.rules.template_fields import FieldError, fill
from wxapi.notifications.rules.verdicts import DeliveryVerdict, judge
from wxapi.notifications.services import ledger
from wxapi.platform import outbox
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime
from wxapi.platform.wechat.codes import SUBSCRIBE_PATH
from wxapi.platform.wechat.errors import WeChatError

log = structlog.get_logger(__name__)
deliveries = Counter("wxapi_message_deliveries", "Subscribe messages by what became of them", ["delivery"])

# Longer than a job may take: a claim this old is nobody's any more.
CLAIM = timedelta(seconds=90)
_BEHIND_ANOTHER = timedelta(seconds=2)
_JITTER_MS = 1000


@dataclass(frozen=True, slots=True)
class _Letter:
    """What is sent, and what is needed to judge the answer."""

    message_id: uuid.UUID
    body: dict[str, Any] = field(repr=False)


def deliver(message_id: uuid.UUID, *, now: datetime) -> None:
    """Send the subscribe message of one notice, if it is due and the person agreed. Harmless when run twice."""
    with transaction() as session:
        letter = _claim(session, message_id, now=now)
    if letter is None:
        return
    error, wechat_id = _send(letter)
    with transaction() as session:
        _conclude(session, letter.message_id, error, wechat_id, now=now)


def _claim(session: Session, message_id: uuid.UUID, *, now: datetime) -> _Letter | None:
    """Take the message for this job; None where it is done, not due yet, or cannot be sent."""
    user = session.scalars(
        select(User)
        .join(Message, Message.user_id == User.id)
        .where(Message.id == message_id)
        .with_for_update(of=User, key_share=True)
    ).one_or_none()
    message = session.get(Message, message_id, populate_existing=True)
    if user is None or message is None or not _is_open(message):
        return None
    if (wait_until := _not_yet(session, message, now)) is not None:
        _again(session, message, wait_until)
        return None
    if message.delivery == Delivery.SENDING and not _take_over(message):
        return None
    if not queries.may_be_sent(session, message_id, now=now):
        # Hidden from the person since it was written: nothing of it is sent.
        ledger.refund(session, message_id)
        _settle(message, Delivery.INBOX)
        return None
    template = queries.template_of(session, message.kind)
    if user.openid_sealed is None or template is None or not ledger.spend(session, user.id, template, message_id):
        _settle(message, Delivery.INBOX)
        return None
    openid = runtime().cipher.open(user.openid_sealed, purpose="user.openid")
    return _write(session, message, template, openid, now=now)


def _is_open(message: Message) -> bool:
    return message.delivery in {Delivery.PENDING, Delivery.SENDING}


def _not_yet(session: Session, message: Message, now: datetime) -> datetime | None:
    """When to come back, if it is night, too early, or this person is being written to just now."""
    allowed = not_at_night(max(now, message.visible_at) if message.is_delayed else now)
    if allowed > now:
        return allowed
    claimed_since = now - CLAIM
    busy = session.scalar(
        select(
            exists().where(
                Message.user_id == message.user_id,
                Message.delivery == Delivery.SENDING.value,
                Message.claimed_at > claimed_since,
            )
        )
    )
    return now + _BEHIND_ANOTHER if busy else None


def _take_over(message: Message) -> bool:
    """A claim nobody finished may have been sent: once more at most."""
    if message.unsure:
        _settle(message, Delivery.UNSURE)
        return False
    message.unsure = True
    return True


def _write(session: Session, message: Message, template: Template, openid: str, *, now: datetime) -> _Letter | None:
    try:
        data = fill(template.fields, message.values)
    except FieldError as error:
        log.error("message_field_unfit", alert=True, kind=message.kind, field=str(error))  # noqa: TRY400 - no trace wanted
        ledger.refund(session, message.id)
        _settle(message, Delivery.FAILED)
        return None
    message.delivery, message.claimed_at = Delivery.SENDING.value, now
    message.tries += 1
    body: dict[str, Any] = {
        "touser": openid,
        "template_id": template.template_id,
        "data": data,
        "miniprogram_state": "formal" if runtime().config.env is Env.PRODUCTION else "developer",
        "lang": "zh_CN",
    }
    if template.page:
        body["page"] = template.page.replace("{id}", message.subject.partition(":")[2])
    return _Letter(message.id, body)


def _send(letter: _Letter) -> tuple[WeChatError | None, str | None]:
    try:
        answer = runtime().wechat.call(SUBSCRIBE_PATH, letter.body)
    except WeChatError as error:
        return error, None
    message_id = answer.get("msgid")
    return None, str(message_id) if message_id is not None else None


def _conclude(
    session: Session, message_id: uuid.UUID, error: WeChatError | None, wechat_id: str | None, *, now: datetime
) -> None:
    """Write down what became of the message. It may be gone with its person."""
    message = session.get(Message, message_id, with_for_update=True, populate_existing=True)
    if message is None:
        return
    age = now - not_at_night(message.visible_at)
    verdict = judge(error, tries=message.tries, unsure=message.unsure, age=age)
    message.unsure = message.unsure or verdict.unsure
    message.errcode = error.errcode if error else None
    message.wechat_id = wechat_id
    _settle(message, verdict.delivery)
    _account(session, message, verdict, now=now)


def _account(session: Session, message: Message, verdict: DeliveryVerdict, *, now: datetime) -> None:
    """The grant and the next try, as the verdict says."""
    template = queries.template_of(session, message.kind)
    if verdict.void_grants and template is not None:
        ledger.void(session, message.user_id, template.template_id, now=now)
    if verdict.refund:
        ledger.refund(session, message.id)
    if verdict.retry_in is not None:
        _again(session, message, now + verdict.retry_in)


def _again(session: Session, message: Message, at: datetime) -> None:
    """Have the job run again; spread a little, so that what waited together does not come together."""
    jitter = timedelta(milliseconds=secrets.randbelow(_JITTER_MS))
    outbox.record(session, "message.due", not_before=at + jitter, message_id=str(message.id))


def _settle(message: Message, delivery: Delivery) -> None:
    message.delivery = delivery.value
    deliveries.labels(delivery.value).inc()
