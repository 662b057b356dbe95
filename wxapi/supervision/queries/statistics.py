"""Counting duties and steps of reports: plain SQL over the rows, no rollup table.

Confidential reports are in no figure. Each row of `duties` with its due time in the period falls into exactly one
class, so that `due = on_time + late + open_overdue + pending` holds in every row by construction; the unit that held
the work at a due time answers for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wxapi.kernel.clock import SHANGHAI
from wxapi.supervision.rules.measures import COUNTED, Counts

# Grouping → expression over a duty, over a report and its event. Constants of ours, never a request's text.
_PLACE = {"county": "place_county_code", "township": "place_township_code", "village": "place_village_code"}
_REPORT_PLACE = {"county": "r.county_code", "township": "r.township_code", "village": "r.village_code"}
_DAY = "to_char({at} AT TIME ZONE 'Asia/Shanghai', '{form}')"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is counted.

    Args:
        since: first Shanghai day.
        until: the day after the last.
        region: the place, at or below.
        stage: of duties.
        group_by: `none`, `place`, `class`, `unit`, `month`, `day`, `week` or `kind`.
        level: of the places a grouping by place shows.
        class_code: a class or the beginning of one.
        unit: only this unit's.
    """

    since: date
    until: date
    region: str
    stage: str = "resolve"
    group_by: str = "none"
    level: str = "township"
    class_code: str | None = None
    unit: str | None = None

    @property
    def period(self) -> tuple[datetime, datetime]:
        """The period as instants."""
        return day_begins(self.since), day_begins(self.until)


