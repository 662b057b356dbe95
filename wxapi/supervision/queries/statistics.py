"""Counting duties and steps of reports: plain SQL over the rows, no rollup table; the indexes hold all that is read.

Confidential reports are in no figure. Each row of `duties` with its due time in the period falls into exactly one
class, so that `due = on_time + late + open_overdue + pending` holds in every row by construction; the unit that held
the work at a due time answers for it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wxapi.duties.models import LATE_SQL
from wxapi.reports.models import COUNTED_SQL
from wxapi.supervision.queries.periods import BY_TIME, Wanted, county_at_or_below, day_begins
from wxapi.supervision.rules.measures import COUNTED, Counts

# In a grouping by unit: filed, and given to nobody yet.
NO_UNIT = "-"
_LEVELS = {4: "city", 6: "county", 9: "township", 12: "village"}


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of used working time of what was met in the period: median and 90 %; None where nothing was met."""

    median_s: int | None
    p90_s: int | None


@dataclass(frozen=True, slots=True)
class _Source:
    """The columns of one table that is counted. Constants of ours, never a request's text.

    Args:
        county, township, village: where a row lies.
        class_code: its class.
        unit: who answers for it.
        scope: what keeps confidential and foreign rows out.
    """

    county: str
    township: str
    village: str
    class_code: str
    unit: str
    scope: str

    def key(self, wanted: Wanted, at: str) -> str:
        """The expression a row is grouped by; of a grouping by time the number of its step, from 1."""
        if wanted.group_by in BY_TIME:
            return f"width_bucket({at}, CAST(:steps AS timestamptz[]))"
        keys = {
            "none": "''",
            "place": getattr(self, wanted.level),
            "class": self.class_code,
            "kind": f"left({self.class_code}, 1)",
            "unit": f"coalesce({self.unit}, '{NO_UNIT}')",
        }
        return str(keys[wanted.group_by])

    def where(self, wanted: Wanted) -> str:
        """Place, class and unit. The county stands there for every place below it: the indexes begin with it."""
        level = _LEVELS[len(wanted.region)]
        found = [self.scope]
        found.append(county_at_or_below(self.county, wanted.region))
        if level in {"township", "village"}:
            found.append(f"{getattr(self, level)} = :region")
        if wanted.class_code is not None:
            found.append(f"starts_with({self.class_code}, :class_code)")
        if wanted.unit is not None:
            found.append(f"{self.unit} = :unit")
        return " AND ".join(found)


_DUTIES = _Source(
    "place_county_code",
    "place_township_code",
    "place_village_code",
    "class_code",
    "unit_code",
    "NOT confidential AND subject_type = 'report' AND stage = :stage",
)
_REPORTS = _Source(
    "r.county_code",
    "r.township_code",
    "r.village_code",
    "r.category_code",
    "r.desk_code",
    "r.excluded_village_code IS NULL",
)
_STEPS = _Source("county_code", "township_code", "village_code", "category_code", "held_by", "county_code IS NOT NULL")


# What became of a duty, of which exactly one holds. A drop while the clock stood counts at the time it stopped.
_CLASSES = """
    CASE
        WHEN self_settled THEN 'self_settled'
        WHEN started_at > due_at THEN 'inherited'
        WHEN dropped_at IS NOT NULL AND coalesce(stopped_at, dropped_at) <= due_at THEN 'given_away'
        WHEN met_at IS NULL AND dropped_at IS NULL AND stopped_at IS NOT NULL THEN 'held'
        WHEN met_at <= due_at THEN 'on_time'
        WHEN met_at > due_at OR dropped_at IS NOT NULL THEN 'late'
        WHEN due_at < :as_of THEN 'open_overdue'
        ELSE 'pending'
    END
"""


def count(session: Session, wanted: Wanted, *, as_of: datetime) -> dict[str, Counts]:
    """Counts by group key (one key, the empty text, without a grouping)."""
    found: dict[str, dict[str, int]] = {}
    steps = list(wanted.steps) if wanted.group_by in BY_TIME else None
    for part in (_of_duties, _received, _self_settled, _of_reports, _of_events, _unplaced):
        for row in session.execute(text(part(wanted)), _values(wanted, as_of)).mappings():
            if row["key"] is None:
                continue
            cells = found.setdefault(row["key"] if steps is None else steps[row["key"] - 1], {})
            for name in COUNTED:
                if row.get(name):
                    cells[name] = cells.get(name, 0) + int(row[name])
    return {key: Counts(**cells) for key, cells in sorted(found.items())}


def _values(wanted: Wanted, as_of: datetime) -> dict[str, Any]:
    since, until = wanted.period
    return {
        "since": since,
        "until": until,
        "as_of": as_of,
        "stage": wanted.stage,
        "region": wanted.region,
        "county": wanted.region[:6],
        "class_code": wanted.class_code,
        "unit": wanted.unit,
        "steps": [day_begins(day) for day in wanted.steps.values()] if wanted.group_by in BY_TIME else None,
    }


