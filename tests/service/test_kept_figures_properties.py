"""Figures with the sums of months that are over are those without them, whatever happens between."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.figures import identity_holds
from tests.service.test_statistics_properties import CITY, PLACES, STAGES, Life, cities, store
from tests.tries import tries
from wxapi.kernel.clock import SHANGHAI
from wxapi.supervision.queries import kept, statistics
from wxapi.supervision.queries.kept import Month
from wxapi.supervision.queries.periods import Wanted

# What lives in `cities` turns around the end of January.
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
AFTER = datetime(2026, 3, 9, tzinfo=SHANGHAI)
LONG = Wanted(date(2025, 12, 20), date(2026, 3, 5), CITY)
# Clocks that were put back: before January ended, in February, behind both.
AS_OFS = (datetime(2026, 1, 31, 12, tzinfo=SHANGHAI), datetime(2026, 2, 2, tzinfo=SHANGHAI), AFTER)
VILLAGES = tuple(f"{CITY}{c:02d}{t:03d}{v:03d}" for c in (1, 2) for t in (1, 2) for v in (1, 2))
_OWN = ("421001", "421001001", "421001001001")
QUESTIONS = (
    *(replace(LONG, group_by=name) for name in ("none", "class", "unit", "month", "week", "day", "kind")),
    *(replace(LONG, group_by="place", level=level) for level in PLACES),
    *(replace(LONG, group_by="place", level="village", region=region) for region in _OWN),
    *(replace(LONG, group_by=name, region=_OWN[1]) for name in ("class", "unit", "month")),
    *(replace(LONG, group_by=name, class_code="E01") for name in ("none", "kind", "place", "unit")),
    *(replace(LONG, group_by=name, unit=_OWN[2]) for name in ("none", "unit", "month", "class")),
    *(replace(LONG, group_by=name, unit=_OWN[2], class_code="E01") for name in ("none", "place", "class")),
    *(
        replace(LONG, group_by="place", level="village", **{name: of})
        for name, of in (("unit", _OWN[2]), ("class_code", "E"))
    ),
    *(replace(LONG, group_by=name, region=region) for name, region in (("day", _OWN[0]), ("week", _OWN[1]))),
    replace(LONG, group_by="month", since=date(2026, 1, 15)),
    replace(LONG, group_by="place", until=FEBRUARY),
    replace(LONG, unit="-", group_by="none"),
)

# One change of one row: what services, a region that moves, retention, a release before or a hand may do.
_PLACED = "{0}_code = :v, {0}_county_code = left(:v, 6), {0}_township_code = left(:v, 9), {0}_village_code = :v"
CHANGES = (
    ("duties", "due_at = due_at + :span"),
    ("duties", "started_at = started_at + :span"),
    ("duties", "met_at = due_at + :span, used_s = 77, dropped_at = NULL, drop_reason = NULL"),
    ("duties", "met_at = NULL, dropped_at = due_at + :span, drop_reason = 'moved', self_settled = false"),
    ("duties", "stopped_at = due_at + :span, left_s = 0"),
    ("duties", "used_s = used_s + 1"),
    ("duties", "self_settled = NOT self_settled"),
    ("duties", "stage = CASE stage WHEN 'resolve' THEN 'respond' ELSE 'resolve' END, seq = seq + 100"),
    ("duties", _PLACED.format("place")),
    ("duties", "unit_code = :v"),
    ("duties", "class_code = 'P0102'"),
    ("duties", "confidential = NOT confidential"),
    ("duties", "subject_type = CASE subject_type WHEN 'report' THEN 'training' ELSE 'report' END"),
    ("reports", "county_code = left(:v, 6), township_code = left(:v, 9), village_code = :v"),
    ("reports", "desk_code = NULL, state = 'submitted'"),
    ("reports", "category_code = 'P0102'"),
    ("reports", "created_at = created_at + :span"),
    (
        "reports",
        "excluded_village_code = CASE WHEN excluded_village_code IS NULL THEN village_code END, desk_code = NULL",
    ),
    (
        "report_events",
        "county_code = left(:v, 6), township_code = left(:v, 9), village_code = :v, category_code = 'E0102'",
    ),
    ("report_events", "county_code = NULL"),
    ("report_events", "rating = 1"),
    ("report_events", "at = at + :span"),
    ("report_events", "action = 'return'"),
    ("report_events", "held_by = :v"),
    ("duties", None),
    ("report_events", None),
)
change = st.fixed_dictionaries(
    {
        "what": st.sampled_from(CHANGES),
        "row": st.integers(0, 20),
        "v": st.sampled_from(VILLAGES),
        "span": st.sampled_from((-30, -2, -1, 1, 2, 30)).map(lambda days: timedelta(days=days)),
    }
)
keeping = st.sampled_from((JANUARY, FEBRUARY, date(2025, 12, 1)))


def apply(session: Session, wanted: dict[str, Any]) -> bool:
    """Change, or delete, one row of a table; where a constraint refuses or there are fewer rows, nothing: False."""
    table, assignment = wanted["what"]
    row = f"(SELECT ctid FROM {table} ORDER BY id OFFSET :row LIMIT 1)"
    sql = f"DELETE FROM {table} WHERE ctid = {row}"
    if assignment is not None:
        sql = f"UPDATE {table} SET {assignment} WHERE ctid = {row}"
    values = {name: wanted[name] for name in ("row", "v", "span") if f":{name}" in sql}
    with ignoring_refusal(session):
        return bool(session.execute(text(sql + " RETURNING 1"), values).all())
    return False


@contextmanager
def ignoring_refusal(session: Session) -> Iterator[None]:
    point = session.begin_nested()
    try:
        yield
    except Exception as error:
        if "constraint" not in str(error):
            raise
        point.rollback()
    else:
        point.commit()


def keep(session: Session, month: date) -> None:
    for county in ("421001", "421002"):
        kept.keep(session, Month(county, month), now=AFTER)


@dataclass(frozen=True)
class Reader:
    """Somebody's questions, and their clock."""

    questions: Sequence[Wanted]
    as_of: datetime

    def answers(self, session: Session) -> list[Any]:
        counted = [statistics.count(session, question, as_of=self.as_of) for question in self.questions]
        for question, found in zip(self.questions, counted, strict=True):
            filed = {key: row.filed for key, row in found.items() if row.filed}
            alone = statistics.filed(session, question, as_of=self.as_of)
            assert {key: many for key, many in alone.items() if many} == filed
        return counted + [statistics.times(session, question, as_of=self.as_of) for question in self.questions[:1]]

    def without(self, session: Session) -> list[Any]:
        """The same answers with nothing kept."""
        point = session.begin_nested()
        session.execute(text("DELETE FROM figure_months"))
        found = self.answers(session)
        point.rollback()
        return found


question = st.builds(
    lambda wanted, stage: replace(wanted, stage=stage), st.sampled_from(QUESTIONS), st.sampled_from(STAGES)
)
readers = st.builds(Reader, st.lists(question, min_size=3, max_size=3), st.sampled_from(AS_OFS))


@settings(
    deadline=None,
    max_examples=tries(12),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    lives=cities(),
    later=st.just([]) | cities(),
    turns=st.lists(st.tuples(readers, st.lists(change | keeping, min_size=1, max_size=5)), min_size=1, max_size=4),
)
def test_kept_sums_change_no_figure(
    session: Session, lives: list[Life], later: list[Life], turns: Sequence[tuple[Reader, Sequence[Any]]]
) -> None:
    with session.begin_nested() as point:
        store(session, lives)
        for month in (JANUARY, FEBRUARY):
            keep(session, month)
        store(session, later)
        for reader, steps in turns:
            for step in steps:
                if isinstance(step, date):
                    keep(session, step)
                else:
                    apply(session, step)
            found = reader.answers(session)
            assert found == reader.without(session)
            assert all(identity_holds(row) for table in found if isinstance(table, dict) for row in table.values())
        assert [month for month in kept.all_kept(session) if kept.differs(session, month)] == []
        point.rollback()
