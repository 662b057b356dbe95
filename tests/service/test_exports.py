"""Exports: scope when the job runs, harmless cells, whole files or none, progress, and an end."""

import csv
import hashlib
import io
import json
import uuid
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from tests import reporting
from tests.factories import People, Person
from tests.reporting import COUNTY, OTHER_VILLAGE, TOWNSHIP
from wxapi.identity.models import AppointmentRow
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.supervision.models import Export
from wxapi.supervision.rules.export_cells import csv_line
from wxapi.supervision.services import exports

ASKED = {"kind": "reports", "format": "csv", "filter": {}, "coord_type": "gcj02"}


@pytest.fixture
def made(open_app: Flask) -> reporting.Town:
    """A town in a database of its own: an export reads by a connection of its own."""
    return reporting.settle(People(open_app))


def ask(person: Person, **changes: Any) -> dict[str, Any]:
    answer = person.post("/exports", ASKED | changes)
    assert answer.status_code == 202, answer.json
    export: dict[str, Any] = answer.json
    return export


def make(person: Person, **changes: Any) -> dict[str, Any]:
    """Ask for an export, run its job, and look."""
    export = ask(person, **changes)
    exports.make(uuid.UUID(export["id"]), now=runtime().clock.now())
    found: dict[str, Any] = person.get(f"/exports/{export['id']}").json
    return found


def file_of(person: Person, export: dict[str, Any]) -> bytes:
    address = export["file"]["url"].partition("/api/v1")[2]
    answer = person.get(address)
    assert answer.status_code == 200
    assert hashlib.sha256(answer.data).hexdigest() == export["file"]["sha256"]
    assert len(answer.data) == export["file"]["bytes"]
    data: bytes = answer.data
    return data


def table_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_file_has_the_persons_reports_and_says_what_it_is(made: reporting.Town) -> None:
    report = reporting.file_routed(made.reporter)
    reporting.file_routed(made.reporter, OTHER_VILLAGE)
    reporting.file_routed(made.reporter, category_code="X0201")
    export = make(made.officer)
    assert (export["state"], export["progress"]) == ("ready", {"done": 1, "total": 1})
    rows = table_of(file_of(made.officer, export))
    assert rows[0][0] == "编号"
    assert [row[0] for row in rows[1:2]] == [report["number"]]
    note = {row[0]: row[1] for row in rows if len(row) == 2}
    assert note["导出单位"].endswith("乡镇（街道）干部") or "乡镇" in note["导出单位"]
    assert note["行数"] == "1"
    assert "X0201" not in file_of(made.officer, export).decode()
    assert made.worker.get(f"/exports/{export['id']}").status_code == 404


def test_xlsx_and_geojson_say_the_same(made: reporting.Town) -> None:
    report = reporting.file_routed(made.reporter)
    book = openpyxl.load_workbook(io.BytesIO(file_of(made.officer, make(made.officer, format="xlsx"))))
    assert book["数据"].cell(2, 1).value == report["number"]
    assert book["说明"].cell(1, 1).value == "说明"
    exact = make(made.officer, format="geojson", coord_type="wgs84", columns=["number", "state"])
    features = json.loads(file_of(made.officer, exact))
    assert features["coord_type"] == "wgs84"
    assert features["features"][0]["properties"] == {"number": report["number"], "state": "待受理"}
    longitude = features["features"][0]["geometry"]["coordinates"][0]
    assert 0.002 < abs(longitude - report["location"]["longitude"]) < 0.01


