"""Sweeps and deletions: rows in bounded batches, and one that cannot be dealt with stops no other."""

import inspect
import os
import re
import sys
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client import REGISTRY
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from tests import reporting
from tests.conftest import NOW
from tests.factories import People
from tests.schooling import open_school
from tests.statements import count_statements
from workers import housekeeping
from workers.timetable import TASKS
from wxapi.duties.models import Duty
from wxapi.duties.services import climb
from wxapi.identity.models import AppointmentRow, RosterEntry, User
from wxapi.identity.services import roster
from wxapi.kernel.clock import FixedClock
from wxapi.moderation.models import Check
from wxapi.moderation.services import check as moderation
from wxapi.notifications.models import Message, PushEvent
from wxapi.photos.models import Photo
from wxapi.photos.services import forget, strays
from wxapi.platform import retention, sweeps
from wxapi.platform.db import transaction
from wxapi.platform.heartbeat import BEAT, SCHEDULE
from wxapi.platform.runtime import runtime
from wxapi.regions.services import changing
from wxapi.reports.models import Report
from wxapi.reports.services import duty_checks, moderate, route, timers
from wxapi.supervision.models import Export
from wxapi.supervision.services import exports
from wxapi.training.models import Attendance
from wxapi.training.services import session_end

_REFUSE = """
CREATE OR REPLACE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'poison'; END $$;
"""


def poison(session: Session, table: str, row: str, events: str = "UPDATE OR DELETE") -> None:
    """From now on a row, told by a condition, cannot be changed or deleted."""
    session.execute(text(_REFUSE))
    session.execute(
        text(
            f"CREATE TRIGGER a_poison BEFORE {events} ON {table} FOR EACH ROW WHEN ({row})"
            " EXECUTE FUNCTION refuse_poison()"
        )
    )
    session.commit()


def messages(session: Session, people: People, count: int) -> list[uuid.UUID]:
    reader = people.make().actor.user_id
    ids = session.scalars(
        text(
            'INSERT INTO messages (id, user_id, kind, subject, step, title, body, "values", created_at, visible_at,'
            " delivery) SELECT gen_random_uuid(), :reader, 'report_progress', 'report:1', n::text, 't', 'b', '{}',"
            " :now, :now, 'inbox' FROM generate_series(1, :count) AS n RETURNING id"
        ),
        {"reader": reader, "now": NOW, "count": count},
    ).all()
    session.add(PushEvent(repeat_digest=b"d", event="e", received_at=NOW))
    session.commit()
    return list(ids)


def not_swept(sweep: str) -> float:
    return REGISTRY.get_sample_value("wxapi_rows_not_swept_total", {"sweep": sweep}) or 0


def left(session: Session, model: Any) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


LATER = NOW + timedelta(days=365)


def test_retention_leaves_a_row_that_cannot_go_and_goes_on(app: Flask, people: People, session: Session) -> None:
    ids = messages(session, people, 30)
    poison(session, "messages", f"OLD.id = '{ids[7]}'")
    done = retention.forget_due(now=LATER)
    assert (done["messages"], done["pushes"]) == (29, 1)
    assert session.scalars(select(Message.id)).all() == [ids[7]]


def test_retention_that_fails_whole_is_tried_again_when_the_others_are_done(
    app: Flask, people: People, session: Session
) -> None:
    messages(session, people, 3)
    poison(session, "messages", "true")
    with pytest.raises(Exception, match="poison"):
        retention.forget_due(now=LATER)
    assert (left(session, Message), left(session, PushEvent)) == (3, 0)


def test_retention_goes_in_batches_and_a_run_ends(
    app: Flask, people: People, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 5)
    messages(session, people, 120)
    with count_statements() as counted:
        assert retention.forget_due(now=LATER)["messages"] == 50
    deletions = [each for each in counted if each.startswith("DELETE FROM messages")]
    assert (len(deletions), left(session, Message)) == (10, 70)
    poison(session, "messages", "OLD.step::int % 40 = 0")
    with count_statements() as counted:
        retention.forget_due(now=LATER)
    # A bad row costs its batch's halves, not a statement a row.
    assert len(counted) < 250


