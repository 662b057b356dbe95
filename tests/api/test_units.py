"""Units: made, renamed and closed by administrators of their region; lists for everybody signed in."""

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import Workbook
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.factories import People
from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import Role
from wxapi.units.models import Matter

COUNTY = "421002"
ZJJ = {"region_code": COUNTY, "suffix": "zjj", "name": "沙市区住建局", "kind": "department", "field": "agency"}


def test_a_unit_hangs_on_a_region(people: People, city: None) -> None:
    admin = people.make((Role.ADMIN, COUNTY))
    made = admin.post("/units", ZJJ)
    assert made.status_code == 201
    assert made.json["code"] == "421002-zjj"
    assert made.json["region"]["code"] == COUNTY
    assert admin.get("/units/421002-zjj").json == made.json
    assert [unit["code"] for unit in admin.get(f"/units?region={COUNTY}").json["items"]] == ["421002-zjj"]
    assert admin.get("/units?region=421003").json["items"] == []
    assert admin.post("/units", ZJJ).json["code"] == "unit_exists"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"region_code": "421003"}, 404, "not_found"),
        ({"region_code": "429999"}, 404, "not_found"),
        ({"suffix": "Z"}, 422, "suffix_invalid"),
        ({"kind": "region"}, 422, "kind_not_allowed"),
        ({"name": ""}, 422, "validation_failed"),
    ],
)
def test_refusals(people: People, city: None, change: dict[str, str], status: int, code: str) -> None:
    answer = people.make((Role.ADMIN, COUNTY)).post("/units", ZJJ | change)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_only_administrators_make_units(people: People, city: None) -> None:
    assert people.make((Role.SUPERVISOR, COUNTY)).post("/units", ZJJ).status_code == 403


def test_every_region_is_a_unit(people: People, city: None) -> None:
    person = people.make()
    office = person.get(f"/units/{COUNTY}").json
    assert office["kind"] == "region"
    listed = person.get(f"/units?region={COUNTY}&kind=region&limit=2").json
    assert listed["items"][0]["code"] == COUNTY
    more = person.get(f"/units?region={COUNTY}&kind=region&limit=2&cursor={listed['next_cursor']}").json
    assert more["items"][0]["code"] > listed["items"][1]["code"]
    assert person.get("/units/421002-zj").status_code == 404


def test_a_regions_own_office_is_named_by_its_region(people: People, city: None) -> None:
    admin = people.make((Role.ADMIN, COUNTY))
    name = admin.get(f"/units/{COUNTY}").json["name"]
    kept = admin.call("PUT", f"/units/{COUNTY}", json={"name": name, "field": "urban"})
    assert (kept.status_code, kept.json["field"]) == (200, "urban")
    other = admin.call("PUT", f"/units/{COUNTY}", json={"name": "别的", "field": None})
    assert (other.status_code, other.json["code"]) == (422, "name_of_region")
    assert admin.get(f"/units/{COUNTY}").json == kept.json
    assert admin.post(f"/units/{COUNTY}/close", {"on": "2026-01-01"}).json["code"] == "kind_not_allowed"


def test_what_is_outside_ones_regions_is_not_there(people: People, city: None) -> None:
    """As the unit, and as the one that goes on: nobody hands work to a unit that is not theirs."""
    admin, other = people.make((Role.ADMIN, COUNTY)), people.make((Role.ADMIN, "421003"))
    assert admin.post("/units", ZJJ).status_code == 201
    assert other.post("/units", ZJJ | {"region_code": "421003"}).status_code == 201
    today = local_day(NOW).isoformat()
    for code in ("421003-zjj", "421003"):
        handed = admin.post("/units/421002-zjj/close", {"on": today, "successor_code": code})
        assert (handed.status_code, handed.json["code"]) == (404, "not_found")
        for day in (today, (local_day(NOW) + timedelta(days=1)).isoformat()):
            assert admin.post(f"/units/{code}/close", {"on": day}).status_code == 404
        assert admin.call("PUT", f"/units/{code}", json={"name": "别的", "field": None}).status_code == 404
    assert admin.get("/units/421002-zjj").json["closed_on"] is None


