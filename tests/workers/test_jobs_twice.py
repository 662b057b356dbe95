"""Every job may run twice: what it did the second time cannot be seen."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests import pictures, reporting
from tests.conftest import random_key
from tests.factories import People
from workers import run
from workers.run import Outcome
from workers.timetable import TASKS
from workers.topics import TOPICS
from wxapi.photos.services.sandbox import client
from wxapi.platform.outbox import OutboxRow

# Every table but those that note that something was tried: the outbox itself.
_TABLES = text(
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    " AND table_name NOT IN ('outbox', 'schedule', 'alembic_version') ORDER BY table_name"
)
# What rows name beside ids, of things that are not there.
GONE = {
    "rung": 200,
    "step": "added",
    "file_key": "exports/gone.csv",
    "event_id": 0,
    "push_id": 0,
    "kind": "day",
    "starts_at": "2026-11-24T02:00:00.000Z",
    "trace_id": "none",
    "suggest": "pass",
    "label": 100,
    "errcode": 0,
}


@pytest.fixture(autouse=True)
def _decoder_ends() -> Iterator[None]:
    yield
    client.shared().close()


def everything(session: Session) -> dict[str, list[Any]]:
    """All rows of all tables."""
    session.expire_all()
    tables = session.scalars(_TABLES).all()
    return {table: sorted(map(str, session.execute(text(f'SELECT * FROM "{table}"')).all())) for table in tables}


def run_due(session: Session, *, twice: bool) -> list[str]:
    """Run what is in the outbox, each job twice if asked; returns topics. What the jobs record is left for the next call."""
    topics = []
    for row in session.scalars(select(OutboxRow).where(~OutboxRow.dead).order_by(OutboxRow.id)).all():
        for job in TOPICS[row.topic]:
            job.run(**row.payload)
            before = everything(session)
            if twice:
                job.run(**row.payload)
                assert everything(session) == before, f"{row.topic}: {job.name} does something the second time"
        session.delete(row)
        session.commit()
        topics.append(row.topic)
    return topics


def test_from_photo_and_report_to_the_last_message(app: Flask, people: People, session: Session) -> None:
    town = reporting.settle(people)
    picture = io.BytesIO(pictures.encoded(pictures.scene(1200, 900), "JPEG"))
    photo = town.reporter.post("/photos", key=random_key(), data={"file": (picture, "photo.jpg")}).get_json()["id"]
    report = reporting.file(town.reporter, photo_ids=[photo])
    assert set(run_due(session, twice=True)) >= {"photo.uploaded", "report.filed"}

    report = reporting.read(town.reporter, report["id"])
    assert (report["state"], report["photos"][0]["state"]) == ("routed", "ready")
    assert reporting.actions_of(report).count("route") == 1


def test_housekeeping_twice_in_a_row(app: Flask, people: People, session: Session) -> None:
    town = reporting.settle(people)
    reporting.resolved(town)
    for task in TASKS:
        task.job.run()
        before = everything(session)
        task.job.run()
        assert everything(session) == before, task.name


def test_work_that_is_gone_is_no_failure(app: Flask, session: Session) -> None:
    """Ids of rows that are not there any more: erased, swept, or never committed by a relay that died."""
    run.prepare(app, TOPICS)
    nowhere = "00000000-0000-4000-8000-000000000000"
    for topic, jobs in TOPICS.items():
        for job in jobs:
            payload = dict.fromkeys(job.ids, nowhere) | {name: GONE[name] for name in job.values}
            row = OutboxRow(topic=topic, job=job.name, payload=payload, attempts=1)
            session.add(row)
            session.commit()
            run.run(row.id, 1, job.lease_s)
            assert run.outcome.read() is Outcome.DONE, f"{topic}: {job.name}"
