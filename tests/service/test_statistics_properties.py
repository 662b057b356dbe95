"""Figures over random trees and histories, beside a slow count that reads the definitions row by row."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tests.figures import identity_holds
from tests.report_rows import add_report
from tests.tries import tries
from wxapi.duties.models import Duty
from wxapi.duties.services.write import ancestors
from wxapi.kernel.clock import SHANGHAI
from wxapi.regions.models import Region
from wxapi.reports.models import ReportEvent
from wxapi.reports.rules.counted import COUNTED_STEPS
from wxapi.supervision.queries import statistics
from wxapi.supervision.queries.counting import EVENTS, NO_UNIT
from wxapi.supervision.queries.periods import Wanted
from wxapi.supervision.rules.measures import COUNTED, Counts, total

CITY = "4210"
BEGIN = datetime(2026, 1, 30, 22, tzinfo=SHANGHAI)
AS_OF = BEGIN + timedelta(hours=40)
# Few hours around the turn of a month: what happens at the same instant, and on both sides of it, comes up often.
HOURS = st.integers(0, 72)
STAGES = ("respond", "resolve")
PLACES = ("county", "township", "village")
GROUPINGS = ("none", "class", "unit", "month", "day", "week", "kind")


@dataclass(frozen=True)
class Life:
    """A report with its counted steps and what was owed for it; times are hours after BEGIN."""

    village: str
    class_code: str
    filed: int
    desk: str | None
    confidential: bool
    steps: Sequence[tuple[int, str, int | None, bool]]
    duties: Sequence[dict[str, Any]]
    id: uuid.UUID = field(default_factory=uuid.uuid4)


@st.composite
def chains(draw: st.DrawFn, villages: Sequence[str]) -> list[dict[str, Any]]:
    """What one stage owed: from unit to unit with one due time that stops and extensions move, until it ended."""
    at = draw(HOURS)
    due = at + draw(st.integers(1, 30))
    unit, found = draw(st.sampled_from(villages)), []
    for _ in range(draw(st.integers(1, 4))):
        start, at = at, at + draw(st.integers(0, 30))
        due = max(due, start + 1) if not found else due
        duty = {"unit": unit, "started": start, "due": due, "met": None, "dropped": None, "stopped": None}
        found.append(duty)
        end = draw(st.sampled_from(("open", "stopped", "met", "settled", "moved", "moved", "moved stopped", "ended")))
        if end == "open":
            duty["due"] = due + draw(st.sampled_from((0, 0, 12)))
            return found
        if "stopped" in end:
            duty["stopped"] = draw(st.integers(start, at))
        if end == "stopped":
            return found
        if end in {"met", "settled"}:
            duty["met"], duty["self"] = at, end == "settled"
            return found
        duty["dropped"] = at
        if end == "ended":
            return found
        unit = draw(st.sampled_from(villages))
    return found


@st.composite
def cities(draw: st.DrawFn) -> list[Life]:
    """Some reports in a random tree of at most two counties, two townships each, two villages each."""
    code = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 2))
    villages = [f"{CITY}{c:02d}{t:03d}{v:03d}" for c, t, v in draw(st.lists(code, min_size=1, max_size=5, unique=True))]
    step = st.tuples(HOURS, st.sampled_from(COUNTED_STEPS), st.none() | st.integers(1, 5), st.booleans())
    life = st.builds(
        Life,
        village=st.sampled_from(villages),
        class_code=st.sampled_from(("E0102", "E0104", "P0101", "X0101")),
        filed=HOURS,
        desk=st.none() | st.sampled_from(villages),
        confidential=st.booleans(),
        steps=st.lists(step, max_size=3),
        duties=st.just(()),
    )
    found = []
    for one in draw(st.lists(life, min_size=1, max_size=5)):
        owed = [duty | {"stage": stage} for stage in STAGES for duty in draw(st.just([]) | chains(villages))]
        found.append(replace(one, duties=owed))
    return found


def hour(number: int | None) -> datetime | None:
    return None if number is None else BEGIN + timedelta(hours=number)


def store(session: Session, lives: Sequence[Life]) -> None:
    """The rows of the lives; what refers to regions and units may refer to none."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    for county in sorted({life.village[:6] for life in lives}):
        found = {"code": county, "name": county, "level": "county", "parent_code": CITY}
        session.execute(insert(Region).values(found).on_conflict_do_nothing())
    for life in lives:
        hidden = life.village if life.confidential else None
        add_report(
            session,
            id=life.id,
            village=life.village,
            # The village that must not know never has it on its desk.
            desk=None if life.confidential else life.desk,
            state="submitted" if life.confidential or life.desk is None else "accepted",
            created_at=BEGIN + timedelta(hours=life.filed),
            category_code=life.class_code,
            excluded_village_code=hidden,
        )
        session.add_all(_lines(life))
        session.add_all(_duty(life, number, duty) for number, duty in enumerate(life.duties))
    session.flush()