def test_a_closed_unit_names_who_goes_on(people: People, city: None) -> None:
    admin = people.make((Role.ADMIN, COUNTY))
    today = local_day(NOW)
    for suffix in ("zjj", "cgj"):
        assert admin.post("/units", ZJJ | {"suffix": suffix}).status_code == 201
    closing = {"on": today.isoformat(), "successor_code": "421002-cgj"}
    early = admin.post("/units/421002-zjj/close", closing | {"on": (today + timedelta(days=1)).isoformat()})
    assert early.json["code"] == "date_in_future"
    itself = admin.post("/units/421002-cgj/close", closing)
    assert itself.json["code"] == "successor_invalid"
    closed = admin.post("/units/421002-zjj/close", closing)
    assert closed.json["closed_on"] == today.isoformat()
    assert closed.json["successor_code"] == "421002-cgj"
    assert admin.post("/units/421002-zjj/close", closing).json["code"] == "unit_closed"
    renamed = admin.call("PUT", "/units/421002-zjj", json={"name": "别的", "field": None})
    assert renamed.json["code"] == "unit_closed"


def test_matters_are_imported_whole_or_not_at_all(app: Flask, people: People, city: None, tmp_path: Path) -> None:
    run = app.test_cli_runner().invoke
    people.make((Role.ADMIN, COUNTY)).post("/units", ZJJ)
    good = tmp_path / "matters.csv"
    good.write_text("code,name,kind,lead_unit_code\nA01,燃气安全,cooperate,421002-zjj\nA02,环境卫生,basic,\n", "utf-8")
    told = run(args=["units", "import-matters", str(good), "--region", COUNTY])
    assert told.exit_code == 0, told.output
    listed = people.make().get("/matters?region=421002001").json["items"]
    assert [matter["code"] for matter in listed] == ["A01", "A02"]
    bad = tmp_path / "bad.csv"
    bad.write_text("code,name,kind,lead_unit_code\nB01,一,basic,\nB01,二,basic,\n", "utf-8")
    told = run(args=["units", "import-matters", str(bad), "--region", COUNTY])
    assert told.exit_code == 1
    assert "第 3 行：代码（code）与前面的行重复。" in told.output
    bad.write_text('code,name,kind,lead_unit_code\n\nB01,"一\n二",basic,\n\nB02,二,none,\n', "utf-8")
    told = run(args=["units", "import-matters", str(bad), "--region", COUNTY])
    # The line of the file, where lines are empty or a cell has several.
    assert told.output.splitlines()[1:] == [
        "第 4 行：名称（name）不能换行。",
        "第 6 行：类别（kind）只能是 basic、cooperate、taken_back。",
    ]
    bad.write_text("code,name,kind,lead_unit_code\n", "utf-8")
    told = run(args=["units", "import-matters", str(bad), "--region", COUNTY])
    assert (told.exit_code, "没有任何事项" in told.output) == (1, True)
    bad.write_text(f'code,name,kind,lead_unit_code\nB01,"{"一" * 2**18}', "utf-8")
    told = run(args=["units", "import-matters", str(bad), "--region", COUNTY])
    assert (told.exit_code, "不是有效的 CSV" in told.output) == (1, True)
    assert [m["code"] for m in people.make().get("/matters?region=421002").json["items"]] == ["A01", "A02"]


def test_a_matter_is_led_by_a_unit_that_stands(app: Flask, people: People, city: None, tmp_path: Path) -> None:
    admin, run = people.make((Role.ADMIN, COUNTY)), app.test_cli_runner().invoke
    for suffix in ("zjj", "cgj"):
        assert admin.post("/units", ZJJ | {"suffix": suffix}).status_code == 201
    closed = admin.post("/units/421002-cgj/close", {"on": local_day(NOW).isoformat(), "successor_code": "421002-zjj"})
    assert closed.status_code == 200
    list_of = tmp_path / "matters.csv"
    leads = ("421002-zjj", "421002-cgj", "421002-nobody", "421002", "429999", "zjj")
    rows = "".join(f"A{n},事项{n},basic,{lead}\n" for n, lead in enumerate(leads[:5]))
    list_of.write_text(f"code,name,kind,lead_unit_code\n{rows}", "utf-8")
    told = run(args=["units", "import-matters", str(list_of), "--region", COUNTY])
    assert told.exit_code == 1
    assert told.output.splitlines()[1:] == [
        "第 3 行：牵头单位代码（lead_unit_code）单位已撤销。",
        "第 4 行：牵头单位代码（lead_unit_code）单位未知。",
        "第 6 行：牵头单位代码（lead_unit_code）单位未知。",
    ]
    list_of.write_text("code,name,kind,lead_unit_code\n,,none,zjj\n", "utf-8")
    told = run(args=["units", "import-matters", str(list_of), "--region", COUNTY])
    assert all(
        word in told.output for word in ("代码（code）为空", "名称（name）为空", "（lead_unit_code）不是有效的单位代码")
    )
    assert people.make().get(f"/matters?region={COUNTY}").json["items"] == []


