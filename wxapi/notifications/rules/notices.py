"""What people are told, when a message may ring a phone, and how long a confidential one waits. Pure."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum

from wxapi.kernel.clock import SHANGHAI

TITLE_LENGTH = 40
BODY_LENGTH = 500

# No phone rings at night; the inbox has the message at once.
_QUIET_FROM = time(22, 0)
_QUIET_UNTIL = time(7, 30)

# A notice about village affairs must not be matched with the moment somebody there did something.
_CONFIDENTIAL_LEAST = timedelta(hours=2)
_CONFIDENTIAL_MOST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class MessageKind:
    """What a message is about. A feature brings its kinds; each has at most one template, chosen by the operator.

    Args:
        code: as the API and the operator's command write it.
        zh: as people read it.
        values: the names of the values its notices may carry and an operator may put into a template's fields.
    """

    code: str
    zh: str
    values: frozenset[str]


class Delivery(StrEnum):
    """How far the subscribe message of a notice has come. The inbox has the notice in every state."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    UNSURE = "unsure"  # sent twice without an answer; never a third time
    INBOX = "inbox"  # no template, no grant, or no openid
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell.

    Args:
        kind: chooses the template.
        subject: its type, one a feature registered, and its id: `report:<uuid>`.
        step: what happened; a person is told of one step of one subject once, however often a job runs.
        title: at most 40 characters; longer ones are cut.
        body: at most 500 characters; longer ones are cut.
        values: for the template's fields, by the names its kind allows; times as `kernel.clock.to_wire` writes them.
    """

    kind: MessageKind
    subject: str
    step: str
    title: str
    body: str
    values: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := set(self.values) - self.kind.values:
            raise ValueError(f"unknown values: {', '.join(sorted(unknown))}")


def confidential_delay(source: random.Random | None = None) -> timedelta:
    """How long a notice about a confidential report waits: evenly between 2 and 24 hours."""
    spread = (_CONFIDENTIAL_MOST - _CONFIDENTIAL_LEAST).total_seconds()
    return _CONFIDENTIAL_LEAST + timedelta(seconds=(source or random.SystemRandom()).uniform(0, spread))


def not_at_night(at: datetime) -> datetime:
    """`at`, or the end of the quiet hours it falls into (22:00–7:30 in Shanghai)."""
    local = at.astimezone(SHANGHAI)
    if _QUIET_UNTIL <= local.time() < _QUIET_FROM:
        return at
    morning = datetime.combine(local.date(), _QUIET_UNTIL, SHANGHAI)
    if local.time() >= _QUIET_FROM:
        morning += timedelta(days=1)
    return morning.astimezone(at.tzinfo)


def cut(text: str, length: int) -> str:
    """At most `length` characters (code points), with an ellipsis for what is missing."""
    return text if len(text) <= length else text[: length - 1] + "…"
