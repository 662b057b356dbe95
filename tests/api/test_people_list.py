"""The city's list over the API: imports, search, slips, colleagues; and who never sees a name."""

import io
import json
import re
import uuid
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from openpyxl import Workbook
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from config import Config
from tests import places
from tests.at_once import somebody_waits
from tests.conftest import NOW, app_in_savepoint
from tests.factories import People, Person
from tests.fake_wechat_control import FakeControl
from tests.processes import await_true
from wxapi.identity.models import AppointmentRow, PeopleImport, RosterEntry, User
from wxapi.identity.services import appointments, erasure, retention, roster, roster_imports
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.notifications.models import Message
from wxapi.notifications.services.offices import tell_of_import
from wxapi.platform.db import db
from wxapi.platform.kept_answers import IdempotencyRow
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime

CITY, COUNTY, OTHER_COUNTY, VILLAGE, OTHER_VILLAGE = "4210", "421002", "421003", "421002001001", "421003001001"
HEAD = "姓名,职务,手机号,角色,区域\n"
ROW = f"赵铁柱,书记员甲,13800000001,community_worker,{VILLAGE}\n"


@pytest.fixture
def admin(city: None, people: People) -> Person:
    return people.make((Role.ADMIN, COUNTY))


def send(person: Person, content: str | bytes, *, dry_run: str = "false", key: str | None = None) -> TestResponse:
    raw = content.encode() if isinstance(content, str) else content
    headers = {"Idempotency-Key": key} if key else {}
    # As bytes: the test client would leave a large form's temporary file open.
    boundary, body = encode_multipart({"file": FileStorage(io.BytesIO(raw), "名单.csv"), "dry_run": dry_run})
    form_type = f"multipart/form-data; boundary={boundary}"
    return person.call("POST", "/people/imports", data=body, content_type=form_type, headers=headers)


def work(session: Session, *, twice: bool = False) -> None:
    """What a worker does with the lists that were sent."""
    rows = session.scalars(select(OutboxRow).where(OutboxRow.topic == "people.import_asked")).all()
    for row in rows * (2 if twice else 1):
        roster_imports.run(uuid.UUID(row.payload["import_id"]), now=NOW)
    for row in rows:
        session.delete(row)
    session.commit()


def after(session: Session, person: Person, content: str | bytes, **how: Any) -> Any:
    """The import as it stands when its job is done."""
    sent = send(person, content, **how)
    assert sent.status_code == 202, sent.text
    assert sent.json["state"] == "queued"
    work(session, twice=True)
    return person.get(f"/people/imports/{sent.json['id']}").json


def entries(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(RosterEntry)) or 0


def bound(session: Session, people: People, phone: str) -> Person:
    person = people.make()
    user = session.get_one(User, person.actor.user_id)
    user.phone_digest = runtime().cipher.digest(phone, purpose="user.phone")
    session.commit()
    return person


def offices(person: Person) -> list[tuple[str, str]]:
    return [(each["role"], each["region"]["code"]) for each in person.get("/me").json["appointments"]]


def workbook(*rows: list[Any]) -> bytes:
    book, raw = Workbook(), io.BytesIO()
    book.active.append(HEAD.strip().split(","))
    for row in rows:
        book.active.append(row)
    book.save(raw)
    return raw.getvalue()


