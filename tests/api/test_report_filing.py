"""Filing over HTTP: what is stored, what is refused before anything is stored, what a repeat gets."""

import uuid
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests import places, reporting
from tests.conftest import random_key
from tests.reporting import VILLAGE, Town, body, file, photo, refused
from tests.statements import count_statements
from wxapi.duties.models import Duty
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime
from wxapi.reports.models import Report
from wxapi.reports.services import duties, route
from wxapi.reports.wire.schemas import ReportSchema


def test_a_report_is_answered_as_the_contract_says(town: Town, session: Session) -> None:
    report = file(town.reporter, photo_ids=[photo(town.reporter, "pending")])
    assert ReportSchema().validate(report) == {}
    assert report["state"] == "submitted"
    assert report["version"] == 1
    assert report["number"].startswith("JZ-")
    assert report["category"] == {"code": "E0102", "name": "暴露垃圾"}
    assert report["region"]["code"] == VILLAGE
    assert report["grid_code"] == VILLAGE + "002"
    assert report["desk"] is None
    assert report["location"]["coord_type"] == "gcj02"
    assert report["reporter"]["is_me"] is True
    assert [each["state"] for each in report["photos"]] == ["pending"]
    assert report["available_actions"] == ["withdraw", "note"]
    assert [(line["action"], line["to_state"]) for line in report["timeline"]] == [("file", "submitted")]
    assert report["timeline"][0]["by"] == {"role": "reporter", "label": report["reporter"]["label"]}
    rows = session.scalars(select(OutboxRow).where(OutboxRow.topic == "report.filed")).all()
    assert [row.payload for row in rows] == [{"report_id": report["id"]}]
    assert reporting.read(town.reporter, report["id"]) == report


def test_filing_costs_at_most_ten_statements(town: Town) -> None:
    file(town.reporter)  # the first one reads the boundaries
    photos = [photo(town.reporter) for _ in range(3)]
    with count_statements() as statements:
        file(town.reporter, photo_ids=photos)
    assert len(statements) <= 10, "\n".join(statements)


def test_duties_cost_at_most_one_statement(town: Town, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a report owes begins with its routing, in the statement that writes the rest of it."""

    def routed() -> tuple[int, int]:
        filed = file(town.reporter)
        with count_statements() as statements:
            route.route_report(uuid.UUID(filed["id"]), now=runtime().clock.now())
        owed = select(func.count()).where(Duty.subject_id == uuid.UUID(filed["id"]))
        return len(statements), session.scalar(owed) or 0

    routed()  # the first one reads the tree
    with_duties, owed = routed()
    monkeypatch.setattr(duties, "record", lambda *_: None)
    without, nothing = routed()
    assert (owed > 0, nothing) == (True, 0)
    assert with_duties <= without + 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"category_code": "E9999"}, "unknown_category"),
        ({"category_code": "X0901"}, "call_emergency"),
        ({"category_code": "X0902"}, "private_matter"),
        ({"category_code": "X0903"}, "redirect_12388"),
        ({"category_code": "X0904"}, "redirect_12345"),
        ({"location": {"longitude": 112.5, "latitude": 30.3, "coord_type": "gcj02"}}, "outside_service_area"),
        ({"location": {"longitude": 0.0, "latitude": 0.0, "coord_type": "wgs84"}}, "outside_service_area"),
        ({"region_code": "421003001001"}, "region_not_candidate"),
        ({"location": {"longitude": 112.2, "latitude": 30.3}}, "validation_failed"),
        ({"description": "  "}, "validation_failed"),
        ({"description": "字" * 501}, "validation_failed"),
        ({"address": "字" * 201}, "validation_failed"),
        ({"surprise": 1}, "validation_failed"),
        ({"photo_ids": ["0b9a3c52-7c1e-4b0a-9f0b-0d6b6f6f3c11"]}, "photo_not_yours"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    town: Town, session: Session, changes: dict[str, Any], code: str
) -> None:
    response = town.reporter.post("/reports", body(**changes), key=random_key())
    assert refused(response)[:2] == (422, code)
    assert session.scalar(select(func.count()).select_from(Report)) == 0


def test_emergencies_are_told_the_numbers_to_call(town: Town) -> None:
    response = town.reporter.post("/reports", body(category_code="X0901"), key=random_key())
    assert all(number in response.get_json()["detail"] for number in ("110", "119", "120"))


def test_a_photo_serves_one_report_of_its_owner(town: Town) -> None:
    mine = photo(town.reporter)
    file(town.reporter, photo_ids=[mine])
    for ids, code in (
        ([mine], "photo_used"),
        ([photo(town.stranger)], "photo_not_yours"),
        ([photo(town.reporter, "rejected")], "photo_rejected"),
    ):
        response = town.reporter.post("/reports", body(photo_ids=ids), key=random_key())
        assert refused(response)[:2] == (422, code)


def test_ten_photos_are_too_many(town: Town) -> None:
    ids = [photo(town.reporter) for _ in range(10)]
    assert refused(town.reporter.post("/reports", body(photo_ids=ids), key=random_key()))[0] == 422
    assert len(file(town.reporter, photo_ids=ids[:9])["photos"]) == 9


def test_a_key_is_compulsory_and_a_repeat_gives_the_first_answer(town: Town) -> None:
    assert refused(town.reporter.post("/reports", body()))[:2] == (400, "idempotency_key_required")
    key = random_key()
    first, again = (town.reporter.post("/reports", body(), key=key) for _ in range(2))
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_near_a_border_the_reporters_pick_wins(town: Town) -> None:
    border = {"longitude": 112.20999, "latitude": 30.305, "coord_type": "gcj02", "accuracy": 30.0}
    report = file(town.reporter, location=border)
    assert report["region"]["code"] == VILLAGE
    assert [each["code"] for each in report["candidates"]] == ["421002001002"]
    picked = file(town.reporter, location=border, region_code="421002001002")
    assert picked["region"]["code"] == "421002001002"
    assert picked["grid_code"] is None
    assert [each["code"] for each in picked["candidates"]] == [VILLAGE]


def test_the_datum_is_converted(town: Town) -> None:
    point = places.centre(VILLAGE)
    wgs84 = {"longitude": point.longitude - 0.0055, "latitude": point.latitude + 0.0025, "coord_type": "wgs84"}
    location = file(town.reporter, location=wgs84)["location"]
    assert location["coord_type"] == "gcj02"
    assert abs(location["longitude"] - point.longitude) < 0.002
    assert location["longitude"] != wgs84["longitude"]


def test_two_reports_of_one_person_bear_unlinked_labels(town: Town) -> None:
    labels = {file(town.reporter)["reporter"]["label"] for _ in range(8)}
    assert len(labels) > 1
