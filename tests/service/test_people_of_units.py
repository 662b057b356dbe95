"""Officers of units in the city's list: which place a row may name, who may name it, and what becomes of a unit."""

import io
import uuid
from datetime import date
from itertools import product
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.api.test_people_list import after, bound, entries, send, work
from tests.conftest import NOW, random_key
from tests.factories import People, Person
from tests.web.browsing import Browser, form_to
from wxapi.identity.models import AppointmentRow, PeopleImport, RosterEntry
from wxapi.identity.services import appointments, roster, roster_imports
from wxapi.identity.services.appointments import NewAppointment
from wxapi.identity.services.roster_files import RosterRow, check_rows
from wxapi.identity.services.roster_places import NamedUnits
from wxapi.kernel.errors import DomainError
from wxapi.kernel.permissions import ROLE_NAMES, Role
from wxapi.platform.audit import AuditRow
from wxapi.platform.db import db
from wxapi.regions.services.changing import Merger, close_regions
from wxapi.regions.services.lookup import tree
from wxapi.units.rules import UnitKind
from wxapi.units.services.manage import NewUnit, close_unit, make_unit

COUNTY, OTHER_COUNTY, TOWNSHIP, VILLAGE, CLOSED = "421002", "421003", "421002001", "421002001001", "421002001003"
# Nine characters, as a township's code has.
TRAP = "421002-zj"
HEAD = "姓名,职务,手机号,角色,区域,单位\n"


@pytest.fixture
def city_admin(city: None, people: People) -> Person:
    return people.make((Role.ADMIN, "4210"))


@pytest.fixture
def admin(city: None, people: People) -> Person:
    return people.make((Role.ADMIN, COUNTY))


@pytest.fixture
def units(city_admin: Person) -> None:
    """Units that hang on a county, a village and another county; one is closed, two are called the same."""
    actor = city_admin.actor
    for region, suffix, name, kind in (
        (COUNTY, "zj", "住建局", UnitKind.DEPARTMENT),
        (COUNTY, "cg", "城管局", UnitKind.DEPARTMENT),
        (COUNTY, "old", "老办公室", UnitKind.OTHER),
        (VILLAGE, "wy", "物业公司", UnitKind.COMPANY),
        (TOWNSHIP, "one", "供水站", UnitKind.COMPANY),
        ("421002002", "two", "供水站", UnitKind.COMPANY),
        (OTHER_COUNTY, "far", "荆州区局", UnitKind.DEPARTMENT),
    ):
        make_unit(actor, NewUnit(region, suffix, name, kind), now=NOW)
    close_unit(actor, f"{COUNTY}-old", on=date(2026, 11, 23), successor_code=None, now=NOW)


def officer(phone: str, unit: str = TRAP) -> RosterRow:
    return RosterRow("钱大河", "", phone, Role.UNIT_OFFICER, unit.partition("-")[0], unit)


def held(person: Person) -> list[tuple[str, str | None]]:
    found = person.get("/me").json["appointments"]
    return [(each["role"], each["unit"]["code"] if each["unit"] else each["region"]["code"]) for each in found]


def come(session: Session, people: People, phone: str) -> Person:
    """Somebody who binds a phone of the list."""
    person = bound(session, people, phone)
    roster.match([person.actor.user_id], now=NOW)
    return person


# How a place may be written, and the code of what it names for the county's administrator.
REGIONS = {
    "": None,
    VILLAGE: VILLAGE,
    "荆州市沙市区中山街道001村": VILLAGE,
    OTHER_COUNTY: None,
    CLOSED: None,
    "9999": None,
    TRAP: None,
}
UNITS = {
    "": None,
    TRAP: TRAP,
    "住建局": TRAP,
    "荆州市沙市区住建局": TRAP,
    f"{VILLAGE}-wy": f"{VILLAGE}-wy",
    f"{TOWNSHIP}-one": f"{TOWNSHIP}-one",
    "供水站": None,  # there are two
    f"{COUNTY}-old": None,  # closed
    "老办公室": None,
    f"{OTHER_COUNTY}-far": None,
    "荆州区局": None,
    f"{COUNTY}-none": None,
    TOWNSHIP: None,  # a region's own office
}