class TestImport:
    def test_a_list_is_written_and_a_repeat_changes_nothing(
        self, admin: Person, people: People, session: Session
    ) -> None:
        here = bound(session, people, "13800000001")
        sheet = workbook(
            ["赵铁柱", "书记", 13800000001.0, "community_worker", int(VILLAGE)],
            ["李四", "", 13800000002, "街长", "421002001"],
        )
        done = after(session, admin, sheet)
        assert done["state"] == "done"
        assert done["counts"] == {"written": 2, "changed": 0, "matched": 1, "unchanged": 0}
        assert done["progress"] == {"done": 2, "total": 2}
        assert offices(here) == [("community_worker", VILLAGE)]
        renamed = ROW.replace("书记员甲", "主任") + "李四,,13800000002,street_chief,421002001\n"
        assert after(session, admin, HEAD + renamed)["counts"] == {
            "written": 0,
            "changed": 1,
            "matched": 0,
            "unchanged": 1,
        }
        listed = admin.get("/people", query_string={"q": "铁柱"}).json["items"]
        assert [(each["post"], each["user_id"]) for each in listed] == [("主任", str(here.actor.user_id))]
        made = session.scalars(select(AppointmentRow.appointed_by).where(AppointmentRow.user_id == here.actor.user_id))
        assert made.all() == [admin.actor.user_id]

    def test_one_wrong_row_and_nothing_is_written(self, admin: Person, session: Session) -> None:
        rows = f"{ROW}\n,书记,1380,king,9999\n王五,,13800000003,admin,{OTHER_COUNTY}\n{ROW}{'长' * 201},,,,\n"
        failed = after(session, admin, HEAD + rows)
        assert (failed["state"], failed["code"], failed["fault_count"]) == ("failed", "people_invalid", 4)
        assert failed["faults"] == [
            {"row": 4, "sentences": ["姓名为空或过长", "手机号不是 11 位手机号码", "角色未知", "区域未知"]},
            {"row": 5, "sentences": ["不在您的管辖区划内"]},
            {"row": 6, "sentences": ["与前面的行重复"]},
            {"row": 7, "sentences": ["单元格内容过长"]},
        ]
        assert entries(session) == 0
        # What was sent is forgotten, and no fault repeats what stood in a row.
        row = session.scalars(select(PeopleImport)).one()
        assert row.content_sealed is None
        assert "王五" not in json.dumps(row.faults, ensure_ascii=False)

    def test_checked_first_and_then_applied_without_the_file(
        self, admin: Person, session: Session, clock: FixedClock
    ) -> None:
        clock.advance(hours=1)  # to check a list needs no phone
        sent = send(admin, HEAD + ROW, dry_run="true")
        path = f"/people/imports/{sent.json['id']}"
        work(session)
        checked = admin.get(path).json
        assert (checked["state"], checked["counts"]["written"], entries(session)) == ("checked", 1, 0)
        assert admin.post(f"{path}/apply").json["code"] == "confirmation_required"
        assert send(admin, HEAD + ROW).json["code"] == "confirmation_required"
        clock.at = NOW
        assert admin.post(f"{path}/apply").status_code == 202
        work(session)
        assert (admin.get(path).json["state"], entries(session)) == ("done", 1)
        assert admin.post(f"{path}/apply").json["code"] == "import_not_checked"

    def test_an_old_file_is_forgotten(self, admin: Person, session: Session) -> None:
        path = f"/people/imports/{after(session, admin, HEAD + ROW, dry_run='true')['id']}"
        assert retention.forget_files(now=NOW + timedelta(hours=23)) == 0
        assert retention.forget_files(now=NOW + timedelta(hours=25)) == 1
        session.expire_all()
        assert admin.get(path).json["state"] == "expired"
        assert admin.post(f"{path}/apply").json["code"] == "import_not_checked"

    def test_taken_back(self, admin: Person, session: Session) -> None:
        sent = send(admin, HEAD + ROW)
        path = f"/people/imports/{sent.json['id']}"
        assert admin.call("DELETE", path).status_code == 204
        work(session)
        assert (admin.get(path).json["state"], entries(session)) == ("cancelled", 0)
        assert session.scalars(select(PeopleImport.content_sealed)).all() == [None]

    def test_a_right_that_ends_before_the_job_writes_nothing(
        self, admin: Person, people: People, session: Session
    ) -> None:
        """As a whole: the administrator keeps a township of the county, and half of the rows lie there."""
        half = f"李四,,13800000002,community_worker,{VILLAGE}\n王五,,13800000003,street_chief,421002002\n"
        sent = send(admin, HEAD + half)
        (office,) = session.scalars(
            select(AppointmentRow.id).where(AppointmentRow.user_id == admin.actor.user_id)
        ).all()
        appointments.end_appointment(None, office, now=NOW)
        wanted = appointments.NewAppointment(admin.actor.user_id, Role.ADMIN, "421002001")
        appointments.appoint_by_operator(wanted, now=NOW)
        work(session)
        failed = admin.get(f"/people/imports/{sent.json['id']}").json
        assert failed["state"] == "failed"
        assert failed["faults"] == [{"row": 3, "sentences": ["不在您的管辖区划内"]}]
        assert entries(session) == 0

    def test_a_right_that_ends_between_checking_and_writing(
        self, admin: Person, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent = send(admin, HEAD + ROW)
        check = roster_imports._check

        def check_and_lose(*args: Any, **kwargs: Any) -> Any:
            found = check(*args, **kwargs)
            (office,) = session.scalars(
                select(AppointmentRow.id).where(AppointmentRow.user_id == admin.actor.user_id)
            ).all()
            appointments.end_appointment(None, office, now=NOW)
            return found

        monkeypatch.setattr(roster_imports, "_check", check_and_lose)
        work(session)
        row = session.scalars(select(PeopleImport).where(PeopleImport.id == uuid.UUID(sent.json["id"]))).one()
        session.refresh(row)
        assert (row.state, row.code, entries(session)) == ("failed", "rights_changed", 0)

    def test_only_ones_own(self, admin: Person, people: People, session: Session) -> None:
        path = f"/people/imports/{after(session, admin, HEAD + ROW)['id']}"
        other = people.make((Role.ADMIN, COUNTY))
        answers = [other.get(path), other.post(f"{path}/apply"), other.call("DELETE", path)]
        assert {answer.status_code for answer in answers} == {404}
        assert other.get("/people/imports").json["items"] == []
        assert len(admin.get("/people/imports").json["items"]) == 1

    def test_the_same_key_is_the_same_import(self, admin: Person, session: Session) -> None:
        first, again = send(admin, HEAD + ROW, key="import-1"), send(admin, HEAD + ROW, key="import-1")
        assert first.json["id"] == again.json["id"]
        assert session.scalar(select(func.count()).select_from(PeopleImport)) == 1
        assert send(admin, HEAD, key="import-1").json["code"] == "idempotency_key_reused"

    def test_not_more_than_two_at_once(self, admin: Person) -> None:
        codes = [send(admin, HEAD + ROW).status_code for _ in range(3)]
        assert codes == [202, 202, 409]

    def test_the_file_is_sealed_while_it_waits(self, admin: Person, session: Session) -> None:
        send(admin, HEAD + ROW)
        stored = "".join(row[0] for row in session.execute(text("SELECT t::text FROM people_imports t")))
        raw = session.scalars(select(PeopleImport.content_sealed)).one() or b""
        assert not any(word in stored for word in ("赵铁柱", "13800000001"))
        assert "赵铁柱".encode() not in raw
        assert b"13800000001" not in raw

    def test_the_administrator_is_told(self, admin: Person, session: Session) -> None:
        done = after(session, admin, HEAD + ROW)
        for _ in range(2):
            tell_of_import(uuid.UUID(done["id"]), now=NOW)
        told = session.scalars(select(Message).where(Message.user_id == admin.actor.user_id)).all()
        assert [(each.title, each.body) for each in told] == [("名单已导入", "新增 1 人，更新 0 人，0 行此前已有。")]

    def test_an_erased_administrator_leaves_no_file(self, admin: Person, session: Session) -> None:
        send(admin, HEAD + ROW)
        erasure.erase(admin.actor.user_id, now=NOW)
        assert session.scalar(select(func.count()).select_from(PeopleImport)) == 0


def _bomb() -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"0" * (60 << 20))
    return raw.getvalue()


