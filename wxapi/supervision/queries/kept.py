"""Sums of months that are over, kept beside the rows they were counted from.

A month of a county holds while no mark names it: triggers of the counted tables write one in the very transaction that
changes what the month says. So in every snapshot what is kept and unmarked is what counting would give:

- a change that the count of `keep` saw is in the sums; one that it did not see has left a mark that it did not see
  either, and only marks that it saw are taken away, in the same statement;
- one `keep` at a time (`alone`), so that none takes a mark away while another still counts without the change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from wxapi.kernel.clock import day_begins
from wxapi.regions.rules.levels import Level, level_of
from wxapi.supervision.queries.counting import DUTIES, NO_UNIT, TIMES_WHERE, Counted, Cut, counts_sql
from wxapi.supervision.queries.periods import BY_TIME, Wanted, next_month
from wxapi.supervision.rules.measures import COUNTED

_COLUMNS = ", ".join(COUNTED)
_SUMS = ", ".join(f"CAST(sum({name}) AS integer) AS {name}" for name in COUNTED)
TOWNSHIP, VILLAGE, CLASS, UNIT, DAY = "township", "village", "class", "unit", "day"
# Kept months among those asked for (`asked`) of some counties (`county`): those that no mark names. What a release kept
# that did not know days yet is kept no more.
_WHOLE = " = ".join(
    "EXISTS (SELECT FROM figure_sums WHERE figure_sums.county_code = figure_months.county_code"
    f" AND figure_sums.month = figure_months.month AND axis = '{axis}')"
    for axis in (TOWNSHIP, DAY)
)
KEPT_SQL = f"""
    SELECT figure_months.county_code, figure_months.month FROM figure_months
    JOIN county ON county.code = figure_months.county_code JOIN asked ON asked.month = figure_months.month
    WHERE NOT EXISTS (
        SELECT FROM figure_marks
        WHERE figure_marks.county_code = figure_months.county_code AND figure_marks.month = figure_months.month
    ) AND {_WHOLE}
"""


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a county."""

    county_code: str
    first: date

    @property
    def values(self) -> dict[str, Any]:
        since, until = day_begins(self.first), day_begins(next_month(self.first))
        # Whatever is open in a month that is over is overdue.
        return {"county": self.county_code, "month": self.first, "since": since, "until": until, "as_of": until}


def axis_of(wanted: Wanted) -> str | None:
    """By what the sums must be kept to answer; None: they do not, and everything is counted."""
    if wanted.group_by in BY_TIME and wanted.group_by != "month":
        return DAY if wanted.is_all_of_its_counties else None
    by_village = wanted.group_by == "place" and wanted.level == "village"
    asked = {
        VILLAGE: by_village or level_of(wanted.region) is Level.VILLAGE,
        CLASS: wanted.class_code is not None or wanted.group_by in {"class", "kind"},
        UNIT: wanted.unit is not None or wanted.group_by == "unit",
    }
    needed = [axis for axis, is_needed in asked.items() if is_needed]
    if len(needed) > 1:
        return None
    return needed[0] if needed else TOWNSHIP


def kept_sql(wanted: Wanted, axis: str) -> str:
    """`key` and every count of the months of `kept (county_code, month)`."""
    keys = {
        "none": "''",
        "month": _step_of("month"),
        "week": _step_of("key"),
        "day": _step_of("key"),
        "place": {"county": "county_code", "township": "township_code"}.get(wanted.level, "key"),
        "kind": "left(key, 1)",
    }
    where = [f"axis = '{axis}'", "stage IN ('', :stage)"]
    level = level_of(wanted.region)
    if level in {"township", "village"}:
        where.append(f"{'township_code' if level == 'township' else 'key'} = :region")
    if wanted.class_code is not None:
        where.append("starts_with(key, :class_code)")
    if wanted.unit is not None:
        where.append(f"key = :unit AND key <> '{NO_UNIT}'")
    key = keys.get(wanted.group_by, "key")
    # What lies in no township, or has no class, is kept under the empty text and has no row of its own.
    key = key if wanted.group_by in {"none", *BY_TIME} else f"NULLIF({key}, '')"
    return (
        f"SELECT {key} AS key, {_SUMS} FROM figure_sums JOIN kept USING (county_code, month)"
        f" WHERE {' AND '.join(where)} GROUP BY 1"
    )


def _step_of(day: str) -> str:
    begins = f"CAST({day} AS timestamp) AT TIME ZONE 'Asia/Shanghai'"
    return f"CAST(width_bucket({begins}, CAST(:steps AS timestamptz[])) AS text)"


