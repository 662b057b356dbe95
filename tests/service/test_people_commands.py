"""The operator's command that makes a first administrator, and lists of people appointed at once."""

import uuid

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.factories import People
from wxapi.identity.models import User
from wxapi.identity.services import appoint_many
from wxapi.identity.services.login import register_openid
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.platform.audit import AuditRow
from wxapi.platform.db import transaction


def test_an_operator_makes_the_first_administrator(city: None, app: Flask, people: People) -> None:
    person = people.make()
    done = app.test_cli_runner().invoke(args=["people", "appoint", str(person.actor.user_id), "admin", "4210"])
    assert (done.exit_code, done.output) == (0, f"{person.actor.user_id} is admin of 4210 and all below it.\n")
    (held,) = person.get("/me").get_json()["appointments"]
    assert (held["role"], held["region"]["code"]) == ("admin", "4210")
    other = people.make()
    body = {"user_id": str(other.actor.user_id), "role": "supervisor", "region_code": "421002"}
    assert person.post("/appointments", body).status_code == 201


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["appoint", "{id}", "admin", "9999"], "[not_found] There is no region 9999."),
        (["appoint", str(uuid.UUID(int=7)), "admin", "4210"], f"[not_found] There is no person {uuid.UUID(int=7)}"),
        (["appoint", "{id}", "mayor", "4210"], "Invalid value for "),
        (["appoint", "{id}", "supervisor", "421002"], "[already_appointed]"),
        (["offices", "9999"], "[not_found] There is no region 9999."),
        (["end", "{id}"], "[not_found] There is no appointment "),
        (["end", "{id}", "--on", "1.2.2026"], "'1.2.2026' is no day, YYYY-MM-DD."),
    ],
)
def test_wrong_orders_are_refused_in_a_sentence(
    city: None, app: Flask, people: People, arguments: list[str], said: str
) -> None:
    person = people.make((Role.SUPERVISOR, "421002"))
    words = [word.replace("{id}", str(person.actor.user_id)) for word in arguments]
    refused = app.test_cli_runner().invoke(args=["people", *words])
    assert refused.exit_code != 0
    assert said in refused.output


def test_a_roster_is_appointed_at_once(city: None, app: Flask, session: Session, clock: FixedClock) -> None:
    known = register_openid(session, "roster-1", now=clock.now())
    wanted = [("roster-1", Role.ADMIN, "4210"), *((f"roster-{n}", Role.STREET_CHIEF, "421002001") for n in range(2, 9))]
    with transaction() as unit:
        assert appoint_many.appoint_openids(unit, wanted, now=clock.now()) == 8
    ids = appoint_many.register_openids(session, [openid for openid, _, _ in wanted], now=clock.now())
    assert ids["roster-1"] == known.id
    assert session.scalar(select(func.count()).select_from(User).where(User.id.in_(ids.values()))) == 8
    audited = select(func.count()).select_from(AuditRow).where(AuditRow.action == "appointment.add")
    assert session.scalar(audited.where(AuditRow.subject.in_([f"user:{key}" for key in ids.values()]))) == 8
