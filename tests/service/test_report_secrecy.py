"""Village affairs and who is of the village: whatever the dates of an office, and whatever is merged with what."""

import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import reporting
from tests.api.test_exclusion import ALL_STATES
from tests.conftest import NOW
from tests.factories import People, Person
from tests.reporting import COUNTY, TOWNSHIP, VILLAGE, Town, file_routed, read, take
from tests.tries import tries
from wxapi.identity.models import AppointmentRow
from wxapi.identity.queries import actor_of
from wxapi.kernel.clock import FixedClock, local_day
from wxapi.kernel.permissions import Role
from wxapi.notifications.models import Message
from wxapi.platform.outbox import OutboxRow
from wxapi.reports.models import Report, ReportEvent
from wxapi.reports.notices import TOLD, NoticeAudience
from wxapi.reports.queries.desk_people import deciders, desk_people, staffing
from wxapi.reports.queries.reports import standing_of
from wxapi.reports.rules.relations import who_is
from wxapi.reports.rules.state import Party
from wxapi.reports.services import notify

TODAY = local_day(NOW)
lenient = [HealthCheck.function_scoped_fixture]


def tell_all(session: Session, clock: FixedClock) -> None:
    for row in session.scalars(select(OutboxRow).where(OutboxRow.topic == "report.changed")).all():
        notify.tell_of_step(uuid.UUID(row.payload["report_id"]), row.payload["event_id"], now=clock.now())
    session.query(Message).update({Message.visible_at: clock.now()})
    session.commit()


def everything_said(person: Person, own: str) -> str:
    """All answers in which another report could be named."""
    paths = (
        f"/reports?scope=desk&limit=100&state={ALL_STATES}",
        f"/reports?scope=mine&limit=100&state={ALL_STATES}",
        "/me/messages?limit=100",
        "/me/data",
        f"/reports/{own}",
    )
    answers = [person.get(path) for path in paths]
    assert {answer.status_code for answer in answers} <= {200}, [answer.get_json() for answer in answers]
    return "".join(answer.get_data(as_text=True) for answer in answers)


def test_reports_merged_before_this_rule_name_nothing(town: Town, session: Session) -> None:
    """Rows of an earlier release: the village's own report swallowed a complaint, and was swallowed by one."""
    double = town.people.make((Role.COMMUNITY_WORKER, VILLAGE))
    genuine, bait = (file_routed(who, category_code="X0201") for who in (town.reporter, double))
    for merged, survivor in ((genuine, bait), (bait, genuine)):
        row, into = session.get_one(Report, uuid.UUID(merged["id"])), session.get_one(Report, uuid.UUID(survivor["id"]))
        row.state, row.merged_into_id, row.merged_from_state = "merged", into.id, "routed"
        into.me_too_count, into.state, into.merged_into_id = 1, "routed", None
        line = ReportEvent(
            report_id=into.id, at=NOW, action="merge", from_state="routed", to_state="routed", role="township_officer",
            unit_code=TOWNSHIP, note=f"{merged['number']} 并入本件", detail={"into": str(into.id)},
        )  # fmt: skip
        session.add(line)
        session.commit()
        seen = read(double, bait["id"])
        assert (seen["merged_into"], seen["me_too_count"]) == (None, 0)
        said = everything_said(double, bait["id"])
        assert genuine["id"] not in said
        assert genuine["number"] not in said
        assert '"me_too_count":1' not in said


def test_unmerging_takes_people_back_from_where_they_were_carried(town: Town, session: Session) -> None:
    """A into B, B into C: who left A's merging behind is in B no more, nor in C."""
    other, third = town.people.make(), town.people.make()
    first, second, last = file_routed(town.reporter), file_routed(other), file_routed(third)
    merged = take(town.worker, first, "merge", into=second["id"])
    take(town.worker, read(town.worker, second["id"]), "merge", into=last["id"])
    assert read(town.worker, last["id"])["me_too_count"] == 2
    take(town.worker, merged, "unmerge")
    assert read(town.worker, last["id"])["me_too_count"] == 1
    assert [each["id"] for each in town.reporter.get("/reports?scope=mine").get_json()["items"]] == [first["id"]]