def alone(session: Session) -> bool:
    """Whether nobody else keeps months now; then nobody will until the transaction is over."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext("figures.keep")))))


def to_keep(session: Session, months: Sequence[date], most: int) -> list[Month]:
    """Months of counties that are not kept, or marked, the latest first."""
    sql = f"""
        WITH county AS (SELECT code FROM regions WHERE level = 'county'),
            asked (month) AS (SELECT unnest(CAST(:months AS date[]))), kept AS ({KEPT_SQL})
        SELECT code, month FROM county CROSS JOIN asked
        WHERE NOT EXISTS (SELECT FROM kept WHERE kept.county_code = county.code AND kept.month = asked.month)
        ORDER BY month DESC, code LIMIT :most
    """
    return [Month(code, month) for code, month in session.execute(text(sql), {"months": months, "most": most})]


def _detail(source: Counted, _at: str) -> str:
    empty = ", ".join(f"coalesce({each}, '')" for each in (source.township, source.village, source.class_code))
    return f"ARRAY[{source.stage}, {empty}, coalesce({source.unit}, '{NO_UNIT}')]"


def _day(source: Counted, at: str) -> str:
    return f"ARRAY[{source.stage}, CAST(CAST({at} AT TIME ZONE 'Asia/Shanghai' AS date) AS text)]"


_EVERYTHING = Cut(_detail, lambda source: source.scope)
# By themselves, of the county: by day and by all else at once there is hardly anything to add up.
_DAYS = Cut(_day, lambda source: source.scope)
_FRESH = f"""
    SELECT CASE
            WHEN grouping(key[3]) = 0 THEN '{VILLAGE}' WHEN grouping(key[4]) = 0 THEN '{CLASS}'
            WHEN grouping(key[5]) = 0 THEN '{UNIT}' ELSE '{TOWNSHIP}'
        END AS axis,
        key[1] AS stage, key[2] AS township_code, coalesce(key[3], key[4], key[5], '') AS key, {_SUMS}
    FROM ({counts_sql(_EVERYTHING)}) AS part
    GROUP BY key[1], key[2], GROUPING SETS ((key[3]), (key[4]), (key[5]), ())
    UNION ALL
    SELECT '{DAY}', key[1], '', key[2], {_SUMS} FROM ({counts_sql(_DAYS)}) AS part GROUP BY 2, 4
"""
_FRESH_TIMES = f"""
    SELECT stage, string_agg(int4send(CAST(used_s AS integer)), '' ORDER BY used_s) AS used FROM duties
    WHERE {DUTIES.county} = :county AND met_at >= :since AND met_at < :until AND {DUTIES.scope} AND {TIMES_WHERE}
    GROUP BY 1
"""
_PIECE = "piece (county, since, until) AS (SELECT :county, CAST(:since AS timestamptz), CAST(:until AS timestamptz))"
# One statement, so that the sums and the marks that are taken away are those of one snapshot.
_KEEP = f"""
WITH {_PIECE}, seen AS (DELETE FROM figure_marks WHERE county_code = :county AND month = :month),
kept AS (INSERT INTO figure_months (county_code, month, kept_at) VALUES (:county, :month, :now)),
times AS (
    INSERT INTO figure_times (county_code, month, stage, used)
    SELECT :county, CAST(:month AS date), each.* FROM ({_FRESH_TIMES}) AS each
)
INSERT INTO figure_sums (county_code, month, axis, stage, township_code, key, {_COLUMNS})
SELECT :county, CAST(:month AS date), each.* FROM ({_FRESH}) AS each
"""


def keep(session: Session, month: Month, *, now: datetime) -> None:
    """Count a month of a county and keep its sums instead of those before. The caller is `alone`."""
    forget(session, month)
    session.execute(text(_KEEP), month.values | {"now": now})


def forget(session: Session, month: Month) -> None:
    """Keep a month no more; its marks stay. The caller is `alone`."""
    for table in ("figure_months", "figure_sums", "figure_times"):
        session.execute(
            text(f"DELETE FROM {table} WHERE county_code = :county AND month = :month"),
            {"county": month.county_code, "month": month.first},
        )


def forget_before(session: Session, first: date) -> int:
    """Keep no month before a day any more, and no mark of what is not kept; returns how many rows went.

    The caller is `alone`.
    """
    gone = 0
    for table in ("figure_months", "figure_sums", "figure_times"):
        found = session.execute(text(f"DELETE FROM {table} WHERE month < :first"), {"first": first})
        gone += int(found.rowcount)  # type: ignore[attr-defined]
    idle = (
        "DELETE FROM figure_marks WHERE NOT EXISTS (SELECT FROM figure_months WHERE"
        " figure_months.county_code = figure_marks.county_code AND figure_months.month = figure_marks.month)"
    )
    return gone + int(session.execute(text(idle)).rowcount)  # type: ignore[attr-defined]


_DIFFERS = f"""
WITH {_PIECE}, kept AS (
    SELECT FROM figure_months WHERE county_code = :county AND month = :month AND NOT EXISTS (
        SELECT FROM figure_marks WHERE county_code = :county AND month = :month
    ) AND {_WHOLE}
), fresh AS (
    SELECT to_jsonb(each) AS line FROM ({_FRESH}) AS each
    UNION ALL SELECT to_jsonb(each) FROM ({_FRESH_TIMES}) AS each
), stored AS (
    SELECT to_jsonb(figure_sums) - CAST('{{county_code,month}}' AS text[]) AS line FROM figure_sums
    WHERE county_code = :county AND month = :month
    UNION ALL SELECT to_jsonb(figure_times) - CAST('{{county_code,month}}' AS text[]) FROM figure_times
    WHERE county_code = :county AND month = :month
)
SELECT EXISTS (SELECT FROM kept) AND (
    EXISTS (SELECT line FROM fresh EXCEPT ALL SELECT line FROM stored)
    OR EXISTS (SELECT line FROM stored EXCEPT ALL SELECT line FROM fresh)
)
"""


def differs(session: Session, month: Month) -> bool:
    """Whether the sums of a month are kept, unmarked, and yet not what counting gives."""
    return bool(session.scalar(text(_DIFFERS), month.values))


def all_kept(session: Session) -> list[Month]:
    """Every month of a county that is kept, marked or not."""
    found = session.execute(text("SELECT county_code, month FROM figure_months ORDER BY month, county_code"))
    return [Month(code, month) for code, month in found]
