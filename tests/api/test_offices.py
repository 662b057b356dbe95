"""Offices end, move and are stood in for: within the administrator's regions, from day to day."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.factories import People, Person
from tests.reporting import file_routed, settle
from tests.tries import tries
from wxapi.identity.models import AppointmentRow
from wxapi.identity.queries import actor_of
from wxapi.kernel.clock import FixedClock, local_day
from wxapi.kernel.permissions import Role
from wxapi.notifications.models import Message
from wxapi.notifications.services.offices import tell_of_office
from wxapi.platform.outbox import OutboxRow
from wxapi.reports.queries.desk_people import desk_people
from wxapi.reports.rules.relations import roles_at

CITY, COUNTY, OTHER_COUNTY, TOWNSHIP = "4210", "421002", "421003", "421002001"
VILLAGE, NEXT_VILLAGE = "421002001001", "421002001002"
TODAY = local_day(NOW)


def day(number: int) -> str:
    return (TODAY + timedelta(days=number)).isoformat()


@pytest.fixture
def admin(city: None, people: People) -> Person:
    return people.make((Role.ADMIN, COUNTY))


def office_of(session: Session, person: Person) -> str:
    row = select(AppointmentRow.id).where(AppointmentRow.user_id == person.actor.user_id)
    return str(session.scalars(row.order_by(AppointmentRow.starts_on).limit(1)).one())


def held(person: Person) -> list[tuple[str, bool, str | None]]:
    answer = person.get("/me")
    return [(each["region"]["code"], each["is_stand_in"], each["ends_on"]) for each in answer.json["appointments"]]


def stand_in(admin: Person, office: str, person: Person, since: int, until: int) -> Any:
    body = {"user_id": str(person.actor.user_id), "from": day(since), "to": day(until)}
    return admin.post(f"/appointments/{office}/stand-ins", body)


def test_a_stand_in_acts_from_day_to_day(admin: Person, people: People, session: Session, clock: FixedClock) -> None:
    worker, deputy = people.make((Role.COMMUNITY_WORKER, VILLAGE)), people.make()
    made = stand_in(admin, office_of(session, worker), deputy, 1, 2)
    assert made.status_code == 201, made.text
    assert made.json["stands_in_for"] == {"id": office_of(session, worker), "name": ""}
    seen = []
    for _ in range(4):
        seen.append(held(deputy))
        assert held(worker) == [(VILLAGE, False, None)]
        clock.advance(days=1)
    mine = [(VILLAGE, True, day(2))]
    assert seen == [[], mine, mine, []]


@pytest.mark.parametrize(
    ("since", "until", "code", "field"),
    [
        (1, 0, "dates_reversed", "to"),
        (-1, 3, "dates_reversed", "from"),
        (0, 366, "stand_in_too_long", "to"),
        (0, 11, "dates_outside_office", "to"),
    ],
)
def test_days_of_a_stand_in(
    admin: Person, people: People, session: Session, since: int, until: int, code: str, field: str
) -> None:
    worker = people.make((Role.COMMUNITY_WORKER, VILLAGE))
    office = office_of(session, worker)
    if code == "dates_outside_office":
        assert admin.post(f"/appointments/{office}/end", {"last_day": day(10)}).status_code == 200
    refused = stand_in(admin, office, people.make(), since, until)
    assert (refused.status_code, refused.json["code"], list(refused.json["errors"])) == (422, code, [field])


def test_who_holds_the_office_stands_in_for_nobody_there(admin: Person, people: People, session: Session) -> None:
    worker, deputy = people.make((Role.COMMUNITY_WORKER, VILLAGE)), people.make()
    office = office_of(session, worker)
    assert stand_in(admin, office, worker, 0, 3).json["code"] == "already_appointed"
    made = stand_in(admin, office, deputy, 5, 9)
    assert stand_in(admin, office, deputy, 9, 12).json["code"] == "already_appointed"
    assert stand_in(admin, office, deputy, 10, 12).status_code == 201
    assert stand_in(admin, made.json["id"], people.make(), 5, 6).json["code"] == "is_stand_in"
    assert admin.post(f"/appointments/{made.json['id']}/move", {"region_code": NEXT_VILLAGE}).status_code == 409
    unknown = {"user_id": str(uuid.uuid4()), "from": day(0), "to": day(1)}
    assert admin.post(f"/appointments/{office}/stand-ins", unknown).status_code == 404


def test_a_move_today_and_a_move_to_come(admin: Person, people: People, session: Session, clock: FixedClock) -> None:
    worker = people.make((Role.COMMUNITY_WORKER, VILLAGE))
    office = office_of(session, worker)
    assert admin.post(f"/appointments/{office}/move", {"region_code": VILLAGE}).json["code"] == "already_appointed"
    moved = admin.post(f"/appointments/{office}/move", {"region_code": NEXT_VILLAGE})
    assert (moved.status_code, moved.json["starts_on"]) == (201, day(0))
    assert held(worker) == [(NEXT_VILLAGE, False, None)]
    assert admin.post(f"/appointments/{office}/move", {"region_code": VILLAGE}).status_code == 404  # it is over
    back = admin.post(f"/appointments/{moved.json['id']}/move", {"region_code": VILLAGE, "on": day(2)})
    assert back.json["starts_on"] == day(2)
    coming = admin.get(f"/appointments?region={COUNTY}&when=coming").json["items"]
    assert [(each["region"]["code"], each["starts_on"]) for each in coming] == [(VILLAGE, day(2))]
    seen = []
    for _ in range(4):
        seen += [code for code, *_ in held(worker)]
        clock.advance(days=1)
    assert seen == [NEXT_VILLAGE, NEXT_VILLAGE, VILLAGE, VILLAGE]
    assert admin.post(f"/appointments/{moved.json['id']}/move", {"region_code": VILLAGE}).status_code in {403, 404}


def test_an_office_ends_on_a_day(admin: Person, people: People, session: Session, clock: FixedClock) -> None:
    worker = people.make((Role.COMMUNITY_WORKER, VILLAGE))
    office = office_of(session, worker)
    path = f"/appointments/{office}/end"
    assert admin.post(path, {"last_day": day(-1)}).json["code"] == "dates_reversed"
    assert admin.post(path, {"last_day": day(1)}).json["ends_on"] == day(1)
    assert admin.post(path, {"last_day": day(2)}).json["code"] == "dates_outside_office"
    seen = []
    for _ in range(3):
        seen.append(len(held(worker)))
        clock.advance(days=1)
    assert seen == [1, 1, 0]


def test_an_administrator_of_elsewhere_finds_no_office(admin: Person, people: People, session: Session) -> None:
    other = people.make((Role.ADMIN, OTHER_COUNTY))
    worker, theirs = people.make((Role.COMMUNITY_WORKER, VILLAGE)), people.make((Role.SUPERVISOR, OTHER_COUNTY))
    office, foreign = office_of(session, worker), office_of(session, theirs)
    assert other.post(f"/appointments/{office}/end", {"last_day": day(1)}).status_code == 404
    assert other.post(f"/appointments/{office}/move", {"region_code": OTHER_COUNTY}).status_code == 404
    assert stand_in(other, office, people.make(), 0, 1).status_code == 404
    # Into the own region from outside, and out of it.
    assert admin.post(f"/appointments/{foreign}/move", {"region_code": COUNTY}).status_code == 404
    assert admin.post(f"/appointments/{office}/move", {"region_code": OTHER_COUNTY}).status_code == 404
    assert held(worker) == [(VILLAGE, False, None)]


def test_who_is_concerned_is_told(admin: Person, people: People, session: Session) -> None:
    worker, deputy = people.make((Role.COMMUNITY_WORKER, VILLAGE)), people.make()
    office = office_of(session, worker)
    stand_in(admin, office, deputy, 0, 3)
    admin.post(f"/appointments/{office}/end", {"last_day": day(30)})
    admin.call("DELETE", f"/appointments/{office}")
    rows = session.scalars(select(OutboxRow).where(OutboxRow.topic == "appointment.changed")).all()
    for row in [*rows, *rows]:  # harmless the second time
        tell_of_office(uuid.UUID(row.payload["appointment_id"]), row.payload["step"], now=NOW)
    told = select(Message.title).where(Message.kind == "appointment").order_by(Message.title)
    assert session.scalars(told.where(Message.user_id == deputy.actor.user_id)).all() == ["您已受委托代理"]
    # That it was to end on a day is no news once it is over.
    mine = session.scalars(told.where(Message.user_id == worker.actor.user_id)).all()
    assert mine == ["已安排代理人", "您的任职已结束"]


def test_commands_of_an_operator(app: Flask, people: People, session: Session, city: None) -> None:
    worker, deputy = people.make((Role.COMMUNITY_WORKER, VILLAGE)), people.make()
    office = office_of(session, worker)

    def run(*words: str) -> str:
        done = app.test_cli_runner().invoke(args=["people", *words])
        return str(done.output)

    assert f"{office} {worker.actor.user_id} 2026-01-01" in run("offices", COUNTY)
    said = run("stand-in", office, str(deputy.actor.user_id), "--from", day(0), "--to", day(3))
    assert "stands in from" in said
    assert "[already_appointed]" in run("stand-in", office, str(deputy.actor.user_id), "--from", day(0), "--to", day(3))
    assert held(deputy) == [(VILLAGE, True, day(3))]
    assert f"community_worker of {NEXT_VILLAGE}" in run("move", office, NEXT_VILLAGE)
    assert held(worker) == [(NEXT_VILLAGE, False, None)]
    shown = run("offices", VILLAGE)
    assert "代理" in shown
    assert "ends now" in run("end", shown.split()[0])
    assert held(deputy) == []
    assert "[not_found]" in run("end", office)


@settings(
    max_examples=tries(8),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    spans=st.lists(
        st.tuples(st.sampled_from([VILLAGE, TOWNSHIP]), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=4
    ),
    ended=st.integers(-1, 6),
)
def test_who_is_told_is_who_may_act_on_every_day(
    app: Flask, people: People, session: Session, clock: FixedClock, spans: list[tuple[str, int, int]], ended: int
) -> None:
    """Whatever stand-ins there are: each day the people of a desk are those whose rights let them work there."""
    clock.at = NOW
    town = settle(people)
    report = file_routed(town.reporter)
    admin = people.make((Role.ADMIN, CITY))
    offices = {VILLAGE: office_of(session, town.worker), TOWNSHIP: office_of(session, town.officer)}
    deputies = [people.make() for _ in spans]
    last = {}
    for deputy, (place, first, length) in zip(deputies, spans, strict=True):
        made = stand_in(admin, offices[place], deputy, first, first + length)
        assert made.status_code == 201
        last[deputy.actor.user_id] = (place, first, first + length)
    if ended >= 0:
        assert admin.post(f"/appointments/{offices[VILLAGE]}/end", {"last_day": day(ended)}).status_code == 200
    for number in range(9):
        today = TODAY + timedelta(days=number)
        told = desk_people(session, VILLAGE, None, (), today=today)
        for person in [town.worker, town.officer, *deputies]:
            acts = actor_of(session, person.actor.user_id, today=today)
            hands = any(
                each.role in roles_at(VILLAGE) and VILLAGE.startswith(each.region_code) for each in acts.appointments
            )
            assert hands == (person.actor.user_id in told)
            if person in deputies:
                place, first, end = last[person.actor.user_id]
                assert bool(acts.appointments) == (first <= number <= end)
                status = person.get(f"/reports/{report['id']}").status_code
                assert (status == 200) == (first <= number <= end), (place, number)
        clock.advance(days=1)
