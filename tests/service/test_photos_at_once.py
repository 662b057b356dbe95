"""Two reports that want the same photos at the same moment, on connections of their own."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask

from config import Config
from tests.conftest import NOW
from tests.factories import People
from tests.pictures import jpeg
from wxapi.app import create_app
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.errors import InvalidError
from wxapi.photos.services import claim, send
from wxapi.platform.db import db, transaction


@pytest.fixture
def committing_app(make_migrated_database: Callable[[], str], make_config: Callable[..., Config]) -> Flask:
    url = make_migrated_database()
    return create_app(make_config(database_url=url), clock=FixedClock(NOW))


def test_one_of_many_claims_wins_and_none_deadlocks(committing_app: Flask) -> None:
    with committing_app.app_context():
        owner = People(committing_app).make().actor
        photo_ids = [send.upload(owner, jpeg(64, 64), sha256=None, now=NOW).id for _ in range(5)]
        db.session.remove()
    barrier = Barrier(8)

    def file(number: int) -> str:
        order = photo_ids if number % 2 else photo_ids[::-1]
        with committing_app.app_context():
            barrier.wait()
            try:
                with transaction() as session:
                    claim.claim(session, owner.user_id, order, kind="report", subject_id=uuid.uuid4())
            except InvalidError as error:
                return error.code
            finally:
                db.session.remove()
            return "taken"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(file, range(8)))
    with committing_app.app_context():
        db.engine.dispose()
    assert outcomes == ["photo_used"] * 7 + ["taken"]