def test_a_row_names_one_place_that_fits_its_role(units: None, session: Session) -> None:
    """Every role with every way of naming a region and a unit: taken are those that name what the role is held for."""
    close_regions(Merger((CLOSED,), VILLAGE), on=date(2026, 11, 22), now=NOW)
    cases = list(product([*Role, "king"], REGIONS, UNITS))
    rows = [
        (number, dict(name="甲", post="", phone=f"138{number:08}", role=role, region=region, unit=unit))  # noqa: C408
        for number, (role, region, unit) in enumerate(cases)
    ]
    checked = check_rows(rows, tree(), NamedUnits(session, [COUNTY]), within=[COUNTY])
    taken = {row.phone: (row.role, row.region_code, row.unit_code) for row in checked.rows}
    wanted = {}
    for (_, row), (role, region, unit) in zip(rows, cases, strict=True):
        if role == Role.UNIT_OFFICER and not region and UNITS[unit]:
            wanted[row["phone"]] = (role, str(UNITS[unit]).partition("-")[0], UNITS[unit])
        elif role in set(Role) - {Role.UNIT_OFFICER, Role.AUDITOR} and not unit and REGIONS[region]:
            wanted[row["phone"]] = (role, REGIONS[region], None)
    assert taken == wanted
    assert len(checked.rows) + len(checked.faults) == len(cases)
    assert all(fault.sentences for fault in checked.faults)


@pytest.mark.parametrize(
    ("role", "region", "unit", "said"),
    [
        ("unit_officer", "", "", "单位经办人须填单位"),
        ("unit_officer", VILLAGE, TRAP, "单位经办人只填单位，不填区域"),
        ("unit_officer", "", TOWNSHIP, "区划不是单位经办人的单位"),
        ("unit_officer", "", "供水站", "同名单位不止一个，请填单位代码"),
        ("unit_officer", "", "老办公室", "单位已撤销"),
        # What there is elsewhere and what there is not are told the same.
        ("unit_officer", "", f"{OTHER_COUNTY}-far", "单位未知或不在您的管辖区划内"),
        ("unit_officer", "", f"{OTHER_COUNTY}-non", "单位未知或不在您的管辖区划内"),
        ("street_chief", TOWNSHIP, TRAP, "该角色只填区域，不填单位"),
        ("street_chief", "", TRAP, "该角色只填区域，不填单位"),
        ("street_chief", TRAP, "", "区域未知"),
        ("street_chief", OTHER_COUNTY, "", "不在您的管辖区划内"),
        ("auditor", COUNTY, "", "审计员的区域须为市"),
    ],
)
def test_what_is_wrong_is_said_of_the_row(
    units: None, admin: Person, session: Session, role: str, region: str, unit: str, said: str
) -> None:
    failed = after(session, admin, f"{HEAD}甲,,13800000001,{role},{region},{unit}\n")
    assert (failed["state"], failed["code"], entries(session)) == ("failed", "people_invalid", 0)
    assert failed["faults"] == [{"row": 2, "sentences": [said]}]


def test_a_list_names_people_of_every_role(
    units: None, city_admin: Person, admin: Person, people: People, session: Session
) -> None:
    """An auditor for the whole city only, and never beside the administration that they check on."""
    own = {Role.UNIT_OFFICER: ("", TRAP), Role.AUDITOR: ("4210", "")}
    rows = [f"甲,,1380000000{n},{role.value},{','.join(own.get(role, (COUNTY, '')))}\n" for n, role in enumerate(Role)]
    here = [bound(session, people, f"1380000000{n}") for n, _ in enumerate(Role)]
    assert after(session, city_admin, HEAD + "".join(rows))["counts"]["matched"] == len(Role)
    assert [held(person) for person in here] == [
        [(role.value, own[role][1] or own[role][0] if role in own else COUNTY)] for role in Role
    ]
    both = "".join(f"乙,,13900000001,{role},4210,\n" for role in ("admin", "auditor", "supervisor"))
    failed = after(session, city_admin, HEAD + both)
    assert failed["faults"] == [{"row": 3, "sentences": ["同一人不能既是管理员又是审计员"]}]
    # Who has come meanwhile as the other is not appointed.
    mixed = after(session, city_admin, f"{HEAD}甲,,1380000000{list(Role).index(Role.ADMIN)},auditor,4210,\n")
    assert (mixed["state"], held(here[list(Role).index(Role.ADMIN)])) == ("done", [("admin", COUNTY)])
    elsewhere = after(session, admin, f"{HEAD}乙,,13900000001,auditor,4210,\n")
    assert elsewhere["faults"] == [{"row": 2, "sentences": ["不在您的管辖区划内"]}]


