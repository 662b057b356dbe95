"""What an auditor reads, from where acts came, and what was refused: nothing secret, and bounded."""

import ast
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config import Config
from tests import reporting
from tests.conftest import NOW, app_in_savepoint, random_key
from tests.factories import People, Person
from tests.fake_wechat_control import FakeControl
from wxapi.identity.models import User
from wxapi.identity.services import roster
from wxapi.identity.services.roster_files import RosterRow
from wxapi.kernel.permissions import Permission, Role
from wxapi.platform import logs
from wxapi.platform.audit import AuditAddress, AuditRow
from wxapi.platform.db import db
from wxapi.platform.guard import permission_of
from wxapi.platform.refusals import MOST_AN_HOUR, RefusalCounter, RefusedAttempt, counter_of
from wxapi.platform.retention import RETENTION
from wxapi.platform.runtime import runtime
from wxapi.supervision.rules.audit_words import AUDIT_ACTIONS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def nothing_waits(app: Flask) -> None:
    """What other tests were refused is not this one's."""
    counter_of(app).waiting.clear()


@pytest.fixture
def auditor(city: None, people: People) -> Person:
    return people.make((Role.AUDITOR, "4210"))


def lines(auditor: Person, query: str = "") -> list[dict[str, Any]]:
    answer = auditor.get(f"/audit?{query}")
    assert answer.status_code == 200, answer.json
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def refused(app: Flask, session: Session) -> dict[tuple[str, str], RefusedAttempt]:
    counter_of(app).write()
    return {(row.endpoint, row.code): row for row in session.scalars(select(RefusedAttempt))}


def test_an_act_says_from_where(auditor: Person, people: People) -> None:
    person = people.make()
    person.call("PUT", "/me", json={"nickname": "小李", "kind": None, "consent_version": "2"})
    (line,) = lines(auditor, f"actor={person.actor.user_id}&action=user.consent")
    assert (line["address"], line["subject"]) == ("127.0.0.1", f"user:{person.actor.user_id}")
    assert line["request_id"]


def test_the_audit_names_a_request_by_a_number_that_nobody_chose(auditor: Person, people: People) -> None:
    """What a client chose is echoed and logged, and the log says beside it which number the audit has."""
    person, logged = people.make(), []
    for version in ("2", "3"):
        body = {"nickname": "小李", "kind": None, "consent_version": version}
        answer = person.call("PUT", "/me", json=body, headers={"X-Request-ID": "one-for-all"})
        logged.append(logs.add_request_ids(None, "", {}))
        assert answer.headers["X-Request-ID"] == logged[-1]["request_id"] == "one-for-all"
    found = {line["request_id"] for line in lines(auditor, f"actor={person.actor.user_id}&action=user.consent")}
    assert found == {line["own_request_id"] for line in logged}
    assert len(found) == 2, "each request has its own"
    answer = auditor.get("/audit")
    line = logs.add_request_ids(None, "", {})
    assert answer.headers["X-Request-ID"] == line["request_id"]
    assert "own_request_id" not in line, "it is the same"


def test_who_filed_or_joined_leaves_no_address(people: People, session: Session) -> None:
    """An address beside the report would tell who filed it."""
    town = reporting.settle(people)
    report = reporting.file_routed(town.reporter)
    assert town.stranger.post(f"/reports/{report['id']}/me-too", {"photo_ids": []}).status_code == 200
    acts = select(AuditRow.action, AuditAddress.address).outerjoin(AuditAddress, AuditAddress.digest == AuditRow.digest)
    found = session.execute(acts.where(AuditRow.subject == f"report:{report['id']}")).all()
    assert {row.action for row in found} >= {"report.file", "report.join"}
    assert [row.address for row in found if row.action in {"report.file", "report.join"}] == [None, None]


@pytest.mark.parametrize(("proxies", "address"), [(0, "127.0.0.1"), (1, "198.51.100.7"), (2, "203.0.113.5")])
def test_a_forwarded_address_counts_behind_trusted_proxies_only(
    make_config: Callable[..., Config], proxies: int, address: str
) -> None:
    with app_in_savepoint(make_config(trusted_proxies=proxies)) as app:
        person = People(app).make()
        app.test_client().put(
            "/api/v1/me",
            json={"nickname": "小李", "kind": None, "consent_version": "2"},
            headers={
                "Authorization": f"Bearer {person.token}",
                "X-Forwarded-For": "192.0.2.9, 203.0.113.5, 198.51.100.7",
            },
        )

        assert db.session.scalars(select(AuditAddress.address)).all() == [address]


