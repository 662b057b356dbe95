"""Many at the same moment, on connections of their own: seats, sign-ins, typed tries."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.at_once import at_once
from tests.conftest import NOW
from tests.factories import People, Person
from tests.schooling import School, open_school
from wxapi.kernel.clock import to_wire
from wxapi.platform.db import db
from wxapi.training.models import Attendance, Enrolment, Flag
from wxapi.training.services import review_flags

Result = TypeVar("Result")
THREADS = 16


@pytest.fixture(scope="module")
def committing_app(make_committing_app: Callable[..., AbstractContextManager[Flask]]) -> Iterator[Flask]:
    with make_committing_app(database_pool=THREADS) as made:
        yield made


@pytest.fixture(scope="module")
def school(committing_app: Flask) -> School:
    return open_school(People(committing_app))


def enrol(person: Person, hall: dict) -> str:
    answer = person.post(f"/training/sessions/{hall['id']}/enrolments")
    assert answer.status_code == 201, answer.text
    return str(answer.json["state"])


def test_fifty_seats_and_two_hundred_at_once(school: School) -> None:
    hall = school.make(capacity=50)
    people = [school.people.make() for _ in range(200)]
    with ThreadPoolExecutor(THREADS) as pool:
        states = list(pool.map(lambda person: enrol(person, hall), people))
    assert (states.count("enrolled"), states.count("waiting")) == (50, 150)
    with db.engine.connect() as connection:
        rows = connection.execute(
            select(Enrolment.seq, Enrolment.state)
            .where(Enrolment.session_id == uuid.UUID(hall["id"]))
            .order_by(Enrolment.seq)
        ).all()
    assert [row.seq for row in rows] == list(range(1, 201))
    assert [row.state for row in rows] == ["enrolled"] * 50 + ["waiting"] * 150
    seen = school.organiser.get(f"/training/sessions/{hall['id']}").json
    assert (seen["enrolled_count"], seen["waiting_count"]) == (50, 150)


def test_leaving_at_once_moves_up_as_many_in_order(school: School) -> None:
    hall = school.make(capacity=10)
    people = [school.people.make() for _ in range(30)]
    assert [enrol(person, hall) for person in people].count("enrolled") == 10
    path = f"/training/sessions/{hall['id']}/enrolments/me"
    answers = at_once([lambda p=person: p.call("DELETE", path) for person in people[:10]])
    assert {answer.status_code for answer in answers} == {204}
    seats = [person.get(f"/training/sessions/{hall['id']}").json["mine"] for person in people]
    assert [seat["enrolment"] for seat in seats] == ["withdrawn"] * 10 + ["enrolled"] * 10 + ["waiting"] * 10
    assert [seat["place"] for seat in seats[20:]] == list(range(1, 11))


def test_sixteen_at_once_forty_times_make_one_row_each(school: School) -> None:
    hall = school.make()
    code = school.code(hall)
    people = [school.people.make() for _ in range(40)]
    path = f"/training/sessions/{hall['id']}/sign-ins"
    for person in people:
        answers = at_once([lambda p=person: p.post(path, {"code": code})] * THREADS)
        assert sorted(answer.status_code for answer in answers) == [200] * (THREADS - 1) + [201]
        assert len({answer.data for answer in answers}) == 1
    with db.engine.connect() as connection:
        rows = connection.scalar(select(func.count()).where(Attendance.session_id == uuid.UUID(hall["id"])))
    assert rows == 40


def test_batches_of_one_session_in_any_order_do_not_wait_for_each_other(school: School) -> None:
    hall = school.make()
    people = [school.people.make() for _ in range(120)]
    items = [
        {"key": str(n), "user_id": str(person.actor.user_id), "client_time": to_wire(NOW)}
        for n, person in enumerate(people)
    ]
    path = f"/training/sessions/{hall['id']}/sign-ins/batch"
    orders = [items, items[::-1], items[60:] + items[:60], items[60::-1] + items[:60:-1]]
    answers = at_once([lambda order=order: school.steward.post(path, {"items": order}) for order in orders])
    assert [answer.status_code for answer in answers] == [200] * len(orders)
    for order, answer in zip(orders, answers, strict=True):
        assert [result["key"] for result in answer.json["results"]] == [item["key"] for item in order]
    statuses = [result["status"] for answer in answers for result in answer.json["results"]]
    assert (statuses.count(201), statuses.count(200)) == (len(people), len(people) * (len(orders) - 1))


def test_a_batch_and_a_bulk_correction_at_once(school: School) -> None:
    hall = school.make()
    people = [school.people.make() for _ in range(120)]
    for person in people:
        enrol(person, hall)
    ids = [str(person.actor.user_id) for person in people]
    items = [{"key": user_id, "user_id": user_id, "client_time": to_wire(NOW)} for user_id in reversed(ids)]
    path = f"/training/sessions/{hall['id']}"
    bulk = {"state": "exempt", "reason": "另有任务", "user_ids": ids}
    answers = at_once(
        [
            lambda: school.steward.post(f"{path}/sign-ins/batch", {"items": items}),
            lambda: school.organiser.post(f"{path}/attendance/bulk", bulk),
        ]
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert {result["status"] for result in answers[0].json["results"]} == {201}


def test_a_device_for_many_at_the_same_instant_is_found_by_the_review(school: School) -> None:
    hall = school.make()
    code = school.code(hall)
    people = [school.people.make() for _ in range(8)]
    path = f"/training/sessions/{hall['id']}/sign-ins"
    answers = at_once([lambda p=person: p.post(path, {"code": code, "device_id": "one"}) for person in people])
    assert {answer.status_code for answer in answers} == {201}
    review_flags.review(uuid.UUID(hall["id"]), now=NOW)
    assert review_flags.review(uuid.UUID(hall["id"]), now=NOW) == 0
    with db.engine.connect() as connection:
        flagged = connection.scalars(
            select(Flag.user_id).where(Flag.session_id == uuid.UUID(hall["id"]), Flag.reason == "same_device")
        ).all()
    assert len(flagged) == 8


def test_guessing_at_once_gets_five_tries(school: School) -> None:
    hall = school.make()
    person = school.people.make()
    path = f"/training/sessions/{hall['id']}/sign-ins"
    answers = at_once([lambda: person.post(path, {"code": "AAABBB"})] * THREADS)
    codes = sorted(answer.json["code"] for answer in answers)
    assert codes == ["code_invalid"] * 5 + ["too_many_tries"] * (THREADS - 5)
