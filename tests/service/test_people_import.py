"""A city's list of people: all or nothing, by the phone each binds, sealed, and gone with the person."""

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import Workbook
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.factories import People
from wxapi.identity.models import AppointmentRow, RosterEntry, User
from wxapi.identity.services import erasure, roster, roster_reading
from wxapi.identity.services.retention import RETENTION
from wxapi.kernel.permissions import Role
from wxapi.platform import retention
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import tree

HEAD = "姓名,职务,手机号,角色,区域\n"
VILLAGE = "421002001001"
pytestmark = pytest.mark.usefixtures("city")


def run(app: Flask, tmp_path: Path, rows: str, *options: str) -> tuple[int, str]:
    file = tmp_path / "people.csv"
    file.write_text(HEAD + rows, encoding="utf-8-sig")
    result = app.test_cli_runner().invoke(args=["people", "import", str(file), *options])
    return result.exit_code, result.output


def bind(session: Session, people: People, phone: str) -> User:
    person = people.make()
    user = session.get_one(User, person.actor.user_id)
    user.phone_digest = runtime().cipher.digest(phone, purpose="user.phone")
    session.commit()
    return user


def offices(session: Session, user: User) -> list[tuple[str, str]]:
    rows = session.scalars(select(AppointmentRow).where(AppointmentRow.user_id == user.id))
    return [(row.role, row.region_code) for row in rows]


def test_who_is_known_is_appointed_at_once_and_the_others_when_they_come(
    app: Flask, people: People, session: Session, tmp_path: Path
) -> None:
    here = bind(session, people, "13800000001")
    full_name = tree()[VILLAGE].full_name
    rows = f"张三,书记,13800000001,community_worker,{VILLAGE}\n李四,主任,13800000002,社区(村)工作人员,{full_name}\n"
    assert run(app, tmp_path, rows) == (0, "已导入 2 人，其中 1 人已绑定手机号；0 行此前已有。\n")
    assert offices(session, here) == [("community_worker", VILLAGE)]
    later = bind(session, people, "13800000002")
    roster.match([later.id], now=NOW)
    roster.match([later.id], now=NOW)
    assert offices(session, later) == [("community_worker", VILLAGE)]
    assert run(app, tmp_path, rows)[1].endswith("2 行此前已有。\n")


def test_every_fault_with_its_row_and_nothing_written(app: Flask, session: Session, tmp_path: Path) -> None:
    rows = f"张三,书记,13800000001,admin,{VILLAGE}\n,书记,1380000000,king,9999\n王五,,13800000003,admin,4210\n"
    code, output = run(app, tmp_path, rows)
    assert code == 1
    assert "第 3 行：姓名为空或过长，手机号不是 11 位手机号码，角色未知，区域未知。" in output
    assert "第 2 行" not in output
    assert session.scalar(select(func.count()).select_from(RosterEntry)) == 0


def test_a_dry_run_changes_nothing(app: Flask, session: Session, tmp_path: Path) -> None:
    rows = f"张三,书记,13800000001,admin,{VILLAGE}\n"
    assert run(app, tmp_path, rows, "--dry-run")[1].startswith("将导入 1 人")
    assert session.scalar(select(func.count()).select_from(RosterEntry)) == 0


