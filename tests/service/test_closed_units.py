"""A unit that is closed takes its officers along, or lets them go: with the same commit, on the record, and told."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from unittest.mock import patch

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.at_once import deadlocks
from tests.conftest import NOW
from tests.factories import People, Person
from tests.places import import_small_city
from tests.service.test_people_of_units import COUNTY, TRAP, VILLAGE, city_admin, held, units
from wxapi.identity.models import AppointmentRow
from wxapi.identity.services import appointments, office_changes
from wxapi.identity.services.appointments import NewAppointment
from wxapi.identity.services.office_changes import StandIn
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import DomainError
from wxapi.kernel.permissions import Role
from wxapi.kernel.setting_texts import driver_url
from wxapi.notifications.models import Message
from wxapi.notifications.services.offices import tell_of_office
from wxapi.platform.audit import AuditRow
from wxapi.platform.db import db
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime
from wxapi.regions.services.changing import Merger, close_regions
from wxapi.units.rules import UnitKind
from wxapi.units.services import holdings
from wxapi.units.services.manage import NewUnit, close_unit, make_unit

__all__ = ["city_admin", "units"]
TODAY = local_day(NOW)
HEIR = f"{COUNTY}-cg"


def appoint(person: Person, unit: str = TRAP, *, until: date | None = None) -> AppointmentRow:
    region = unit.partition("-")[0]
    wanted = NewAppointment(person.actor.user_id, Role.UNIT_OFFICER, region, unit_code=unit, ends_on=until)
    return appointments.appoint_by_operator(wanted, now=NOW).row


def told(session: Session, person: Person) -> list[str]:
    """What the person reads of what became of their office."""
    session.flush()
    for entry in session.scalars(select(OutboxRow).where(OutboxRow.topic == "appointment.changed")).all():
        tell_of_office(entry.payload["appointment_id"], entry.payload["step"], now=NOW)
    wanted = select(Message.title).where(Message.user_id == person.actor.user_id)
    return list(session.scalars(wanted.order_by(Message.title)))


@pytest.mark.parametrize("successor", [HEIR, None, COUNTY])
def test_officers_go_to_the_successor_or_end(
    units: None, city_admin: Person, people: People, session: Session, successor: str | None
) -> None:
    officer, stand_in, both, gone = (people.make() for _ in range(4))
    row = appoint(officer, until=date(2027, 5, 1))
    office_changes.stand_in(None, row.id, StandIn(stand_in.actor.user_id, TODAY, date(2026, 12, 1)), now=NOW)
    appoint(both)
    appoint(both, HEIR)
    appointments.end_appointment(None, appoint(gone).id, now=NOW)
    session.execute(text("DELETE FROM outbox"))
    close_unit(city_admin.actor, TRAP, on=TODAY, successor_code=successor, now=NOW)
    there = [("unit_officer", HEIR)] if successor == HEIR else []
    assert [held(each) for each in (officer, stand_in, both, gone)] == [there, there, [("unit_officer", HEIR)], []]
    lines = session.scalars(select(AppointmentRow).where(AppointmentRow.user_id == officer.actor.user_id)).all()
    assert {(line.unit_code, line.ends_on) for line in lines if line.ended_at is None} == (
        {(HEIR, date(2027, 5, 1))} if there else set()
    )
    assert told(session, officer) == ["您的任职已调整" if there else "您的任职已结束"]
    assert told(session, both) == ["您的任职已结束"]
    assert told(session, gone) == []
    audited = select(AuditRow.action).where(
        AuditRow.subject == f"user:{officer.actor.user_id}", AuditRow.actor_id == city_admin.actor.user_id
    )
    assert sorted(session.scalars(audited)) == ["appointment.add", "appointment.end"] if there else ["appointment.end"]


def test_nobody_is_appointed_for_a_unit_that_is_gone(
    app: Flask, units: None, city_admin: Person, people: People, session: Session
) -> None:
    close_unit(city_admin.actor, TRAP, on=TODAY, successor_code=None, now=NOW)
    with pytest.raises(DomainError, match="unit_closed"):
        appoint(people.make())
    assert "ok closed units" in " ".join(app.test_cli_runner().invoke(args=["doctor"]).output.split())
    # As a release from before left it.
    session.execute(text("UPDATE units SET closed_on = NULL WHERE code = :code"), {"code": TRAP})
    appoint(people.make())
    session.execute(text("UPDATE units SET closed_on = :day WHERE code = :code"), {"code": TRAP, "day": TODAY})
    session.commit()
    assert f"1 closed units still have officers: {TRAP} (1)." in app.test_cli_runner().invoke(args=["doctor"]).output


def test_a_successor_is_one_of_the_administrators_own(units: None, people: People) -> None:
    admin = people.make((Role.ADMIN, COUNTY))
    with pytest.raises(DomainError, match="not_found"):
        close_unit(admin.actor, TRAP, on=TODAY, successor_code="421003-far", now=NOW)


@pytest.mark.parametrize("there_goes_on", [True, False])
def test_a_regions_unit_whose_namesake_is_closed(
    units: None, city_admin: Person, people: People, session: Session, *, there_goes_on: bool
) -> None:
    """The successor's unit of the same code was closed before: its own successor goes on, or nobody does."""
    far, officer = "421002001002", people.make()
    make_unit(city_admin.actor, NewUnit(far, "wy", "物业公司", UnitKind.COMPANY), now=NOW)
    close_unit(city_admin.actor, f"{far}-wy", on=TODAY, successor_code=HEIR if there_goes_on else None, now=NOW)
    appoint(officer, f"{VILLAGE}-wy")
    close_regions(Merger((VILLAGE,), far), on=TODAY, now=NOW)
    session.expire_all()
    assert held(officer) == ([("unit_officer", HEIR)] if there_goes_on else [])
    assert told(session, officer)[-1:] == ["您的任职已调整" if there_goes_on else "您的任职已结束"]


