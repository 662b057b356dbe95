"""The sums of months that are over: who changes what they say marks them, and what is marked is counted."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests import reporting
from tests.report_rows import add_report
from tests.reporting import COUNTY, NEIGHBOUR, VILLAGE, Town
from tests.service import lives
from tests.service.test_kept_figures_properties import AFTER, CHANGES, JANUARY, LONG, VILLAGES, Reader, apply, keep
from tests.service.test_statistics_properties import BEGIN, Life, store
from wxapi.kernel.clock import FixedClock, local_day
from wxapi.kernel.permissions import Role
from wxapi.platform.db import Base, db
from wxapi.regions.services import changing
from wxapi.regions.services.changing import Merger
from wxapi.supervision.queries import kept, statistics
from wxapi.supervision.queries.kept import Month
from wxapi.supervision.services import board, keeping
from wxapi.supervision.services import statistics as services
from wxapi.supervision.services.statistics import Question
from wxapi.supervision.wire.statistics import table_dict

GROUPINGS = ("place", "class", "unit", "month", "kind")
# What figures of a period read: they find all of it in these.
INDEXES = (
    "ix_duties_counted", "ix_duties_begun", "ix_duties_met", "ix_duties_self_settled", "ix_reports_filed",
    "ix_report_events_counted",
)  # fmt: skip


def marks(session: Session) -> set[tuple[str, date]]:
    return {(county, month) for county, month in session.execute(text("SELECT county_code, month FROM figure_marks"))}


def test_all_that_is_counted_is_watched(session: Session) -> None:
    """A change of any column of the indexes that figures are counted from marks the months of its row."""
    for table in ("duties", "reports", "report_events"):
        told = session.execute(
            text(
                "SELECT pg_get_triggerdef(oid) FROM pg_trigger"
                " WHERE tgrelid = CAST(:table AS regclass) AND tgname = 'figures_changed' AND tgenabled = 'A'"
            ),
            {"table": table},
        ).scalar_one()
        told = told.replace(")::text", "").replace("(", "")  # of a varchar
        indexes = [index for index in Base.metadata.tables[table].indexes if index.name in INDEXES]
        assert indexes
        for index in indexes:
            read = [*index.columns.keys(), *index.dialect_options["postgresql"]["include"]]
            assert [column for column in read if f"old.{column} IS DISTINCT FROM new.{column}" not in told] == []


FULL = [
    Life(
        village="421001001001",
        class_code="E0102",
        filed=5,
        desk="421001001001",
        confidential=False,
        steps=((7, "return", None, True), (30, "confirm", 4, True)),
        duties=tuple(
            {"stage": "resolve", "unit": unit, "started": 3, "due": due, "dropped": None, **ends}
            for due, unit, ends in (
                (10, VILLAGES[0], {"met": 8, "stopped": None}),
                (12, VILLAGES[0], {"met": 40, "stopped": None}),
                (14, VILLAGES[0], {"met": 9, "stopped": None, "self": True}),
                (16, VILLAGES[0], {"met": None, "stopped": 5}),
                (18, VILLAGES[1], {"met": None, "stopped": None}),
                (60, VILLAGES[2], {"met": None, "stopped": None}),
            )
        ),
    )
]
ASKED = tuple(
    replace(LONG, group_by=group, level=level)
    for group, level in (("place", "village"), ("class", "township"), ("unit", "township"), ("month", "township"))
)


@pytest.mark.parametrize("what", CHANGES, ids=lambda what: f"{what[0]} {what[1]}"[:60])
def test_whatever_changes_a_row_is_seen_at_once(session: Session, what: tuple[str, str | None]) -> None:
    reader = Reader(ASKED, AFTER)
    store(session, FULL)
    keep(session, JANUARY)
    seen = False
    spans = (-1, 1) if ":span" in str(what[1]) else (1,)
    for row, days in itertools.product(range(6), spans):
        point = session.begin_nested()
        if apply(session, {"what": what, "row": row, "v": VILLAGES[-1], "span": timedelta(days=days)}):
            assert reader.answers(session) == reader.without(session)
            seen = seen or marks(session) != set()
        point.rollback()
    assert seen


@pytest.mark.parametrize("table", ["duties", "reports", "report_events"])
def test_a_table_that_is_emptied_at_once_is_seen_too(session: Session, table: str) -> None:
    store(session, FULL)
    keep(session, JANUARY)
    session.execute(text("DELETE FROM figure_marks"))
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(text(f"TRUNCATE {table} CASCADE"))
    assert marks(session) == {("421001", JANUARY), ("421002", JANUARY)}
    reader = Reader(ASKED, AFTER)
    assert reader.answers(session) == reader.without(session)


def test_a_month_that_an_older_release_kept_is_counted_again(session: Session) -> None:
    """It knew no days, and while an upgrade runs its job goes on."""
    by_day = Reader([replace(LONG, group_by="day"), replace(LONG, group_by="week")], AFTER)
    store(session, FULL)
    session.execute(
        text("INSERT INTO regions (code, name, level) VALUES ('421001', '县', 'county') ON CONFLICT DO NOTHING")
    )
    keep(session, JANUARY)
    found = by_day.answers(session)
    assert kept.to_keep(session, [JANUARY], 9) == []
    session.execute(text("DELETE FROM figure_sums WHERE axis = 'day'"))
    assert by_day.answers(session) == found
    assert kept.to_keep(session, [JANUARY], 9) == [Month("421001", JANUARY)]
    assert not kept.differs(session, Month("421001", JANUARY))


@pytest.mark.parametrize(
    "asked",
    [
        {"group_by": "place", "level": "village", "class_code": "E0102"},
        {"group_by": "unit", "class_code": "E"},
        {"group_by": "class", "unit": "4210-cg"},
        {"group_by": "month", "unit": "4210-cg", "class_code": "E"},
    ],
)
def test_of_a_city_what_no_sums_answer_is_told_of_a_year(town: Town, clock: FixedClock, asked: dict[str, Any]) -> None:
    """It is counted row by row, which takes a city of a million reports a second or two, and is not refused for it."""
    city = town.people.make((Role.SUPERVISOR, "4210")).actor
    today = local_day(clock.now())
    question = Question(**asked, region="4210", since=today - timedelta(days=365), until=today + timedelta(days=1))
    wanted = services.wanted_of(city, question, today=today)
    assert kept.axis_of(wanted) is None
    assert services.read_statistics(city, question, now=clock.now(), today=today)


def span(clock: FixedClock) -> dict[str, date]:
    today = local_day(clock.now())
    return {"since": today - timedelta(days=330), "until": today + timedelta(days=30)}


def figures(town: Town, clock: FixedClock, **asked: Any) -> Any:
    """By the service: a clock that moves for months outlives every token."""
    now = clock.now()
    question = Question(region=COUNTY, **span(clock), **asked)
    table = services.read_statistics(town.supervisor.actor, question, now=now, today=local_day(now))
    return table_dict(table)


def all_figures(town: Town, clock: FixedClock) -> list[Any]:
    return [
        figures(town, clock, stage=stage, group_by=group) for stage in ("respond", "resolve") for group in GROUPINGS
    ]


@contextmanager
def nothing_kept(session: Session) -> Iterator[None]:
    point = session.begin_nested()
    session.execute(text("DELETE FROM figure_months"))
    yield
    point.rollback()


def test_a_life_with_months_that_are_kept(town: Town, clock: FixedClock, session: Session, app: Flask) -> None:
    """Extensions, holds, appeals and answers into a month that is over, a village that is merged, a clock put back."""
    chance = Random(3)
    lives.live(town, clock, chance, reports=6, steps=25)
    clock.advance(days=20)
    for turn in range(3):
        assert keeping.keep_months(now=clock.now()) > 0
        assert marks(session) == set()
        assert keeping.keep_months(now=clock.now()) == 0
        lives.live(town, clock, chance, reports=2, steps=12)
        if turn == 1:
            changing.close_regions(Merger((VILLAGE,), NEIGHBOUR), on=local_day(clock.now()), now=clock.now())
        found = all_figures(town, clock)
        with nothing_kept(session):
            assert all_figures(town, clock) == found
        clock.advance(days=-35)
        back = all_figures(town, clock)
        with nothing_kept(session):
            assert all_figures(town, clock) == back
        clock.advance(days=55)
    assert found[1]["total"]["due"] > 0
    told = app.test_cli_runner().invoke(args=["statistics", "verify", "--from", str(span(clock)["since"])])
    assert told.exit_code == 0, told.output


def test_what_is_kept_is_what_is_read_and_verified(town: Town, clock: FixedClock, session: Session, app: Flask) -> None:
    report = reporting.file_routed(town.reporter)
    clock.advance(days=10)
    keeping.keep_months(now=clock.now())
    assert figures(town, clock)["total"]["filed"] == 1
    session.execute(text("UPDATE figure_sums SET filed = 8 WHERE filed = 1"))
    session.commit()
    assert figures(town, clock)["total"]["filed"] == 8
    told = app.test_cli_runner().invoke(args=["statistics", "verify"])
    assert told.exit_code == 1
    assert f"{COUNTY} 2026-11" in told.output
    # What is counted no more is never read.
    reporting.take(town.worker, report, "accept")
    assert (COUNTY, date(2026, 11, 1)) in marks(session)
    assert figures(town, clock)["total"]["filed"] == 1
    assert app.test_cli_runner().invoke(args=["statistics", "verify"]).exit_code == 0


def test_village_affairs_mark_nothing_and_change_no_byte(
    town: Town, clock: FixedClock, session: Session, app: Flask
) -> None:
    lives.live(town, clock, Random(6), reports=4, steps=10)
    report = reporting.file_routed(town.reporter, category_code="X0201")
    clock.advance(days=10)
    keeping.keep_months(now=clock.now())
    readers = (town.worker, town.officer, town.chief, town.supervisor)
    days = "from={since}&to={until}".format(**span(clock))

    def every_byte() -> list[bytes]:
        board.install(app)
        pages = [f"/statistics?set=reports&group_by={group}&{days}" for group in GROUPINGS] + [f"/panorama?{days}"]
        found = [reader.get(page) for reader in readers for page in pages]
        assert {answer.status_code for answer in found} == {200}
        return [answer.data for answer in found]

    before = every_byte()
    for action in ("accept", "resolve"):
        given = {} if action == "accept" else {"note": "已公开", "photo_ids": [reporting.photo(town.officer)]}
        report = reporting.take(town.officer, report, action, **given)
    session.execute(text("DELETE FROM duties WHERE confidential"))
    session.commit()
    assert marks(session) == set()
    assert every_byte() == before


@pytest.fixture
def committing(make_committing_app: Callable[..., AbstractContextManager[Flask]]) -> Iterator[Flask]:
    with make_committing_app() as app:
        yield app


@contextmanager
def connections() -> Iterator[tuple[Session, Session, Session]]:
    with Session(db.engine) as one, Session(db.engine) as two, Session(db.engine) as three:
        yield one, two, three


ORDERS = (
    # W writes, w commits, K keeps, k commits; a reader looks after each.
    "WwKk", "WKwk", "WKkw", "KWwk", "KWkw", "KkWw",
)  # fmt: skip


@pytest.mark.parametrize("order", ORDERS)
def test_a_writer_and_a_keeper_at_once(committing: Flask, order: str) -> None:
    """In whatever order they write and commit, a reader never adds sums that lack what is committed."""
    wanted = replace(LONG, region="421001")
    with connections() as (writer, keeper, reader):
        reader.execute(text("INSERT INTO regions (code, name, level) VALUES ('421001', '县', 'county')"))
        reader.execute(text("INSERT INTO regions (code, name, level) VALUES ('421001001001', '村', 'village')"))
        add_report(reader, village="421001001001", desk=None, state="submitted", created_at=BEGIN)
        assert kept.alone(reader)
        kept.keep(reader, Month("421001", JANUARY), now=AFTER)
        reader.commit()
        expected = 1
        for step in order:
            if step == "W":
                add_report(writer, village="421001001001", desk=None, state="submitted", created_at=BEGIN)
            elif step == "w":
                writer.commit()
                expected = 2
            elif step == "K":
                assert kept.alone(keeper)
                kept.keep(keeper, Month("421001", JANUARY), now=AFTER)
            else:
                keeper.commit()
            assert statistics.count(reader, wanted, as_of=AFTER)[""].filed == expected
            reader.rollback()
        assert kept.alone(reader)
        kept.keep(reader, Month("421001", JANUARY), now=AFTER)
        reader.commit()
        assert statistics.count(reader, wanted, as_of=AFTER)[""].filed == 2
        assert marks(reader) == set()


def test_one_keeper_at_a_time_and_marks_of_others_stay(committing: Flask) -> None:
    with connections() as (writer, keeper, other):
        other.execute(text("INSERT INTO regions (code, name, level) VALUES ('421001', '县', 'county')"))
        other.commit()
        assert kept.alone(keeper)
        assert not kept.alone(other)
        other.rollback()
        assert keeping.keep_months(now=AFTER) == 0
        kept.keep(keeper, Month("421001", JANUARY), now=AFTER)
        mark = text("INSERT INTO figure_marks (county_code, month) VALUES ('421001', '2026-01-01')")
        writer.execute(mark)
        writer.commit()
        keeper.commit()
        assert marks(other) == {("421001", JANUARY)}
        other.rollback()
        assert keeping.keep_months(now=AFTER) == keeping.MONTHS_KEPT
        assert marks(other) == set()


def test_a_role_without_new_rights_goes_on_writing(committing: Flask) -> None:
    """The release before writes while the upgrade runs, and until its role is given the new tables."""
    role = f"before_{uuid.uuid4().hex[:8]}"
    with Session(db.engine) as session:
        session.execute(text("INSERT INTO regions (code, name, level) VALUES ('421001', '县', 'county')"))
        session.execute(text("INSERT INTO regions (code, name, level) VALUES ('421001001001', '村', 'village')"))
        session.execute(text(f"CREATE ROLE {role}"))
        session.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON reports TO {role}"))
        session.execute(text(f"SET LOCAL ROLE {role}"))
        add_report(session, village="421001001001", desk=None, state="submitted", created_at=BEGIN)
        session.execute(text("RESET ROLE"))
        assert marks(session) == {("421001", JANUARY)}
        session.rollback()