@pytest.mark.parametrize("plan", ["as it chooses", "nested loops"])
@pytest.mark.parametrize("name", ["idempotency.forget_expired", "tokens.forget_idle", "web.forget_browsers"])
def test_what_piled_up_goes_in_batches(app: Flask, people: People, session: Session, name: str, plan: str) -> None:
    """However PostgreSQL goes through the tables: by nested loops a LIMIT within would be counted anew for each row."""
    person = people.make().actor.user_id
    fill = {
        "idempotency.forget_expired": "INSERT INTO idempotency_keys (user_id, key, fingerprint, created_at)"
        " SELECT :person, 'key-' || n, '', :old FROM generate_series(1, 4100) AS n",
        "tokens.forget_idle": "INSERT INTO tokens (digest, user_id, created_at, last_used_at)"
        " SELECT int4send(n), :person, :old, :old FROM generate_series(1, 4100) AS n",
        "web.forget_browsers": "INSERT INTO web_sessions (digest, id, user_id, browser, place, created_at,"
        " last_used_at) SELECT int4send(n), gen_random_uuid(), :person, 'b', 'p', :old, :old"
        " FROM generate_series(1, 4100) AS n",
    }[name]
    session.execute(text(fill), {"person": person, "old": NOW - timedelta(days=60)})
    session.commit()
    (task,) = [each for each in TASKS if each.name == name]
    if plan == "nested loops":
        for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material"):
            session.execute(text(f"SET enable_{way} = off"))
        session.commit()
    with count_statements() as counted:
        task.job.run()
    table = fill.split()[2]
    assert session.scalar(text(f"SELECT count(*) FROM {table} WHERE created_at < :now"), {"now": NOW}) == 0
    assert sum(f"DELETE FROM {table}" in each for each in counted) == 3


def test_a_duty_that_cannot_climb_stops_no_other(app: Flask, people: People, session: Session) -> None:
    town = reporting.settle(people)
    filed = [reporting.file_routed(town.reporter) for _ in range(3)]
    poison(session, "duties", f"OLD.subject_id = '{filed[0]['id']}'")
    later = NOW + timedelta(days=9)
    climbed = climb.climb(now=later)
    rungs = session.execute(select(Duty.subject_id, func.max(Duty.rung)).group_by(Duty.subject_id)).all()
    assert {str(subject) for subject, rung in rungs if rung == 0} == {filed[0]["id"]}
    assert climbed.duties == 4  # two reports, two stages each
    assert climb.climb(now=later).duties == 0


