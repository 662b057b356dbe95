"""A right that ends while a request is under way is not used: asked again inside the transaction that writes.

Between the check of a request and its writing a body may be held open, or a slow neighbour waited for. Here that moment
is made longer: something ends a right after the check and before the view runs.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from config import Config
from tests import answers, reporting
from tests.conftest import NOW, in_savepoint, random_key
from tests.factories import People, Person
from tests.grounds import Ground
from tests.reporting import Town
from tests.schooling import School
from wxapi.app import create_app
from wxapi.identity.models import AppointmentRow, User
from wxapi.identity.services import appointments, erasure, login
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.clock import FixedClock, local_day
from wxapi.kernel.permissions import ROLES_OF, Permission, Role
from wxapi.platform import guard, keys, outbox
from wxapi.platform.db import db, transaction
from wxapi.platform.guard import permission_of
from wxapi.platform.outbox import OutboxRow
from wxapi.reports.models import Report
from wxapi.training.models import Attendance

Ending = Callable[[Person], None]
ADMIN = Actor(uuid.UUID(int=1), (Appointment(Role.ADMIN, "4210"),))


def logs_out(person: Person) -> None:
    login.log_out(person.token)


def is_erased(person: Person) -> None:
    erasure.ask_erasure(person.actor, now=NOW)


def loses_office(person: Person) -> None:
    rows = select(AppointmentRow.id).where(AppointmentRow.user_id == person.actor.user_id)
    for appointment_id in db.session.scalars(rows).all():
        appointments.end_appointment(ADMIN, appointment_id, now=NOW)


def after_midnight(person: Person) -> None:
    """The appointment was until today, and the day is over."""
    clock = person.app.extensions["wxapi"].clock
    mine = update(AppointmentRow).where(AppointmentRow.user_id == person.actor.user_id)
    db.session.execute(mine.values(ends_on=local_day(clock.now())))
    db.session.commit()
    clock.advance(days=1)


@pytest.fixture(scope="module")
def wide_app_made(make_config: Callable[..., Config]) -> Iterator[Flask]:
    """The product with one more route for each permission: it ends the caller's right, once, and then writes."""
    app = answers.watch(create_app(make_config(), clock=FixedClock(NOW)))
    for permission in Permission:
        if permission is not Permission.PUBLIC:
            app.add_url_rule(f"/api/v1/t/{permission.value}", view_func=_writer(permission), methods=["POST"])
    guard.judge_again(app)
    with app.app_context():
        keys.confirm()  # before any savepoint: the process asks once, so what it notes has to stay
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def wide_app(wide_app_made: Flask, settled: Callable[[str], Ground]) -> Iterator[Flask]:
    """The same app for each test, in the small city, everything a test writes rolled back at its end."""
    wide_app_made.extensions["wxapi"].clock.at = NOW
    with wide_app_made.app_context(), in_savepoint(wide_app_made, settled("city")):
        yield wide_app_made


def _writer(permission: Permission) -> Callable[[], Any]:
    def write() -> Any:
        end, person = request_ending()
        if end is not None:
            end(person)
        with transaction() as session:
            outbox.record(session, "test.written")
        return "", 204

    write.__name__ = f"write_{permission.value}"
    return guard.guard(permission)(write)


_WAITING: list[tuple[Ending, Person]] = []


def request_ending() -> tuple[Ending | None, Any]:
    assert request.method == "POST"
    return _WAITING.pop() if _WAITING else (None, None)


def written(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(OutboxRow).where(OutboxRow.topic == "test.written")) or 0


def holder_of(people: People, permission: Permission) -> Person:
    roles = ROLES_OF.get(permission, frozenset({Role.COMMUNITY_WORKER})) - {Role.UNIT_OFFICER}
    return people.make((min(roles), "421002001001" if min(roles) is Role.COMMUNITY_WORKER else "421002"))


@pytest.mark.parametrize("permission", [each for each in Permission if each is not Permission.PUBLIC])
@pytest.mark.parametrize("end", [logs_out, is_erased, loses_office, after_midnight])
def test_what_ended_meanwhile_writes_nothing(wide_app: Flask, permission: Permission, end: Ending) -> None:
    person = holder_of(People(wide_app), permission)
    _WAITING.append((end, person))
    answer = person.post(f"/t/{permission.value}")
    if end in {logs_out, is_erased}:
        assert answer.status_code == 401
    elif permission is Permission.SIGNED_IN:  # needs no office: goes on without one
        assert answer.status_code == 204
    else:
        assert answer.status_code == 403
    assert written(db.session()) == (answer.status_code == 204)


