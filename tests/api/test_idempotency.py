"""`Idempotency-Key`: the first answer again, once only, whatever the network repeats."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask, Response
from sqlalchemy import func, select, update

from config import Config
from tests import places
from tests.conftest import NOW, app_in_savepoint
from tests.factories import People, Person
from wxapi.identity.models import AppointmentRow, Token, User
from wxapi.identity.services.appointments import NewAppointment, add_appointment
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Permission, Role
from wxapi.platform import idempotency, outbox
from wxapi.platform.db import db, transaction
from wxapi.platform.guard import guard
from wxapi.platform.kept_answers import IdempotencyRow
from wxapi.platform.outbox import OutboxRow


@pytest.fixture
def admin(city: None, people: People) -> Person:
    return people.make((Role.ADMIN, "4210"))


def body_for(person: Person, role: str = "street_chief") -> dict[str, str]:
    return {"user_id": str(person.actor.user_id), "role": role, "region_code": "4210"}


def phone_speaks_again(clock: FixedClock) -> None:
    """Appointing asks for a word of the phone that is not old."""
    db.session.execute(update(Token).values(confirmed_at=clock.now()))


def test_the_same_key_and_body_get_the_first_answer(admin: Person, people: People) -> None:
    body = body_for(people.make())
    first = admin.post("/appointments", body, key="k-1")
    again = admin.post("/appointments", body, key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")


def test_the_same_key_with_another_body_is_refused(admin: Person, people: People) -> None:
    someone = people.make()
    admin.post("/appointments", body_for(someone), key="k-1")
    response = admin.post("/appointments", body_for(someone, "supervisor"), key="k-1")
    assert (response.status_code, response.get_json()["code"]) == (422, "idempotency_key_reused")


def test_keys_belong_to_a_person(admin: Person, people: People) -> None:
    other = people.make((Role.ADMIN, "4210"))
    body = body_for(people.make())
    first = admin.post("/appointments", body, key="k-1")
    assert first.status_code == 201
    assert other.post("/appointments", body, key="k-1").status_code == 409
    assert other.post("/appointments", body_for(people.make()), key="k-1").status_code == 201
    assert admin.post("/appointments", body, key="k-1").data == first.data


def test_a_refusal_is_judged_anew(admin: Person, people: People, app: Flask) -> None:
    stranger = {"user_id": str(uuid.uuid4()), "role": "admin", "region_code": "4210"}
    assert admin.post("/appointments", stranger, key="k-1").status_code == 404
    assert db.session.scalar(select(func.count()).select_from(IdempotencyRow)) == 0
    assert admin.post("/appointments", body_for(people.make()), key="k-1").status_code == 201


def test_another_query_is_another_request(admin: Person, people: People) -> None:
    body = body_for(people.make())
    assert admin.post("/appointments", body, key="k-1").status_code == 201
    other = admin.post("/appointments?of=another", body, key="k-1")
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["", "x" * 65, "a b", "键", "a/b"])
def test_keys_have_a_form(admin: Person, people: People, key: str) -> None:
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    response = admin.call("POST", "/appointments", json=body_for(people.make()), headers=headers)
    assert (response.status_code, response.get_json()["code"]) == (400, "idempotency_key_invalid")


def test_keys_are_kept_48_hours(admin: Person, people: People, clock: FixedClock) -> None:
    body = body_for(people.make())
    admin.post("/appointments", body, key="k-1")
    clock.advance(hours=49)
    phone_speaks_again(clock)
    with transaction() as session:
        assert idempotency.forget_expired(session, clock.now(), 10) == 1
    assert admin.post("/appointments", body, key="k-1").status_code == 409  # a new question, a new answer


def test_an_expired_key_that_was_not_swept_is_as_good_as_none(admin: Person, people: People, clock: FixedClock) -> None:
    admin.post("/appointments", body_for(people.make()), key="k-1")
    clock.at += timedelta(hours=49)
    phone_speaks_again(clock)
    body = body_for(people.make())
    fresh = admin.post("/appointments", body, key="k-1")
    assert (fresh.status_code, fresh.headers.get("Idempotency-Replayed")) == (201, None)
    again = admin.post("/appointments", body, key="k-1")
    assert (again.data, again.headers.get("Idempotency-Replayed")) == (fresh.data, "true")


def test_an_answer_is_not_given_again_to_somebody_appointed_since(admin: Person, people: People) -> None:
    """What they may see has changed with it; what was done is not done again either."""
    body = body_for(people.make())
    admin.post("/appointments", body, key="k-1")
    with transaction() as session:
        wanted = NewAppointment(admin.actor.user_id, Role.COMMUNITY_WORKER, "421002001001")
        add_appointment(session, wanted, starts_on=NOW.date(), appointed_by=None, now=NOW)
    again = admin.post("/appointments", body, key="k-1")
    assert (again.status_code, again.get_json()["code"]) == (409, "answer_not_kept")


def test_twenty_at_once_are_one(open_app: Flask) -> None:
    places.import_small_city()
    people = People(open_app)
    admin = people.make((Role.ADMIN, "4210"))
    body = body_for(people.make())
    db.session.remove()
    start = threading.Barrier(20)
    answers: list[tuple[int, bytes]] = []

    def send() -> None:
        start.wait()
        response = admin.post("/appointments", body, key="same")
        answers.append((response.status_code, response.data))

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20
    assert len(set(answers)) == 1
    assert answers[0][0] == 201
    made = db.session.scalar(
        select(func.count()).select_from(AppointmentRow).where(AppointmentRow.user_id == uuid.UUID(body["user_id"]))
    )
    assert made == 1


def test_a_crash_between_effect_and_answer_cannot_be(open_app: Flask) -> None:
    """The key is in the effect's own transaction: undone together."""
    places.import_small_city()
    people = People(open_app)
    person = people.make()
    with open_app.app_context(), pytest.raises(RuntimeError, match="crash"), transaction() as session:
        user = session.get(User, person.actor.user_id)
        assert user is not None
        add_appointment(
            session, NewAppointment(user.id, Role.ADMIN, "4210"), starts_on=NOW.date(), appointed_by=None, now=NOW
        )
        session.add(IdempotencyRow(user_id=user.id, key="k", fingerprint=b"", created_at=NOW))
        raise RuntimeError("crash")
    assert db.session.scalar(select(func.count()).select_from(IdempotencyRow)) == 0


def test_a_view_that_ends_the_transaction_does_nothing_at_all(make_config: Callable[..., Config]) -> None:
    """Its key would be gone, and a repeat would do everything again."""

    @guard(Permission.SIGNED_IN)
    def careless() -> Response:
        db.session().rollback()
        with transaction() as session:
            outbox.record(session, "export.dropped", file_key="x")
        return Response("done", 201)

    with app_in_savepoint(make_config()) as app:
        app.add_url_rule("/api/v1/careless", "test.careless", careless, methods=["POST"])
        idempotency.install(app)
        assert People(app).make().post("/careless", key="k").status_code == 500
        with app.app_context():
            assert db.session.scalar(select(OutboxRow.id).where(OutboxRow.topic == "export.dropped")) is None
