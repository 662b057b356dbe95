"""A region or a unit is closed while it owes: who held the work at a due time answers for it, in past months and to come."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.figures import identity_holds
from tests.reporting import COUNTY, NEIGHBOUR, VILLAGE, Town, file_routed, photo, take
from tests.service.test_kept_figures import marks, nothing_kept
from tests.service.test_regions_change import NEW, halves
from wxapi.duties.services import climb
from wxapi.kernel.clock import FixedClock, local_day
from wxapi.kernel.coordinates import Datum
from wxapi.kernel.permissions import Role
from wxapi.regions.services import changing
from wxapi.regions.services.changing import Merger
from wxapi.regions.services.importing import Orders, import_regions
from wxapi.regions.services.sources import read_file
from wxapi.supervision.rules.measures import Counts
from wxapi.supervision.services import keeping, statistics
from wxapi.supervision.services.statistics import Question
from wxapi.units.rules import UnitKind
from wxapi.units.services.manage import NewUnit, close_unit, make_unit

EAST = "421002001008"
OLD_UNIT, NEW_UNIT = f"{COUNTY}-zj", f"{COUNTY}-cg"
NOVEMBER = (date(2026, 11, 1), date(2026, 12, 1))
DECEMBER = (date(2026, 12, 1), date(2027, 1, 1))


@dataclass(frozen=True)
class Case:
    """Who held the work, who goes on, and what closes the first."""

    old: str
    new: str
    close: Callable[[Town, FixedClock, Path], None]


def _merge(_town: Town, clock: FixedClock, _folder: Path) -> None:
    changing.close_regions(Merger((VILLAGE,), NEIGHBOUR), on=local_day(clock.now()), now=clock.now())


def _split(_town: Town, clock: FixedClock, folder: Path) -> None:
    orders = Orders(closing={VILLAGE: NEW}, on=local_day(clock.now()))
    import_regions(read_file(halves(folder)), Datum.GCJ02, now=clock.now(), orders=orders)


def _close(town: Town, clock: FixedClock, _folder: Path) -> None:
    admin = town.people.make((Role.ADMIN, COUNTY)).actor
    close_unit(admin, OLD_UNIT, on=local_day(clock.now()), successor_code=NEW_UNIT, now=clock.now())


CASES = {
    "merged": Case(VILLAGE, NEIGHBOUR, _merge),
    "split": Case(VILLAGE, EAST, _split),
    "unit": Case(OLD_UNIT, NEW_UNIT, _close),
}


def by_unit(town: Town, clock: FixedClock, period: tuple[date, date]) -> dict[str, Counts]:
    """A month's figures by unit."""
    question = Question("unit", "resolve", COUNTY, None, *period)
    today = local_day(clock.now())
    table = statistics.read_statistics(town.supervisor.actor, question, now=clock.now(), today=today)
    found = {row.key: row.counts for row in table.rows}
    assert all(map(identity_holds, found.values()))
    return found


@pytest.mark.parametrize("kind", CASES)
def test_who_held_it_at_the_due_time_answers(
    app: Flask, town: Town, clock: FixedClock, session: Session, tmp_path: Path, kind: str
) -> None:
    case = CASES[kind]
    settled = file_routed(town.reporter)
    for action, given in (("accept", {}), ("resolve", {"note": "已清运", "photo_ids": [photo(town.worker)]})):
        settled = take(town.worker, settled, action, **given)
    file_routed(town.reporter)  # nobody does anything about it
    clock.advance(days=12)
    file_routed(town.reporter)  # not due yet when its unit is closed
    if kind == "unit":
        _give_to_a_unit(town, session, clock)
    assert keeping.keep_months(now=clock.now()) > 0
    before = by_unit(town, clock, NOVEMBER)
    assert (before[case.old].due, before[case.old].on_time, before[case.old].open_overdue) == (2, 1, 1)
    case.close(town, clock, tmp_path)
    session.expire_all()

    def look() -> tuple[dict[str, Counts], dict[str, Counts]]:
        found = by_unit(town, clock, NOVEMBER), by_unit(town, clock, DECEMBER)
        with nothing_kept(session):
            assert (by_unit(town, clock, NOVEMBER), by_unit(town, clock, DECEMBER)) == found
        return found

    past, coming = look()
    # Given away when it was past due: late, and still the first one's; the other one has only inherited it.
    old, new = past[case.old], past.get(case.new, Counts())
    assert (old.due, old.on_time, old.late, old.open_overdue) == (2, 1, 1, 0)
    assert (new.due, new.inherited) == (0, 1)
    assert {key: row.due for key, row in past.items() if row.due} == {case.old: 2}
    # Given away in time: nothing of the first one's.
    assert coming.get(case.old, Counts()).due == 0
    assert (coming[case.new].due, coming[case.new].pending) == (1, 1)
    clock.advance(days=40)
    assert keeping.keep_months(now=clock.now()) > 0
    assert look()[0] == past
    assert {key: (row.due, row.open_overdue) for key, row in look()[1].items() if row.due} == {case.new: (1, 1)}
    told = app.test_cli_runner().invoke(args=["statistics", "verify", "--from", "2026-11-01"])
    assert (told.exit_code == 0) == (kind != "unit"), told.output  # no history tells of what this test gave a unit


def _give_to_a_unit(town: Town, session: Session, clock: FixedClock) -> None:
    """What reports owe is regions' so far; other subjects' duties are units', by the same rows."""
    admin = town.people.make((Role.ADMIN, COUNTY)).actor
    for code, name in ((OLD_UNIT, "住建局"), (NEW_UNIT, "城管局")):
        make_unit(admin, NewUnit(COUNTY, code.partition("-")[2], name, UnitKind.DEPARTMENT), now=clock.now())
    values = {"unit": OLD_UNIT, "county": COUNTY}
    session.execute(
        text(
            "UPDATE duties SET unit_code = :unit, unit_county_code = :county, unit_township_code = NULL,"
            " unit_village_code = NULL"
        ),
        values,
    )
    session.commit()


def test_a_card_that_is_lifted_changes_no_figure_of_a_month_that_is_kept(
    town: Town, clock: FixedClock, session: Session
) -> None:
    """A card is a reminder: what was late stays late. So nothing marks the month, and no byte of it changes."""
    clock.advance(days=3)
    file_routed(town.reporter)
    clock.advance(days=6)
    climb.climb(now=clock.now())
    duty = session.execute(
        text("SELECT id FROM duties WHERE stage = 'resolve' AND card IS NOT NULL AND due_at < '2026-12-01'")
    ).scalar_one()
    assert keeping.keep_months(now=clock.now()) > 0
    before = by_unit(town, clock, NOVEMBER)
    assert before[VILLAGE].open_overdue == 1
    appeal = f"/duties/{uuid.UUID(str(duty))}/appeal"
    asked = town.worker.post(appeal, {"note": "已移交产权单位", "photo_ids": []})
    assert asked.status_code == 200, asked.json
    lifted = town.officer.post(f"{appeal}/decision", {"decision": "lift", "note": "属实"})
    assert lifted.json["card_lifted"] is True
    assert marks(session) == set()
    assert by_unit(town, clock, NOVEMBER) == before
    with nothing_kept(session):
        assert by_unit(town, clock, NOVEMBER) == before
