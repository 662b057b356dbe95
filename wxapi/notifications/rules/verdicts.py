"""What becomes of a message after WeChat's answer: one table, pure."""

from dataclasses import dataclass
from datetime import timedelta

from wxapi.notifications.rules.notices import Delivery
from wxapi.platform.wechat.codes import ErrorClass
from wxapi.platform.wechat.errors import WeChatError

# Later than this a message about a step is no news; the inbox has it anyway.
WORTH_SENDING = timedelta(hours=6)
_NO_GRANT = 43101
_PARALLEL = 43108
_SOON = timedelta(seconds=2)
_MINUTE = timedelta(minutes=1)
_WHILE_STOPPED = timedelta(minutes=10)
_LONGEST_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class DeliveryVerdict:
    """The state a message takes.

    Args:
        delivery: PENDING together with `retry_in`.
        retry_in: how long to wait before the next try.
        unsure: whether WeChat may have delivered it already.
        void_grants: WeChat says that no grant is left.
        refund: the grant was not used.
    """

    delivery: Delivery
    retry_in: timedelta | None = None
    unsure: bool = False
    void_grants: bool = False
    refund: bool = False


def judge(error: WeChatError | None, *, tries: int, unsure: bool, age: timedelta) -> DeliveryVerdict:
    """Decide by WeChat's answer.

    Args:
        error: None for success.
        tries: this one included.
        unsure: an earlier try may have been delivered.
        age: since the message could ring the phone first, quiet hours left out.
    """
    if error is None:
        return DeliveryVerdict(Delivery.SENT)
    if error.errcode == _NO_GRANT:
        # After a lost answer it says that the grant went with that try: the message has arrived.
        return DeliveryVerdict(Delivery.SENT) if unsure else DeliveryVerdict(Delivery.INBOX, void_grants=True)
    if error.maybe_done:
        return _ambiguous(unsure=unsure)
    wait = _wait(error, tries)
    if wait is None or age + wait > WORTH_SENDING:
        return DeliveryVerdict(Delivery.UNSURE) if unsure else DeliveryVerdict(Delivery.FAILED, refund=True)
    return DeliveryVerdict(Delivery.PENDING, retry_in=wait, unsure=unsure)


def _ambiguous(*, unsure: bool) -> DeliveryVerdict:
    """Maybe delivered: at most one more try."""
    if unsure:
        return DeliveryVerdict(Delivery.UNSURE, unsure=True)
    return DeliveryVerdict(Delivery.PENDING, retry_in=_SOON, unsure=True)


def _wait(error: WeChatError, tries: int) -> timedelta | None:
    """How long until a try makes sense again; None: never."""
    if error.errcode == _PARALLEL:
        return _SOON
    waits = {
        ErrorClass.BUSY: min(timedelta(seconds=2 ** min(tries - 1, 10)), _LONGEST_WAIT),
        ErrorClass.MINUTE: _MINUTE,
        ErrorClass.TOKEN: _WHILE_STOPPED,
        ErrorClass.CONFIG: _WHILE_STOPPED,
        ErrorClass.RIGHTS: _WHILE_STOPPED,
        ErrorClass.DAY: _WHILE_STOPPED,
    }
    return waits.get(error.error_class)