def test_an_officer_who_has_come_acts_for_the_unit_and_for_no_region(
    units: None, admin: Person, people: People, session: Session
) -> None:
    here = bound(session, people, "13800000001")
    # One person, two units of one region; a list without a column of regions.
    sheet = "姓名,职务,手机号,角色,单位\n" + "".join(
        f"钱大河,科长,13800000001,单位经办人,{unit}\n" for unit in ("住建局", f"{COUNTY}-cg")
    )
    done = after(session, admin, sheet)
    assert (done["state"], done["counts"]["written"], done["counts"]["matched"]) == ("done", 2, 1)
    assert sorted(held(here)) == [("unit_officer", f"{COUNTY}-cg"), ("unit_officer", TRAP)]
    assert after(session, admin, sheet)["counts"] == {"written": 0, "changed": 0, "matched": 0, "unchanged": 2}
    listed = admin.get("/people?q=钱大河").json["items"]
    assert {(each["unit"]["code"], each["unit"]["name"]) for each in listed} == {
        (TRAP, "住建局"),
        (f"{COUNTY}-cg", "城管局"),
    }
    (mine, _) = here.get("/me/data").json["me"]["list_entries"]
    assert mine["unit_code"] in {TRAP, f"{COUNTY}-cg"}


def test_a_township_does_not_name_the_countys_units(units: None, people: People, session: Session) -> None:
    township = people.make((Role.ADMIN, TOWNSHIP))
    rows = "".join(
        f"甲,,1380000000{number},unit_officer,,{unit}\n"
        for number, unit in enumerate((TRAP, f"{TOWNSHIP}-one", f"{VILLAGE}-wy", "供水站"))
    )
    failed = after(session, township, HEAD + rows)
    # Of the two of one name only one is theirs.
    assert [fault["row"] for fault in failed["faults"]] == [2]


@pytest.mark.parametrize(
    ("happens", "code"), [("right", "rights_changed"), ("unit", "unit_closed"), ("region", "region_closed")]
)
def test_asked_again_in_the_transaction_that_writes(
    units: None,
    admin: Person,
    city_admin: Person,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    happens: str,
    code: str,
) -> None:
    rows = f"甲,,13800000001,unit_officer,,{TRAP}\n乙,,13800000002,community_worker,{CLOSED},\n"
    sent = send(admin, HEAD + rows).json["id"]
    check = roster_imports._check

    def and_then(*args: Any, **kwargs: Any) -> Any:
        found = check(*args, **kwargs)
        if happens == "right":
            office = select(AppointmentRow.id).where(AppointmentRow.user_id == admin.actor.user_id)
            appointments.end_appointment(None, session.scalars(office).one(), now=NOW)
        elif happens == "unit":
            close_unit(city_admin.actor, TRAP, on=date(2026, 11, 23), successor_code=f"{COUNTY}-cg", now=NOW)
        else:
            close_regions(Merger((CLOSED,), VILLAGE), on=date(2026, 11, 22), now=NOW)
        return found

    monkeypatch.setattr(roster_imports, "_check", and_then)
    work(session)
    row = session.get_one(PeopleImport, uuid.UUID(sent), populate_existing=True)
    assert (row.state, row.code, entries(session)) == ("failed", code, 0)


@pytest.mark.parametrize("successor", [f"{COUNTY}-cg", None, COUNTY])
def test_who_comes_after_the_unit_was_closed(
    units: None, city_admin: Person, people: People, session: Session, successor: str | None
) -> None:
    roster.import_people([officer("13800000001")], now=NOW, dry_run=False)
    close_unit(city_admin.actor, TRAP, on=date(2026, 11, 23), successor_code=successor, now=NOW)
    with pytest.raises(DomainError, match="unit_closed"):
        roster.import_people([officer("13800000002")], now=NOW, dry_run=False)
    person = come(session, people, "13800000001")
    goes_on = successor if successor and "-" in successor else None
    assert held(person) == ([("unit_officer", goes_on)] if goes_on else [])
    refused = session.scalars(select(AuditRow.action).where(AuditRow.subject == f"user:{person.actor.user_id}")).all()
    assert ("appointment.refuse" in refused) == (goes_on is None)


