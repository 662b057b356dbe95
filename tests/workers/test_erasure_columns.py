"""Erasure, column by column: each that can hold words is written to in a person's life, or says why none end there.

The columns are read from the database's catalog, so a new one fails until it is marked or decided. What is sealed or
a digest cannot be searched for a word: there the values of the person's rows are compared.
"""

import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote as quoted

import pytest
from flask import Flask
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from config import Config
from tests import reporting, schooling
from tests.conftest import NOW, app_in_savepoint
from tests.factories import People, Person
from tests.fake_wechat_control import FakeControl
from tests.reporting import VILLAGE
from tests.web.browsing import Browser, form_to
from workers.topics import TOPICS
from wxapi.identity.services import roster
from wxapi.identity.services.roster_files import RosterRow
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime

# A name; a phone number, which is masked where a citizen writes of a place; and letters where only those are taken.
MARKER, NUMBER, LETTERS = "赵铁柱的标记", "13987654321", "zhao-tie-zhu"
MARKS = (MARKER, quoted(MARKER), NUMBER, LETTERS)
OPENID = "o-zhao-tie-zhu"

# Columns in which the life below leaves the marker.
MARKED = {
    "exports": {"asked"},
    "idempotency_keys": {"key"},
    "messages": {"body"},
    "report_filters": {"name", "query"},
    "training_attendance_events": {"reason"},
    "training_certificates": {"holder_name"},
    "training_flags": {"note"},
    "training_leave_requests": {"note", "reason"},
    "users": {"consent_version", "nickname"},
    "web_logins": {"next_path"},
}
_OF_MINE = "(SELECT reporter_id FROM reports WHERE reports.id = report_id)"
# Sealed values and digests of the person, and what says whose row it is. All are written below.
SEALED = {
    "idempotency_keys": ("user_id", {"body", "fingerprint"}),
    "people_roster": ("user_id", {"name_sealed", "phone_digest", "phone_sealed", "post_sealed"}),
    "report_originals": (_OF_MINE, {"sealed"}),
    "tokens": ("user_id", {"digest"}),
    "training_attendance": ("user_id", {"device_digest"}),
    "users": ("id", {"openid_digest", "openid_sealed", "phone_digest", "phone_sealed"}),
    "web_logins": ("user_id", {"browser_digest"}),
    "web_sessions": ("user_id", {"digest"}),
}
# Why no word of a person ends in the others.
CODE = "a code or a choice of the product's own table"
PLACE = "a code of a region or unit"
BODY = "the name of an institution or of a public event"
OFFICE = "what an office says as an office: its record stays (ADR 0111), without the link to who wrote it"
MADE = "made by the product"
DECIDED: dict[str, dict[str, set[str]]] = {
    CODE: {
        "appointments": {"role"},
        "audit": {"action", "detail"},
        "duties": {"card", "class_code", "clock", "drop_reason", "stage", "subject_type"},
        "duty_appeals": {"decision"},
        "exports": {"code", "format", "kind", "state"},
        "figure_sums": {"axis", "key", "stage"},
        "figure_times": {"stage", "used"},
        "idempotency_keys": {"content_type"},
        "matters": {"code", "kind"},
        "message_grants": {"source", "template_id"},
        "message_templates": {"fields", "kind", "page", "template_id"},
        "messages": {"delivery", "kind"},
        "moderation_checks": {"kind", "state"},
        "moderation_traces": {"suggest", "trace_id"},
        "outbox": {"job", "last_error", "topic"},
        "people_imports": {"code", "state"},
        "people_roster": {"role"},
        "photos": {"rejection", "state", "used_by_kind"},
        "push_events": {"event"},
        "refused_attempts": {"code", "endpoint"},
        "report_events": {"action", "category_code", "detail", "from_state", "role", "to_state"},
        "report_originals": {"field"},
        "report_photos": {"purpose"},
        "reports": {
            "card",
            "category_code",
            "extension",
            "hold_reason_code",
            "merged_from_state",
            "picked_by",
            "resolve_lifted",
            "respond_lifted",
            "state",
        },
        "scenes": {"kind"},
        "schedule": {"name"},
        "heartbeats": {"name"},
        "sealing_keys": {"kind", "name"},
        "training_attendance": {"flags", "state", "state_before", "via"},
        "training_attendance_events": {"action", "from_state", "to_state"},
        "training_enrolments": {"state"},
        "training_flags": {"decision", "reason"},
        "training_hours": {"rule_version"},
        "training_leave_requests": {"decision"},
        "training_refusals": {"code", "tried"},
        "training_sessions": {"audience_roles", "kind", "state"},
        "units": {"field", "kind"},
        "users": {"kind"},
        "web_logins": {"state"},
    },
    PLACE: {
        "appointments": {"region_code", "unit_code"},
        "bulletins": {"region_code"},
        "duties": {
            "place_code", "place_county_code", "place_township_code", "place_village_code",
            "unit_code", "unit_county_code", "unit_township_code", "unit_village_code",
        },
        "figure_marks": {"county_code"},
        "figure_months": {"county_code"},
        "figure_sums": {"county_code", "township_code"},
        "figure_times": {"county_code"},
        "matters": {"lead_unit_code", "region_code"},
        "people_roster": {"region_code", "unit_code"},
        "regions": {"boundary", "code", "level", "parent_code", "successor_code"},
        "report_events": {"county_code", "desk_code", "held_by", "township_code", "unit_code", "village_code"},
        "reports": {
            "candidates", "copy_codes", "county_code", "desk_code", "desk_county_code", "desk_township_code",
            "desk_village_code", "excluded_village_code", "grid_code", "township_code", "village_code",
        },
        "training_series": {"region_code"},
        "training_sessions": {"audience_region_codes", "region_code"},
        "units": {"code", "region_code", "successor_code"},
    },
    BODY: {
        "bulletins": {"content", "title"},
        "matters": {"name"},
        "regions": {"name"},
        "training_series": {"title"},
        "training_sessions": {"place", "title"},
        "units": {"name"},
    },
    OFFICE: {"duty_appeals": {"decision_note", "note"}},
    MADE: {
        "audit": {"digest", "subject"},
        "audit_addresses": {"digest"},
        "audit_links": {"digest"},
        "bulletins": {"sha256"},
        "duties": {"subject_number"},
        "exports": {"file_key", "sha256"},
        "messages": {"step", "subject", "wechat_id"},
        "outbox": {"payload"},
        "people_roster": {"invitation_digest"},
        "photos": {"sha256", "variants"},
        "push_events": {"repeat_digest"},
        "reports": {"number"},
        "scenes": {"picture_key", "scene", "subject"},
        "sealing_keys": {"proof"},
        "training_certificates": {"check_code"},
        "training_flags": {"detail", "subject"},
        "training_sessions": {"secret_sealed"},
        "web_logins": {"browser", "id", "place"},
        "web_sessions": {"browser", "place"},
    },
    "the version of the schema": {"alembic_version": {"version_num"}},
    "chosen by the program that calls, its letters checked; the record of who did what is kept whole": {
        "audit": {"request_id"},
    },
    "where a call came from: kept as long as the law on networks wants, forgotten by retention": {
        "audit_addresses": {"address"},
        "refused_attempts": {"address"},
    },
    "says the row and what is wrong, never what stands there": {"people_imports": {"detail", "faults"}},
    "a list of many people, sealed: gone when it is written or refused, within a day at the latest": {
        "people_imports": {"content_sealed"},
    },
    "sealed, and gone as soon as it is worked on": {"push_events": {"body_sealed"}},
    "so that somebody who comes back is not counted again; of the report and the openid, with a key": {
        "report_join_marks": {"digest"},
    },
    "in the same rows as the body, which goes": {"messages": {"title", "values"}},
    "words about a place: numbers in them are masked at rest, what was typed is sealed and goes": {
        "report_events": {"note"},
        "reports": {"address", "description"},
    },
}  # fmt: skip
_COLUMNS = text(
    "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
    " JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0"
    " AND NOT a.attisdropped AND coalesce(e.typname, t.typname) NOT IN ('bool', 'date', 'daterange',"
    " 'float4', 'float8', 'int2', 'int4', 'int8', 'interval', 'numeric', 'time', 'timestamptz', 'uuid')"
)


