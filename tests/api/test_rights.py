"""Rights over one's data: see everything, be forgotten."""

from datetime import timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from tests import reporting
from tests.factories import People
from tests.report_rows import add_report
from tests.statements import bounded
from wxapi.identity.models import AppointmentRow, Token, User
from wxapi.identity.services import erasure
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.platform.audit import AuditRow
from wxapi.platform.db import db
from wxapi.platform.outbox import OutboxRow


def test_everything_about_me_with_the_seals_opened(people: People) -> None:
    person = people.make(openid="my-own-openid")
    body = person.get("/me/data").get_json()
    assert body["me"]["openid"] == "my-own-openid"
    assert len(body["me"]["tokens"]) == 1
    seen = db.session.scalars(select(AuditRow).where(AuditRow.action == "user.data_read")).one()
    assert seen.actor_id == person.actor.user_id


def test_erasure_is_accepted_and_locks_out_at_once(people: People) -> None:
    person = people.make()
    response = person.call("DELETE", "/me")
    assert response.status_code == 202
    assert person.get("/me").status_code == 401
    rows = db.session.scalars(select(OutboxRow).where(OutboxRow.topic == "user.erase").order_by(OutboxRow.due_at)).all()
    assert [row.payload for row in rows] == [{"user_id": str(person.actor.user_id)}] * 2
    assert rows[1].due_at - rows[0].due_at == timedelta(days=1)  # for whatever was on its way


def test_the_job_forgets_the_person_and_is_harmless_twice(city: None, people: People, clock: FixedClock) -> None:
    person = people.make((Role.COMMUNITY_WORKER, "421002001001"), openid="forget-me")
    other = people.make()
    for _ in range(2):
        erasure.erase(person.actor.user_id, now=clock.now())
    db.session.expire_all()
    user = db.session.get(User, person.actor.user_id)
    assert user is not None
    assert (user.openid_digest, user.openid_sealed, user.nickname, user.erased_at) == (None, None, "", clock.now())
    assert (
        db.session.scalar(select(func.count()).select_from(AppointmentRow).where(AppointmentRow.ended_at.is_(None)))
        == 0
    )
    assert db.session.scalars(select(Token.user_id)).all() == [other.actor.user_id]
    erasures = select(func.count()).select_from(AuditRow).where(AuditRow.action == "user.erased")
    assert db.session.scalar(erasures) == 1


def test_who_was_forgotten_comes_back_as_somebody_new(people: People, clock: FixedClock) -> None:
    before = people.make(openid="again")
    erasure.erase(before.actor.user_id, now=clock.now())
    assert people.make(openid="again").actor.user_id != before.actor.user_id


def test_everything_about_somebody_with_twenty_thousand_steps(people: People, session: Session) -> None:
    """The answer is large; what is asked for it is not, and memory goes with the answer alone."""
    town = reporting.settle(people)
    worker = town.worker.actor.user_id
    reports = [add_report(session).id for _ in range(100)]
    session.execute(
        text(
            "INSERT INTO report_events (report_id, at, action, to_state, role, actor_id, note, detail)"
            " SELECT report, now(), 'note', 'accepted', 'community_worker', :worker, '现场已查看，正在处理', '{}'"
            " FROM unnest(CAST(:reports AS uuid[])) AS report, generate_series(1, 200)"
        ),
        {"worker": worker, "reports": reports},
    )
    session.commit()
    session.expunge_all()
    with bounded(statements=45, peak_bytes=40_000_000):
        answer = town.worker.get("/me/data")
        assert answer.status_code == 200
    assert len(answer.get_json()["reports"]["steps"]) == 20_000
