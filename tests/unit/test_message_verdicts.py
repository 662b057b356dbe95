from datetime import timedelta

import pytest

from wxapi.notifications.rules.notices import Delivery
from wxapi.notifications.rules.verdicts import WORTH_SENDING, DeliveryVerdict, judge
from wxapi.platform.wechat.codes import SUBSCRIBE_PATH, ErrorClass, classify
from wxapi.platform.wechat.errors import WeChatError

FRESH = timedelta(seconds=1)


def error(errcode: int) -> WeChatError:
    return WeChatError(SUBSCRIBE_PATH, classify(SUBSCRIBE_PATH, errcode), errcode=errcode)


LOST = WeChatError(SUBSCRIBE_PATH, ErrorClass.BUSY, maybe_done=True)
REFUSED = WeChatError(SUBSCRIBE_PATH, ErrorClass.BUSY)


def seconds(amount: float) -> timedelta:
    return timedelta(seconds=amount)


@pytest.mark.parametrize(
    ("answer", "unsure", "verdict"),
    [
        (None, False, DeliveryVerdict(Delivery.SENT)),
        (None, True, DeliveryVerdict(Delivery.SENT)),
        (error(43101), False, DeliveryVerdict(Delivery.INBOX, void_grants=True)),
        (error(43101), True, DeliveryVerdict(Delivery.SENT)),
        (error(43108), False, DeliveryVerdict(Delivery.PENDING, retry_in=seconds(2))),
        (LOST, False, DeliveryVerdict(Delivery.PENDING, retry_in=seconds(2), unsure=True)),
        (LOST, True, DeliveryVerdict(Delivery.UNSURE, unsure=True)),
        (REFUSED, False, DeliveryVerdict(Delivery.PENDING, retry_in=seconds(1))),
        (REFUSED, True, DeliveryVerdict(Delivery.PENDING, retry_in=seconds(1), unsure=True)),
        (error(-1), False, DeliveryVerdict(Delivery.PENDING, retry_in=seconds(1))),
        (error(45011), False, DeliveryVerdict(Delivery.PENDING, retry_in=seconds(60))),
        (error(45009), False, DeliveryVerdict(Delivery.PENDING, retry_in=seconds(600))),
        (error(48001), False, DeliveryVerdict(Delivery.PENDING, retry_in=seconds(600))),
        (error(43107), False, DeliveryVerdict(Delivery.PENDING, retry_in=seconds(600))),
        (error(47003), False, DeliveryVerdict(Delivery.FAILED, refund=True)),
        (error(40037), False, DeliveryVerdict(Delivery.FAILED, refund=True)),
        (error(40003), False, DeliveryVerdict(Delivery.FAILED, refund=True)),
        (error(99999), False, DeliveryVerdict(Delivery.FAILED, refund=True)),
        (error(47003), True, DeliveryVerdict(Delivery.UNSURE)),
    ],
)
def test_what_becomes_of_a_message(answer: WeChatError | None, unsure: bool, verdict: DeliveryVerdict) -> None:
    assert judge(answer, tries=1, unsure=unsure, age=FRESH) == verdict


def test_waiting_doubles_up_to_a_quarter_of_an_hour() -> None:
    waits = [judge(error(-1), tries=tries, unsure=False, age=FRESH).retry_in for tries in (1, 2, 3, 4, 30)]
    assert waits == [seconds(1), seconds(2), seconds(4), seconds(8), seconds(900)]


def test_old_news_is_not_sent() -> None:
    assert judge(error(-1), tries=9, unsure=False, age=WORTH_SENDING) == DeliveryVerdict(Delivery.FAILED, refund=True)
    assert judge(error(-1), tries=9, unsure=True, age=WORTH_SENDING) == DeliveryVerdict(Delivery.UNSURE)