DESK_ROWS = [(VILLAGE, f"{VILLAGE}001"), (VILLAGE, None), (TOWNSHIP, f"{VILLAGE}001"), (COUNTY, None)]
CODES = ["4210", COUNTY, TOWNSHIP, VILLAGE, f"{VILLAGE}001", f"{VILLAGE}002", "421002002"]
ROLES = [Role.COMMUNITY_WORKER, Role.TOWNSHIP_OFFICER, Role.SUPERVISOR, Role.STREET_CHIEF, Role.TRAINING_STEWARD]


@settings(max_examples=tries(8), deadline=None, suppress_health_check=lenient)
@given(
    crew=st.lists(
        st.lists(st.tuples(st.sampled_from(ROLES), st.sampled_from(CODES)), min_size=1, max_size=3, unique=True),
        max_size=5,
    ),
    hidden=st.booleans(),
)
def test_who_is_told_is_who_may_act_is_who_counts_as_staff(
    people: People, session: Session, crew: list[list[tuple[Role, str]]], *, hidden: bool
) -> None:
    """For every row of `TOLD` that tells an office, on every kind of desk: the query against the pure rule."""
    reporting.settle(people)
    made = [people.make(*held) for held in crew]
    everybody = [
        actor_of(session, user_id, today=TODAY) for user_id in {*session.scalars(select(AppointmentRow.user_id))}
    ]
    assert {person.actor.user_id for person in made} <= {actor.user_id for actor in everybody}
    for desk, grid in DESK_ROWS:
        if hidden and len(desk) == len(VILLAGE):
            continue
        report = Report(
            id=uuid.uuid4(), village_code=VILLAGE, county_code=COUNTY, grid_code=grid, desk_code=desk, candidates=[],
            excluded_village_code=VILLAGE if hidden else None, copy_codes=[],
        )  # fmt: skip
        parties = {actor.user_id: who_is(actor, standing_of(report, actor)).parties for actor in everybody}
        workers = {user_id for user_id, held in parties.items() if Party.DESK_WORKER in held}
        above = {Party.OFFICER} if len(desk) >= len(VILLAGE) else {Party.OFFICER, Party.SUPERVISOR}
        deciding = {user_id for user_id, held in parties.items() if above & held.keys()}
        assert desk_people(session, desk, grid, report.exclusions, today=TODAY) == workers
        assert deciders(session, desk, report.exclusions, today=TODAY) == deciding
        assert staffing(session, report.place, report.exclusions, today=TODAY)(desk) == bool(workers)
        for tells in TOLD.values():
            for tell in tells:
                told = set(notify._people(session, report, tell.audience, desk, NOW))
                expected = {NoticeAudience.DESK: workers, NoticeAudience.TOWNSHIP: deciding}.get(tell.audience)
                assert expected is None or told == expected, tell


@pytest.mark.parametrize("step", ["route", "return", "appeal", "dispute"])
def test_what_comes_to_triage_is_told_to_the_township(
    town: Town, session: Session, clock: FixedClock, step: str
) -> None:
    county = town.people.make((Role.SUPERVISOR, COUNTY))
    if step == "dispute":
        report = take(town.reporter, reporting.resolved(town), "dispute", note="没有清完")
        report = take(town.reporter, reporting.resolved(town, report), "dispute", note="还是没有清完")
    elif step == "return":
        report = take(town.worker, file_routed(town.reporter), "return", reason_code="not_ours", note="不归我村管")
    elif step == "appeal":
        report = take(town.worker, file_routed(town.reporter), "refuse", reason_code="not_ours", note="不予受理")
        report = take(town.reporter, report, "appeal", note="请重新考虑")
    else:
        for row in session.scalars(select(AppointmentRow).where(AppointmentRow.role == Role.COMMUNITY_WORKER.value)):
            session.delete(row)
        session.commit()
        report = file_routed(town.reporter)
    assert (report["state"], report["desk"]["code"]) == ("triage", TOWNSHIP)
    tell_all(session, clock)

    def heard(person: Person) -> list[str]:
        return list(session.scalars(select(Message.title).where(Message.user_id == person.actor.user_id)))

    assert any("待分派" in title for title in heard(town.officer))
    assert not any("待分派" in title for title in heard(county))


def test_a_notice_names_the_desk_of_its_step(town: Town, session: Session, clock: FixedClock) -> None:
    report = take(town.worker, file_routed(town.reporter), "accept")
    take(town.worker, report, "return", reason_code="not_ours", note="不归我村管")
    tell_all(session, clock)
    titles = list(session.scalars(select(Message.title).where(Message.user_id == town.reporter.actor.user_id)))
    assert "您上报的问题已由001村受理" in titles