def _charts_alone() -> bytes:
    book, raw = Workbook(), io.BytesIO()
    book.create_chartsheet()
    del book[book.sheetnames[0]]
    book.save(raw)
    return raw.getvalue()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (_bomb, "list_too_large"),
        (lambda: b"PK\x03\x04 no zip", "unreadable_file"),
        (lambda: b"\x89PNG\r\n", "unreadable_file"),
        (_charts_alone, "unreadable_file"),
        ("姓名,职务\n甲,乙\n".encode, "unreadable_file"),
        ((HEAD + "甲,,13800000001,admin,421002\n" * 20_001).encode, "too_many_rows"),
        ((HEAD + f'"{"x" * 200_000}",,,,\n').encode, "unreadable_file"),
    ],
)
def test_hostile_files_end_in_a_sentence(admin: Person, session: Session, raw: Callable[[], bytes], code: str) -> None:
    failed = after(session, admin, raw())
    assert (failed["state"], failed["code"]) == ("failed", code)
    assert failed["detail"]
    assert entries(session) == 0


def test_what_is_refused_at_the_door(admin: Person, people: People) -> None:
    assert send(admin, b"").json["code"] == "file_empty"
    assert send(admin, b"x" * ((4 << 20) + 1)).status_code == 413
    assert send(admin, b"x" * (5 << 20)).status_code == 413
    assert send(admin, HEAD, dry_run="perhaps").status_code == 422
    assert send(people.make((Role.COMMUNITY_WORKER, VILLAGE)), HEAD + ROW).status_code == 403