def _of_duties(wanted: Wanted) -> str:
    classes = ("on_time", "late", "open_overdue", "pending", "inherited", "held")
    columns = ", ".join(f"sum(many) FILTER (WHERE class = '{name}') AS {name}" for name in classes)
    due = "sum(many) FILTER (WHERE class IN ('on_time', 'late', 'open_overdue', 'pending')) AS due"
    # Counted by class first: each row's class is read once, and not once for each column.
    inner = (
        f"SELECT {_DUTIES.key(wanted, 'due_at')} AS key, {_CLASSES} AS class, count(*) AS many FROM duties"
        f" WHERE {_DUTIES.where(wanted)} AND due_at >= :since AND due_at < :until GROUP BY 1, 2"
    )
    return f"SELECT key, {due}, {columns} FROM ({inner}) AS each GROUP BY key"


def _received(wanted: Wanted) -> str:
    """Few duties begin after their due time: the index finds those by themselves, and the others by their due time."""
    began = f"{_DUTIES.where(wanted)} AND started_at >= :since AND started_at < :until"
    columns = f"SELECT {_DUTIES.key(wanted, 'started_at')} AS key, count(*) AS many FROM duties WHERE {began}"
    parts = (f"{columns} AND {part} GROUP BY 1" for part in ("due_at >= :since", f"due_at < :since AND {LATE_SQL}"))
    return f"SELECT key, CAST(sum(many) AS bigint) AS received FROM ({' UNION ALL '.join(parts)}) AS part GROUP BY key"


def _self_settled(wanted: Wanted) -> str:
    return (
        f"SELECT {_DUTIES.key(wanted, 'met_at')} AS key, count(*) AS self_settled FROM duties"
        f" WHERE {_DUTIES.where(wanted)} AND self_settled AND met_at >= :since AND met_at < :until GROUP BY 1"
    )


def _of_reports(wanted: Wanted) -> str:
    return (
        f"SELECT {_REPORTS.key(wanted, 'r.created_at')} AS key, count(*) AS filed FROM reports r"
        f" WHERE {_REPORTS.where(wanted)} AND r.created_at >= :since AND r.created_at < :until GROUP BY 1"
    )


# What is counted → the steps that count, of `reports.rules.counted`.
EVENTS: Mapping[str, tuple[str, ...]] = {
    "returned": ("return",),
    "reworked": ("dispute", "reopen"),
    "extended": ("approve_extension",),
    "held_new": ("approve_hold",),
    "closed": ("confirm", "auto_close"),
    "refused": ("refuse",),
    "withdrawn": ("withdraw",),
    "merged": ("merge",),
}
_EVENT_COLUMNS = ", ".join(
    f"count(*) FILTER (WHERE action IN ({', '.join(map(repr, actions))})) AS {name}" for name, actions in EVENTS.items()
)


def _of_events(wanted: Wanted) -> str:
    return (
        f"SELECT {_STEPS.key(wanted, 'at')} AS key, {_EVENT_COLUMNS}, count(rating) AS rated,"
        " sum(rating) AS rating_sum FROM report_events"
        f" WHERE {_STEPS.where(wanted)} AND at >= :since AND at < :until GROUP BY 1"
    )


def _unplaced(wanted: Wanted) -> str:
    """The few lines that do not say themselves what they count: written by a release from before they did."""
    rating = "CAST(detail ->> 'rating' AS integer)"
    lines = f"SELECT * FROM report_events WHERE county_code IS NULL AND {COUNTED_SQL} AND at >= :since AND at < :until"
    return (
        f"SELECT {_REPORTS.key(wanted, 'at')} AS key, {_EVENT_COLUMNS}, count({rating}) AS rated,"
        f" sum({rating}) AS rating_sum FROM ({lines}) AS line JOIN reports r ON r.id = line.report_id"
        f" WHERE {_REPORTS.where(wanted)} GROUP BY 1"
    )


def times(session: Session, wanted: Wanted) -> Times:
    """Used working time of what was met in the period, self-settled left out.

    Equal times are counted together first: sorting a million of them would take as long as all the figures.
    """
    sql = (
        "WITH each AS (SELECT used_s, count(*) AS many FROM duties"
        f" WHERE {_DUTIES.where(wanted)} AND met_at >= :since AND met_at < :until AND NOT self_settled"
        " AND used_s IS NOT NULL GROUP BY 1),"
        " ranked AS (SELECT used_s, sum(many) OVER (ORDER BY used_s) AS upto, sum(many) OVER () AS total FROM each)"
        " SELECT min(used_s) FILTER (WHERE upto >= total * 0.5), min(used_s) FILTER (WHERE upto >= total * 0.9)"
        " FROM ranked"
    )
    row = session.execute(text(sql), _values(wanted, wanted.period[1])).one()
    return Times(row[0], row[1])


def confidential_by_township(
    session: Session, county: str, since: datetime, until: datetime, *, hidden: Collection[str]
) -> dict[str, int]:
    """X02 reports filed in a county by township, those about the `hidden` villages left out.

    For supervisors of the county and the city only.
    """
    rows = session.execute(
        text(
            "SELECT township_code, count(*) FROM reports WHERE county_code = :county"
            " AND excluded_village_code IS NOT NULL AND excluded_village_code <> ALL(CAST(:hidden AS text[]))"
            " AND created_at >= :since AND created_at < :until GROUP BY 1"
        ),
        {"county": county, "since": since, "until": until, "hidden": list(hidden)},
    )
    return {str(code): int(filed) for code, filed in rows}