def test_duties_and_statistics_are_exported_too(made: reporting.Town) -> None:
    reporting.file_routed(made.reporter)
    duties = table_of(file_of(made.officer, make(made.officer, kind="duties", coord_type=None)))
    assert {row[1] for row in duties[1:3]} == {"受理", "办结"}
    figures = make(made.supervisor, kind="statistics", coord_type=None, filter={"region": COUNTY, "group_by": "place"})
    rows = table_of(file_of(made.supervisor, figures))
    assert rows[0][:3] == ["代码", "名称", "应办数"]
    assert rows[3][1] == "合计"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"kind": "duties", "format": "geojson"}, 422, "format_not_for_kind"),
        ({"columns": ["number", "reporter"]}, 422, "unknown_column"),
        ({"coord_type": None}, 422, "coord_type_missing"),
        ({"filter": {"region": "421003"}}, 404, "not_found"),
        ({"kind": "whistles"}, 422, "validation_failed"),
    ],
)
def test_refusals(made: reporting.Town, changes: dict[str, Any], status: int, code: str) -> None:
    answer = made.officer.post("/exports", ASKED | changes)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_two_at_once_and_no_third(made: reporting.Town) -> None:
    first = ask(made.officer)
    ask(made.officer)
    assert made.officer.post("/exports", ASKED).json["code"] == "too_many_exports"
    assert made.officer.call("DELETE", f"/exports/{first['id']}").status_code == 204
    assert made.officer.post("/exports", ASKED).status_code == 202
    exports.make(uuid.UUID(first["id"]), now=runtime().clock.now())
    assert made.officer.get(f"/exports/{first['id']}").json["state"] == "cancelled"


def test_a_right_that_ended_while_it_waited_makes_no_file(made: reporting.Town) -> None:
    export = ask(made.officer, filter={"region": TOWNSHIP})
    with transaction() as session:
        session.query(AppointmentRow).filter_by(user_id=made.officer.actor.user_id).update(
            {"ended_at": runtime().clock.now()}
        )
    exports.make(uuid.UUID(export["id"]), now=runtime().clock.now())
    found = db.session().get_one(Export, uuid.UUID(export["id"]))
    assert (found.state, found.code, found.file_key) == ("failed", "rights_changed", None)


def test_a_run_that_died_is_done_again_from_the_start(made: reporting.Town, monkeypatch: pytest.MonkeyPatch) -> None:
    reporting.file_routed(made.reporter)
    export = ask(made.officer)

    def power_cut(*_: object) -> None:
        raise OSError("cut")

    with monkeypatch.context() as broken:
        broken.setattr(runtime().storage, "put_file", power_cut)
        with pytest.raises(OSError, match="cut"):
            exports.make(uuid.UUID(export["id"]), now=runtime().clock.now())
    halfway = made.officer.get(f"/exports/{export['id']}").json
    assert (halfway["state"], halfway["file"]) == ("running", None)
    exports.make(uuid.UUID(export["id"]), now=runtime().clock.now())
    done = made.officer.get(f"/exports/{export['id']}").json
    assert done["state"] == "ready"
    exports.make(uuid.UUID(export["id"]), now=runtime().clock.now())
    assert made.officer.get(f"/exports/{export['id']}").json == done


def test_files_go_after_a_week(made: reporting.Town) -> None:
    export = make(made.officer)
    now = runtime().clock.now()
    assert exports.expire(now=now + timedelta(days=6)) == 0
    assert exports.expire(now=now + timedelta(days=7)) == 1
    assert exports.expire(now=now + timedelta(days=7)) == 0
    gone = made.officer.get(f"/exports/{export['id']}").json
    assert (gone["state"], gone["file"]) == ("expired", None)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=30)


@given(st.lists(TEXTS | st.integers() | st.none(), min_size=2, max_size=6))
def test_every_text_survives_and_none_begins_a_formula(cells: list[str | int | None]) -> None:
    line = csv_line(cells)
    assert line.endswith("\r\n")
    (back,) = csv.reader(io.StringIO(line, newline=""))
    for cell, read in zip(cells, back, strict=True):
        if isinstance(cell, str):
            assert read.removeprefix("'") == cell.removeprefix("'")
            assert not read.startswith(("=", "+", "-", "@", "\t", "\r"))
        else:
            assert read == ("" if cell is None else str(cell))
