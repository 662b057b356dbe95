"""Who hears of what, once, and who never does."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.factories import Person
from tests.report_rows import add_report
from tests.reporting import COUNTY, TOWNSHIP, VILLAGE, Town, accepted, file_routed, read, resolved, take
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.permissions import Role
from wxapi.notifications.models import Message
from wxapi.platform.outbox import OutboxRow
from wxapi.reports.models import ReportEvent, ReportJoin
from wxapi.reports.notices import TOLD, notices_of
from wxapi.reports.rules.messages import REPORT_CONFIRM, REPORT_PROGRESS
from wxapi.reports.services import notify, timers


def tell_all(session: Session, clock: FixedClock) -> None:
    """Run the job of every step so far, twice."""
    rows = session.scalars(select(OutboxRow).where(OutboxRow.topic == "report.changed").order_by(OutboxRow.id)).all()
    for payload in [row.payload for row in rows] * 2:
        notify.tell_of_step(uuid.UUID(payload["report_id"]), payload["event_id"], now=clock.now())


def heard(session: Session, person: Person) -> Sequence[str]:
    query = select(Message.title).where(Message.user_id == person.actor.user_id)
    return session.scalars(query.order_by(Message.created_at, Message.step)).all()


# Who hears of a step on a village's desk. In triage the township is the desk.
_CITIZENS, _DESK = "reporter joiner", "worker colleague"
HEAR = {
    "route": f"{_CITIZENS} {_DESK} supervisor",
    "route to triage": f"{_CITIZENS} officer supervisor",
    "assign_desk": f"{_CITIZENS} {_DESK}",
    "hand_on": f"{_CITIZENS} {_DESK}",
    "accept": _CITIZENS,
    "return to triage": "officer",
    "refuse": _CITIZENS,
    "appeal to triage": "officer",
    "request_hold": "officer",
    "approve_hold": _CITIZENS,
    "deny_hold": _DESK,
    "resume": _DESK,
    "request_extension": "officer",
    "approve_extension": _DESK,
    "deny_extension": _DESK,
    "ask": "reporter",
    "answer": _DESK,
    "resolve": _CITIZENS,
    "resolve, verified above": f"{_CITIZENS} officer",
    "dispute": f"{_DESK} officer",
    "dispute to triage": "officer",
    "reopen": _DESK,
    "auto_close": _CITIZENS,
    "merge": _CITIZENS,
    "unmerge": _CITIZENS,
    "escalate": _DESK,
    "remind": _DESK,
    "card": f"{_DESK} officer",
}


def test_every_row_of_the_table_reaches_whom_it_concerns(town: Town, session: Session) -> None:
    joiner = town.people.make()
    cast = {name: getattr(town, name) for name in ("reporter", "worker", "colleague", "officer", "chief", "supervisor")}
    cast |= {"joiner": joiner, "neighbour": town.neighbour, "stranger": town.stranger}
    names = {person.actor.user_id: name for name, person in cast.items()}
    report = add_report(session, reporter_id=town.reporter.actor.user_id, copy_codes=[COUNTY])
    session.add(ReportJoin(report_id=report.id, user_id=joiner.actor.user_id, joined_at=NOW))
    session.flush()
    assert {case.split()[0].strip(",") for case in HEAR} == set(TOLD)
    for case, wanted in HEAR.items():
        action, triage = case.split()[0].strip(","), case.endswith("to triage")
        desk, report.township_confirms = (TOWNSHIP if triage else VILLAGE), case.endswith("verified above")
        event = ReportEvent(id=1, action=action, at=NOW, to_state="triage" if triage else "accepted", detail={})
        hear: set[str] = set()
        for audience, notice in notices_of(report, event, {}):
            told = {names[user_id] for user_id in notify._people(session, report, audience, desk, NOW)}
            of_citizens = notice.kind in {REPORT_PROGRESS, REPORT_CONFIRM}
            assert told <= {"reporter", "joiner"} if of_citizens else told.isdisjoint({"reporter", "joiner"}), case
            hear |= told
        assert hear == set(wanted.split()), case


def test_who_verifies_in_a_reporters_place_is_asked_to(town: Town, session: Session, clock: FixedClock) -> None:
    report = resolved(town, take(town.worker, file_routed(town.colleague), "accept"))
    tell_all(session, clock)
    assert "有办结的问题待核实：已清运" in heard(session, town.officer)
    assert "您上报的问题已办结，由上级单位核实：已清运" in heard(session, town.colleague)
    assert {"confirm", "dispute"} <= set(read(town.officer, report["id"])["available_actions"])
    assert "confirm" not in read(town.colleague, report["id"])["available_actions"]


def test_the_reporter_hears_of_each_step_once(town: Town, session: Session, clock: FixedClock) -> None:
    report = resolved(town)
    take(town.reporter, report, "dispute", note="没有清完")
    tell_all(session, clock)
    assert sorted(heard(session, town.reporter)) == [
        "您上报的问题已办结，请核实：已清运",
        "您上报的问题已由001村受理",
        "您上报的问题已转交001村",
    ]
    assert sorted(heard(session, town.worker)) == ["上报人对办理结果不满意：没有清完", "有新的问题待受理"]
    assert heard(session, town.officer) == ["上报人对办理结果不满意：没有清完"]
    assert heard(session, town.neighbour) == heard(session, town.stranger) == []


def test_a_hold_is_told_with_its_review_date(town: Town, session: Session, clock: FixedClock) -> None:
    hold = {"reason_code": "weather", "note": "等天晴", "review_on": "2026-12-01"}
    report = take(town.worker, accepted(town), "request_hold", **hold)
    take(town.worker, take(town.officer, report, "approve_hold"), "resume")
    tell_all(session, clock)
    assert "您上报的问题需暂缓办理，复核日期12月1日" in heard(session, town.reporter)
    assert heard(session, town.officer) == ["有挂账申请待审批：等天晴"]


def test_who_joined_is_told_of_nothing_that_only_who_filed_may_do(
    town: Town, session: Session, clock: FixedClock
) -> None:
    report = file_routed(town.reporter)
    town.stranger.post(f"/reports/{report['id']}/me-too", {})
    of_another = town.people.make()
    of_another.post(f"/reports/{file_routed(town.reporter)['id']}/me-too", {})
    report = take(town.worker, report, "ask", note="在哪个单元？")
    take(town.worker, report, "refuse", reason_code="not_ours", note="不属实")
    tell_all(session, clock)
    passed_on = "您上报的问题已转交001村"
    assert set(heard(session, town.stranger)) == {passed_on, "您关注的问题不予受理：不属实"}
    assert heard(session, of_another) == [passed_on]
    asked, refused = "承办单位请您补充说明：在哪个单元？", "您上报的问题不予受理：不属实。可申诉一次"
    assert set(heard(session, town.reporter)) == {passed_on, asked, refused}


def test_a_card_is_told_to_desk_and_township(town: Town, session: Session, clock: FixedClock) -> None:
    file_routed(town.reporter)
    timers.mark_overdue(now=clock.now() + timedelta(hours=3))
    tell_all(session, clock)
    assert "有问题已超期，请尽快办理" in heard(session, town.worker)
    assert heard(session, town.officer) == ["有问题已超期，请督促办理"]


def test_a_villages_own_affairs_are_told_late_and_never_there(town: Town, session: Session, clock: FixedClock) -> None:
    double = town.people.make((Role.COMMUNITY_WORKER, VILLAGE), (Role.TOWNSHIP_OFFICER, TOWNSHIP))
    county = town.people.make((Role.SUPERVISOR, COUNTY))
    report = file_routed(town.reporter, category_code="X0201")
    double.post(f"/reports/{report['id']}/me-too", {})
    take(town.officer, read(town.officer, report["id"]), "accept")
    tell_all(session, clock)
    assert heard(session, town.officer) == ["有新的问题待受理"]
    assert heard(session, county) == ["抄送：有新的居（村）务公开问题"]
    assert len(heard(session, town.reporter)) == 2
    for person in (town.worker, town.colleague, double):
        assert heard(session, person) == []
    for visible_at in session.scalars(select(Message.visible_at)):
        assert timedelta(hours=2) <= visible_at - clock.now() <= timedelta(hours=24)


def test_who_filed_against_his_own_village_hears_of_it(town: Town, session: Session, clock: FixedClock) -> None:
    file_routed(town.worker, category_code="X0201")
    tell_all(session, clock)
    assert heard(session, town.worker) == ["您上报的问题已转交中山街道"]
