"""Whoever writes several rows that others write too does so in one order: two at once never wait in a circle."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select

from tests import reporting
from tests.at_once import at_once, deadlocks
from tests.conftest import NOW
from tests.factories import People, Person
from wxapi.identity.models import AppointmentRow
from wxapi.identity.services.appoint_many import register_openids
from wxapi.kernel.permissions import Role
from wxapi.notifications.rules.notices import Notice
from wxapi.notifications.services.tell import tell
from wxapi.platform.db import db, transaction
from wxapi.platform.refusals import RefusalCounter
from wxapi.training.rules.messages import TRAINING_REMINDER
from wxapi.units.models import Unit

ROUNDS, ROWS = 12, 60


@dataclass(frozen=True)
class Writer:
    """`prepare` names rows that may be there already; `write` writes them in the order in which they are given."""

    prepare: Callable[[Flask], Sequence[object]]
    write: Callable[[int, Sequence[object]], None]


def count_refusals(_round: int, addresses: Sequence[object]) -> None:
    counter = RefusalCounter()
    for address in addresses:
        counter.note(("reports.file", "refused", str(address), None), NOW)
    counter.write()
    assert not counter.waiting, "it was not written: see the log"


def put_into_inboxes(number: int, people: Sequence[object]) -> None:
    notice = Notice(kind=TRAINING_REMINDER, subject=f"training:{number}", step="due", title="提醒", body="明天上课。")
    with transaction() as session:
        tell(session, [user for user in people if isinstance(user, uuid.UUID)], notice, now=NOW)


def register(number: int, openids: Sequence[object]) -> None:
    with transaction() as session:
        register_openids(session, [f"{openid}-{number}" for openid in openids], now=NOW)


def addresses(_app: Flask) -> list[object]:
    return [f"10.0.0.{number}" for number in range(ROWS)]


def some_people(app: Flask) -> list[object]:
    people = People(app)
    return [people.make().actor.user_id for _ in range(ROWS)]


WRITERS = {
    "refusals": Writer(addresses, count_refusals),
    "inboxes": Writer(some_people, put_into_inboxes),
    "people by openid": Writer(addresses, register),
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_two_who_name_the_same_in_opposite_orders(open_app: Flask, writer: Writer) -> None:
    named = writer.prepare(open_app)

    def write(rows: Sequence[object]) -> Callable[[], None]:
        def run() -> None:
            with open_app.app_context():
                for number in range(ROUNDS):
                    writer.write(number, rows)

        return run

    at_once([write(named), write(named[::-1]), write(named), write(named[::-1])])
    assert deadlocks() == 0


def test_two_units_closed_into_one_another(open_app: Flask) -> None:
    """While officers come to both: whoever is refused is told so, and nobody keeps an office of what is closed."""
    people = People(open_app)
    reporting.settle(people)
    admin, officers = people.make((Role.ADMIN, reporting.COUNTY)), [people.make() for _ in range(2)]
    for number in range(ROUNDS):
        units = [f"{reporting.TOWNSHIP}-{side}{number}" for side in "ab"]
        for unit in units:
            place, _, suffix = unit.partition("-")
            made = {"region_code": place, "suffix": suffix, "name": "公司", "kind": "company", "field": None}
            assert admin.post("/units", made).status_code == 201

        def close(one: str, other: str) -> Callable[[], int]:
            body = {"on": NOW.date().isoformat(), "successor_code": other}
            return lambda: admin.post(f"/units/{one}/close", body).status_code

        def appoint(unit: str, officer: Person) -> Callable[[], int]:
            body = {"role": "unit_officer", "unit_code": unit, "user_id": str(officer.actor.user_id)}
            return lambda: admin.post("/appointments", body).status_code

        pairs = zip(units, officers, strict=True)
        answers = at_once([close(*units), close(*units[::-1]), *(appoint(*pair) for pair in pairs)])
        assert sorted(answers[:2]) == [200, 422], answers
        assert set(answers[2:]) <= {201, 422}, answers
    held = select(AppointmentRow.id).join(Unit, Unit.code == AppointmentRow.unit_code)
    left = held.where(AppointmentRow.ended_at.is_(None), Unit.closed_on.is_not(None))
    assert db.session.scalars(left).all() == []
    assert deadlocks() == 0
