"""What a check can be, and how long it is tried. Pure.

The limits are WeChat's: an author's openid is taken for two hours after they last used the mini program, and the
verdict on a picture comes within 30 minutes. A thing that was not judged `pass` is kept from other citizens' eyes
and from nothing else.
"""

from datetime import timedelta
from enum import StrEnum

from wxapi.kernel.words import Colour


class CheckKind(StrEnum):
    """What is checked."""

    TEXT = "text"
    PICTURE = "picture"


class CheckState(StrEnum):
    """How far a check has come."""

    WAITING = "waiting"  # not handed in yet
    ASKED = "asked"  # handed in, the verdict outstanding
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    REVIEW = "review"
    RISKY = "risky"
    MANUAL = "manual"  # WeChat does not judge it: a person does


class ShownState(StrEnum):
    """How far a check has come, as people are told."""

    PENDING = "pending"  # no verdict yet
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    REVIEW = "review"
    RISKY = "risky"
    MANUAL = "manual"
    NOT_SENT = "not_sent"  # kept from WeChat: nothing is checked


CHECK_WORDS = {
    ShownState.PENDING: "审核中",
    ShownState.PASS: "已通过",
    ShownState.REVIEW: "待人工审核",
    ShownState.RISKY: "未通过",
    ShownState.MANUAL: "待人工审核",
    ShownState.NOT_SENT: "不送审",
}
CHECK_COLOURS = {
    ShownState.PASS: Colour.GREEN,
    ShownState.REVIEW: Colour.AMBER,
    ShownState.MANUAL: Colour.AMBER,
    ShownState.RISKY: Colour.RED,
}
CHECK_KIND_NAMES = {CheckKind.TEXT: "文字", CheckKind.PICTURE: "照片"}


class Decision(StrEnum):
    """What a person decides about a thing WeChat held back or did not judge."""

    SHOW = "show"
    HIDE = "hide"


# For people to decide.
QUEUED = (CheckState.REVIEW, CheckState.RISKY, CheckState.MANUAL)
# What a verdict may still change: an earlier verdict or a person's decision stands.
UNDECIDED = (CheckState.WAITING, CheckState.ASKED, CheckState.MANUAL)
MOST_ASKS = 2
# The author may have been away for two hours before the last try then.
TRIES_FOR = timedelta(hours=1)
VERDICT_WITHIN = timedelta(minutes=35)
