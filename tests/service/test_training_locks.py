"""Everything at once about two sessions whose make-ups rest on each other: nobody waits in a circle."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from random import Random

import pytest
from flask import Flask
from sqlalchemy import text

from tests.at_once import deadlocks, somebody_waits
from tests.conftest import NOW
from tests.factories import People, Person
from tests.processes import await_true
from tests.schooling import AT_THE_HALL, FIVE_KM_OFF, School, open_school, problem
from tests.tries import SEED
from wxapi.identity.services import erasure
from wxapi.kernel.clock import to_wire
from wxapi.platform.db import db
from wxapi.training.services import book_hours, review_flags, session_end

THREADS, OPERATIONS, PEOPLE = 12, 200, 32


@pytest.fixture(scope="module")
def committing_app(make_committing_app: Callable[..., AbstractContextManager[Flask]]) -> Iterator[Flask]:
    with make_committing_app(database_pool=THREADS) as made:
        yield made


@pytest.fixture(scope="module")
def school(committing_app: Flask) -> School:
    return open_school(People(committing_app))


def in_database(sql: str, **values: object) -> None:
    with db.engine.begin() as connection:
        connection.execute(text(sql), values)


def mixed_calls(
    school: School, halls: list[dict], people: list[Person], random: Random, *, over: bool
) -> list[Callable]:
    """Calls of every kind, in an order of chance; each answers with a status, 0 for a job."""
    organiser, steward = school.organiser, school.steward
    codes = {hall["id"]: school.code(hall) for hall in halls}

    def job(work: Callable[..., object], of: uuid.UUID) -> int:
        with school.organiser.app.app_context():
            work(of, now=NOW)
        return 0

    def decide(path: str, word: str) -> int:
        """On the first of a list that waits; 0 where nothing does."""
        waiting = organiser.get(path).json["items"]
        if not waiting:
            return 0
        return organiser.post(f"{path}/{random.choice(waiting)['id']}/decision", {"decision": word}).status_code

    def one(kind: str) -> Callable[[], int]:
        hall, other = random.sample(halls, 2)
        person, some = random.choice(people), random.sample(people, 12)
        path, me = f"/training/sessions/{hall['id']}", person.actor.user_id
        ids = [str(each.actor.user_id) for each in some]
        at = to_wire(NOW - timedelta(minutes=20) if over else NOW)
        calls: dict[str, Callable[[], int]] = {
            "enrol": lambda: person.post(f"{path}/enrolments").status_code,
            "withdraw": lambda: person.call("DELETE", f"{path}/enrolments/me").status_code,
            "sign_in": lambda: (
                person.post(
                    f"{path}/sign-ins", {"code": codes[hall["id"]], "client_time": at, "location": {**FIVE_KM_OFF}}
                ).status_code
            ),
            "sign_out": lambda: person.post(f"{path}/sign-outs", {"code": codes[hall["id"]]}).status_code,
            "batch": lambda: (
                steward.post(
                    f"{path}/sign-ins/batch",
                    {"items": [{"key": each, "user_id": each, "client_time": at} for each in ids]},
                ).status_code
            ),
            "correct": lambda: (
                organiser.call(
                    "PUT",
                    f"{path}/attendance/{me}",
                    json={"state": random.choice(["present", "absent"]), "reason": "更正"},
                ).status_code
            ),
            "make_up": lambda: (
                organiser.call(
                    "PUT",
                    f"{path}/attendance/{me}",
                    json={"state": "made_up", "reason": "补课", "made_up_in": other["id"]},
                ).status_code
            ),
            "bulk": lambda: (
                organiser.post(
                    f"{path}/attendance/bulk",
                    {"state": random.choice(["present", "exempt"]), "reason": "另有任务", "user_ids": ids},
                ).status_code
            ),
            "undo": lambda: organiser.post(f"{path}/attendance/{me}/undo", {"reason": "有误"}).status_code,
            "leave": lambda: person.post(f"{path}/leave-requests", {"reason": "外出"}).status_code,
            "grow": lambda: organiser.call("PUT", path, json=grown(organiser, path)).status_code,
            "leave_decided": lambda: decide(f"{path}/leave-requests", "approve"),
            "flag_decided": lambda: decide(f"{path}/flags", random.choice(["uphold", "dismiss"])),
            "erase": lambda: job(erasure.erase, person.actor.user_id),
            "settle": lambda: job(book_hours.settle, uuid.UUID(hall["id"])),
            "close": lambda: job(session_end.close, uuid.UUID(hall["id"])),
            "review": lambda: job(review_flags.review, uuid.UUID(hall["id"])),
        }
        return calls[kind]

    kinds = ["enrol", "withdraw", "sign_in", "sign_out", "batch", "correct", "make_up", "bulk", "undo", "leave"]
    kinds += ["leave_decided", "flag_decided", *(["settle", "close", "review"] if over else ["grow"])]
    # Who is forgotten can do nothing more: few are, and by the job alone.
    return [one("erase" if n % 12 == 11 else random.choice(kinds)) for n in range(OPERATIONS)]


def grown(organiser: Person, path: str) -> dict:
    found = organiser.get(path).json
    kept = ("title", "kind", "region_code", "starts_at", "ends_at", "place", "sign_out", "parallel")
    return {name: found[name] for name in kept} | {"capacity": found["enrolled_count"] + 3}


@pytest.mark.parametrize("over", [False, True], ids=["under way", "over"])
def test_mixed_operations_never_wait_in_a_circle(school: School, over: bool) -> None:
    random = Random(f"{SEED} {over}")
    halls = [school.make(capacity=8, sign_out=True, location={**AT_THE_HALL}, radius_m=200) for _ in range(2)]
    people = [school.people.make() for _ in range(PEOPLE)]
    for person in people:
        person.post(f"/training/sessions/{halls[0]['id']}/enrolments")
    calls = mixed_calls(school, halls, people, random, over=over)
    if over:
        in_database(
            "UPDATE training_sessions SET starts_at = :begin, ends_at = :end, version = version + 1 WHERE id = ANY(:ids)",
            begin=NOW - timedelta(hours=3),
            end=NOW - timedelta(minutes=5),
            ids=[uuid.UUID(hall["id"]) for hall in halls],
        )
    before = deadlocks()
    with ThreadPoolExecutor(THREADS) as pool:
        statuses = list(pool.map(lambda call: call(), calls))
    assert max(statuses) < 500, (SEED, sorted(set(statuses)))
    assert deadlocks() == before, SEED
    assert {0, 200} & set(statuses)
    # What was booked under all this is what the rolls say.
    ids = [uuid.UUID(hall["id"]) for hall in halls]
    with school.organiser.app.app_context():
        for session_id in ids:
            book_hours.settle(session_id, now=NOW)
        assert book_hours.recompute(ids, now=NOW, write=False) == 0


def test_a_bulk_holds_nobody_behind_the_one_it_waits_for(school: School) -> None:
    """Rows are locked and made in one order: while the first is held by another, no later one is made yet."""
    hall = school.make()
    first, later = sorted((school.people.make() for _ in range(2)), key=lambda person: person.actor.user_id)
    assert school.sign_in(hall, first).status_code == 201
    body = {
        "state": "exempt",
        "reason": "另有任务",
        "user_ids": [str(person.actor.user_id) for person in (later, first)],
    }
    path = f"/training/sessions/{hall['id']}/attendance/bulk"
    mine = {"hall": uuid.UUID(hall["id"]), "first": first.actor.user_id, "later": later.actor.user_id}
    with ThreadPoolExecutor(1) as pool:
        with db.engine.begin() as holder:
            own = text("SELECT 1 FROM training_attendance WHERE session_id = :hall AND user_id = :first FOR UPDATE")
            assert holder.scalar(own, mine) == 1
            asked = pool.submit(school.organiser.post, path, body)
            await_true(somebody_waits, 10)
            made = text(
                "INSERT INTO training_attendance (session_id, user_id, id, state)"
                " VALUES (:hall, :later, gen_random_uuid(), 'enrolled')"
            )
            with db.engine.connect() as other:
                other.execute(text("SET LOCAL lock_timeout = '300ms'"))
                other.execute(made, mine)  # a row of the bulk's, not yet committed, would be waited for
                other.rollback()
        assert asked.result(10).status_code == 200
    assert [school.state(hall, person) for person in (first, later)] == ["exempt", "exempt"]


def test_leave_that_is_decided_while_its_person_withdraws_is_not_there(school: School) -> None:
    hall = school.make(starts=20)
    path = f"/training/sessions/{hall['id']}"
    person = school.people.make()
    person.post(f"{path}/enrolments")
    request_id = person.post(f"{path}/leave-requests", {"reason": "外出"}).json["id"]
    decision = f"{path}/leave-requests/{request_id}/decision"
    with ThreadPoolExecutor(1) as pool:
        with db.engine.begin() as withdrawing:
            withdrawing.execute(
                text("SELECT 1 FROM training_sessions WHERE id = :id FOR NO KEY UPDATE"), {"id": uuid.UUID(hall["id"])}
            )
            withdrawing.execute(
                text("DELETE FROM training_leave_requests WHERE id = :id"), {"id": uuid.UUID(request_id)}
            )
            asked = pool.submit(school.organiser.post, decision, {"decision": "approve"})
            await_true(somebody_waits, 10)
        assert problem(asked.result(10)) == (404, "not_found")