def _lines(life: Life) -> list[ReportEvent]:
    """Half of the lines say what they count, half are from before they did."""
    found = []
    for at, action, rating, says in life.steps:
        line = ReportEvent(
            report_id=life.id,
            at=hour(at),
            action=action,
            to_state="merged",
            role="system",
            detail={} if rating is None else {"rating": rating},
        )
        if says and not life.confidential:
            line.county_code, line.township_code, line.village_code = life.village[:6], life.village[:9], life.village
            line.category_code, line.held_by, line.rating = life.class_code, life.desk, rating
        found.append(line)
    return found


def _duty(life: Life, number: int, duty: dict[str, Any]) -> Duty:
    started, stopped = hour(duty["started"]), hour(duty["stopped"])
    return Duty(
        id=uuid.uuid4(),
        subject_type="report",
        subject_id=life.id,
        subject_number="JZ",
        stage=duty["stage"],
        seq=number,
        unit_code=duty["unit"],
        **{f"{name}_code": code for name, code in ancestors("unit", duty["unit"]).items()},
        place_code=life.village,
        **{f"{name}_code": code for name, code in ancestors("place", life.village).items()},
        class_code=life.class_code,
        confidential=life.confidential,
        clock="round",
        limit_s=3600,
        origin_at=BEGIN - timedelta(days=1),
        started_at=started,
        due_at=hour(duty["due"]),
        stopped_at=stopped,
        left_s=0 if stopped else None,
        met_at=hour(duty["met"]),
        used_s=None if duty["met"] is None else 3600 * (duty["met"] - duty["started"]),
        self_settled=duty.get("self", False),
        dropped_at=hour(duty["dropped"]),
        drop_reason=None if duty["dropped"] is None else "moved",
    )


def slow(lives: Sequence[Life], wanted: Wanted) -> dict[str, Counts]:
    """The definitions of the contract, one thing after the other."""
    cells: dict[str, dict[str, int]] = {}

    def note(life: Life, name: str, at: datetime | None, unit: str | None, by: int = 1) -> None:
        since, until = wanted.period
        if at is not None and since <= at < until:
            row = cells.setdefault(_key(life, wanted, at, unit), {})
            row[name] = row.get(name, 0) + by

    for life in lives:
        if life.confidential or not life.village.startswith(wanted.region):
            continue
        note(life, "filed", hour(life.filed), life.desk)
        for at, action, rating, _ in life.steps:
            note(life, next(name for name, steps in EVENTS.items() if action in steps), hour(at), life.desk)
            note(life, "rated", hour(at), life.desk, rating is not None)
            note(life, "rating_sum", hour(at), life.desk, rating or 0)
        for duty in (each for each in life.duties if each["stage"] == wanted.stage):
            found, due, unit = became(duty), hour(duty["due"]), duty["unit"]
            note(life, "received", hour(duty["started"]), unit)
            if found is not None:
                note(life, found, hour(duty["met"]) if found == "self_settled" else due, unit)
            note(life, "due", due, unit, found in {"on_time", "late", "open_overdue", "pending"})
    return {key: Counts(**row) for key, row in sorted(cells.items())}


