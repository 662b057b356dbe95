"""Telling people, against the real database and the fake WeChat."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.factories import People, Person
from tests.fake_wechat_control import FakeControl
from tests.report_rows import add_report
from tests.reporting import NEIGHBOUR, TOWNSHIP, VILLAGE
from wxapi.identity.models import User
from wxapi.identity.services import erasure
from wxapi.identity.services.appointments import NewAppointment, add_appointment
from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import Role
from wxapi.notifications.models import Grant, Message, Template
from wxapi.notifications.rules.notices import Delivery, Notice
from wxapi.notifications.services import deliver, inbox, ledger, templates
from wxapi.notifications.services import tell as telling
from wxapi.platform.db import transaction
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import Runtime
from wxapi.platform.wechat.codes import SUBSCRIBE_PATH
from wxapi.regions.models import Region
from wxapi.reports.rules.messages import DESK_TASK, REPORT_PROGRESS

TEMPLATE = "template-progress"
FIELDS = {"character_string1": "number", "thing2": "what", "phrase3": "state", "time4": "at"}
PAGE = "pages/report/report?id={id}"
OPENID = "o-messages"
REPORT = uuid.UUID("0d7a5f0e-7a51-4f0e-9a55-0c7c3a2d1b11")


def notice(step: str = "accepted:1", **change: Any) -> Notice:
    given: dict[str, Any] = {
        "kind": REPORT_PROGRESS,
        "subject": f"report:{REPORT}",
        "step": step,
        "title": "您的上报已受理",
        "body": "路口垃圾箱满溢:立新社区已受理。",
        "values": {
            "number": "JZ-7K3M9QXT",
            "what": "路口垃圾箱满溢,已经三天没有人来清理,味道很大",
            "state": "已受理",
            "at": "2026-11-23T02:00:00.000Z",
        },
    }
    return Notice(**(given | change))


@pytest.fixture
def person(wired: Runtime, fake: FakeControl, people: People) -> Person:
    """Somebody who has used the mini program, and a template for progress messages."""
    wired.wechat.code_to_session(fake.login_code(OPENID))
    fake.order("POST", "template", template_id=TEMPLATE, keys=list(FIELDS))
    fake.order("POST", "revoke", openid=OPENID, template_id=TEMPLATE)
    templates.set_template(
        Template(kind=REPORT_PROGRESS.code, template_id=TEMPLATE, fields=FIELDS, page=PAGE, long_term=False), now=NOW
    )
    return people.make(openid=OPENID)


def accept(person: Person, fake: FakeControl, count: int = 1, *, at: datetime = NOW) -> None:
    """The person taps accept; WeChat and our ledger know."""
    fake.order("POST", "grant", openid=OPENID, template_id=TEMPLATE, count=count)
    with transaction() as session:
        for _ in range(count):
            source = f"test:{uuid.uuid4()}"
            ledger.note_answer(session, person.actor.user_id, TEMPLATE, accepted=True, at=at, source=source)


def tell(person: Person, told: Notice | None = None, **kwargs: Any) -> int:
    with transaction() as session:
        return telling.tell(session, [person.actor.user_id], told or notice(), **{"now": NOW} | kwargs)


def only_message(session: Session) -> Message:
    session.expire_all()
    return session.scalars(select(Message)).one()


def due(session: Session) -> list[OutboxRow]:
    return list(session.scalars(select(OutboxRow).where(OutboxRow.topic == "message.due").order_by(OutboxRow.id)))


def deliver_at(session: Session, at: datetime = NOW) -> Message:
    """Run the job once and return the message."""
    deliver.deliver(only_message(session).id, now=at)
    return only_message(session)


def test_one_message_per_person_case_and_step(person: Person, fake: FakeControl, session: Session) -> None:
    accept(person, fake)
    assert [tell(person), tell(person), tell(person, notice("resolved:2"))] == [1, 0, 1]
    assert len(due(session)) == 2
    assert {row.due_at for row in due(session)} == {NOW}


def test_without_a_template_it_is_the_inbox_alone(person: Person, session: Session) -> None:
    tell(person, notice(kind=DESK_TASK))
    assert only_message(session).delivery == Delivery.INBOX
    assert due(session) == []


def test_who_has_not_agreed_gets_no_job(person: Person, fake: FakeControl, people: People, session: Session) -> None:
    """Who has never been here by WeChat neither; whoever is told at night has until the morning to agree."""
    night = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai
    stranger = people.make()
    with transaction() as own:
        nobody = {"openid_sealed": None, "openid_digest": None}
        own.execute(update(User).where(User.id == stranger.actor.user_id).values(nobody))
        telling.tell(own, [person.actor.user_id, stranger.actor.user_id], notice(), now=NOW)
    accept(person, fake)
    with transaction() as own:
        ledger.note_answer(own, stranger.actor.user_id, TEMPLATE, accepted=True, at=NOW, source="test:stranger")
        telling.tell(own, [person.actor.user_id, stranger.actor.user_id], notice("resolved:2"), now=NOW)
        telling.tell(own, [stranger.actor.user_id], notice("resolved:3"), now=night)
    told = session.execute(select(Message.step, Message.user_id, Message.delivery).order_by(Message.step)).all()
    assert set(told) == {
        ("accepted:1", person.actor.user_id, "inbox"),
        ("accepted:1", stranger.actor.user_id, "inbox"),
        ("resolved:2", person.actor.user_id, "pending"),
        ("resolved:2", stranger.actor.user_id, "inbox"),
        ("resolved:3", stranger.actor.user_id, "pending"),
    }
    assert len(due(session)) == 2


def test_long_texts_are_cut(person: Person, session: Session) -> None:
    tell(person, notice(title="长" * 41, body="长" * 501))
    row = only_message(session)
    assert (len(row.title), len(row.body)) == (40, 500)


def test_nobody_and_the_erased_are_told_nothing(person: Person, session: Session) -> None:
    with transaction() as own:
        assert telling.tell(own, [], notice(), now=NOW) == 0
    erasure.erase(person.actor.user_id, now=NOW)
    assert tell(person) == 0
    assert session.scalars(select(Message)).all() == []


def test_a_message_with_a_grant_is_sent_once(person: Person, fake: FakeControl, session: Session) -> None:
    accept(person, fake)
    tell(person)
    before = len(fake.messages(OPENID))
    row = deliver_at(session)
    assert (row.delivery, row.tries, row.errcode) == (Delivery.SENT, 1, None)
    deliver_at(session)
    (sent,) = fake.messages(OPENID)[before:]
    assert sent["data"] == {
        "character_string1": {"value": "JZ-7K3M9QXT"},
        "thing2": {"value": "路口垃圾箱满溢,已经三天没有人来清理,…"},
        "phrase3": {"value": "已受理"},
        "time4": {"value": "2026-11-23 10:00"},
    }
    assert sent["page"] == f"pages/report/report?id={REPORT}"
    assert (sent["miniprogram_state"], sent["lang"]) == ("developer", "zh_CN")
    assert row.wechat_id == sent["msgid"]
    assert ledger.balances(session, person.actor.user_id) == {}


def test_without_a_grant_wechat_is_not_asked(person: Person, fake: FakeControl, session: Session) -> None:
    tell(person)
    assert deliver_at(session).delivery == Delivery.INBOX
    assert fake.calls(SUBSCRIBE_PATH) == 0


@pytest.mark.parametrize(
    ("tied_to", "goes_on", "hidden"),
    [(VILLAGE, False, True), (NEIGHBOUR, True, True), (NEIGHBOUR, False, False)],
    ids=["of the village", "of one that it goes on for", "of another"],
)
def test_what_is_hidden_since_it_was_written_is_not_sent(
    city: None, person: Person, fake: FakeControl, session: Session, *, tied_to: str, goes_on: bool, hidden: bool
) -> None:
    """Asked again at sending: the grant is given back, and nothing of it leaves."""
    accept(person, fake)
    tell(person)
    add_report(session, id=REPORT, excluded_village_code=VILLAGE, desk=TOWNSHIP)
    wanted = NewAppointment(person.actor.user_id, Role.COMMUNITY_WORKER, tied_to)
    add_appointment(session, wanted, starts_on=local_day(NOW), appointed_by=None, now=NOW)
    if goes_on:
        session.execute(
            update(Region)
            .where(Region.code == NEIGHBOUR)
            .values(closed_on=local_day(NOW), successor_code=VILLAGE)
            .execution_options(synchronize_session=False)
        )
    session.commit()
    before = len(fake.messages(OPENID))
    row = deliver_at(session)
    assert row.delivery == (Delivery.INBOX if hidden else Delivery.SENT)
    assert len(fake.messages(OPENID)) - before == (0 if hidden else 1)
    assert ledger.balances(session, person.actor.user_id) == ({TEMPLATE: 1} if hidden else {})


def test_43101_sets_the_balance_to_zero(person: Person, fake: FakeControl, session: Session) -> None:
    accept(person, fake, 3)
    fake.order("POST", "revoke", openid=OPENID, template_id=TEMPLATE)
    tell(person)
    row = deliver_at(session)
    assert (row.delivery, row.errcode) == (Delivery.INBOX, 43101)
    assert ledger.balances(session, person.actor.user_id) == {}
    assert len(due(session)) == 1


def test_43108_is_tried_again_soon(person: Person, fake: FakeControl, session: Session) -> None:
    accept(person, fake)
    fake.fault(SUBSCRIBE_PATH, errcode=43108)
    tell(person)
    row = deliver_at(session)
    assert (row.delivery, row.unsure) == (Delivery.PENDING, False)
    assert timedelta(seconds=2) <= due(session)[-1].due_at - NOW <= timedelta(seconds=3)
    assert deliver_at(session).delivery == Delivery.SENT


@pytest.mark.parametrize("fate", [{"drop": "after"}, {"truncate": True}, {"http_status": 502}])
def test_a_lost_answer_is_followed_by_one_more_try(
    person: Person, fake: FakeControl, session: Session, fate: dict[str, Any]
) -> None:
    """43101 after it means that the first one arrived."""
    accept(person, fake)
    fake.fault(SUBSCRIBE_PATH, **fate)
    tell(person)
    first = deliver_at(session)
    assert (first.delivery, first.unsure, first.tries) == (Delivery.PENDING, True, 1)
    second = deliver_at(session)
    assert (second.delivery, second.tries) == (Delivery.SENT, 2)
    assert fake.calls(SUBSCRIBE_PATH) == 2


def test_two_lost_answers_are_the_end(person: Person, fake: FakeControl, session: Session) -> None:
    accept(person, fake, 5)
    fake.fault(SUBSCRIBE_PATH, drop="after", count=-1)
    tell(person)
    deliver_at(session)
    assert deliver_at(session).delivery == Delivery.UNSURE
    deliver_at(session)
    assert fake.calls(SUBSCRIBE_PATH) == 2


def test_a_job_that_died_while_sending_counts_as_a_lost_answer(
    person: Person, fake: FakeControl, session: Session
) -> None:
    accept(person, fake)
    tell(person)
    died = {"delivery": Delivery.SENDING.value, "claimed_at": NOW, "tries": 1}
    session.execute(update(Message).values(died))
    assert deliver_at(session, NOW + timedelta(seconds=60)).delivery == Delivery.SENDING
    later = NOW + deliver.CLAIM
    row = deliver_at(session, later)
    assert (row.delivery, row.unsure) == (Delivery.SENT, True)
    session.execute(update(Message).values(died | {"unsure": True}))
    assert deliver_at(session, later).delivery == Delivery.UNSURE
    assert fake.calls(SUBSCRIBE_PATH) == 1


def test_one_send_to_a_person_at_a_time(person: Person, fake: FakeControl, session: Session) -> None:
    accept(person, fake, 2)
    tell(person)
    first = only_message(session)
    session.execute(update(Message).values(delivery=Delivery.SENDING.value, claimed_at=NOW, tries=1))
    tell(person, notice("resolved:2"))
    second = session.scalars(select(Message).where(Message.id != first.id)).one()
    deliver.deliver(second.id, now=NOW)
    session.refresh(second)
    assert second.delivery == Delivery.PENDING
    assert fake.calls(SUBSCRIBE_PATH) == 0
    assert due(session)[-1].payload == {"message_id": str(second.id)}
    assert timedelta(seconds=2) <= due(session)[-1].due_at - NOW <= timedelta(seconds=3)


@pytest.mark.parametrize("errcode", [47003, 40037, 40003, 88888])
def test_a_refused_message_is_not_repeated_and_costs_no_grant(
    person: Person, fake: FakeControl, session: Session, errcode: int
) -> None:
    accept(person, fake)
    fake.fault(SUBSCRIBE_PATH, errcode=errcode)
    tell(person)
    row = deliver_at(session)
    assert (row.delivery, row.errcode) == (Delivery.FAILED, errcode)
    assert ledger.balances(session, person.actor.user_id) == {TEMPLATE: 1}
    assert len(due(session)) == 1


def test_a_template_mapped_wrongly_fails_before_wechat_is_asked(
    person: Person, fake: FakeControl, session: Session
) -> None:
    accept(person, fake)
    templates.set_template(
        Template(kind=REPORT_PROGRESS.code, template_id=TEMPLATE, fields={"time1": "what"}, page=PAGE, long_term=False),
        now=NOW,
    )
    tell(person)
    assert deliver_at(session).delivery == Delivery.FAILED
    assert fake.calls(SUBSCRIBE_PATH) == 0
    assert ledger.balances(session, person.actor.user_id) == {TEMPLATE: 1}


def test_wechat_is_busy_for_hours(person: Person, fake: FakeControl, session: Session) -> None:
    accept(person, fake)
    fake.fault(SUBSCRIBE_PATH, errcode=-1, count=-1)
    tell(person)
    assert deliver_at(session).delivery == Delivery.PENDING
    assert deliver_at(session, NOW + timedelta(hours=6)).delivery == Delivery.FAILED
    assert ledger.balances(session, person.actor.user_id) == {TEMPLATE: 1}


def test_at_night_it_waits_for_the_morning(person: Person, fake: FakeControl, session: Session) -> None:
    night = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai
    morning = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    accept(person, fake)
    tell(person, now=night)
    assert due(session)[0].due_at == morning
    assert deliver_at(session, night).delivery == Delivery.PENDING
    assert fake.calls(SUBSCRIBE_PATH) == 0
    # The hours it is worth sending count from the morning.
    fake.fault(SUBSCRIBE_PATH, errcode=-1)
    assert deliver_at(session, morning).delivery == Delivery.PENDING
    assert deliver_at(session, morning + timedelta(minutes=1)).delivery == Delivery.SENT
    page = inbox.read_inbox(person.actor, unread=False, limit=10, cursor=None, now=night)
    assert len(page.items) == 1


def test_a_delayed_notice_shows_nowhere_before_its_time(person: Person, fake: FakeControl, session: Session) -> None:
    later = NOW + timedelta(hours=3)
    accept(person, fake)
    tell(person, not_before=later)
    assert due(session)[0].due_at == later
    assert deliver_at(session).delivery == Delivery.PENDING
    assert person.get("/me/messages").json["items"] == []
    assert deliver_at(session, later).delivery == Delivery.SENT
    (shown,) = inbox.read_inbox(person.actor, unread=False, limit=10, cursor=None, now=later).items
    assert shown.visible_at == later


def test_what_a_clock_that_was_ahead_has_written_shows_at_once(
    person: Person, fake: FakeControl, session: Session
) -> None:
    accept(person, fake)
    tell(person, now=NOW + timedelta(days=25))
    (shown,) = inbox.read_inbox(person.actor, unread=True, limit=10, cursor=None, now=NOW).items
    assert deliver_at(session).delivery == Delivery.SENT
    inbox.mark_read(person.actor, shown.id, now=NOW)
    assert not inbox.read_inbox(person.actor, unread=True, limit=10, cursor=None, now=NOW).items


def test_a_long_term_template_needs_one_consent(person: Person, fake: FakeControl, session: Session) -> None:
    templates.set_template(
        Template(kind=REPORT_PROGRESS.code, template_id=TEMPLATE, fields=FIELDS, page=PAGE, long_term=True), now=NOW
    )
    accept(person, fake)
    fake.order("POST", "grant", openid=OPENID, template_id=TEMPLATE, long_term=True)
    for step in ("a", "b", "c"):
        tell(person, notice(step))
    for row in session.scalars(select(Message)).all():
        deliver.deliver(row.id, now=NOW)
    session.expire_all()
    assert set(session.scalars(select(Message.delivery))) == {Delivery.SENT}
    assert ledger.balances(session, person.actor.user_id) == {TEMPLATE: 1}


def test_a_rejection_voids_what_was_accepted_before_whichever_comes_first(person: Person, session: Session) -> None:
    def note(accepted: bool, minutes: int, source: str) -> None:
        with transaction() as own:
            at = NOW + timedelta(minutes=minutes)
            ledger.note_answer(own, person.actor.user_id, TEMPLATE, accepted=accepted, at=at, source=source)

    def balance() -> int:
        return ledger.balances(session, person.actor.user_id).get(TEMPLATE, 0)

    note(True, 1, "a")
    note(True, 1, "a")
    assert balance() == 1
    note(False, 5, "b")
    note(True, 3, "late")
    assert balance() == 0
    note(True, 6, "c")
    assert balance() == 1
    note(False, 4, "an old rejection")
    assert balance() == 1


def test_answers_to_unknown_templates_are_not_kept(person: Person, session: Session) -> None:
    with transaction() as own:
        ledger.note_answer(own, person.actor.user_id, "unknown", accepted=True, at=NOW, source="x")
    assert session.scalars(select(Grant)).all() == []


def test_erasing_a_person_takes_the_inbox_and_the_ledger(person: Person, fake: FakeControl, session: Session) -> None:
    accept(person, fake)
    tell(person)
    message_id = only_message(session).id
    held = person.get("/me/data").json["notifications"]
    assert (len(held["messages"]), len(held["answers"])) == (1, 1)
    erasure.erase(person.actor.user_id, now=NOW)
    deliver.deliver(message_id, now=NOW)
    assert session.scalars(select(Message)).all() == []
    assert session.scalars(select(Grant)).all() == []
    assert fake.calls(SUBSCRIBE_PATH) == 0


def test_templates_are_changed_in_place(person: Person, session: Session) -> None:
    assert person
    templates.set_template(
        Template(
            kind=REPORT_PROGRESS.code, template_id="another", fields={"thing1": "what"}, page=PAGE, long_term=True
        ),
        now=NOW,
    )
    (row,) = session.scalars(select(Template)).all()
    assert (row.template_id, row.fields, row.long_term) == ("another", {"thing1": "what"}, True)


def test_more_people_than_one_statement_takes_are_told(person: Person, session: Session) -> None:
    """One by one they would be: a row has eleven values, and a statement takes 65,535."""
    add = (
        "INSERT INTO users (id, openid_digest, created_at) SELECT gen_random_uuid(), decode(md5(n::text), 'hex'), :now"
    )
    session.execute(text(f"{add} FROM generate_series(1, 6100) n"), {"now": NOW})
    session.commit()
    everybody = list(session.scalars(text("SELECT id FROM users")))
    with transaction() as own:
        assert telling.tell(own, everybody, notice(), now=NOW) == len(everybody) > 6100
    with transaction() as own:
        assert telling.tell(own, everybody, notice(), now=NOW) == 0
