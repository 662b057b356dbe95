"""What a unit owes goes to who goes on for it while a decision about it is being taken: neither is lost."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event

from flask import Flask
from sqlalchemy import insert, select, text

from tests import schooling
from tests.conftest import NOW
from tests.factories import People
from tests.processes import await_true
from wxapi.duties.models import Duty
from wxapi.duties.rules.clock import DutyClock
from wxapi.duties.rules.owed import Owed
from wxapi.duties.services import hold, write
from wxapi.duties.services.work import kinds
from wxapi.duties.services.write import OwedSubject
from wxapi.platform.db import db, transaction
from wxapi.training.services.work import KIND
from wxapi.units.models import Unit
from wxapi.units.services.holdings import UnitClosing

CLOSED, HEIR, STAGE = "421002-zj", "421002-cg", "leave"
_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


def test_a_term_that_is_granted_while_the_unit_is_closed_goes_along(open_app: Flask) -> None:
    subject = OwedSubject(KIND.type, uuid.UUID(schooling.open_school(People(open_app)).make()["id"]), "PX-1")
    before = Owed(STAGE, CLOSED, NOW, NOW + timedelta(days=1), timedelta(days=1), DutyClock.ROUND)
    granted = replace(before, due_at=NOW + timedelta(days=9), limit=timedelta(days=9))
    with transaction() as session:
        named = [{"code": code, "region_code": "421002", "name": code, "kind": "company"} for code in (CLOSED, HEIR)]
        session.execute(insert(Unit).values(created_at=NOW), named)
        write.record(session, subject, [], [before], at=NOW)
    moved = Event()

    def close() -> None:
        with open_app.app_context(), transaction() as session:
            hold.HOLDING.move(session, UnitClosing(CLOSED, HEIR, None, NOW))
            moved.set()
            await_true(_somebody_waits, seconds=20)

    def decide() -> None:
        assert moved.wait(20)
        with open_app.app_context(), transaction() as session:
            kinds()[KIND.type].lock(session, [subject.id])
            (owed,) = write.open_owed(session, subject.id)
            after = replace(granted, unit_code=owed.unit_code)
            write.record(session, subject, [owed], [after], at=NOW)

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(close), pool.submit(decide)]:
            each.result()
    left = db.session.execute(select(Duty.unit_code, Duty.due_at).where(Duty.dropped_at.is_(None))).all()
    assert [tuple(row) for row in left] == [(HEIR, granted.due_at)]


def _somebody_waits() -> bool:
    with db.engine.connect() as connection:
        return bool(connection.scalar(_WAITING))
