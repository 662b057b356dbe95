"""A photo report goes from a phone to closed, on real processes and sockets."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.phone import Phone, heic, jpeg
from tests.processes import await_true

pytestmark = pytest.mark.processes

# GCJ-02, 270 m inside its village; read as WGS-84 it would lie in another township.
LONGITUDE, LATITUDE = 112.3492402, 29.5706843
VILLAGE = "421081103207"


def test_a_report_travels_from_a_phone_to_closed(phone_of: Callable[[str], Phone]) -> None:
    reporter, worker = phone_of("reporter-7"), phone_of(f"worker-{VILLAGE}")
    report = filed(reporter, [reporter.upload(jpeg(), "IMG_1.jpg"), reporter.upload(heic(), "IMG_2.HEIC")])
    assert report["state"] == "submitted"
    assert_stripped(report["photos"])

    report = await_true(lambda: seen(reporter, report, state="routed"), seconds=120)
    assert (report["region"]["code"], report["desk"]["code"]) == (VILLAGE, VILLAGE)
    assert [line["action"] for line in report["timeline"]] == ["file", "route"]

    assert report["id"] in [line["id"] for line in worker.get("/reports", scope="desk", state="routed")["items"]]
    at_desk = worker.get(f"/reports/{report['id']}")
    assert at_desk["reporter"]["is_me"] is False
    at_desk = worker.act(at_desk, "accept")
    at_desk = worker.act(at_desk, "resolve", note="已清运", photo_ids=[worker.upload(jpeg(800, 600), "after.jpg")])

    mine = reporter.get(f"/reports/{report['id']}")
    assert len(mine["after_photos"]) == 1
    reporter.act(mine, "dispute", note="还有一半没清")

    at_desk = worker.get(f"/reports/{report['id']}")
    worker.act(at_desk, "resolve", note="全部清完", photo_ids=[worker.upload(heic(800, 600), "after.heic")])

    closed = reporter.act(reporter.get(f"/reports/{report['id']}"), "confirm", rating=5)
    assert closed["state"] == "closed"
    assert [
        (line["action"], line["from_state"], line["to_state"], line["by"]["role"]) for line in closed["timeline"]
    ] == [
        ("file", None, "submitted", "reporter"),
        ("route", "submitted", "routed", "system"),
        ("accept", "routed", "accepted", "community_worker"),
        ("resolve", "accepted", "resolved", "community_worker"),
        ("dispute", "resolved", "accepted", "reporter"),
        ("resolve", "accepted", "resolved", "community_worker"),
        ("confirm", "resolved", "closed", "reporter"),
    ]
    times = [line["at"] for line in closed["timeline"]]
    assert times == sorted(times)
    assert closed["version"] == len(closed["timeline"])


def filed(reporter: Phone, photo_ids: list[str]) -> dict[str, Any]:
    location = {"longitude": LONGITUDE, "latitude": LATITUDE, "coord_type": "gcj02", "accuracy": 12, "picked_by": "gps"}
    body = {
        "category_code": "E0102",
        "description": "路口垃圾箱满溢",
        "photo_ids": photo_ids,
        "location": location,
    }
    report: dict[str, Any] = reporter.post("/reports", body)
    return report


def seen(person: Phone, report: dict[str, Any], *, state: str) -> dict[str, Any] | None:
    """The report as the person sees it now, once it is in the state."""
    now: dict[str, Any] = person.get(f"/reports/{report['id']}")
    return now if now["state"] == state else None


def assert_stripped(photos: list[dict[str, Any]]) -> None:
    """Both pictures upright and without metadata, whatever they came as."""
    assert [(photo["width"], photo["height"]) for photo in photos] == [(1200, 1600), (1600, 1200)]
    for photo in photos:
        picture = Phone.load(photo["variants"]["medium"]["url"])
        assert picture.format == "JPEG"
        assert max(picture.size) == 640
        assert len(picture.getexif()) == 0