def became(duty: dict[str, Any]) -> str | None:
    """What became of a duty for its due time; None: somebody else answers, or nobody."""
    if duty.get("self"):
        return "self_settled"
    if duty["started"] > duty["due"]:
        return "inherited"
    if duty["dropped"] is not None:
        stopped = duty["dropped"] if duty["stopped"] is None else duty["stopped"]
        return None if stopped <= duty["due"] else "late"
    if duty["met"] is not None:
        return "on_time" if duty["met"] <= duty["due"] else "late"
    if duty["stopped"] is not None:
        return "held"
    due = hour(duty["due"])
    assert due is not None
    return "open_overdue" if due < AS_OF else "pending"


def _key(life: Life, wanted: Wanted, at: datetime, unit: str | None) -> str:
    day = at.astimezone(SHANGHAI).date()
    return {
        "none": "",
        "place": life.village[: {"county": 6, "township": 9, "village": 12}[wanted.level]],
        "class": life.class_code,
        "kind": life.class_code[0],
        "unit": unit or NO_UNIT,
        "month": f"{day:%Y-%m}",
        "day": day.isoformat(),
        "week": (day - timedelta(days=day.weekday())).isoformat(),
    }[wanted.group_by]


def filled(counts: dict[str, Counts]) -> dict[str, Counts]:
    """Without the rows of nothing."""
    return {key: row for key, row in counts.items() if row != Counts()}


WHOLE = Wanted(BEGIN.date() - timedelta(days=2), BEGIN.date() + timedelta(days=20), CITY)


def every_table(session: Session, region: str = CITY) -> dict[tuple[str, str], dict[str, Counts]]:
    """All groupings of all stages, by stage and grouping (a level, of places)."""
    found = {}
    for stage in STAGES:
        asked = [(name, replace(WHOLE, group_by=name)) for name in GROUPINGS]
        asked += [(level, replace(WHOLE, group_by="place", level=level)) for level in PLACES]
        for name, wanted in asked:
            found[stage, name] = statistics.count(session, replace(wanted, stage=stage, region=region), as_of=AS_OF)
    return found


@settings(
    deadline=None,
    max_examples=tries(12),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lives=cities(), middle=st.integers(0, 8))
def test_figures_are_what_the_definitions_say_and_add_up(session: Session, lives: list[Life], middle: int) -> None:
    with session.begin_nested() as savepoint:
        store(session, [life for life in lives if not life.confidential])
        without = every_table(session)
        store(session, [life for life in lives if life.confidential])
        tables = every_table(session)
        # What is about village affairs changes no figure of anybody.
        assert tables == without
        for (stage, name), table in tables.items():
            level = name if name in PLACES else "township"
            wanted = replace(WHOLE, stage=stage, group_by="place" if name in PLACES else name, level=level)
            assert filled(table) == filled(slow(lives, wanted))
            assert all(identity_holds(row) for row in table.values())
            assert total(table.values()) == total(tables[stage, "none"].values())
        for level, children in (("county", "township"), ("township", "village")):
            for place, row in tables["resolve", level].items():
                asked = replace(WHOLE, group_by="place", level=children, region=place)
                assert total(statistics.count(session, asked, as_of=AS_OF).values()) == row
        day = WHOLE.since + timedelta(days=middle)
        for stage in STAGES:
            early, late = replace(WHOLE, stage=stage, until=day), replace(WHOLE, stage=stage, since=day)
            parts = [statistics.count(session, part, as_of=AS_OF) for part in (early, late) if part.since < part.until]
            assert total(row for part in parts for row in part.values()) == total(tables[stage, "none"].values())
        savepoint.rollback()


@given(st.lists(st.sampled_from(("421001001001", "421001001002")), min_size=1).flatmap(chains))
def test_at_most_one_unit_is_late_for_one_due_time(chain: list[dict[str, Any]]) -> None:
    """The oracle of the test above, which the statement agrees with."""
    for due in {duty["due"] for duty in chain}:
        late = [duty for duty in chain if duty["due"] == due and became(duty) in {"late", "open_overdue"}]
        assert len(late) <= 1


def test_every_count_is_among_what_was_compared() -> None:
    assert set(COUNTED) >= set(EVENTS)