def day_begins(day: date) -> datetime:
    """The instant a Shanghai day begins."""
    return datetime.combine(day, time(0), SHANGHAI)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of used working time of what was met in the period: median and 90 %; None where nothing was met."""

    median_s: int | None
    p90_s: int | None


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
    for part in (_of_duties, _received, _of_reports, _of_events):
        sql, values = part(wanted)
        since, until = wanted.period
        rows = session.execute(text(sql), values | {"since": since, "until": until, "as_of": as_of})
        for row in rows.mappings():
            if row["key"] is None:
                continue
            cells = found.setdefault(row["key"], {})
            for name in COUNTED:
                if row.get(name):
                    cells[name] = cells.get(name, 0) + int(row[name])
    return {key: Counts(**cells) for key, cells in sorted(found.items())}


def _of_duties(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    where, values = _duty_scope(wanted)
    classes = ("on_time", "late", "open_overdue", "pending", "inherited", "held", "self_settled")
    columns = ", ".join(f"count(*) FILTER (WHERE class = '{name}') AS {name}" for name in classes)
    due = "count(*) FILTER (WHERE class IN ('on_time', 'late', 'open_overdue', 'pending')) AS due"
    inner = (
        f"SELECT {_duty_key(wanted, 'due_at')} AS key, {_CLASSES} AS class FROM duties d"
        f" WHERE {where} AND due_at >= :since AND due_at < :until"
    )
    return f"SELECT key, {due}, {columns} FROM ({inner}) AS each GROUP BY key", values


def _received(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    where, values = _duty_scope(wanted)
    key = _duty_key(wanted, "started_at")
    sql = (
        f"SELECT {key} AS key, count(*) AS received FROM duties d"
        f" WHERE {where} AND started_at >= :since AND started_at < :until GROUP BY 1"
    )
    return sql, values


def _of_reports(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    where, values = _report_scope(wanted)
    key = _report_key(wanted, "r.created_at")
    sql = (
        f"SELECT {key} AS key, count(*) AS filed FROM reports r"
        f" WHERE {where} AND r.created_at >= :since AND r.created_at < :until GROUP BY 1"
    )
    return sql, values


_EVENTS: Mapping[str, tuple[str, ...]] = {
    "returned": ("return",),
    "reworked": ("dispute", "reopen"),
    "extended": ("approve_extension",),
    "held_new": ("approve_hold",),
    "closed": ("confirm", "auto_close"),
    "refused": ("refuse",),
    "withdrawn": ("withdraw",),
    "merged": ("merge",),
}


def _of_events(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    where, values = _report_scope(wanted)
    columns = ", ".join(
        f"count(*) FILTER (WHERE e.action IN ({_quoted(actions)})) AS {name}" for name, actions in _EVENTS.items()
    )
    counted = _quoted(action for actions in _EVENTS.values() for action in actions)
    rating = "CAST(e.detail ->> 'rating' AS integer)"
    sql = (
        f"SELECT {_report_key(wanted, 'e.at')} AS key, {columns}, count({rating}) AS rated,"
        f" sum({rating}) AS rating_sum"
        f" FROM report_events e JOIN reports r ON r.id = e.report_id"
        f" WHERE {where} AND e.action IN ({counted}) AND e.at >= :since AND e.at < :until"
        # A merge writes a line in the surviving report, too; it is counted where the report went.
        " AND (e.action <> 'merge' OR e.to_state = 'merged') GROUP BY 1"
    )
    return sql, values


def _quoted(words: Any) -> str:
    return ", ".join(f"'{word}'" for word in words)


def times(session: Session, wanted: Wanted) -> Times:
    """Used working time of what was met in the period, self-settled left out."""
    where, values = _duty_scope(wanted)
    since, until = wanted.period
    row = session.execute(
        text(
            "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY used_s),"
            " percentile_disc(0.9) WITHIN GROUP (ORDER BY used_s)"
            f" FROM duties d WHERE {where} AND met_at >= :since AND met_at < :until AND NOT self_settled"
        ),
        values | {"since": since, "until": until},
    ).one()
    return Times(row[0], row[1])


def _duty_key(wanted: Wanted, at: str) -> str:
    keys = {
        "none": "''",
        "place": _PLACE[wanted.level],
        "class": "class_code",
        "kind": "left(class_code, 1)",
        "unit": "unit_code",
    }
    return keys.get(wanted.group_by) or _time_key(wanted.group_by, at)


def _report_key(wanted: Wanted, at: str) -> str:
    keys = {
        "none": "''",
        "place": _REPORT_PLACE[wanted.level],
        "class": "r.category_code",
        "kind": "left(r.category_code, 1)",
        "unit": "r.desk_code",
    }
    return keys.get(wanted.group_by) or _time_key(wanted.group_by, at)


def _time_key(group_by: str, at: str) -> str:
    if group_by == "week":
        return f"to_char(date_trunc('week', {at} AT TIME ZONE 'Asia/Shanghai'), 'YYYY-MM-DD')"
    return _DAY.format(at=at, form={"month": "YYYY-MM", "day": "YYYY-MM-DD"}[group_by])


def _duty_scope(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    columns = {6: "place_county_code", 9: "place_township_code", 12: "place_village_code"}
    column = columns.get(len(wanted.region))
    where = ["NOT confidential", "subject_type = 'report'", "stage = :stage"]
    where.append(f"{column} = :region" if column else "starts_with(place_county_code, :region)")
    values: dict[str, Any] = {"region": wanted.region, "stage": wanted.stage}
    if wanted.class_code is not None:
        where.append("starts_with(class_code, :class_code)")
        values["class_code"] = wanted.class_code
    if wanted.unit is not None:
        where.append("unit_code = :unit")
        values["unit"] = wanted.unit
    return " AND ".join(where), values


def _report_scope(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    columns = {6: "r.county_code", 9: "r.township_code", 12: "r.village_code"}
    column = columns.get(len(wanted.region))
    where = ["r.excluded_village_code IS NULL"]
    where.append(f"{column} = :region" if column else "starts_with(r.county_code, :region)")
    values: dict[str, Any] = {"region": wanted.region}
    if wanted.class_code is not None:
        where.append("starts_with(r.category_code, :class_code)")
        values["class_code"] = wanted.class_code
    if wanted.unit is not None:
        where.append("r.desk_code = :unit")
        values["unit"] = wanted.unit
    return " AND ".join(where), values


def confidential_by_township(session: Session, county: str, since: datetime, until: datetime) -> dict[str, int]:
    """X02 reports filed in a county by township; for supervisors of the county and the city only."""
    rows = session.execute(
        text(
            "SELECT township_code, count(*) FROM reports WHERE county_code = :county"
            " AND excluded_village_code IS NOT NULL AND created_at >= :since AND created_at < :until GROUP BY 1"
        ),
        {"county": county, "since": since, "until": until},
    )
    return {str(code): int(filed) for code, filed in rows}


def next_day(day: date) -> date:
    """The day after."""
    return day + timedelta(days=1)