@dataclass
class Life:
    """Somebody with an office, and what they and others write. In an app whose WeChat is the fake."""

    app: Flask
    fake: FakeControl
    people: People
    me: Person = field(init=False)

    @property
    def session(self) -> Session:
        return db.session()

    def live(self) -> None:
        """Write to everything."""
        self.school = schooling.open_school(self.people)
        self.town = reporting.settle(self.people)
        self.admin = self.people.make((Role.ADMIN, "4210"))
        self.on_a_list()
        self.as_a_reporter()
        self.at_a_desk()
        self.at_a_training()
        self.at_a_computer()
        self.work_off()

    def on_a_list(self) -> None:
        """An administrator's list names them; by the phone number they are known."""
        roster.import_people(
            [RosterRow(MARKER, MARKER, NUMBER, Role.COMMUNITY_WORKER, VILLAGE)], now=NOW, dry_run=False
        )
        for faulty in (MARKER, NUMBER):
            rows = f"姓名,职务,手机号,角色,区域\n{MARKER},{MARKER},{faulty},{MARKER},{MARKER}\n".encode()
            said(self.admin.call("POST", "/people/imports", query_string={"dry_run": "true"}, headers=key(),
                                 data={"file": (io.BytesIO(rows), f"{MARKER}.csv")}))  # fmt: skip
        self.work_off()
        runtime().wechat.code_to_session(self.fake.login_code(OPENID))
        self.me = self.people.make(openid=OPENID)
        said(self.me.post("/me/phone", {"code": self.fake.phone_code(OPENID, NUMBER)}))
        named = {"nickname": MARKER, "kind": "courier", "consent_version": MARKER}
        said(self.me.call("PUT", "/me", json=named))
        self.work_off()

    def as_a_reporter(self) -> None:
        words = {"description": f"井盖没了，找我{NUMBER}", "address": f"路口，电话{NUMBER}"}
        body = reporting.body(**words, photo_ids=[reporting.photo(self.me)])
        report = said(self.me.post("/reports", body, key=LETTERS))
        self.work_off()
        for action in ("note", "dispute"):
            report = reporting.read(self.me, report["id"])
            if action == "dispute":
                report = reporting.take(self.town.worker, reporting.read(self.town.worker, report["id"]), "accept")
                report = reporting.resolved(self.town, report)
            self.report = reporting.take(self.me, report, action, note=f"打{NUMBER}")
        other = reporting.file_routed(self.town.reporter)
        said(self.me.post(f"/reports/{other['id']}/me-too", {}))

    def at_a_desk(self) -> None:
        browser = Browser(self.app).sign_in(self.me)
        page = browser.page(f"/desk?q={MARKER}")
        browser.submit(form_to(page, f"/desk/filters?q={quoted(MARKER)}"), name=MARKER)
        wanted = {"kind": "reports", "format": "csv", "filter": {"q": MARKER}, "coord_type": "gcj02"}
        said(self.me.post("/exports", wanted))

    def at_a_training(self) -> None:
        school, mine = self.school, self.me.actor.user_id
        hall = school.make(starts=-90, ends=5, location={**schooling.AT_THE_HALL}, radius_m=200)
        later, over = school.make(starts=60, ends=90), school.make(starts=-300, ends=-60)
        said(school.sign_in(hall, self.me, location=schooling.FIVE_KM_OFF, device_id=MARKER))
        [flag] = said(school.organiser.get(f"/training/sessions/{hall['id']}/flags"))["items"]
        upheld = {"decision": "uphold", "note": MARKER}
        said(school.organiser.post(f"/training/sessions/flags/{flag['id']}/decision", upheld))
        said(self.me.post(f"/training/sessions/{later['id']}/enrolments"))
        asked = said(self.me.post(f"/training/sessions/{later['id']}/leave-requests", {"reason": MARKER}))
        decided = {"decision": "approve", "note": MARKER}
        said(school.organiser.post(f"/training/sessions/leave-requests/{asked['id']}/decision", decided))
        corrected = {"state": "present", "reason": MARKER}
        for session in (hall, over):
            said(school.organiser.call("PUT", f"/training/sessions/{session['id']}/attendance/{mine}", json=corrected))
        said(self.me.post("/me/training/certificates", {"session_id": over["id"]}))

    def at_a_computer(self) -> None:
        """A login by the phone's word, and a browser that says much in its name and in its address."""
        browser = Browser(self.app)
        headers = {"User-Agent": f"{MARKER} {LETTERS}".encode().decode("latin-1")}
        page = browser.get(f"/login?next={quoted(f'/m?q={MARKER}')}", headers=headers)
        assert page.status_code == 200, page.text
        row = self.session.execute(text("SELECT id, number FROM web_logins ORDER BY created_at DESC LIMIT 1")).one()
        said(self.me.post(f"/auth/web-logins/{row.id}/confirm", {"number": row.number}))
        browser.get("/login/state", headers=headers)
        self.browser = Browser(self.app).sign_in(self.me)
        self.browser.page(f"/confirm?next={quoted(f'/desk?q={MARKER}')}")

    def work_off(self) -> None:
        """All jobs that are due, and what they give rise to."""
        for _ in range(4):
            rows = self.session.scalars(select(OutboxRow).order_by(OutboxRow.id)).all()
            due = [(row.topic, dict(row.payload)) for row in rows]
            self.session.execute(delete(OutboxRow))
            self.session.commit()
            for topic, payload in due:
                for job in TOPICS[topic]:
                    if topic not in _ELSEWHERE:
                        job.run(**payload)

    def forget(self) -> None:
        assert self.me.call("DELETE", "/me").status_code == 202
        self.work_off()

    def rows_with(self, *marks: str) -> dict[str, set[str]]:
        """Table → columns in which one of the marks stands."""
        self.session.expire_all()
        found: dict[str, set[str]] = {}
        for table, column in self.session.execute(_COLUMNS).all():
            values = self.session.scalars(text(f'SELECT "{column}"::text FROM "{table}" WHERE "{column}" IS NOT NULL'))
            if any(mark in value for value in values for mark in marks):
                found.setdefault(table, set()).add(column)
        return found

    def sealed(self) -> dict[tuple[str, str], set[bytes]]:
        """What is sealed or digested of the person, by table and column."""
        found = {}
        for table, (whose, columns) in SEALED.items():
            for column in columns:
                sql = text(f"SELECT {column} FROM {table} WHERE {whose} = :me AND {column} IS NOT NULL")
                values = self.session.scalars(sql, {"me": self.me.actor.user_id})
                found[table, column] = {bytes(value) for value in values}
        return found

    def still_there(self, held: dict[tuple[str, str], set[bytes]]) -> Iterator[str]:
        """Columns in which one of those values stands in whosever row."""
        for (table, column), values in held.items():
            there = {bytes(value) for value in self.session.scalars(text(f"SELECT {column} FROM {table}")) if value}
            if values & there:
                yield f"{table}.{column}"


