"""Large halls: what is done for thousands takes a bounded number of statements, and memory in proportion."""

import itertools
import threading
import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.factories import People
from tests.schooling import COUNTY, School, open_school
from tests.statements import bounded
from wxapi.kernel.clock import to_wire
from wxapi.notifications.models import Message
from wxapi.platform.db import db
from wxapi.training.models import Enrolment, TrainingSession
from wxapi.training.services import review_flags, tell

SERIES, HALL = 5_000, 10_000
# Of Python, a person: ids, a row each way. Far below what a list of mapped objects takes.
BYTES_A_PERSON = 4_000


def many(session: Session, count: int) -> Sequence[uuid.UUID]:
    ids = session.scalars(
        text(
            "INSERT INTO users (id, nickname, created_at) SELECT gen_random_uuid(), '', :now"
            " FROM generate_series(1, :count) RETURNING id"
        ),
        {"now": NOW, "count": count},
    ).all()
    session.commit()
    return ids


def for_people(statements: int, people: int) -> AbstractContextManager[None]:
    return bounded(statements=statements, peak_bytes=3_000_000 + people * BYTES_A_PERSON)


def test_a_series_of_five_thousand_is_published(school: School, session: Session) -> None:
    series = school.organiser.post("/training/series", {"title": "轮训", "region_code": COUNTY}).json
    people = many(session, SERIES)
    session.execute(
        text(
            "INSERT INTO training_series_enrolments (series_id, user_id, seq)"
            " SELECT :series, person, seq FROM unnest(CAST(:people AS uuid[])) WITH ORDINALITY AS each (person, seq)"
        ),
        {"series": series["id"], "people": list(people)},
    )
    session.commit()
    session.expunge_all()
    body = {"title": "轮训", "kind": "rotation", "region_code": COUNTY, "series_id": series["id"], "parallel": True}
    times = {"starts_at": "2026-12-01T01:00:00Z", "ends_at": "2026-12-01T04:00:00Z", "capacity": SERIES - 100}
    made = school.organiser.post("/training/sessions", body | times).json
    with for_people(25, SERIES):
        assert school.organiser.post(f"/training/sessions/{made['id']}/publish").status_code == 200
    seats = session.execute(
        select(Enrolment.state, func.count()).where(Enrolment.session_id == uuid.UUID(made["id"])).group_by("state")
    ).all()
    assert dict(map(tuple, seats)) == {"enrolled": SERIES - 100, "waiting": 100}


def told(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Message)) or 0


def full_hall(school: School, session: Session) -> uuid.UUID:
    """A session tomorrow with `HALL` people on its roll."""
    hall = school.make(starts=60 * 24, ends=60 * 26)
    session.execute(
        text(
            "INSERT INTO training_attendance (session_id, user_id, id, state)"
            " SELECT :hall, person, gen_random_uuid(), 'enrolled' FROM unnest(CAST(:people AS uuid[])) AS person"
        ),
        {"hall": hall["id"], "people": list(many(session, HALL))},
    )
    session.commit()
    session.expunge_all()
    return uuid.UUID(hall["id"])


def test_a_hall_with_one_devices_name_is_looked_over(school: School, session: Session) -> None:
    """A mini program that sends the same word for every phone: more flags than one statement has room for."""
    hall = full_hall(school, session)
    signed_in = "UPDATE training_attendance SET device_digest = '\\x00', signed_in_at = :now WHERE session_id = :hall"
    session.execute(text(signed_in), {"now": NOW, "hall": hall})
    session.commit()
    assert review_flags.review(hall, now=NOW) == HALL
    assert review_flags.review(hall, now=NOW) == 0


@pytest.mark.parametrize("what", ["reminder", "cancellation"])
def test_ten_thousand_are_told_once(school: School, session: Session, what: str) -> None:
    hall = full_hall(school, session)

    def work() -> int:
        if what == "reminder":
            starts_at = session.get_one(TrainingSession, hall).starts_at
            return tell.remind(hall, "day_before", to_wire(starts_at), now=NOW)
        return tell.tell_of_cancellation(hall, now=NOW)

    if what == "cancellation":
        with for_people(20, 0):
            assert school.organiser.post(f"/training/sessions/{hall}/cancel").status_code == 200
    with for_people(10, HALL):
        assert work() == HALL
    assert (work(), told(session)) == (0, HALL)


def test_ten_thousand_whose_telling_was_lost_before_the_commit_are_told_once(open_app: Flask) -> None:
    session = db.session()
    hall = full_hall(open_school(People(open_app)), session)
    starts_at = to_wire(session.get_one(TrainingSession, hall).starts_at)
    session.rollback()
    commits = itertools.count(1)

    def lose(connection: Any) -> None:
        if next(commits) == 1:
            with psycopg.connect(db.engine.url.render_as_string(False).replace("+psycopg", "")) as other:
                pid = connection.connection.dbapi_connection.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))

    event.listen(db.engine, "commit", lose)
    with pytest.raises(OperationalError):
        tell.remind(hall, "day_before", starts_at, now=NOW)
    assert told(session) == 0
    session.rollback()
    assert tell.remind(hall, "day_before", starts_at, now=NOW) == HALL
    assert told(session) == HALL


def test_a_hall_that_is_slow_to_count_holds_up_no_other(open_app: Flask) -> None:
    """One hall's count waits for the table; another hall's screen shows its own, which is a moment old."""
    school = open_school(People(open_app))
    slow, other = school.make(), school.make()
    live = "/training/sessions/{}/attendance/live".format
    assert school.organiser.get(live(other["id"])).status_code == 200
    answers: list[int] = []
    asks = threading.Thread(target=lambda: answers.append(school.organiser.get(live(slow["id"])).status_code))
    # Nothing that was read so far may hold the table.
    db.session.remove()
    with db.engine.begin() as connection:
        connection.execute(text("LOCK TABLE training_attendance IN ACCESS EXCLUSIVE MODE"))
        asks.start()
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        while asks.is_alive() and not connection.scalar(waiting):
            connection.execute(text("SELECT pg_sleep(0.01), pg_stat_clear_snapshot()"))
        assert asks.is_alive()
        assert school.organiser.get(live(other["id"])).status_code == 200
        assert answers == []
    asks.join(timeout=20)
    assert answers == [200]