def test_a_climb_goes_through_more_than_a_batch_once(
    app: Flask, people: People, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = reporting.settle(people)
    for _ in range(4):
        reporting.file_routed(town.reporter)
    monkeypatch.setattr(climb, "_AT_ONCE", 2)
    poison(session, "duties", "OLD.stage = 'respond'")
    assert climb.climb(now=NOW + timedelta(days=9)).duties == 4


def test_a_session_that_cannot_be_closed_stops_no_other(
    app: Flask, people: People, session: Session, clock: FixedClock
) -> None:
    school = open_school(people)
    halls = [school.make(ends=10, offline_hours=1) for _ in range(2)]
    for hall in halls:
        answer = school.organiser.post(
            f"/training/sessions/{hall['id']}/enrolments", {"user_ids": [str(school.member.actor.user_id)]}
        )
        assert answer.status_code < 300, answer.text
    poison(session, "training_attendance", f"OLD.session_id = '{halls[0]['id']}'")
    clock.advance(hours=3)
    assert session_end.close_due(now=clock.now()) == 1
    states = session.execute(select(Attendance.session_id, Attendance.state)).all()
    assert {str(session_id): state for session_id, state in states} == {
        halls[0]["id"]: "enrolled",
        halls[1]["id"]: "absent",
    }


@pytest.mark.usefixtures("city")
def test_a_person_who_cannot_be_appointed_stops_no_other(
    app: Flask, people: People, session: Session, tmp_path: Path
) -> None:
    phones = ["13800000001", "13800000002", "13800000003"]
    list_ = tmp_path / "people.csv"
    rows = "".join(f"张三,书记,{phone},community_worker,421002001001\n" for phone in phones)
    list_.write_text("姓名,职务,手机号,角色,区域\n" + rows, encoding="utf-8")
    assert app.test_cli_runner().invoke(args=["people", "import", str(list_)]).exit_code == 0
    ids = [people.make().actor.user_id for _ in phones]
    for user_id, phone in zip(ids, phones, strict=True):
        digest = runtime().cipher.digest(phone, purpose="user.phone")
        session.execute(update(User).where(User.id == user_id).values(phone_digest=digest))
    session.commit()
    poison(session, "appointments", f"NEW.user_id = '{ids[1]}'", "INSERT")
    roster.match_waiting(now=NOW)
    matched = session.scalars(select(RosterEntry.user_id).where(RosterEntry.user_id.is_not(None))).all()
    assert set(matched) == {ids[0], ids[2]}


def test_a_check_that_cannot_be_chased_stops_no_other(app: Flask, people: People, session: Session) -> None:
    town = reporting.settle(people)
    pictures = [reporting.photo(town.reporter) for _ in range(3)]
    report = reporting.file_routed(town.reporter, photo_ids=pictures)
    moderate.begin_checks(uuid.UUID(report["id"]), now=NOW)
    session.execute(update(Check).where(Check.photo_id.is_not(None)).values(state="asked", asked_at=NOW))
    session.commit()
    poison(session, "moderation_checks", f"OLD.photo_id = '{pictures[1]}'")
    moderation.chase_missing(now=NOW + timedelta(days=1))
    asked = session.scalars(select(Check.photo_id).where(Check.state == "asked")).all()
    assert asked == [uuid.UUID(pictures[1])]


def a_report(session: Session, people: People, sweep: str) -> tuple[uuid.UUID, uuid.UUID]:
    """Two reports that a sweep has something to do about."""
    town = reporting.settle(people)
    if sweep == "route_unrouted":
        return tuple(uuid.UUID(reporting.file(town.reporter)["id"]) for _ in range(2))  # type: ignore[return-value]
    filed = [uuid.UUID(reporting.file_routed(town.reporter)["id"]) for _ in range(2)]
    session.execute(delete(Duty))
    session.commit()
    return filed[0], filed[1]


@pytest.mark.parametrize("sweep", [route.route_unrouted, duty_checks.heal, timers.mark_overdue])
def test_a_report_that_fails_stops_no_other(
    app: Flask, people: People, session: Session, sweep: Callable[..., int]
) -> None:
    bad, good = a_report(session, people, sweep.__name__)
    poison(session, "duties", f"NEW.subject_id = '{bad}'", "INSERT")
    poison(session, "reports", f"OLD.id = '{bad}'")
    before = session.get_one(Report, good).version, left(session, Duty)
    sweep(now=NOW + timedelta(days=9))
    session.expire_all()
    assert (session.get_one(Report, good).version, left(session, Duty)) != before
    assert not session.scalar(select(Duty.id).where(Duty.subject_id == bad))


def test_a_photo_that_fails_stops_no_other(app: Flask, people: People, session: Session) -> None:
    owner = people.make()
    bad, good = (uuid.UUID(reporting.photo(owner, "pending")) for _ in range(2))
    poison(session, "photos", f"OLD.id = '{bad}'")
    strays.heal_pending(now=NOW + timedelta(days=3))
    states = session.execute(select(Photo.id, Photo.state)).all()
    assert dict(map(tuple, states)) == {bad: "pending", good: "rejected"}


def test_a_photo_that_cannot_be_forgotten_stops_no_other(app: Flask, people: People, session: Session) -> None:
    owner = people.make()
    ids = [uuid.UUID(reporting.photo(owner)) for _ in range(3)]
    poison(session, "photos", f"OLD.id = '{ids[1]}'", "DELETE")
    assert forget.sweep_unused(now=NOW + timedelta(days=3)) == 2
    assert session.scalars(select(Photo.id)).all() == [ids[1]]


def test_a_stray_file_that_cannot_be_deleted_stops_no_other(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = runtime().storage
    assert storage._folder is not None
    keys = [f"photos/{uuid.uuid4()}/original" for _ in range(3)]
    for key in keys:
        storage.put(key, b"x")
        os.utime(storage._folder / key, (NOW.timestamp(), NOW.timestamp()))
    delete_of_store = storage.delete

    def refuses_one(*some: str) -> None:
        for key in some:
            if key == keys[1]:
                raise PermissionError(key)
            delete_of_store(key)

    monkeypatch.setattr(storage, "delete", refuses_one)
    assert strays.sweep_files(now=NOW + timedelta(hours=25)) == 2
    assert [storage.has(key) for key in keys] == [False, True, False]


def test_an_export_that_cannot_be_expired_stops_no_other(app: Flask, people: People, session: Session) -> None:
    reader = people.make()
    ids = [uuid.uuid4() for _ in range(3)]
    for number, each in enumerate(ids):
        session.add(
            Export(
                id=each, user_id=reader.actor.user_id, kind="reports", format="csv", asked={}, state="ready",
                file_key=f"exports/{number}", bytes=1, row_count=1, sha256="0" * 64, created_at=NOW, expires_at=NOW,
            )
        )  # fmt: skip
    session.commit()
    poison(session, "exports", f"OLD.id = '{ids[1]}'")
    assert exports.expire(now=NOW + timedelta(days=9)) == 2
    assert session.scalars(select(Export.id).where(Export.file_key.is_not(None))).all() == [ids[1]]


def test_a_report_that_cannot_follow_its_closed_village_waits_alone(
    app: Flask, people: People, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    town = reporting.settle(people)
    reports = [uuid.UUID(reporting.file_routed(town.reporter)["id"]) for _ in range(3)]
    changing.close_regions(changing.Merger([reporting.VILLAGE], reporting.NEIGHBOUR), on=NOW.date(), now=NOW)
    # As a process that does not know of it yet writes them, and a worker beside them.
    desk = {"village_code": reporting.VILLAGE, "desk_code": reporting.VILLAGE, "desk_village_code": reporting.VILLAGE}
    session.execute(update(Report).where(Report.id.in_(reports)).values(desk))
    session.execute(update(Duty).where(Duty.subject_id.in_(reports)).values(unit_code=reporting.VILLAGE))
    worker = AppointmentRow(
        id=uuid.uuid4(), user_id=town.stranger.actor.user_id, role="community_worker", region_code=reporting.VILLAGE,
        starts_on=NOW.date(),
    )  # fmt: skip
    session.add(worker)
    session.commit()
    bad = reports[1]
    poison(session, "reports", f"OLD.id = '{bad}'")
    assert changing.settle(now=NOW) == 3
    assert changing.settle(now=NOW) == 0
    session.expire_all()
    stays = select(Report.id).where(Report.desk_code == reporting.VILLAGE)
    assert session.scalars(stays).all() == [bad]
    assert worker.ended_at == NOW
    rows = {record.msg["row"] for record in caplog.records if "row_not_swept" in str(record.msg)}  # type: ignore[index]
    assert rows == {f"reports {bad}"}
    assert app.test_client().get("/readyz").get_json()["conditions"]["with_closed_regions"] > 0
    session.execute(text("DROP TRIGGER a_poison ON reports"))
    session.commit()
    assert changing.settle(now=NOW) == 1
    assert app.test_client().get("/readyz").get_json()["conditions"]["with_closed_regions"] == 0


def test_a_closed_region_that_cannot_be_handed_on_stops_no_other(
    app: Flask, people: People, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    reporting.settle(people)
    bad, good = reporting.VILLAGE, reporting.OTHER_VILLAGE
    for code in (bad, good):
        changing.close_regions(changing.Merger([code], reporting.NEIGHBOUR), on=NOW.date(), now=NOW)
    holders = {code: people.make() for code in (bad, good)}
    for code, holder in holders.items():  # as a process that does not know of it yet writes it
        session.add(
            AppointmentRow(
                id=uuid.uuid4(), user_id=holder.actor.user_id, role="community_worker", region_code=code,
                starts_on=NOW.date(),
            )
        )  # fmt: skip
    session.commit()
    poison(session, "appointments", f"OLD.user_id = '{holders[bad].actor.user_id}'")
    before = not_swept("regions.settle")
    assert changing.settle(now=NOW) == 1
    assert changing.settle(now=NOW) == 0
    assert not_swept("regions.settle") == before + 2
    session.expire_all()
    stands = select(AppointmentRow.region_code).where(AppointmentRow.ended_at.is_(None))
    mine = {code: AppointmentRow.user_id == holder.actor.user_id for code, holder in holders.items()}
    assert session.scalars(stands.where(mine[bad])).all() == [bad]
    assert session.scalars(stands.where(mine[good])).all() == [reporting.NEIGHBOUR]
    rows = {record.msg["row"] for record in caplog.records if "row_not_swept" in str(record.msg)}  # type: ignore[index]
    assert rows == {f"appointments {bad}"}
    # Whoever watches hears of it, and once it can be handed on it goes, though nothing changes any more.
    ready, figures = (app.test_client().get(path) for path in ("/readyz", "/metrics"))
    assert (ready.get_json()["status"], ready.get_json()["conditions"]["with_closed_regions"]) == ("degraded", 1)
    assert "wxapi_with_closed_regions 1.0\n" in figures.get_data(as_text=True)
    session.execute(text("DROP TRIGGER a_poison ON appointments"))
    session.commit()
    later = NOW + timedelta(days=1, minutes=10)
    assert changing.settle(now=later) == 0
    assert changing.settle(now=later + timedelta(minutes=50)) == 1
    session.connection().exec_driver_sql(BEAT, {"name": SCHEDULE})
    session.commit()
    assert app.test_client().get("/readyz").get_json()["status"] == "ok"


# Tasks that deal with no row by itself: each is one statement whose rows nothing refers to, or one that must be whole.
WHOLE = {
    "people.forget_files": "one UPDATE that empties a column",
    "audit.seal": "a chain: a row that cannot be linked must stop those behind it",
    "idempotency.forget_expired": "one DELETE of rows that nothing refers to",
    "web.forget_browsers": "two DELETEs of rows that nothing refers to",
    "tokens.forget_idle": "one DELETE of rows that nothing refers to",
}


def test_every_task_protects_its_rows_or_says_why_not() -> None:
    """A new sweep goes through `platform/sweeps.py`, or is named above with its reason."""
    bare = set()
    for task in TASKS:
        module = sys.modules[task.function.__module__]
        code = inspect.getsource(task.function) + inspect.getsource(module)
        if task.function is housekeeping.forget_due:
            code += inspect.getsource(retention)
        names = {f'"{task.name}"', 'f"reports.{action}"', 'f"retention.{category.name}"'}
        if not any(re.search(rf"sweeps\.(one_by_one|together)\(\s*{re.escape(name)}", code) for name in names):
            bare.add(task.name)
    assert bare == WHOLE.keys()


class TestTogether:
    """Halves, down to the rows that fail; every other row is done once."""

    @pytest.mark.parametrize("bad", [set(), {0}, {499}, {3, 4, 250}, set(range(500))])
    def test_every_row_but_the_bad_is_done_once(self, app: Flask, bad: set[int]) -> None:
        done: list[int] = []
        calls = 0

        def do(part: Any) -> None:
            nonlocal calls
            calls += 1
            with transaction():
                if bad & set(part):
                    raise ValueError(part)
            done.extend(part)

        swept = sweeps.together("test", range(500), do)
        assert sorted(done) == sorted(set(range(500)) - bad)
        assert (set(swept.failed), swept.done) == (bad, 500 - len(bad))
        assert calls <= 1 + 18 * len(bad)