def test_a_sheet_as_spreadsheets_save_it_here(admin: Person, session: Session) -> None:
    done = after(session, admin, (HEAD + ROW).encode("gb18030"))
    assert (done["state"], done["counts"]["written"]) == ("done", 1)
    assert admin.get("/people", query_string={"q": "铁柱"}).json["items"]


class TestTheList:
    def test_one_person_more_and_one_less(self, admin: Person, people: People, session: Session) -> None:
        body = {
            "name": "赵铁柱",
            "post": "书记",
            "phone": "13800000001",
            "role": "community_worker",
            "region_code": VILLAGE,
        }
        made = admin.post("/people", body)
        assert (made.status_code, made.json["phone_masked"], made.json["user_id"]) == (201, "138****0001", None)
        assert admin.post("/people", {**body, "post": "主任"}).json["id"] == made.json["id"]
        assert admin.post("/people", {**body, "region_code": OTHER_VILLAGE}).status_code == 404
        assert admin.post("/people", {**body, "role": "unit_officer"}).json["code"] == "role_needs_unit"
        assert admin.post("/people", {**body, "phone": "12345678901"}).status_code == 422
        here = bound(session, people, "13800000002")
        come = admin.post("/people", {**body, "phone": "13800000002"})
        assert come.json["user_id"] == str(here.actor.user_id)
        assert offices(here) == [("community_worker", VILLAGE)]
        assert admin.call("DELETE", f"/people/{come.json['id']}").json["code"] == "already_bound"
        other = people.make((Role.ADMIN, OTHER_COUNTY))
        assert other.call("DELETE", f"/people/{made.json['id']}").status_code == 404
        assert admin.call("DELETE", f"/people/{made.json['id']}").status_code == 204
        assert [each["id"] for each in admin.get("/people").json["items"]] == [come.json["id"]]

    def test_search_and_pages(self, admin: Person, people: People, session: Session) -> None:
        rows = "".join(f"王{n:02}号,网格长,138000001{n:02},community_worker,{VILLAGE}\n" for n in range(25))
        assert after(session, admin, HEAD + rows + ROW)["state"] == "done"
        seen, cursor = [], None
        for _ in range(3):
            page = admin.get(
                "/people", query_string={"q": "网格", "limit": 10, **({"cursor": cursor} if cursor else {})}
            ).json
            seen += [each["name"] for each in page["items"]]
            cursor = page["next_cursor"]
        assert (len(seen), len(set(seen)), cursor) == (25, 25, None)
        by_phone = admin.get("/people", query_string={"q": "13800000001"}).json["items"]
        assert [each["name"] for each in by_phone] == ["赵铁柱"]
        assert admin.get("/people?q=王").status_code == 422
        assert admin.get("/people?state=bound").json["items"] == []
        assert len(admin.get("/people?state=waiting&limit=100").json["items"]) == 26
        assert admin.get(f"/people?region={OTHER_COUNTY}").status_code == 404
        assert people.make((Role.ADMIN, OTHER_COUNTY)).get("/people").json["items"] == []

    def test_a_number_that_two_have_bound_is_nobodys(self, admin: Person, people: People, session: Session) -> None:
        first, second = bound(session, people, "13800000001"), bound(session, people, "13800000001")
        after(session, admin, HEAD + ROW)
        assert offices(first) == offices(second) == []