def test_a_spreadsheet_is_read_as_well(app: Flask, session: Session, tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(HEAD.strip().split(","))
    book.active.append(["张三", "书记", 13800000001, "admin", 4210])  # an office's cells are often numbers
    book.save(tmp_path / "people.xlsx")
    result = app.test_cli_runner().invoke(args=["people", "import", str(tmp_path / "people.xlsx")])
    assert result.exit_code == 0, result.output
    assert session.scalars(select(RosterEntry.region_code)).all() == ["4210"]


def test_slips_of_all_who_have_not_come(app: Flask, people: People, session: Session, tmp_path: Path) -> None:
    bind(session, people, "13800000001")
    run(
        app,
        tmp_path,
        f"张三,书记,13800000001,community_worker,{VILLAGE}\n李四,=1+1,13800000002,community_worker,{VILLAGE}\n"
        "李四,=1+1,13800000002,street_chief,421002001\n王五,,13800000003,admin,421003\n",
    )
    slips = tmp_path / "slips.csv"
    command = ["people", "slips", "421002", str(slips)]
    told = app.test_cli_runner().invoke(args=command)
    assert (told.exit_code, told.output) == (0, f"1 slips are in {slips}.\n")
    assert slips.stat().st_mode & 0o777 == 0o600
    ((name, post, roles, places, code, _),) = list(csv.reader(slips.read_text("utf-8-sig").splitlines()))[1:]
    names = (tree()["421002001"].full_name, tree()[VILLAGE].full_name)
    assert (name, post, roles, places) == ("李四", "'=1+1", "街长、社区（村）工作人员", "、".join(names))
    person = people.make()
    assert person.post("/me/invitation", {"invitation": code}).status_code == 200
    assert [office["role"] for office in person.get("/me").json["appointments"]] == ["street_chief", "community_worker"]
    again = app.test_cli_runner().invoke(args=command)
    assert (again.exit_code, "is there already" in again.output) == (1, True)
    slips.unlink()
    assert app.test_cli_runner().invoke(args=command).output == f"0 slips are in {slips}.\n"
    unknown = app.test_cli_runner().invoke(args=["people", "slips", "429", str(tmp_path / "none.csv")])
    assert (unknown.exit_code, (tmp_path / "none.csv").exists()) == (1, False)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", "姓名,职务\n".encode("gbk"), "姓名,职务\n甲,乙\n".encode()])
def test_what_is_no_list_is_said_in_a_sentence(app: Flask, tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "people.csv").write_bytes(raw)
    result = app.test_cli_runner().invoke(args=["people", "import", str(tmp_path / "people.csv")])
    assert (result.exit_code, "unreadable_file" in result.output) == (1, True)


def test_names_and_phones_are_sealed_and_go_with_the_person(
    app: Flask, people: People, session: Session, tmp_path: Path
) -> None:
    user = bind(session, people, "13800000001")
    run(app, tmp_path, f"赵铁柱,书记员甲,13800000001,community_worker,{VILLAGE}\n")
    stored = "".join(row[0] for row in session.execute(text("SELECT t::text FROM people_roster t")))
    assert stored
    assert not any(word in stored for word in ("赵铁柱", "书记员甲", "13800000001"))
    admin = people.make((Role.ADMIN, "4210"))
    sought = roster_reading.Sought("421002", "铁柱")
    found = roster_reading.search(admin.actor, sought, limit=10, cursor=None, now=NOW)
    assert [(each.name, each.post, each.phone_masked) for each in found.items] == [
        ("赵铁柱", "书记员甲", "138****0001")
    ]
    shown = admin.get("/people", query_string={"region": "421002", "q": "书记"}).json["items"]
    assert [(each["name"], each["user_id"]) for each in shown] == [("赵铁柱", str(user.id))]
    offices_shown = admin.get("/appointments", query_string={"region": VILLAGE}).json["items"]
    assert [(each["user"]["name"], each["user"]["post"]) for each in offices_shown] == [("赵铁柱", "书记员甲")]
    assert admin.get("/people", query_string={"region": "421002", "q": "书"}).status_code == 422
    assert people.make((Role.ADMIN, "421003")).get("/people", query_string={"region": "421002"}).status_code == 404
    assert people.make((Role.COMMUNITY_WORKER, VILLAGE)).get("/people?region=421002").status_code == 403
    erasure.erase(user.id, now=NOW)
    assert session.scalar(select(func.count()).select_from(RosterEntry)) == 0


def test_a_crash_between_writing_and_matching_heals(
    app: Flask, people: People, session: Session, tmp_path: Path
) -> None:
    run(app, tmp_path, f"张三,书记,13800000001,community_worker,{VILLAGE}\n")
    user = bind(session, people, "13800000001")  # as a process leaves it that dies after the first commit
    assert offices(session, user) == []
    assert (roster.match_waiting(now=NOW), roster.match_waiting(now=NOW)) == (1, 0)
    assert offices(session, user) == [("community_worker", VILLAGE)]


def test_my_data_shows_what_the_list_says_of_me(app: Flask, people: People, session: Session, tmp_path: Path) -> None:
    person = people.make()
    user = session.get_one(User, person.actor.user_id)
    user.phone_digest = runtime().cipher.digest("13800000001", purpose="user.phone")
    session.commit()
    run(app, tmp_path, f"张三,书记,13800000001,community_worker,{VILLAGE}\n")
    (entry,) = person.get("/me/data").get_json()["me"]["list_entries"]
    assert (entry["name"], entry["post"], entry["phone"]) == ("张三", "书记", "13800000001")


def test_who_never_came_is_forgotten_in_time(app: Flask, session: Session, tmp_path: Path) -> None:
    run(app, tmp_path, f"张三,书记,13800000001,community_worker,{VILLAGE}\n")
    (category,) = [each for each in RETENTION if each.name == "people_list"]
    before = NOW - timedelta(days=1)
    after = NOW + timedelta(days=1)
    assert (category.count(session, before), category.count(session, after)) == (0, 1)
    past = NOW + timedelta(days=category.days, seconds=1)
    assert [retention.forget_due(now=past)["people_list"] for _ in range(2)] == [1, 0]