def test_a_right_that_only_changed_goes_on(wide_app: Flask) -> None:
    person = holder_of(People(wide_app), Permission.MODERATE)

    def gains_office(person: Person) -> None:
        wanted = appointments.NewAppointment(person.actor.user_id, Role.STREET_CHIEF, "421002001")
        appointments.appoint_by_operator(wanted, now=NOW)

    _WAITING.append((gains_office, person))
    assert person.post("/t/moderate").status_code == 204
    assert written(db.session()) == 1


def test_every_route_for_somebody_signed_in_is_judged_again(app: Flask) -> None:
    named = [rule.endpoint for rule in app.url_map.iter_rules() if permission_of(app.view_functions[rule.endpoint])]
    guarded = [name for name in named if permission_of(app.view_functions[name]) is not Permission.PUBLIC]
    assert len(guarded) > 60
    assert not [name for name in guarded if not hasattr(app.view_functions[name], "__judged_again__")]


def test_nothing_is_written_without_a_unit_of_work() -> None:
    """`fetch_alone` opens none, so nothing asks for the rights: it is for reads, for the units themselves, and for a
    worker's claim of a row, which is no person's.
    """
    users = [
        path.as_posix()
        for path in Path("wxapi").rglob("*.py")
        if re.search(r"fetch_alone\(", path.read_text(encoding="utf-8"))
    ]
    assert set(users) == {
        "wxapi/platform/db.py",
        "wxapi/platform/engine.py",
        "wxapi/platform/outbox.py",
        "wxapi/identity/queries.py",
        "wxapi/photos/services/claim.py",
        "wxapi/reports/queries/desk_counts.py",
        "wxapi/reports/queries/desk_map.py",
        "wxapi/reports/queries/lists.py",
        "wxapi/reports/queries/nearby.py",
        "wxapi/reports/queries/reports.py",
        "wxapi/reports/services/saved_filters.py",
    }


@contextmanager
def ending(app: Flask, person: Person, end: Ending, *, endpoint: str) -> Iterator[None]:
    """End the person's right once, after the check and before the view of the endpoint."""
    view = app.view_functions[endpoint]
    waiting = [end]

    @wraps(view)
    def late(*args: Any, **kwargs: Any) -> Any:
        if waiting:
            waiting.pop()(person)
        return view(*args, **kwargs)

    app.view_functions[endpoint] = late
    try:
        yield
    finally:
        app.view_functions[endpoint] = view
    assert not waiting, "the request did not come to its view"


@pytest.mark.parametrize("key", [None, "once"])
@pytest.mark.parametrize("end", [logs_out, is_erased])
class TestTheRealThing:
    """What citizens do, with the body on its way while the right ends."""

    def test_change_me(self, app: Flask, people: People, session: Session, end: Ending, key: str | None) -> None:
        person = people.make()
        with ending(app, person, end, endpoint="identity.change_me"):
            headers = {"Idempotency-Key": key} if key else {}
            answer = person.call("PUT", "/me", json={"nickname": "还在路上"}, headers=headers)
        assert answer.status_code == 401
        session.expire_all()
        assert session.get_one(User, person.actor.user_id).nickname == ""

    def test_file_a_report(self, app: Flask, town: Town, session: Session, end: Ending, key: str | None) -> None:
        with ending(app, town.reporter, end, endpoint="reports.file_report"):
            answer = town.reporter.post("/reports", reporting.body(), key=key or random_key())
        assert answer.status_code == 401, answer.text
        assert session.scalar(select(func.count()).select_from(Report)) == 0

    def test_sign_in(self, app: Flask, school: School, session: Session, end: Ending, key: str | None) -> None:
        hall = school.make()
        code = school.code(hall)
        assert school.sign_in(hall, school.people.make(), code=code).status_code == 201  # the session is known by now
        with ending(app, school.member, end, endpoint="training.sign_in"):
            answer = school.member.post(f"/training/sessions/{hall['id']}/sign-ins", {"code": code}, key=key)
        assert answer.status_code == 401, answer.text
        mine = select(func.count()).select_from(Attendance).where(Attendance.user_id == school.member.actor.user_id)
        assert session.scalar(mine) == 0


@pytest.mark.parametrize("end", [logs_out, is_erased, loses_office, after_midnight])
def test_a_worker_whose_right_ended_accepts_nothing(app: Flask, town: Town, session: Session, end: Ending) -> None:
    report = reporting.file_routed(town.reporter)
    with ending(app, town.worker, end, endpoint="reports.act"):
        answer = town.worker.post(
            f"/reports/{report['id']}/actions", {"action": "accept", "version": report["version"]}
        )
    assert answer.status_code == (401 if end in {logs_out, is_erased} else 404), answer.text
    session.expire_all()
    assert session.get_one(Report, uuid.UUID(report["id"])).version == report["version"]