def test_only_an_auditor_of_the_city_reads_it(people: People, auditor: Person) -> None:
    assert people.make((Role.ADMIN, "4210")).get("/audit").status_code == 403
    assert people.make((Role.AUDITOR, "421002")).get("/audit").status_code == 404
    assert people.make((Role.AUDITOR, "421002")).get("/audit/refusals").status_code == 404
    lines(auditor, "subject=user:1")
    (look,) = lines(auditor, "action=audit.read")
    assert (look["actor_id"], look["detail"]) == (str(auditor.actor.user_id), {"asked": "subject=user:1"})


def test_pages_leave_nothing_out(auditor: Person, people: People) -> None:
    for _ in range(3):
        person = people.make()
        person.call("PUT", "/me", json={"nickname": "小李", "kind": None, "consent_version": "2"})
    first = auditor.get("/audit?action=user.consent&limit=2").json
    second = auditor.get(f"/audit?action=user.consent&limit=2&cursor={first['next_cursor']}").json
    ids = [line["id"] for line in [*first["items"], *second["items"]]]
    assert len(ids) == 3
    assert ids == sorted(ids, reverse=True)
    assert second["next_cursor"] is None


def test_an_auditor_acts_on_nothing(app: Flask, people: People, auditor: Person) -> None:
    """Of everything that wants a role, an auditor may read the audit and figures, and nothing else."""
    mine = set()
    for rule in app.url_map.iter_rules():
        permission = permission_of(app.view_functions[rule.endpoint])
        if permission not in {None, Permission.PUBLIC, Permission.SIGNED_IN} and auditor.actor.may(permission):
            mine.add(permission)
            writes = (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
            assert not writes or rule.endpoint == "statistics.make_bulletin", rule
    assert mine == {Permission.AUDIT, Permission.STATISTICS}
    body = {"title": "通报", "queries": [{"group_by": "place", "region": "4210"}], "corrects": None}
    assert auditor.post("/statistics/bulletins", body).status_code == 403
    assert auditor.get("/statistics?set=reports&region=4210").status_code == 200
    town = reporting.settle(people)
    report = reporting.file_routed(town.reporter)
    assert auditor.get(f"/reports/{report['id']}").status_code == 404
    assert auditor.get("/reports?scope=desk").json["items"] == []
    assert auditor.get("/appointments").status_code == 403


def test_nobody_checks_on_themselves(city: None, app: Flask, people: People, session: Session) -> None:
    def appoint(user_id: uuid.UUID, role: str, region: str) -> tuple[int, str]:
        done = app.test_cli_runner().invoke(args=["people", "appoint", str(user_id), role, region])
        return done.exit_code, done.output

    admin, other = people.make((Role.ADMIN, "4210")).actor.user_id, people.make().actor.user_id
    assert "roles_apart" in appoint(admin, "auditor", "4210")[1]
    assert "role_needs_city" in appoint(other, "auditor", "421002")[1]
    assert appoint(other, "auditor", "4210")[0] == 0
    assert "roles_apart" in appoint(other, "admin", "421002")[1]


def test_a_list_makes_no_auditor_an_administrator(city: None, people: People, session: Session) -> None:

    user = session.get_one(User, people.make((Role.AUDITOR, "4210")).actor.user_id)
    user.phone_digest = runtime().cipher.digest("13800000001", purpose="user.phone")
    session.commit()
    roster.import_people([RosterRow("张三", "", "13800000001", Role.ADMIN, "421002")], now=NOW, dry_run=False)
    refused_rows = select(AuditRow.subject).where(AuditRow.action == "appointment.refuse")
    assert session.scalars(refused_rows).all() == [f"user:{user.id}"]


def test_refused_attempts_are_counted_by_hour_and_kind(
    app: Flask, people: People, auditor: Person, session: Session, fake: FakeControl
) -> None:
    person = people.make()
    client = app.test_client()
    for _ in range(3):
        assert client.get("/api/v1/me", headers={"Authorization": "Bearer " + "x" * 43}).status_code == 401
    assert person.get("/appointments").status_code == 403
    found = refused(app, session)
    assert found["identity.read_me", "token_invalid"].count == 3
    denied = next(row for (_, code), row in found.items() if code == "role_not_allowed")
    assert (denied.actor_id, denied.address, denied.count) == (person.actor.user_id, "127.0.0.1", 1)
    shown = auditor.get("/audit/refusals").json["items"]
    assert {item["code"] for item in shown} == {"token_invalid", "role_not_allowed"}
    first = auditor.get("/audit/refusals?limit=1").json
    client.get("/api/v1/me", headers={"Authorization": "Bearer " + "x" * 43})
    refused(app, session)  # what is counted on meanwhile keeps its place
    second = auditor.get(f"/audit/refusals?limit=1&cursor={first['next_cursor']}").json
    assert [first["items"][0]["code"], second["items"][0]["code"]] == [item["code"] for item in shown]
    assert second["next_cursor"] is None


def test_a_login_that_failed_is_counted_without_its_code(
    make_config: Callable[..., Config], fake_wechat: str, fake: FakeControl, redis: Any
) -> None:
    with app_in_savepoint(make_config(wechat_base_url=fake_wechat)) as app:
        counter_of(app).write_after_s = float("inf")
        assert app.test_client().post("/api/v1/auth/wechat", json={"code": "dead-code"}).status_code == 401
        counter_of(app).write()

        row = db.session.scalars(select(RefusedAttempt)).one()
        assert (row.code, row.address, row.actor_id) == ("wx_code_invalid", "127.0.0.1", None)
        assert "dead-code" not in str(vars(row))


def test_a_flood_has_few_rows_and_loses_no_count(app: Flask, session: Session) -> None:
    counter = RefusalCounter()
    for number in range(5 * MOST_AN_HOUR):
        counter.note(("me.read", "token_invalid", f"198.51.{number // 250}.{number % 250}", None), NOW)
        if number % 90 == 0:
            counter.write()
    counter.write()
    counted = select(func.count(), func.sum(RefusedAttempt.count))
    rows, attempts = session.execute(counted).one()
    assert rows <= MOST_AN_HOUR + 1
    assert attempts == 5 * MOST_AN_HOUR
    others = session.scalars(select(RefusedAttempt).where(RefusedAttempt.code == "others")).one()
    assert others.count > MOST_AN_HOUR
    counter.note(("me.read", "token_invalid", "198.51.100.1", None), NOW + timedelta(hours=1))
    counter.write()
    assert session.scalar(select(func.count()).select_from(RefusedAttempt)) == rows + 1


def test_a_flood_waits_in_little_memory_and_is_written_once_a_second(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = RefusalCounter()
    written: list[int] = []
    monkeypatch.setattr(counter, "write", lambda: written.append(1) or setattr(counter, "_written_at", 10**9))
    for number in range(1000):
        counter.note(("me.read", "token_invalid", str(number), None), NOW)
        counter.write_due()
    assert len(counter.waiting) <= 101
    assert sum(each.count for each in counter.waiting.values()) == 1000
    assert written == [1]


def test_addresses_and_refusals_are_forgotten_after_half_a_year() -> None:
    kept = {category.name: (category.days, category.least) for category in RETENTION}
    assert kept["audit_addresses"] == kept["refused_attempts"] == (190, 180)


def calls_of(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    """The calls below a node, each with the name of what it calls; `audit.record` with its owner."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            owner = getattr(getattr(node.func, "value", None), "id", "")
            found.append((f"audit.{name}" if owner in {"audit", "audit_rows"} else name, node))
    return found


def test_every_act_has_a_word() -> None:
    """Acts given to `audit.record`, and to functions that pass on what they are given; of a computed one, its first word."""
    form = re.compile(r"[a-z_]+\.[a-z_]+")
    trees = [ast.parse(path.read_text()) for path in ROOT.glob("wxapi/**/*.py")]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    writers = {"audit.record"}
    while True:
        passing = {
            function.name
            for function in functions
            for name, call in calls_of(function)
            if name in writers
            and {a.id for a in call.args if isinstance(a, ast.Name)} & {a.arg for a in function.args.args} & {"action"}
        }
        if passing <= writers:
            break
        writers |= passing
    assert {"touch", "_note", "_audit"} <= writers
    acts, firsts = set(), set()
    for name, call in (found for tree in trees for found in calls_of(tree)):
        if name in writers:
            given = [a for part in call.args for a in ast.walk(part)]
            computed = [a.values[0] for a in given if isinstance(a, ast.JoinedStr)]
            firsts |= {a.value for a in computed if isinstance(a, ast.Constant)}
            whole = [a.value for a in given if isinstance(a, ast.Constant) and a not in computed]
            acts |= {value for value in whole if form.fullmatch(str(value))}
    assert len(acts) > 50
    assert acts <= set(AUDIT_ACTIONS), acts - set(AUDIT_ACTIONS)
    assert firsts == {
        "duty.",
        "duty.card_",
        "report.",
        "web_login.",
    }  # what follows is held by the fixture `documented_answers`


def test_nothing_of_what_was_sent_is_in_the_record(app: Flask, people: People, session: Session) -> None:
    key = random_key()
    app.test_client().post(
        "/api/v1/reports?code=s3cret",
        json={"secret": "s3cret"},
        headers={"Idempotency-Key": key, "Authorization": "s3cret"},
    )
    for row in refused(app, session).values():
        assert "s3cret" not in str(vars(row))
        assert key not in str(vars(row))
