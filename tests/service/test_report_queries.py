"""Who sees which report, in the one condition every read uses; and what the lists cost."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.conftest import NOW
from tests.factories import People
from tests.report_rows import add_report
from tests.reporting import COUNTY, NEIGHBOUR, OTHER_TOWNSHIP, TOWNSHIP, VILLAGE
from tests.statements import plans
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import Role
from wxapi.platform.retention import RetentionCategory
from wxapi.regions.rules.levels import Level
from wxapi.reports.models import Report, ReportJoin
from wxapi.reports.queries import lists
from wxapi.reports.queries.desk_counts import count_desk
from wxapi.reports.queries.desk_map import desk_clusters
from wxapi.reports.queries.desk_people import staffing
from wxapi.reports.queries.lists import Filters, Order, PageRequest, desk_page, my_page
from wxapi.reports.queries.visibility import visible_to
from wxapi.reports.rules.masking import WITHHELD
from wxapi.reports.rules.routing import Place
from wxapi.reports.rules.state import ReportState
from wxapi.reports.services import redistrict, route
from wxapi.reports.services.retention import RETENTION

GRID, OTHER_GRID = f"{VILLAGE}001", f"{VILLAGE}002"
WORKER, OFFICER, CHIEF, SUPERVISOR = (
    Role.COMMUNITY_WORKER,
    Role.TOWNSHIP_OFFICER,
    Role.STREET_CHIEF,
    Role.SUPERVISOR,
)
pytestmark = pytest.mark.usefixtures("city")


def holding(*appointments: tuple[Role, str]) -> Actor:
    return Actor(uuid.uuid4(), tuple(Appointment(role, code) for role, code in appointments))


def sees(session: Session, actor: Actor, report: Report) -> bool:
    return session.scalar(select(Report.id).where(Report.id == report.id, visible_to(actor))) is not None


@pytest.mark.parametrize(
    ("role", "code", "seen"),
    [
        (WORKER, VILLAGE, True),
        (WORKER, GRID, True),
        (WORKER, OTHER_GRID, False),
        (WORKER, NEIGHBOUR, False),
        (OFFICER, TOWNSHIP, True),
        (CHIEF, TOWNSHIP, True),
        (OFFICER, OTHER_TOWNSHIP, False),
        (SUPERVISOR, COUNTY, True),
        (SUPERVISOR, "421003", False),
        (SUPERVISOR, "4210", True),
        (Role.ADMIN, "4210", False),
        (Role.TRAINING_ORGANISER, COUNTY, False),
        (Role.TRAINING_STEWARD, VILLAGE, False),
    ],
)
def test_an_appointment_with_a_desk_role_gives_sight_of_its_region(
    session: Session, role: Role, code: str, seen: bool
) -> None:
    report = add_report(session, grid_code=GRID)
    actor = holding((role, code))
    assert sees(session, actor, report) is seen
    page = desk_page(actor, PageRequest(20), Order.DUE, now=NOW)
    assert [row.id for row in page.items] == ([str(report.id)] if seen else [])


def test_the_desk_and_the_place_both_see_a_report_that_was_handed_on(session: Session) -> None:
    report = add_report(session, village=VILLAGE, desk=NEIGHBOUR)
    assert sees(session, holding((WORKER, VILLAGE)), report)
    assert sees(session, holding((WORKER, NEIGHBOUR)), report)
    queue = desk_page(holding((WORKER, VILLAGE)), PageRequest(20), Order.DUE, now=NOW)
    assert queue.items == []  # to be seen, but no longer in the queue


def test_who_filed_or_joined_sees_a_report_and_nobody_else(session: Session, people: People) -> None:
    reporter, joiner, stranger = (people.make().actor for _ in range(3))
    report = add_report(session, reporter_id=reporter.user_id)
    session.add(ReportJoin(report_id=report.id, user_id=joiner.user_id, joined_at=NOW))
    session.flush()
    assert [sees(session, actor, report) for actor in (reporter, joiner, stranger)] == [True, True, False]


def confidential(session: Session, **changes: object) -> Report:
    return add_report(session, desk=TOWNSHIP, category_code="X0201", excluded_village_code=VILLAGE, **changes)


@pytest.mark.parametrize(
    ("appointments", "seen"),
    [
        ([(WORKER, VILLAGE)], False),
        ([(WORKER, GRID)], False),
        ([(SUPERVISOR, VILLAGE)], False),
        ([(OFFICER, TOWNSHIP)], True),
        ([(SUPERVISOR, COUNTY)], True),
        ([(WORKER, NEIGHBOUR)], False),
        # Nobody of the village, whatever else they hold, and whatever they are there.
        ([(OFFICER, TOWNSHIP), (WORKER, VILLAGE)], False),
        ([(SUPERVISOR, "4210"), (Role.TRAINING_STEWARD, VILLAGE)], False),
        ([(OFFICER, TOWNSHIP), (WORKER, GRID)], False),
        ([(OFFICER, TOWNSHIP), (WORKER, NEIGHBOUR)], True),
    ],
)
def test_for_people_of_the_excluded_village_it_does_not_exist(
    session: Session, appointments: list[tuple[Role, str]], seen: bool
) -> None:
    report = confidential(session)
    actor = holding(*appointments)
    assert sees(session, actor, report) is seen
    assert bool(desk_page(actor, PageRequest(20), Order.DUE, now=NOW).items) is seen


def test_exclusion_takes_a_joined_report_away_but_not_ones_own(session: Session, people: People) -> None:
    both = (WORKER, VILLAGE), (OFFICER, TOWNSHIP)
    reporter, joiner = people.make(*both).actor, people.make(*both).actor
    report = confidential(session, reporter_id=reporter.user_id)
    session.add(ReportJoin(report_id=report.id, user_id=joiner.user_id, joined_at=NOW))
    session.flush()
    assert sees(session, reporter, report)
    assert not sees(session, joiner, report)


def test_a_submitted_report_is_in_nobodys_queue(session: Session) -> None:
    report = add_report(session, state="submitted", desk=None)
    worker = holding((WORKER, VILLAGE))
    assert sees(session, worker, report)
    assert desk_page(worker, PageRequest(20), Order.DUE, now=NOW).items == []


def test_staffing_asks_for_somebody_who_can_accept_there(session: Session, people: People) -> None:
    staffed = staffing(session, Place(VILLAGE, None, ()), (), today=local_day(NOW))
    in_grid = staffing(session, Place(VILLAGE, GRID, ()), (), today=local_day(NOW))
    assert not staffed(VILLAGE)
    people.make((WORKER, GRID), (CHIEF, VILLAGE), (Role.TRAINING_ORGANISER, COUNTY))
    assert not staffed(VILLAGE)
    assert in_grid(VILLAGE)
    people.make((WORKER, VILLAGE))
    assert staffed(VILLAGE)
    assert not staffed(NEIGHBOUR)
    assert not staffed(TOWNSHIP)
    people.make((OFFICER, TOWNSHIP))
    assert staffed(TOWNSHIP)
    people.make((WORKER, TOWNSHIP))
    assert staffed(NEIGHBOUR)


def plan_of(session: Session, actor: Actor, wanted: PageRequest, order: Order) -> str:
    """How PostgreSQL would run a page of a desk in a table too large to be read whole or sorted."""
    return plan_of_first(session, lambda: desk_page(actor, wanted, order, now=NOW))


def plan_of_first(
    session: Session, run: Callable[[], object], dear: Sequence[str] = ("seqscan", "bitmapscan", "sort")
) -> str:
    """How PostgreSQL would run the first statement of a call, in tables too large to be read whole or sorted."""
    return plans(session, run, without=dear, first=True)


@pytest.mark.parametrize(
    ("role", "code", "level"),
    [(SUPERVISOR, COUNTY, "county"), (OFFICER, TOWNSHIP, "township"), (WORKER, VILLAGE, "village")],
)
@pytest.mark.parametrize(("order", "name"), [(Order.DUE, "open_{}_due"), (Order.NEWEST, "desk_{}_created")])
def test_a_queue_is_one_walk_along_an_index(
    session: Session, role: Role, code: str, level: str, order: Order, name: str
) -> None:
    for hours in range(40):
        add_report(session, created_at=NOW - timedelta(hours=hours))
    actor = holding((role, code))
    first = desk_page(actor, PageRequest(10), order, now=NOW)
    for cursor in (None, first.next_cursor):
        plan = plan_of(session, actor, PageRequest(10, cursor), order)
        assert f"Index Scan{' Backward' if order is Order.NEWEST else ''} using ix_reports_{name.format(level)}" in plan
        assert "Sort" not in plan.partition("SubPlan")[0]
        # From page two on the walk begins at the cursor: PostgreSQL compares (key, id) inside the index.
        assert (cursor is None) == ("Index Cond: ((desk" not in plan)


def test_narrower_states_use_the_index_of_open_reports_too(session: Session) -> None:
    add_report(session)
    wanted = PageRequest(10, filters=Filters(states=(ReportState.ROUTED, ReportState.TRIAGE)))
    plan = plan_of(session, holding((OFFICER, TOWNSHIP)), wanted, Order.DUE)
    assert "using ix_reports_open_township_due" in plan


@pytest.mark.parametrize("code", [COUNTY, COUNTY[:4]])
@pytest.mark.parametrize("sought", [Filters(), Filters(category="E01", region=TOWNSHIP)])
def test_a_countys_desks_are_counted_without_reading_the_reports(session: Session, code: str, sought: Filters) -> None:
    add_report(session)
    # Of a table of one row all are as cheap, and what was analysed before decides; only one holds all that is counted.
    others = session.scalar(
        text(
            "SELECT string_agg(indexrelid::regclass::text, ', ') FROM pg_index WHERE indrelid = 'reports'::regclass"
            " AND NOT indisunique AND indexrelid <> 'ix_reports_open_county_due'::regclass"
        )
    )
    session.execute(text(f"DROP INDEX {others}"))
    actor = holding((SUPERVISOR, code))
    narrow = replace(sought, overdue=True, card="red", undecided=True)
    plan = plans(
        session, lambda: (count_desk(actor, sought, now=NOW), desk_clusters(actor, narrow, Level.TOWNSHIP, now=NOW))
    )
    assert plan.count("Index Only Scan using ix_reports_open_county_due") == 2


@pytest.mark.parametrize("category", RETENTION, ids=lambda category: category.name)
def test_what_is_long_over_is_found_by_an_index(session: Session, category: RetentionCategory) -> None:
    add_report(session, state="closed")
    for run in (lambda: category.count(session, NOW), lambda: session.execute(category.due(NOW).limit(500))):
        index = "ix_report_join_marks_at" if category.name == "join_marks" else "ix_reports_over"
        assert f"using {index}" in plan_of_first(session, run)


@pytest.mark.parametrize(
    ("part", "indexes"),
    [
        (
            lambda session: redistrict.HOLDING.count(session, [VILLAGE, GRID], NOW),
            {"village_code", "desk_village_created"},
        ),
        (lambda session: redistrict._keep_hidden(session, {VILLAGE: NEIGHBOUR}, None), {"excluded_village_code"}),
    ],
)
def test_what_a_closed_region_has_is_found_by_indexes(
    session: Session, part: Callable[[Session], object], indexes: set[str]
) -> None:
    add_report(session)
    plan = plan_of_first(session, lambda: part(session), dear=("seqscan",))
    assert "Seq Scan" not in plan
    assert all(f"ix_reports_{name}" in plan for name in indexes), plan


def test_what_lost_its_router_is_found_among_what_is_open(session: Session) -> None:
    """Not by walking through all reports there ever were."""
    plan = plan_of_first(session, lambda: route.route_unrouted(now=NOW), dear=("seqscan", "bitmapscan"))
    assert "Index Cond: (COALESCE(due_at" in plan


def test_what_is_searched_for_makes_no_new_statement(session: Session) -> None:
    report, actor = add_report(session, description="井盖100%破损"), holding((WORKER, VILLAGE))
    lists._desk_query.cache_clear()
    found = [
        desk_page(actor, PageRequest(10, filters=Filters(text=words)), Order.DUE, now=NOW).items
        for words in ("井盖", "100%破", "路灯", "_")
    ]
    assert [[row.id for row in rows] for rows in found] == [[str(report.id)], [str(report.id)], [], []]
    assert lists._desk_query.cache_info().currsize == 1


def test_citizens_share_the_statement_of_their_own_reports(session: Session, people: People) -> None:
    first, second = (people.make().actor for _ in range(2))
    report = add_report(session, reporter_id=first.user_id)
    session.add(ReportJoin(report_id=report.id, user_id=second.user_id, joined_at=NOW))
    session.flush()
    lists._own_query.cache_clear()
    pages = [my_page(actor, PageRequest(10), now=NOW).items for actor in (first, second)]
    assert [[(row.id, row.is_mine, row.description) for row in rows] for rows in pages] == [
        [(str(report.id), True, report.description)],
        [(str(report.id), False, WITHHELD)],
    ]
    assert lists._own_query.cache_info().currsize == 1
