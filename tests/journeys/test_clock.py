"""Days pass at once: what time does to reports and messages, tried from outside on real processes."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from tests.fake_wechat_control import FakeControl
from tests.journeys.demo_process import DemoProcess
from tests.journeys.phone import Phone, jpeg
from tests.journeys.test_report_to_closed import VILLAGE, filed
from tests.processes import await_true

pytestmark = pytest.mark.processes


@pytest.fixture
def put_clock(demo: DemoProcess) -> Iterator[Callable[[timedelta], None]]:
    """Put the product's clock so far ahead; back at the end, and everything goes on.

    Every process has it when this returns: each asks for it anew half a second after it last did.
    """
    control = FakeControl(demo.fake_wechat_url)

    def put(ahead: timedelta) -> None:
        control.order("POST", "clock", offset_s=ahead.total_seconds())
        time.sleep(1)

    yield put
    put(timedelta())
    await_true(lambda: requests.get(f"{demo.url}/readyz", timeout=10).json()["status"] == "ok", seconds=120)


def seen(phone: Phone, report: dict[str, Any], **wanted: Any) -> Any:
    """The report as the person sees it, once it is as wanted."""

    def look() -> Any:
        found = phone.get(f"/reports/{report['id']}")
        return found if all(found[name] == value for name, value in wanted.items()) else None

    return await_true(look, seconds=240)


def test_a_week_of_silence_closes(phone_of: Callable[[str], Phone], put_clock: Callable[[timedelta], None]) -> None:
    reporter, worker = phone_of("reporter-31"), phone_of(f"worker-{VILLAGE}")
    report = seen(reporter, filed(reporter, []), state="routed")
    at_desk = worker.act(worker.get(f"/reports/{report['id']}"), "accept")
    worker.act(at_desk, "resolve", note="已清运", photo_ids=[worker.upload(jpeg(800, 600), "after.jpg")])
    put_clock(timedelta(days=7, hours=1))
    closed = seen(reporter, report, state="closed")
    last = closed["timeline"][-1]
    assert (last["action"], last["by"]["role"]) == ("auto_close", "system")
    resolved, at_last = (datetime.fromisoformat(line["at"]) for line in closed["timeline"][-2:])
    assert timedelta(days=7) <= at_last - resolved < timedelta(days=7, hours=2)


def test_cards_come_with_the_days_and_a_clock_put_back_strands_nothing(
    phone_of: Callable[[str], Phone], put_clock: Callable[[timedelta], None]
) -> None:
    reporter = phone_of("reporter-32")
    report = seen(reporter, filed(reporter, []), state="routed")
    put_clock(timedelta(days=5))
    seen(reporter, report, card="yellow")
    put_clock(timedelta(days=25))
    seen(reporter, report, card="red")
    ahead = filed(reporter, [])
    put_clock(timedelta())
    seen(reporter, ahead, state="routed")
    seen(reporter, filed(reporter, []), state="routed")


def test_what_is_past_its_time_goes(phone_of: Callable[[str], Phone], put_clock: Callable[[timedelta], None]) -> None:
    reporter = phone_of("reporter-33")
    report = seen(reporter, filed(reporter, []), state="routed")
    worker = phone_of(f"worker-{VILLAGE}")
    worker.act(worker.get(f"/reports/{report['id']}"), "accept")
    # Both are told, of the routing and of the acceptance: one told after the jump would rightly be kept.
    await_true(lambda: len(reporter.get("/me/messages")["items"]) == 2, seconds=120)
    put_clock(timedelta(days=200))
    # Once more: what is done once an hour may have been done by a worker that had not heard of the new time.
    put_clock(timedelta(days=200, hours=2))
    await_true(lambda: not reporter.is_known(), seconds=120)
    later = phone_of("reporter-33")
    assert later.me["id"] == reporter.me["id"]
    await_true(lambda: report["number"] not in str(later.get("/me/messages")["items"]), seconds=240)
