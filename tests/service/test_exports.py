"""Exports: scope when the job runs, harmless cells, whole files or none, progress, and an end."""

import csv
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import time
import unicodedata
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from tests import reporting, schooling
from tests.at_once import at_once
from tests.factories import Person
from tests.reporting import COUNTY, OTHER_VILLAGE, TOWNSHIP
from tests.tries import tries
from wxapi.identity.models import AppointmentRow
from wxapi.identity.services import appointments
from wxapi.identity.services.appointments import NewAppointment
from wxapi.kernel.clock import FixedClock, local_day
from wxapi.kernel.coordinates import Point
from wxapi.kernel.errors import UnavailableError
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db, transaction
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime
from wxapi.supervision.models import Export
from wxapi.supervision.services import export_files, export_making, exports
from wxapi.supervision.services.export_files import Note

FIGURES = {"kind": "statistics", "coord_type": None}
ASKED = {"kind": "reports", "format": "csv", "filter": {}, "coord_type": "gcj02"}


@pytest.fixture
def made(open_town: reporting.Town) -> reporting.Town:
    """In a database of its own: an export reads by a connection of its own."""
    return open_town


def ask(person: Person, **changes: Any) -> dict[str, Any]:
    answer = person.post("/exports", ASKED | changes)
    assert answer.status_code == 202, answer.json
    export: dict[str, Any] = answer.json
    return export


def make(person: Person, **changes: Any) -> dict[str, Any]:
    """Ask for an export, run its job, and look."""
    export = ask(person, **changes)
    export_making.make(uuid.UUID(export["id"]), now=runtime().clock.now())
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


def note_of(table: list[list[str]]) -> dict[str, str]:
    """What a CSV file says of itself in its last rows."""
    return {row[0]: row[1] for row in table[table.index([]) + 1 :]}


def test_a_file_has_the_persons_reports_and_says_what_it_is(made: reporting.Town) -> None:
    report = reporting.file_routed(made.reporter)
    reporting.file_routed(made.reporter, OTHER_VILLAGE)
    reporting.file_routed(made.reporter, category_code="X0201")
    export = make(made.officer)
    assert (export["state"], export["progress"]) == ("ready", {"done": 1, "total": 1})
    rows = table_of(file_of(made.officer, export))
    assert rows[0][0] == "编号"
    assert [row[0] for row in rows[1:2]] == [report["number"]]
    note = note_of(rows)
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
    asked = {"region": TOWNSHIP, "stage": "respond", "state": "open", "rung": 50, "card": "red", "type": "report"}
    none = table_of(file_of(made.officer, make(made.officer, kind="duties", coord_type=None, filter=asked)))
    assert note_of(none)["筛选条件"] == (
        f"区域：中山街道（{TOWNSHIP}）；状态：未办；督办牌：红牌；事项类型：上报；环节：受理；已用时限（%）：50"
    )
    duties = table_of(file_of(made.officer, make(made.officer, kind="duties", coord_type=None)))
    assert {row[1] for row in duties[1:3]} == {"受理", "办结"}
    assert note_of(duties)["筛选条件"] == "无"
    figures = make(
        made.supervisor,
        kind="statistics",
        coord_type=None,
        filter={"set": "reports", "region": COUNTY, "group_by": "place"},
    )
    rows = table_of(file_of(made.supervisor, figures))
    assert rows[0][:3] == ["代码", "名称", "应办数"]
    assert rows[3][1] == "合计"
    until = local_day(runtime().clock.now()) + timedelta(days=1)
    assert note_of(rows)["筛选条件"] == (
        f"区域：沙市区（{COUNTY}）；起始日期：{until - timedelta(days=30)}；截止日期（不含）：{until}；"
        "环节：办结；分组方式：区域；层级：乡镇（街道）"
    )


