"""The counts of statistics in SQL, over pieces: a piece is a stretch of time of one county, one range of an index.

Confidential reports are in no figure. Each row of `duties` with its due time in a piece falls into exactly one class,
so that `due = on_time + late + open_overdue + pending` holds in every row by construction; the unit that held the work
at a due time answers for it.

Every statement here reads a `piece (county, since, until)` that the caller gives it by WITH.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wxapi.regions.rules.levels import level_of
from wxapi.reports.models import COUNTED_SQL
from wxapi.supervision.queries.periods import BY_TIME, Wanted
from wxapi.supervision.rules.measures import COUNTED

# In a grouping by unit: filed, and given to nobody yet.
NO_UNIT = "-"


@dataclass(frozen=True, slots=True)
class Counted:
    """The columns of one table that is counted. Constants of ours, never a request's text.

    Args:
        county, township, village: where a row lies.
        class_code: its class.
        unit: who answers for it.
        scope: what keeps confidential and foreign rows out.
        stage: of a duty; of all else the empty text.
    """

    county: str
    township: str
    village: str
    class_code: str
    unit: str
    scope: str
    stage: str = "''"

    def key(self, wanted: Wanted, at: str) -> str:
        """The expression a row is grouped by; of a grouping by time the number of its step, from 1."""
        if wanted.group_by in BY_TIME:
            return f"CAST(width_bucket({at}, CAST(:steps AS timestamptz[])) AS text)"
        keys = {
            "none": "''",
            "place": getattr(self, wanted.level),
            "class": self.class_code,
            "kind": f"left({self.class_code}, 1)",
            "unit": f"coalesce({self.unit}, '{NO_UNIT}')",
        }
        return str(keys[wanted.group_by])

    def where(self, wanted: Wanted) -> str:
        """Place within the county, class, unit and stage."""
        found = [self.scope]
        level = level_of(wanted.region)
        if level in {"township", "village"}:
            found.append(f"{getattr(self, level)} = :region")
        if wanted.class_code is not None:
            found.append(f"starts_with({self.class_code}, :class_code)")
        if wanted.unit is not None:
            found.append(f"{self.unit} = :unit")
        if self.stage != "''":
            found.append(f"{self.stage} = :stage")
        return " AND ".join(found)


DUTIES = Counted(
    "place_county_code",
    "place_township_code",
    "place_village_code",
    "class_code",
    "unit_code",
    "NOT confidential AND subject_type = 'report'",
    "stage",
)
REPORTS = Counted(
    "r.county_code",
    "r.township_code",
    "r.village_code",
    "r.category_code",
    "r.desk_code",
    "r.excluded_village_code IS NULL",
)
STEPS = Counted("county_code", "township_code", "village_code", "category_code", "held_by", "county_code IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Cut:
    """Which rows are counted, and by what.

    Args:
        key: of a source and the column of its time, the expression rows are grouped by.
        where: of a source, the condition beside county and time.
    """

    key: Callable[[Counted, str], str]
    where: Callable[[Counted], str]


def cut_of(wanted: Wanted) -> Cut:
    """The grouping and the conditions that a question means for each source of figures."""
    return Cut(lambda source, at: source.key(wanted, at), lambda source: source.where(wanted))


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
# Of which duties the used time is told.
TIMES_WHERE = "NOT self_settled AND used_s IS NOT NULL"
_DUE = ("on_time", "late", "open_overdue", "pending")
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
_STEP_COLUMNS = {
    name: f"count(*) FILTER (WHERE action IN ({', '.join(map(repr, actions))}))" for name, actions in EVENTS.items()
}


def counts_sql(cut: Cut) -> str:
    """`key` and every count, of all pieces; several rows of one key, which add up."""
    return " UNION ALL ".join((_due(cut), *(_each(*part) for part in _parts(cut))))


def filed_sql(cut: Cut) -> str:
    """`key` and what was filed, of all pieces."""
    return _each(*next(part for part in _parts(cut) if "filed" in part[-1]))


def _due(cut: Cut) -> str:
    # Counted by class first: each row's class is read once, and not once for each column.
    each = _of_pieces(
        f"SELECT {cut.key(DUTIES, 'due_at')} AS key, {_CLASSES} AS class, count(*) AS many FROM duties",
        DUTIES,
        "due_at",
        cut.where(DUTIES),
        "GROUP BY 1, 2",
    )
    columns = {name: f"CASE WHEN class = '{name}' THEN many ELSE 0 END" for name in (*_DUE, "inherited", "held")} | {
        "due": f"CASE WHEN class IN ({', '.join(map(repr, _DUE))}) THEN many ELSE 0 END"
    }
    return _wide(columns, each)


def _parts(cut: Cut) -> tuple[tuple[Cut, Counted, str, str, str, dict[str, str]], ...]:
    """The other counts: source, its table, the column of its time, a condition, what is counted."""
    return (
        (cut, DUTIES, "duties", "started_at", "true", {"received": "count(*)"}),
        (cut, DUTIES, "duties", "met_at", "self_settled", {"self_settled": "count(*)"}),
        (cut, REPORTS, "reports r", "r.created_at", "true", {"filed": "count(*)"}),
        (
            cut,
            STEPS,
            "report_events",
            "at",
            "true",
            _STEP_COLUMNS | {"rated": "count(rating)", "rating_sum": "coalesce(sum(rating), 0)"},
        ),
    )


def _each(cut: Cut, source: Counted, table: str, at: str, condition: str, columns: dict[str, str]) -> str:
    made = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    each = _of_pieces(
        f"SELECT {cut.key(source, at)} AS key, {made} FROM {table}",
        source,
        at,
        f"{condition} AND {cut.where(source)}",
        "GROUP BY 1",
    )
    return _wide({name: name for name in columns}, each)


def _of_pieces(select: str, source: Counted, at: str, where: str, group: str) -> str:
    """A count of each piece by itself, so that each is one search of an index, whatever the planner expects."""
    piece = f"{source.county} = piece.county AND {at} >= piece.since AND {at} < piece.until"
    return f"(SELECT counted.* FROM piece CROSS JOIN LATERAL ({select} WHERE {piece} AND {where} {group}) AS counted)"


def _wide(columns: Mapping[str, str], source: str) -> str:
    every = ", ".join(f"CAST({columns.get(name, '0')} AS bigint) AS {name}" for name in COUNTED)
    return f"SELECT key, {every} FROM {source} AS part"


def unplaced_sql(cut: Cut) -> str:
    """The few lines that do not say themselves what they count: written by a release from before they did.

    Of the whole period `:since` to `:until` and of the counties of `county (code)`.
    """
    rating = "CAST(detail ->> 'rating' AS integer)"
    columns = _STEP_COLUMNS | {"rated": f"count({rating})", "rating_sum": f"coalesce(sum({rating}), 0)"}
    made = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    lines = f"SELECT * FROM report_events WHERE county_code IS NULL AND {COUNTED_SQL} AND at >= :since AND at < :until"
    each = (
        f"(SELECT {cut.key(REPORTS, 'at')} AS key, {made} FROM ({lines}) AS line"
        " JOIN reports r ON r.id = line.report_id"
        f" WHERE r.county_code IN (SELECT code FROM county) AND {cut.where(REPORTS)} GROUP BY 1)"
    )
    return _wide({name: name for name in columns}, each)
