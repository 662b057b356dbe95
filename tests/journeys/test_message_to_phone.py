"""A tap on "accept" in WeChat becomes a grant, a step of a report a message: real processes, pushes and workers."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.fake_wechat_control import FakeControl
from tests.journeys.demo_process import DemoProcess
from tests.journeys.phone import Phone, jpeg
from tests.processes import await_true
from wxapi.kernel.clock import SystemClock
from wxapi.notifications.rules.notices import not_at_night

pytestmark = pytest.mark.processes

OPENID, VILLAGE = "reporter-12", "421081103207"
LOCATION = {
    "longitude": 112.3492402,
    "latitude": 29.5706843,
    "coord_type": "gcj02",
    "accuracy": 12,
    "picked_by": "gps",
}


def test_a_step_of_a_report_rings_the_phone_of_who_agreed(demo: DemoProcess, phone_of: Callable[[str], Phone]) -> None:
    reporter, worker = phone_of(OPENID), phone_of(f"worker-{VILLAGE}")
    fake = FakeControl(demo.fake_wechat_url)
    template_id = progress(reporter)["template_id"]
    fake.order("POST", "grant", openid=OPENID, template_id=template_id, count=2)
    await_true(lambda: progress(reporter)["granted"] == 2, seconds=120)

    body = {
        "category_code": "E0102",
        "description": "路口垃圾箱满溢",
        "photo_ids": [reporter.upload(jpeg(800, 600), "IMG_1.jpg")],
        "location": LOCATION,
    }
    report = reporter.post("/reports", body)
    at_desk = await_true(lambda: routed(worker, report), seconds=120)
    worker.act(at_desk, "accept")

    titles = await_true(lambda: told(reporter, report, count=2), seconds=120)
    assert "受理" in titles[0]
    (task, *_) = told(worker, report, count=1) or [""]
    assert "待受理" in task
    now = SystemClock().now()
    if not_at_night(now) == now:
        received = await_true(lambda: received_by(fake, count=2), seconds=120)
        assert received[-1]["template_id"] == template_id
        assert received[-1]["data"]["character_string1"]["value"] == report["number"]
        assert received[-1]["page"] == f"pages/report/report?id={report['id']}"


def progress(person: Phone) -> dict[str, Any]:
    """The template of progress messages, as the person's phone sees it."""
    items: list[dict[str, Any]] = person.get("/message-templates")["items"]
    return next(item for item in items if item["kind"] == "report_progress")


def routed(worker: Phone, report: dict[str, Any]) -> dict[str, Any] | None:
    """The report at its desk, once it is there."""
    waiting = worker.get("/reports", scope="desk", state="routed")["items"]
    if report["id"] not in {item["id"] for item in waiting}:
        return None
    found: dict[str, Any] = worker.get(f"/reports/{report['id']}")
    return found


def told(person: Phone, report: dict[str, Any], *, count: int) -> list[str]:
    """Titles of what the person was told about the report, newest first, once there are so many."""
    items = person.get("/me/messages", limit=100)["items"]
    titles = [item["title"] for item in items if item["subject"] == {"type": "report", "id": report["id"]}]
    return titles if len(titles) >= count else []


def received_by(fake: FakeControl, *, count: int) -> list[dict[str, Any]]:
    """What WeChat delivered to the person, once it is so much."""
    messages = fake.messages(OPENID)
    return messages if len(messages) >= count else []