class TestSlips:
    @pytest.fixture
    def person_id(self, admin: Person, session: Session) -> str:
        after(session, admin, HEAD + ROW)
        return str(admin.get("/people").json["items"][0]["id"])

    @staticmethod
    def slip(admin: Person, *ids: str) -> Any:
        answer = admin.post("/people/invitations", {"person_ids": list(ids)}, key="slips-1")
        assert answer.status_code == 201, answer.text
        return answer.json["items"][0]

    def test_a_code_is_good_once(self, admin: Person, people: People, person_id: str) -> None:
        code = self.slip(admin, person_id)["code"]
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", code)
        person, thief = people.make(), people.make()
        typed = f" {code.lower().replace('-', ' ').replace('0', 'o').replace('1', 'l')} "
        # The first group by a keyboard that was left at full width.
        typed = f" {typed[1:5].translate({each: each + 0xFEE0 for each in range(0x21, 0x7F)})}－{typed[6:]}"
        me = person.post("/me/invitation", {"invitation": typed})
        assert (me.status_code, offices(person)) == (200, [("community_worker", VILLAGE)])
        again = thief.post("/me/invitation", {"invitation": code})
        assert (again.status_code, again.json["code"], offices(thief)) == (422, "invitation_invalid", [])
        assert admin.post("/people/invitations", {"person_ids": [person_id]}).json["code"] == "nobody_waits"

    def test_it_expires_and_is_replaced(self, admin: Person, people: People, person_id: str, clock: FixedClock) -> None:
        first = self.slip(admin, person_id)["code"]
        second = self.slip(admin, person_id)["code"]  # also under the same key: no answer was kept
        person = people.make()
        assert person.post("/me/invitation", {"invitation": first}).status_code == 422
        clock.advance(days=29, hours=23)
        late = people.make()
        clock.advance(hours=2)
        assert late.post("/me/invitation", {"invitation": second}).status_code == 422
        clock.at = NOW
        assert person.post("/me/invitation", {"invitation": second}).status_code == 200

    def test_only_a_digest_is_kept(self, admin: Person, session: Session, person_id: str) -> None:
        code = self.slip(admin, person_id)["code"]
        plain = code.replace("-", "")
        kept = session.scalars(select(IdempotencyRow).where(IdempotencyRow.key == "slips-1")).all()
        assert kept == []
        for table in ("people_roster", "audit", "outbox", "idempotency_keys"):
            stored = "".join(row[0] for row in session.execute(text(f"SELECT t::text FROM {table} t")))
            assert code not in stored
            assert plain not in stored
        assert len(session.scalars(select(RosterEntry.invitation_digest)).one() or b"") == 32

    def test_who_may_make_them(self, admin: Person, people: People, person_id: str, clock: FixedClock) -> None:
        other = people.make((Role.ADMIN, OTHER_COUNTY))
        assert other.post("/people/invitations", {"person_ids": [person_id]}).status_code == 404
        assert admin.post("/people/invitations", {"person_ids": [person_id, str(uuid.uuid4())]}).status_code == 404
        clock.advance(minutes=16)
        refused = admin.post("/people/invitations", {"person_ids": [person_id]})
        assert refused.json["code"] == "confirmation_required"

    def test_one_slip_for_two_offices_and_none_of_elsewhere(
        self, admin: Person, people: People, session: Session
    ) -> None:
        """The phone has an entry in another county too, which this administrator's slip must not open."""
        after(session, admin, HEAD + ROW + "赵铁柱,书记,13800000001,street_chief,421002001\n")
        city_admin = people.make((Role.ADMIN, CITY))
        after(session, city_admin, HEAD + f"赵铁柱,书记,13800000001,admin,{OTHER_COUNTY}\n")
        ids = [each["id"] for each in admin.get("/people").json["items"]]
        slip = self.slip(admin, *ids)
        assert len(slip["offices"]) == 2
        person = people.make()
        person.post("/me/invitation", {"invitation": slip["code"]})
        assert offices(person) == [("street_chief", "421002001"), ("community_worker", VILLAGE)]

    def test_at_login(self, make_config: Callable[..., Config], fake_wechat: str, fake: FakeControl) -> None:
        with app_in_savepoint(make_config(wechat_base_url=fake_wechat)) as app:
            places.import_small_city()
            admin = People(app).make((Role.ADMIN, COUNTY))
            body = {"name": "赵", "phone": "13800000001", "role": "community_worker", "region_code": VILLAGE}
            made = admin.post("/people", body)
            code = self.slip(admin, made.json["id"])["code"]
            client = app.test_client()
            wx_code = fake.login_code("slip-1")
            wrong = client.post("/api/v1/auth/wechat", json={"code": wx_code, "invitation": "0000-0000-0000"})
            assert wrong.json["code"] == "invitation_invalid"
            without = client.post("/api/v1/auth/wechat", json={"code": wx_code})
            assert without.json["user"]["appointments"] == []
            right = client.post("/api/v1/auth/wechat", json={"code": wx_code, "invitation": code})
            assert right.json["access_token"] == without.json["access_token"]
            assert [each["region"]["code"] for each in right.json["user"]["appointments"]] == [VILLAGE]

    @pytest.mark.parametrize(("path", "most"), [("/api/v1/me/invitation", 10), ("/api/v1/auth/wechat", 120)])
    def test_guessing_is_slowed(self, make_config: Callable[..., Config], path: str, most: int) -> None:
        with app_in_savepoint(make_config(rate_limits=True)) as app:
            person = People(app).make()
            client = app.test_client()
            body = {"invitation": "0000-0000-0000", **({"code": "c" * 8} if "wechat" in path else {})}
            sent = [
                client.post(path, json=body, headers={"Authorization": f"Bearer {person.token}"}).status_code
                for _ in range(most + 1)
            ]
            assert 429 not in sent[:-1]
            assert sent[-1] == 429


def test_nobody_is_taken_off_while_the_list_is_written(open_app: Flask) -> None:
    """Who adds somebody that is there counts on the entry that was found: gone since, the answer was a 500."""
    places.import_small_city()
    admin = People(open_app).make((Role.ADMIN, COUNTY))
    body = {"name": "张三", "post": "书记", "phone": "13800000001", "role": "community_worker", "region_code": VILLAGE}
    path = f"/people/{admin.post('/people', body).json['id']}"
    with ThreadPoolExecutor(1) as pool:
        with Session(db.engine) as writing, writing.begin():
            roster.lock_list(writing)
            removal = pool.submit(admin.call, "DELETE", path)
            await_true(somebody_waits, 10)
            assert entries(writing) == 1
        assert removal.result(10).status_code == 204
