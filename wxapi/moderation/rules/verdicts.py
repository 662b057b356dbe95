"""What becomes of a check after each answer of WeChat. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from wxapi.moderation.rules.checks import MOST_ASKS, TRIES_FOR, CheckState
from wxapi.notifications.rules.push_events import whole_number
from wxapi.platform.wechat.codes import ErrorClass
from wxapi.platform.wechat.errors import WeChatError

_LONGEST_WAIT = timedelta(minutes=5)
_MINUTE = timedelta(minutes=1)
_STOPPED = timedelta(minutes=10)
_WORTH_REPEATING = {ErrorClass.BUSY, ErrorClass.TOKEN}
_STOPPED_CLASSES = {ErrorClass.DAY, ErrorClass.CONFIG, ErrorClass.RIGHTS}
_OLD_CONTENT_REFUSAL = 87014
_SUGGESTED = {"pass": CheckState.PASS, "review": CheckState.REVIEW, "risky": CheckState.RISKY}


@dataclass(frozen=True, slots=True)
class Verdict:
    """WeChat's word on one thing. `suggest` as WeChat wrote it; `errcode` other than 0: it could not be judged."""

    suggest: str | None
    label: int | None = None
    errcode: int = 0

    @property
    def state(self) -> CheckState:
        """The state it leads to; a word we do not know is a matter for a person."""
        if self.errcode != 0:
            return CheckState.MANUAL
        return _SUGGESTED.get(self.suggest or "", CheckState.MANUAL)


def verdict_of(answer: Mapping[str, Any]) -> Verdict:
    """Read the verdict in an answer of the text check; one without a verdict leads to a person."""
    result = answer.get("result")
    if not isinstance(result, Mapping):
        return Verdict(None)
    return Verdict(str(result.get("suggest")), whole_number(result.get("label")))


def retry_in(error: WeChatError, *, tries: int, age: timedelta) -> timedelta | None:
    """How long to wait before a failed call is repeated; None: a person has to look.

    Args:
        error: what WeChat answered, or that it did not.
        tries: how often the call has failed.
        age: since the thing was handed in by its author.
    """
    if age >= TRIES_FOR:
        return None
    if error.error_class in _WORTH_REPEATING:
        return min(timedelta(seconds=2 ** min(tries, 10)), _LONGEST_WAIT)
    if error.error_class is ErrorClass.MINUTE:
        return _MINUTE
    return _STOPPED if error.error_class in _STOPPED_CLASSES else None


def state_after(error: WeChatError) -> CheckState:
    """Where a call leads that is not repeated. 87014 is how the check of old said "risky"."""
    return CheckState.RISKY if error.errcode == _OLD_CONTENT_REFUSAL else CheckState.MANUAL


def asks_again(verdict: Verdict, asks: int) -> bool:
    """Whether a picture WeChat could not load is handed in once more, under a new address."""
    return verdict.errcode != 0 and asks < MOST_ASKS
