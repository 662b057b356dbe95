"""Many jobs for one person at the same moment, on connections of their own."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select

from config import Config
from tests.conftest import NOW
from tests.fake_wechat_control import FakeControl
from wxapi.app import create_app
from wxapi.identity.services.login import register_openid
from wxapi.kernel.clock import FixedClock
from wxapi.notifications.models import Message, Template
from wxapi.notifications.rules.notices import Delivery, Notice
from wxapi.notifications.services import deliver, ledger, templates
from wxapi.notifications.services import tell as telling
from wxapi.platform.db import db, transaction
from wxapi.platform.wechat.codes import SUBSCRIBE_PATH
from wxapi.reports.rules.messages import REPORT_PROGRESS

OPENID, TEMPLATE, STEPS = "o-at-once", "template-at-once", 5


@pytest.fixture
def committing_app(
    make_migrated_database: Callable[[], str], make_config: Callable[..., Config], fake: FakeControl, redis: Redis
) -> Flask:
    assert redis
    url = make_migrated_database()
    config = make_config(database_url=url, wechat_base_url=fake.url, database_pool=12)
    return create_app(config, clock=FixedClock(NOW))


def prepare(app: Flask, fake: FakeControl) -> list[uuid.UUID]:
    """A person with as many grants as messages."""
    with app.app_context():
        app.extensions["wxapi"].wechat.code_to_session(fake.login_code(OPENID))
        fake.order("POST", "grant", openid=OPENID, template_id=TEMPLATE, count=STEPS)
        templates.set_template(
            Template(kind=REPORT_PROGRESS.code, template_id=TEMPLATE, fields={"thing1": "what"}, long_term=False),
            now=NOW,
        )
        with transaction() as session:
            user = register_openid(session, OPENID, now=NOW)
            for number in range(STEPS):
                notice = Notice(REPORT_PROGRESS, "report:1", str(number), "t", "b", {"what": str(number)})
                ledger.note_answer(session, user.id, TEMPLATE, accepted=True, at=NOW, source=str(number))
                telling.tell(session, [user.id], notice, now=NOW)
        found = list(db.session.scalars(select(Message.id)))
        db.session.remove()
    return found


def test_each_message_goes_out_once_and_never_two_at_a_time(committing_app: Flask, fake: FakeControl) -> None:
    messages = prepare(committing_app, fake)
    jobs = messages * 2
    barrier = Barrier(len(jobs))

    def run(message_id: uuid.UUID, at: datetime) -> None:
        with committing_app.app_context():
            barrier.wait(30)
            deliver.deliver(message_id, now=at)
            db.session.remove()

    with ThreadPoolExecutor(len(jobs)) as pool:
        for rounds in range(STEPS):
            at = NOW + timedelta(seconds=3 * rounds)
            list(pool.map(run, jobs, [at] * len(jobs)))
    with committing_app.app_context():
        states = list(db.session.scalars(select(Message.delivery)))
        tries = list(db.session.scalars(select(Message.tries)))
        db.session.remove()
        db.engine.dispose()
    assert states == [Delivery.SENT] * STEPS
    assert tries == [1] * STEPS
    assert sorted(one["data"]["thing1"]["value"] for one in fake.messages(OPENID)) == ["0", "1", "2", "3", "4"]
    assert fake.answers() == {
        "/sns/jscode2session 0": 1,
        "/cgi-bin/stable_token 0": 1,
        f"{SUBSCRIBE_PATH} 0": STEPS,
    }