def test_what_is_shown_together_is_of_one_moment(made: reporting.Town) -> None:
    """A report that is filed between two tables of a bulletin is in none, and so with the parts of a panorama."""
    reporting.file(made.reporter)
    between: list[Any] = []

    def meanwhile(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "figure_sums" in statement and between:
            at_once([between.pop()])

    queries = [{"region": COUNTY, "group_by": "class"}, {"region": COUNTY, "group_by": "kind"}]
    event.listen(db.engine, "after_cursor_execute", meanwhile)
    try:
        between.append(lambda: reporting.file(made.stranger))
        bulletin = made.supervisor.post("/statistics/bulletins", {"title": "通报", "queries": queries}).json
        between.append(lambda: reporting.file(made.stranger))
        online = made.supervisor.get(f"/panorama?region={COUNTY}").json["online"]
    finally:
        event.remove(db.engine, "after_cursor_execute", meanwhile)
    assert not between
    assert [table["rows"][-1]["filed"] for table in bulletin["content"]["tables"]] == [1, 1]
    parts = [sum(part["filed"] for part in online[name]) for name in ("by_class", "by_place")]
    assert [online["filed"], *parts] == [2, 2, 2]
    assert online["open"] == 2


def test_every_stage_is_in_chinese(made: reporting.Town) -> None:
    school = schooling.enrol(made.people, TOWNSHIP)
    hall = school.make(starts=600, ends=700, region_code=TOWNSHIP)
    session = f"/training/sessions/{hall['id']}"
    assert school.member.post(f"{session}/enrolments").status_code == 201
    assert school.member.post(f"{session}/leave-requests", {"reason": "外出"}).status_code == 201
    reporting.file_routed(made.reporter)
    rows = table_of(file_of(made.supervisor, make(made.supervisor, kind="duties", coord_type=None)))
    assert {row[1] for row in rows[1:4]} == {"受理", "办结", "请假审批"}
    mine = make(made.supervisor, kind="duties", coord_type=None, filter={"type": "training", "stage": "leave_decision"})
    assert mine["file"]["rows"] == 1


def test_a_filter_narrows_as_the_list_does(made: reporting.Town) -> None:
    first = reporting.file_routed(made.reporter, description="桥栏杆断了")
    second = reporting.take(made.worker, reporting.file_routed(made.reporter, category_code="E0103"), "accept")

    def numbers(**asked: Any) -> list[str]:
        rows = table_of(file_of(made.officer, make(made.officer, filter=asked, columns=["number"], coord_type=None)))
        return sorted(row[0] for row in rows[1:] if row and row[0].startswith("JZ-"))

    both = sorted((first["number"], second["number"]))
    assert numbers() == numbers(open=True) == numbers(region=TOWNSHIP) == both
    assert numbers(scope="desk") == both
    assert numbers(state="routed") == numbers(q="栏杆") == [first["number"]]
    assert numbers(state="accepted,closed") == numbers(category="E0103") == [second["number"]]
    today = local_day(runtime().clock.now())
    week = {"from": (today - timedelta(days=6)).isoformat(), "to": (today + timedelta(days=1)).isoformat()}
    assert numbers(**week) == both
    assert numbers(to=today.isoformat()) == []
    assert numbers(overdue=True) == numbers(card="red") == numbers(to="2020-01-01") == []
    duties = {"kind": "duties", "coord_type": None, "columns": ["number", "stage"]}
    met = table_of(file_of(made.officer, make(made.officer, **duties, filter={"state": "met"})))
    assert met[1:2] == [[second["number"], "受理"]]
    assert make(made.officer, **duties, filter={"state": "open"})["file"]["rows"] == 3
    assert make(made.officer, **duties, filter={"rung": 80})["file"]["rows"] == 0


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"kind": "duties", "format": "geojson"}, 422, "format_not_for_kind"),
        ({"columns": ["number", "reporter"]}, 422, "unknown_column"),
        ({"coord_type": None}, 422, "coord_type_missing"),
        ({"filter": {"region": "421003"}}, 404, "not_found"),
        ({"kind": "whistles"}, 422, "validation_failed"),
        ({"filter": {"state": "nowhere"}}, 422, "validation_failed"),
        ({"filter": {"category": "E9999"}}, 422, "validation_failed"),
        ({"filter": {"from": "2026-02-01", "to": "2026-02-01"}}, 422, "period_invalid"),
        ({**FIGURES, "filter": {"stage": "leave_decision"}}, 422, "validation_failed"),
        ({**FIGURES, "filter": {"from": "2026-01-01", "to": "2027-01-03"}}, 422, "period_invalid"),
        ({**FIGURES, "filter": {"class": "X02"}}, 422, "grouping_not_available"),
        ({**FIGURES, "filter": {"level": "county"}}, 422, "grouping_not_available"),
        ({**FIGURES, "filter": {"set": "whistles"}}, 422, "validation_failed"),
        ({**FIGURES, "filter": {"category": "E0102"}}, 422, "validation_failed"),
        ({"filter": {"class": "E0102"}}, 422, "validation_failed"),
        ({"filter": {"scope": "mine"}}, 422, "validation_failed"),
        ({"kind": "duties", "coord_type": None, "filter": {"type": "rocket"}}, 422, "validation_failed"),
        ({"kind": "duties", "coord_type": None, "filter": {"stage": "launch"}}, 422, "validation_failed"),
        ({"kind": "duties", "coord_type": None, "filter": {"q": "栏杆"}}, 422, "validation_failed"),
    ],
)
def test_refusals(made: reporting.Town, changes: dict[str, Any], status: int, code: str) -> None:
    answer = made.officer.post("/exports", ASKED | changes)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_who_asks_again_gets_a_304_until_something_changed(made: reporting.Town) -> None:
    export = ask(made.officer)
    for page in ("/exports", f"/exports/{export['id']}"):
        first = made.officer.get(page)
        again = made.officer.get(page, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b""), page
    export_making.make(uuid.UUID(export["id"]), now=runtime().clock.now())
    changed = made.officer.get("/exports", headers={"If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, changed.json["items"][0]["state"]) == (200, "ready")


def test_two_at_once_and_no_third(made: reporting.Town) -> None:
    first = ask(made.officer)
    ask(made.officer)
    assert made.officer.post("/exports", ASKED).json["code"] == "too_many_exports"
    assert made.officer.call("DELETE", f"/exports/{first['id']}").status_code == 204
    assert made.officer.post("/exports", ASKED).status_code == 202
    export_making.make(uuid.UUID(first["id"]), now=runtime().clock.now())
    assert made.officer.get(f"/exports/{first['id']}").json["state"] == "cancelled"


@pytest.mark.parametrize("end", ["taken back", "its time is over"])
def test_a_file_goes_by_a_job_of_the_commit_that_ends_it(made: reporting.Town, end: str) -> None:
    """A process that dies after the commit leaves no file behind that nobody knows of."""
    export = make(made.officer)
    key = db.session().get_one(Export, uuid.UUID(export["id"])).file_key
    assert key is not None
    db.session().rollback()
    if end == "taken back":
        assert made.officer.call("DELETE", f"/exports/{export['id']}").status_code == 204
    else:
        assert exports.expire(now=runtime().clock.now() + timedelta(days=30)) == 1
    dropped = select(OutboxRow.payload).where(OutboxRow.topic == "export.dropped")
    assert db.session().scalars(dropped).all() == [{"file_key": key}]
    # Whoever took it back finds nothing at its address any more, whether the job comes or not.
    assert runtime().storage.has(key) == (end != "taken back")
    exports.remove_file(key)
    assert not runtime().storage.has(key)


def test_of_many_asked_at_the_same_moment_two_are_made(made: reporting.Town) -> None:
    assert made.officer.get("/exports").json == {"items": [], "next_cursor": None}
    answers = at_once([lambda: made.officer.post("/exports", ASKED) for _ in range(5)])
    assert sorted(answer.status_code for answer in answers) == [202, 202, 409, 409, 409]
    first = made.officer.get("/exports?limit=1").json
    second = made.officer.get(f"/exports?limit=1&cursor={first['next_cursor']}").json
    assert second["next_cursor"] is None
    assert [*first["items"], *second["items"]] == made.officer.get("/exports").json["items"]
    # What was refused left nothing for a worker to do.
    assert len(db.session().scalars(select(OutboxRow.id).where(OutboxRow.topic == "export.asked")).all()) == 2


def test_a_right_that_ended_while_it_waited_makes_no_file(made: reporting.Town) -> None:
    export = ask(made.officer, filter={"region": TOWNSHIP})
    with transaction() as session:
        session.query(AppointmentRow).filter_by(user_id=made.officer.actor.user_id).update(
            {"ended_at": runtime().clock.now()}
        )
    export_making.make(uuid.UUID(export["id"]), now=runtime().clock.now())
    found = db.session().get_one(Export, uuid.UUID(export["id"]))
    assert (found.state, found.code, found.file_key) == ("failed", "rights_changed", None)


@pytest.mark.parametrize("lapsed", [False, True])
def test_a_file_is_its_persons_while_they_hold_the_office_it_was_made_for(
    clock: FixedClock, made: reporting.Town, lapsed: bool
) -> None:
    """Moved to another township, they still export; what was made of the former one is not theirs any more."""
    reporting.file_routed(made.reporter)
    mine, before = select(AppointmentRow).filter_by(user_id=made.officer.actor.user_id), runtime().clock.now()
    export = make(made.officer)
    assert export["file"] is not None
    wider = NewAppointment(made.officer.actor.user_id, Role.SUPERVISOR, COUNTY)
    appointments.appoint_by_operator(wider, now=before)
    assert made.officer.get(f"/exports/{export['id']}").json == export
    with transaction() as session:
        office = session.scalars(mine.where(AppointmentRow.region_code == TOWNSHIP)).one()
        if lapsed:
            office.ends_on = local_day(before)
        else:
            office.ended_at = before + timedelta(minutes=1)
    clock.advance(**({"days": 1} if lapsed else {"minutes": 1}))
    seen = made.officer.get(f"/exports/{export['id']}").json
    assert (seen["state"], seen["file"]) == ("expired", None)
    assert made.officer.get("/exports").json["items"] == [seen]
    assert make(made.officer)["file"] is not None


@pytest.mark.parametrize("when", ["half of it written", "before it is put away"])
def test_a_run_that_died_is_done_again_from_the_start(
    made: reporting.Town, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    for _ in range(2):
        reporting.file_routed(made.reporter)
    export = ask(made.officer)
    row = export_files.CsvWriter.row

    def power_cut(*_: object) -> None:
        raise OSError("cut")

    def after_the_first(writer: export_files.CsvWriter, cells: Any, feature: Any = None) -> None:
        row(writer, cells, feature)
        broken.setattr(export_files.CsvWriter, "row", power_cut)

    with monkeypatch.context() as broken:
        broken.setattr(export_making, "_PROGRESS_EVERY", 1)
        if when == "half of it written":
            broken.setattr(export_files.CsvWriter, "row", after_the_first)
        else:
            broken.setattr(runtime().storage, "put_file", power_cut)
        with pytest.raises(OSError, match="cut"):
            export_making.make(uuid.UUID(export["id"]), now=runtime().clock.now())
    halfway = made.officer.get(f"/exports/{export['id']}").json
    assert (halfway["state"], halfway["file"]) == ("running", None)
    assert halfway["progress"] == {"done": 1 if when == "half of it written" else 2, "total": 2}
    export_making.make(uuid.UUID(export["id"]), now=runtime().clock.now())
    done = made.officer.get(f"/exports/{export['id']}").json
    assert (done["state"], done["file"]["rows"]) == ("ready", 2)
    export_making.make(uuid.UUID(export["id"]), now=runtime().clock.now())
    assert made.officer.get(f"/exports/{export['id']}").json == done


@pytest.mark.parametrize("afterwards", ["made again", "taken back", "given up", "erased"])
def test_a_file_that_a_killed_run_put_is_left_nowhere(
    made: reporting.Town, monkeypatch: pytest.MonkeyPatch, afterwards: str
) -> None:
    export_id, now = uuid.UUID(ask(made.officer)["id"]), runtime().clock.now()
    put = runtime().storage.put_file

    def power_cut(key: str, path: Path) -> None:
        put(key, path)
        raise OSError("cut")

    with monkeypatch.context() as broken:
        broken.setattr(runtime().storage, "put_file", power_cut)
        with pytest.raises(OSError, match="cut"):
            export_making.make(export_id, now=now)
    if afterwards == "made again":
        export_making.make(export_id, now=now + timedelta(minutes=1))
    elif afterwards == "taken back":
        exports.cancel(made.officer.actor, export_id, now=now)
    elif afterwards == "given up":
        exports.expire(now=now + timedelta(hours=25))
    else:
        with transaction() as session:
            exports.forget_person(session, made.officer.actor.user_id)
    dropped = select(OutboxRow.payload).where(OutboxRow.topic == "export.dropped")
    for payload in db.session().scalars(dropped).all():
        exports.remove_file(payload["file_key"])
    left = list(runtime().storage.stored_before(f"exports/{export_id}", datetime.max.replace(tzinfo=UTC)))
    assert len(left) == (afterwards == "made again")


def test_a_store_that_takes_nothing_ends_no_export(made: reporting.Town, tmp_path: Path) -> None:
    """Its job is tried again: the person is told nothing of rights that have not changed."""
    export_id = uuid.UUID(ask(made.officer)["id"])
    folder = Path(runtime().config.storage_url.removeprefix("file://")) / "exports"
    if folder.exists():
        folder.rename(tmp_path / "aside")
    folder.write_bytes(b"a file where a folder should be")
    try:
        with pytest.raises(UnavailableError, match="storage_unavailable"):
            export_making.make(export_id, now=runtime().clock.now())
    finally:
        folder.unlink()
    waits = made.officer.get(f"/exports/{export_id}").json
    assert (waits["state"], waits["code"]) == ("running", None)
    export_making.make(export_id, now=runtime().clock.now())
    export = made.officer.get(f"/exports/{export_id}").json
    assert export["state"] == "ready"
    assert table_of(file_of(made.officer, export))


def test_what_a_killed_worker_left_is_removed_by_the_next(made: reporting.Town) -> None:
    left, fresh = (Path(tempfile.mkdtemp(prefix="wxapi-export-")) for _ in range(2))
    for folder in (left, fresh):
        (folder / "file.csv").write_text("半个文件")
    hours_ago = time.time() - 2 * 3600
    for path in (left / "file.csv", left):
        os.utime(path, (hours_ago, hours_ago))
    make(made.officer)
    assert (left.exists(), fresh.exists()) == (False, True)
    shutil.rmtree(fresh)


def test_more_rows_than_a_sheet_holds_are_refused_before_the_first(
    made: reporting.Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        reporting.file_routed(made.reporter)
    for module in (export_making, export_files):
        monkeypatch.setattr(module, "MOST_XLSX_ROWS", 1)
    sheet = make(made.officer, format="xlsx")
    assert (sheet["state"], sheet["code"], sheet["file"]) == ("failed", "too_many_rows", None)
    assert sheet["progress"]["done"] == 0
    assert make(made.officer)["file"]["rows"] == 2
    assert make(made.officer, format="xlsx", filter={"q": "没有这句话"})["state"] == "ready"


@pytest.mark.parametrize("writer", [export_files.CsvWriter, export_files.XlsxWriter, export_files.GeoJsonWriter])
def test_a_file_that_is_given_up_between_two_rows_is_held_by_nobody(tmp_path: Path, writer: Any) -> None:
    given = (["a"], "gcj02") if writer is export_files.GeoJsonWriter else (["a"],)
    written = writer(tmp_path / "file", *given)
    written.row(["b"], Point(112.2, 30.3))

    def held() -> list[str]:
        names = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        return [name for name in names if name.startswith(str(tmp_path))]

    assert held() != []
    written.close()
    assert held() == []


def test_what_no_job_makes_any_more_is_no_longer_under_way(made: reporting.Town) -> None:
    for _ in range(2):
        export = ask(made.officer)
    now = runtime().clock.now()
    exports.expire(now=now + timedelta(hours=23))
    assert made.officer.post("/exports", ASKED).json["code"] == "too_many_exports"
    exports.expire(now=now + timedelta(hours=25))
    found = made.officer.get(f"/exports/{export['id']}").json
    assert (found["state"], found["code"]) == ("failed", "given_up")
    assert made.officer.post("/exports", ASKED).status_code == 202


def test_files_go_after_a_week(made: reporting.Town) -> None:
    export = make(made.officer)
    now = runtime().clock.now()
    assert exports.expire(now=now + timedelta(days=6)) == 0
    assert exports.expire(now=now + timedelta(days=7)) == 1
    assert exports.expire(now=now + timedelta(days=7)) == 0
    gone = made.officer.get(f"/exports/{export['id']}").json
    assert (gone["state"], gone["file"]) == ("expired", None)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
CELLS = st.lists(TEXTS | st.integers(-(2**40), 2**40) | st.none(), min_size=2, max_size=6)
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def is_a_formula(text: str) -> bool:
    """As a spreadsheet reads it that takes wide characters for narrow ones."""
    return unicodedata.normalize("NFKC", text[:1]).startswith(FORMULAS)


@given(st.lists(CELLS, min_size=1, max_size=4))
@example([["＝1+1", "＋86"], ["\n=1", "－"], ["＠SUM(1)", "⁺1"]])
def test_every_text_survives_csv_and_none_begins_a_formula(rows: list[list[str | int | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        writer = export_files.CsvWriter(path, ["甲", "乙"])
        for row in rows:
            writer.row(row)
        writer.finish(Note((("行数", str(len(rows))),)))
        raw = path.read_bytes()
        with path.open(encoding="utf-8-sig", newline="") as file:
            read = list(csv.reader(file))
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.endswith(b"\r\n")
    assert read[0] == ["甲", "乙"]
    assert read[-1] == ["行数", str(len(rows))]
    for row, back in zip(rows, read[1:], strict=False):
        assert len(back) == len(row)
        for cell, text in zip(row, back, strict=True):
            if isinstance(cell, str):
                assert text == (f"'{cell}" if is_a_formula(cell) else cell)
                assert not is_a_formula(text)
            else:
                assert text == ("" if cell is None else str(cell))


# XML holds no control characters: a sheet has them as _xHHHH_, which only Excel reads back.
SHEET_TEXTS = TEXTS.map(lambda text: re.sub(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_", "", text))


@settings(max_examples=tries(10), deadline=None)
@given(st.lists(SHEET_TEXTS | st.integers(-(2**40), 2**40) | st.none(), min_size=2, max_size=6))
def test_every_text_is_text_in_a_sheet(cells: list[str | int | None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.xlsx"
        writer = export_files.XlsxWriter(path, ["甲", "乙"])
        writer.row(cells)
        writer.finish(Note((("行数", "1"),)))
        sheet = openpyxl.load_workbook(path)["数据"]
    for column, cell in enumerate(cells, 1):
        found = sheet.cell(2, column)
        assert found.data_type != "f"
        assert found.value == cell or not (found.value or cell)
