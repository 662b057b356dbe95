"""What runs every hour, in `GET /me/data` and in an erasure is read by an index, not through whole tables."""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.factories import People
from tests.reporting import COUNTY
from tests.schooling import School, open_school
from tests.statements import plans
from wxapi.app import RETENTION
from wxapi.duties.models import DutyAppeal
from wxapi.duties.queries import appeals
from wxapi.duties.services import appeal
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.errors import InvalidError
from wxapi.kernel.permissions import Role
from wxapi.moderation.services import personal as check_data
from wxapi.photos.services import send, strays
from wxapi.photos.services.claim import claim
from wxapi.platform.db import db, fetch
from wxapi.platform.retention import RetentionCategory
from wxapi.training.queries import reviews, sessions
from wxapi.training.services import personal, retention


@pytest.fixture(scope="module")
def school(make_committing_app: Callable[..., AbstractContextManager[Flask]]) -> Iterator[School]:
    """On a database of its own: what other tests leave in a table's file changes how PostgreSQL goes through it."""
    with make_committing_app() as made:
        yield open_school(People(made))


@pytest.fixture(scope="module")
def hall(school: School) -> uuid.UUID:
    return uuid.UUID(school.make()["id"])


@pytest.fixture
def session(school: School) -> Iterator[Session]:
    with school.organiser.app.app_context():
        yield db.session()
        db.session.rollback()


@pytest.mark.parametrize(
    ("index", "what"),
    [
        ("ix_training_attendance_enrolled", "not_closed"),
        ("ix_training_refusals_at", "forget_refusals"),
        ("ix_training_leave_requests_session_id", "leave_page"),
        ("ix_training_flags_open", "flags_page"),
        ("ix_training_attendance_events_user_id", "read"),
        ("ix_training_refusals_user_id", "read"),
        ("ix_training_flags_user_id", "read"),
        ("ix_training_leave_requests_user_id", "read"),
        ("ix_training_certificates_user_id", "read"),
        ("ix_training_attendance_events_user_id", "erase"),
        ("ix_training_refusals_user_id", "erase"),
        ("ix_training_flags_user_id", "erase"),
        ("ix_training_leave_requests_user_id", "erase"),
        ("ix_training_certificates_user_id", "erase"),
        ("ix_photos_pending", "photos_waiting"),
        ("ix_photos_used_by_id", "appeal"),
        ("ix_duty_appeals_open", "appeals_waiting"),
        ("ix_training_enrolments_user_id", "mine"),
        ("ix_training_attendance_user_id", "mine"),
        ("ix_training_sessions_region_code", "organised"),
        ("ix_moderation_checks_author_id", "read_checks"),
        ("ix_moderation_checks_author_id", "erase_checks"),
    ],
)
def test_is_read_by_its_index(school: School, hall: uuid.UUID, session: Session, index: str, what: str) -> None:
    me = school.member.actor.user_id
    above = Actor(me, (Appointment(Role.SUPERVISOR, "4210"),))
    organiser = Actor(me, (Appointment(Role.TRAINING_ORGANISER, COUNTY),))
    (refusals,) = [category for category in retention.RETENTION if category.name == "refusals"]
    runs: dict[str, Callable[[], Any]] = {
        "not_closed": lambda: sessions.not_closed(session, NOW, limit=20),
        "forget_refusals": lambda: session.execute(refusals.due(NOW).limit(100)),
        "leave_page": lambda: reviews.leave_page(session, hall, pending=False, limit=20, cursor=None),
        "flags_page": lambda: reviews.flags_page(session, hall, decided=None, limit=20, cursor=None),
        "read": lambda: personal.personal_data.read(session, me),
        "erase": lambda: personal.personal_data.erase(session, me, NOW),
        "mine": lambda: sessions.mine_page(session, organiser, limit=20, cursor=None),
        "organised": lambda: sessions.organised_page(session, organiser, limit=20, cursor=None),
        "photos_waiting": lambda: session.execute(strays._waiting(NOW)),
        "appeal": lambda: appeal._view_of(session, DutyAppeal(duty_id=me)),
        "appeals_waiting": lambda: appeals.waiting(session, above, [], after=None, limit=20),
        "read_checks": lambda: check_data.personal_data.read(session, me),
        "erase_checks": lambda: check_data.personal_data.erase(session, me, NOW),
    }
    assert f"using {index} " in plans(session, runs[what])


# A thousand people with a photo in a report each: what the database knows of a city between two storms.
_PHOTOS_USED = """
WITH people AS (INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, 1000) RETURNING id)
INSERT INTO photos (id, owner_id, sha256, bytes, state, used_by_kind, used_by_id, created_at)
SELECT id, id, repeat('0', 64), 1, 'pending', 'report', id, now() FROM people;
ANALYZE photos
"""


def test_who_uses_or_sends_a_photo_reads_no_photos_of_others(school: School, session: Session) -> None:
    """In a storm thousands wait unused, and their index looked cheaper than a person's own few."""
    me = school.member.actor.user_id
    session.connection().exec_driver_sql(_PHOTOS_USED)

    def use() -> None:
        with suppress(InvalidError):
            claim(session, me, [me], kind="report", subject_id=me)

    for run in (use, lambda: fetch(session, send._UNUSED, {"owner_id": me})):
        plan = plans(session, run)
        assert "on photos" in plan
        assert "ix_photos_unused" not in plan


@pytest.mark.parametrize(
    "category", [each for each in RETENTION if each.forget or each.fixed], ids=lambda category: category.name
)
def test_what_is_past_its_time_is_found_by_an_index(session: Session, category: RetentionCategory) -> None:
    """Asked every hour, of tables that grow for years; offices and what is still to be done are few."""
    plan = plans(session, lambda: session.execute(category.due(NOW).limit(500)), without=("seqscan",))
    assert set(re.findall(r"Seq Scan on (\w+)", plan)) <= {"appointments", "outbox"}, plan


# Four thousand duties of one county, and an appeal for each other one.
_MANY_APPEALS = f"""
INSERT INTO units (code, region_code, name, kind, created_at) VALUES ('{COUNTY}', '{COUNTY}', '沙市区', 'region', now());
INSERT INTO duties (id, subject_type, subject_id, subject_number, stage, seq, unit_code, unit_county_code, clock, limit_s,
  origin_at, started_at, due_at, met_at)
SELECT gen_random_uuid(), 'report', gen_random_uuid(), 'X', 'respond', 1, '{COUNTY}', '{COUNTY}', 'working', 60,
  now(), now(), now() + interval '1 day', now() FROM generate_series(1, 4000);
INSERT INTO duty_appeals (duty_id, asked_at, note) SELECT id, now(), '停电' FROM duties LIMIT 2000;
ANALYZE duties, duty_appeals
"""


def test_who_decides_on_few_appeals_reads_not_all_duties(school: School, session: Session) -> None:
    """Where open appeals are of elsewhere, PostgreSQL took it for cheaper to go through every duty there ever was."""
    session.connection().exec_driver_sql(_MANY_APPEALS)
    elsewhere = Actor(uuid.uuid4(), (Appointment(Role.SUPERVISOR, "421003"),))
    plan = plans(session, lambda: appeals.waiting(session, elsewhere, [], after=None, limit=20), without=())
    assert "using pk_duties on duties" in plan
    assert "Seq Scan on duties" not in plan
