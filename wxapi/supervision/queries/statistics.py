"""Figures of statistics: what months that are over say is added from their sums, the rest is counted from the rows."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wxapi.kernel.clock import day_begins
from wxapi.regions.rules.levels import Level, within
from wxapi.supervision.queries.counting import DUTIES, TIMES_WHERE, counts_sql, cut_of, filed_sql, unplaced_sql
from wxapi.supervision.queries.kept import KEPT_SQL, TOWNSHIP, UNIT, axis_of, kept_sql
from wxapi.supervision.queries.periods import BY_TIME, Wanted, counties_sql, next_month
from wxapi.supervision.rules.measures import COUNTED, Counts
from wxapi.supervision.rules.used_time import Times, times_of


def count(session: Session, wanted: Wanted, *, as_of: datetime) -> dict[str, Counts]:
    """Counts by group key (one key, the empty text, without a grouping), in one statement and so of one moment."""
    cut = cut_of(wanted)
    rows = _added(session, wanted, (counts_sql(cut), unplaced_sql(cut)), COUNTED, as_of)
    return {key: Counts(*cells) for key, *cells in sorted(rows)}


def filed(session: Session, wanted: Wanted, *, as_of: datetime) -> dict[str, int]:
    """How many reports were filed, by group key."""
    return {row[0]: row[1] for row in _added(session, wanted, (filed_sql(cut_of(wanted)),), ("filed",), as_of)}


def _added(
    session: Session, wanted: Wanted, counted: Sequence[str], names: Sequence[str], as_of: datetime
) -> Iterator[tuple[Any, ...]]:
    """Key and sums of what is counted and, where they answer, of what is kept."""
    axis = axis_of(wanted)
    parts = [*counted, *([kept_sql(wanted, axis)] if axis else [])]
    columns = ", ".join(f"CAST(sum({name}) AS bigint) AS {name}" for name in names)
    sql = (
        f"{_pieces(wanted, axis)} SELECT key, {columns} FROM ({' UNION ALL '.join(parts)}) AS each"
        " WHERE key IS NOT NULL GROUP BY key"
    )
    use = axis is not None or wanted.unit is not None
    steps = list(wanted.steps) if wanted.group_by in BY_TIME else None
    for key, *cells in session.execute(text(sql), _values(wanted, as_of, use=use)):
        yield (key if steps is None else steps[int(key) - 1], *cells)


def _pieces(wanted: Wanted, axis: str | None) -> str:
    """`county`, the months that are `asked` of the sums, those `kept`, and what is left to count, piece by piece.

    Where the sums do not answer what is asked of a unit, they still tell the months in which there is nothing of it.
    """
    counted = "SELECT FROM kept WHERE kept.county_code = county.code AND kept.month = asked.month"
    if axis is None:
        counted += f""" AND NOT EXISTS (
            SELECT FROM figure_sums WHERE figure_sums.county_code = kept.county_code AND figure_sums.month = kept.month
                AND axis = '{UNIT}' AND stage IN ('', :stage) AND key = :unit
        )"""
    return f"""
        WITH county AS MATERIALIZED ({counties_sql(wanted.region)}),
        asked AS MATERIALIZED (
            SELECT month, month_since, month_until FROM unnest(
                CAST(:months AS date[]), CAST(:month_since AS timestamptz[]), CAST(:month_until AS timestamptz[])
            ) AS of_months (month, month_since, month_until)
        ),
        kept AS MATERIALIZED ({KEPT_SQL}),
        piece (county, since, until) AS MATERIALIZED (
            SELECT code, rest_since, rest_until FROM county CROSS JOIN unnest(
                CAST(:rest_since AS timestamptz[]), CAST(:rest_until AS timestamptz[])
            ) AS rest (rest_since, rest_until)
            UNION ALL
            SELECT code, month_since, month_until FROM county CROSS JOIN asked
            WHERE NOT EXISTS ({counted})
        )
    """


def _values(wanted: Wanted, as_of: datetime, *, use: bool) -> dict[str, Any]:
    """What the statements take.

    Args:
        wanted: what is counted.
        as_of: the present instant.
        use: what is kept answers the question.
    """
    since, until = wanted.period
    months, rest = wanted.months(as_of) if use else ((), (wanted.period,))
    return {
        "since": since,
        "until": until,
        "as_of": as_of,
        "stage": wanted.stage,
        "region": wanted.region,
        "county": within(wanted.region, Level.COUNTY),
        "class_code": wanted.class_code,
        "unit": wanted.unit,
        "steps": [day_begins(day) for day in wanted.steps.values()] if wanted.group_by in BY_TIME else None,
        "months": list(months),
        "month_since": [day_begins(month) for month in months],
        "month_until": [day_begins(next_month(month)) for month in months],
        "rest_since": [part[0] for part in rest],
        "rest_until": [part[1] for part in rest],
    }


def times(session: Session, wanted: Wanted, *, as_of: datetime) -> Times:
    """Used working time of what was met in the period, self-settled left out.

    The times themselves are kept, of a county and a stage: a middle cannot be added up from middles.
    """
    sql = f"""
        {_pieces(wanted, TOWNSHIP)}
        SELECT used FROM figure_times JOIN kept USING (county_code, month) WHERE stage = :stage
        UNION ALL
        SELECT each.used FROM piece CROSS JOIN LATERAL (
            SELECT string_agg(int4send(CAST(used_s AS integer)), '') AS used FROM duties
            WHERE {DUTIES.county} = piece.county AND met_at >= piece.since AND met_at < piece.until
                AND {DUTIES.where(wanted)} AND {TIMES_WHERE}
        ) AS each WHERE each.used IS NOT NULL
    """
    return times_of(session.scalars(text(sql), _values(wanted, as_of, use=wanted.is_all_of_its_counties)))


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