# Needs a connection of its own, or files that are not there; what it writes has no words.
_ELSEWHERE = {"export.asked", "photo.uploaded", "message.due", "moderation.text", "moderation.picture"}


def said(answer: Any) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.get_json(silent=True)


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


@pytest.fixture
def life(make_config: Callable[..., Config], fake_wechat: str, fake: FakeControl, redis: Any) -> Iterator[Life]:
    with app_in_savepoint(make_config(wechat_base_url=fake_wechat)) as app:
        yield Life(app, fake, People(app))


def test_no_column_keeps_a_word_of_somebody_erased(life: Life) -> None:
    life.live()
    held = life.sealed()
    assert [place for place, values in held.items() if not values] == [], "never written below"
    marked = life.rows_with(*MARKS)
    assert marked == MARKED, "a column that holds words: mark it, or see to it that it holds none"
    life.forget()
    assert life.rows_with(*MARKS) == {}
    assert list(life.still_there(held)) == []


def test_every_column_that_could_hold_words_is_decided(session: Session) -> None:
    there = {(table, column) for table, column in session.execute(_COLUMNS).all()}
    decided = [MARKED, {table: columns for table, (_, columns) in SEALED.items()}, *DECIDED.values()]
    said_of = [(table, column) for part in decided for table, columns in part.items() for column in columns]
    assert len(said_of) == len(set(said_of)), "decided twice"
    assert sorted(there - {*said_of}) == [], "can a word of a person end here? Mark it above, or say why not"
    assert sorted({*said_of} - there) == [], "gone"