def test_matters_come_as_spreadsheets_save_them_here(app: Flask, people: People, city: None, tmp_path: Path) -> None:
    rows = [("代码", "名称", "类别", "牵头单位代码"), ("A01", "燃气安全", "配合履职事项", 421002)]
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "matters.xlsx")
    text = "".join(",".join(map(str, row)) + "\n" for row in rows)
    (tmp_path / "matters.csv").write_bytes(text.encode("gbk"))
    for name in ("matters.csv", "matters.xlsx"):
        told = app.test_cli_runner().invoke(args=["units", "import-matters", str(tmp_path / name), "--region", COUNTY])
        assert told.exit_code == 0, told.output
        (matter,) = people.make().get(f"/matters?region={COUNTY}").json["items"]
        assert (matter["name"], matter["kind"], matter["lead_unit_code"]) == ("燃气安全", "cooperate", COUNTY)


def test_no_matter_is_lost_between_pages_where_two_lists_have_its_code(
    people: People, session: Session, city: None
) -> None:
    for region, name in ((COUNTY, "燃气安全"), ("421002001", "燃气巡查")):
        session.add(Matter(region_code=region, code="A01", name=name, kind="basic"))
    session.commit()
    person, found, cursor = people.make(), [], ""
    while cursor is not None:
        page = person.get(f"/matters?region=421002001&limit=1{cursor and f'&cursor={cursor}'}").json
        found += [matter["name"] for matter in page["items"]]
        cursor = page["next_cursor"]
    assert found == ["燃气安全", "燃气巡查"]


def test_a_unit_officer_is_appointed_for_a_unit_and_covers_no_region(people: People, city: None) -> None:
    admin, person = people.make((Role.ADMIN, COUNTY)), people.make()
    admin.post("/units", ZJJ)
    wanted = {"user_id": str(person.actor.user_id), "role": "unit_officer"}
    assert admin.post("/appointments", wanted).json["code"] == "validation_failed"
    assert admin.post("/appointments", wanted | {"region_code": COUNTY}).json["code"] == "role_needs_unit"
    assert admin.post("/appointments", wanted | {"unit_code": COUNTY}).json["code"] == "role_needs_region"
    both = wanted | {"unit_code": "421002-zjj", "region_code": COUNTY}
    assert admin.post("/appointments", both).json["code"] == "validation_failed"
    other = wanted | {"unit_code": "421002-zjj", "role": "supervisor"}
    assert admin.post("/appointments", other).json["code"] == "role_needs_region"
    unknown = admin.post("/appointments", wanted | {"unit_code": "421002-zj"})
    assert unknown.status_code == 404
    made = admin.post("/appointments", wanted | {"unit_code": "421002-zjj"})
    assert made.status_code == 201, made.json
    assert made.json["unit"] == {"code": "421002-zjj", "name": "沙市区住建局"}
    again = admin.post("/appointments", wanted | {"unit_code": "421002-zjj"})
    assert again.json["code"] == "already_appointed"
    assert person.get("/me").json["appointments"][0]["unit"]["code"] == "421002-zjj"
    listed = admin.get("/appointments?unit=421002-zjj").json["items"]
    assert [row["id"] for row in listed] == [made.json["id"]]
    assert person.get("/reports?scope=desk").json.get("items", []) == []


def test_nobody_is_appointed_for_a_closed_unit(people: People, city: None) -> None:
    admin, person = people.make((Role.ADMIN, COUNTY)), people.make()
    admin.post("/units", ZJJ)
    admin.post("/units/421002-zjj/close", {"on": local_day(NOW).isoformat()})
    wanted = {"user_id": str(person.actor.user_id), "role": "unit_officer", "unit_code": "421002-zjj"}
    assert admin.post("/appointments", wanted).json["code"] == "unit_closed"