def test_a_list_goes_with_its_units_when_their_region_does(
    units: None, city_admin: Person, people: People, session: Session
) -> None:
    far = "421002001002"
    for suffix in ("wy", "gone"):
        if suffix == "gone":
            make_unit(city_admin.actor, NewUnit(VILLAGE, suffix, "旧站", UnitKind.OTHER), now=NOW)
        roster.import_people([officer("13800000001", f"{VILLAGE}-{suffix}")], now=NOW, dry_run=False)
    # One holds the office already; the unit is closed before its region is, and the office with it.
    here = people.make()
    for_gone = NewAppointment(here.actor.user_id, Role.UNIT_OFFICER, VILLAGE, unit_code=f"{VILLAGE}-gone")
    appointments.appoint_by_operator(for_gone, now=NOW)
    close_unit(city_admin.actor, f"{VILLAGE}-gone", on=date(2026, 11, 22), successor_code=None, now=NOW)
    close_regions(Merger((VILLAGE,), far), on=date(2026, 11, 22), now=NOW)
    session.expire_all()
    places = {tuple(row) for row in session.execute(select(RosterEntry.region_code, RosterEntry.unit_code))}
    assert places == {(far, f"{far}-wy"), (VILLAGE, f"{VILLAGE}-gone")}
    assert held(here) == []
    assert held(come(session, people, "13800000001")) == [("unit_officer", f"{far}-wy")]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"role": "unit_officer", "unit_code": TRAP}, 201, None),
        ({"role": "unit_officer", "region_code": COUNTY}, 422, "role_needs_unit"),
        ({"role": "unit_officer", "unit_code": TOWNSHIP}, 422, "role_needs_region"),
        ({"role": "unit_officer", "unit_code": f"{COUNTY}-old"}, 422, "unit_closed"),
        ({"role": "unit_officer", "unit_code": f"{OTHER_COUNTY}-far"}, 404, "not_found"),
        ({"role": "unit_officer", "unit_code": f"{COUNTY}-none"}, 404, "not_found"),
        ({"role": "street_chief", "unit_code": TRAP}, 422, "role_needs_region"),
        ({"role": "street_chief", "unit_code": TRAP, "region_code": TOWNSHIP}, 422, "validation_failed"),
        ({"role": "street_chief"}, 422, "validation_failed"),
        ({"role": "auditor", "region_code": COUNTY}, 422, "role_needs_city"),
    ],
)
def test_one_more_of_a_unit(
    units: None, admin: Person, session: Session, body: dict[str, str], status: int, code: str | None
) -> None:
    answer = admin.post("/people", {"name": "钱大河", "phone": "13800000001", **body}, key=random_key())
    assert (answer.status_code, answer.json.get("code")) == (status, code)
    assert entries(session) == (1 if status == 201 else 0)
    if status == 201:
        assert (answer.json["unit"], answer.json["region"]["code"]) == ({"code": TRAP, "name": "住建局"}, COUNTY)
        slip = admin.post("/people/invitations", {"person_ids": [answer.json["id"]]}).json["items"][0]
        assert slip["offices"][0]["unit_name"] == "住建局"


def test_the_blank_sheet_is_a_list_when_it_is_filled_in(
    units: None, city_admin: Person, app: Flask, session: Session
) -> None:
    answer = Browser(app).sign_in(city_admin).get("/desk/people/imports/template.xlsx")
    assert answer.status_code == 200
    book = load_workbook(io.BytesIO(answer.data))
    sheet = book.worksheets[0]
    assert ",".join(cell.value for cell in sheet[1]) == HEAD.strip()
    # As text: a spreadsheet makes a number of a phone.
    assert sheet.column_dimensions["C"].number_format == "@"
    offered = sheet.data_validations.dataValidation[0].formula1.strip('"').split(",")
    assert offered == list(ROLE_NAMES.values())
    places = {ROLE_NAMES[Role.UNIT_OFFICER]: ("", TRAP), ROLE_NAMES[Role.AUDITOR]: ("4210", "")}
    for number, role in enumerate(offered):
        sheet.append([f"甲{number}", "", f"1380000000{number}", role, *places.get(role, (TOWNSHIP, ""))])
    raw = io.BytesIO()
    book.save(raw)
    done = after(session, city_admin, raw.getvalue())
    assert (done["state"], done["counts"]["written"]) == ("done", len(offered))


def test_the_page_takes_a_unit_by_its_name(units: None, admin: Person, app: Flask) -> None:
    desk = Browser(app).sign_in(admin)
    form = form_to(desk.page("/desk/people/new"), "/desk/people/new")
    typed = {"name": "钱大河", "phone": "13800000001", "role": "unit_officer"}
    for unit in ("", "供水站", "荆州区局"):
        assert desk.submit(form, **typed, unit_code=unit).status_code == 422
    added = desk.submit(form, **typed, unit_code="住建局")
    assert added.status_code == 303
    assert TRAP in desk.page(added.location).get_text()
    assert "住建局" in desk.page("/desk/people?q=钱大河").get_text()
    db.session.rollback()