def test_whose_office_goes_to_another_village_hears_of_it(units: None, people: People, session: Session) -> None:
    worker = people.make((Role.COMMUNITY_WORKER, VILLAGE))
    close_regions(Merger((VILLAGE,), "421002001002"), on=TODAY, now=NOW)
    assert told(session, worker) == ["您的任职已调整"]


def test_whoever_is_appointed_meanwhile_is_not_waited_for_in_a_ring(open_app: Flask) -> None:
    """An appointment holds its person and waits for the unit, which its closing holds: that lets go and begins anew."""
    people = People(open_app)
    import_small_city()
    admin, officer = people.make((Role.ADMIN, "4210")), people.make()
    make_unit(admin.actor, NewUnit(COUNTY, TRAP.partition("-")[2], "住建局", UnitKind.DEPARTMENT), now=NOW)
    row = appoint(officer)
    db.session.remove()
    url = driver_url(runtime().config.database_url)
    unit, person = (TRAP,), (officer.actor.user_id,)
    with psycopg.connect(url) as first, psycopg.connect(url) as second, ThreadPoolExecutor(1) as pool:
        # As it stands while the first appointment of that person is not committed yet.
        first.execute("UPDATE appointments SET unit_code = unit_code WHERE id = %s", (row.id,))
        first.execute("SELECT FROM units WHERE code = %s FOR SHARE", unit)
        with patch.object(holdings, "people_of", return_value=set()):
            closing = pool.submit(closed_by, open_app, admin)
            waiting(first)
        second.execute("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", person)
        first.commit()
        second.execute("SELECT FROM units WHERE code = %s FOR SHARE", unit)
        second.commit()
        closing.result(timeout=20)
    assert (held(officer), deadlocks()) == ([], 0)


def closed_by(app: Flask, admin: Person) -> None:
    with app.app_context():
        close_unit(admin.actor, TRAP, on=TODAY, successor_code=None, now=NOW)


def waiting(connection: psycopg.Connection) -> None:
    """Until somebody waits for a lock in this database."""
    found = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    until = time.monotonic() + 20
    while connection.execute(found).fetchone() is None:
        assert time.monotonic() < until
        time.sleep(0.01)
