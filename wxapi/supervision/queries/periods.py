"""What is counted: a period of Shanghai days and its steps, a place, a grouping."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wxapi.kernel.clock import day_begins
from wxapi.kernel.errors import InvalidError
from wxapi.regions.rules.levels import CODE_LENGTH, Level

_STEPS = {"day": timedelta(days=1), "week": timedelta(days=7)}
# Groupings by time; the others are by what a row is about.
BY_TIME = ("month", "week", "day")


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
    def is_all_of_its_counties(self) -> bool:
        """Whether it leaves nothing of a county out: no place below one, class or unit."""
        return len(self.region) <= CODE_LENGTH[Level.COUNTY] and self.class_code is None and self.unit is None

    @property
    def period(self) -> tuple[datetime, datetime]:
        """The period as instants: from its first to, not including, its last."""
        return day_begins(self.since), day_begins(self.until)

    def months(self, as_of: datetime) -> tuple[tuple[date, ...], tuple[tuple[datetime, datetime], ...]]:
        """The months that lie whole in the period and are over at an instant, by their first days; and the rest of it.

        What a month that is over says does not depend on the instant any more: whatever is open in it is overdue.
        """
        since, until = self.period
        first = self.since if self.since.day == 1 else next_month(self.since)
        whole = []
        while day_begins(next_month(first)) <= min(until, as_of):
            whole.append(first)
            first = next_month(first)
        if not whole:
            return (), ((since, until),)
        rest = ((since, day_begins(whole[0])), (day_begins(first), until))
        return tuple(whole), tuple(part for part in rest if part[0] < part[1])

    @property
    def steps(self) -> dict[str, date]:
        """The steps of a grouping by time, in order: key → its first day, which may lie before the period's."""
        form = "%Y-%m" if self.group_by == "month" else "%Y-%m-%d"
        return {day.strftime(form): day for day in self._first_days()}

    def _first_days(self) -> Iterator[date]:
        day = self.since
        if self.group_by == "month":
            day = day.replace(day=1)
        elif self.group_by == "week":
            day -= timedelta(days=day.weekday())
        while day < self.until:
            yield day
            day = next_month(day) if self.group_by == "month" else day + _STEPS[self.group_by]


def refuse_reversed(since: date | datetime | None, until: date | datetime | None) -> None:
    """A period that ends before it begins, or when it begins, is a slip: an empty answer would hide it.

    Raises:
        InvalidError: `period_invalid`.
    """
    if since is not None and until is not None and since >= until:
        raise InvalidError("period_invalid", "起始日期须早于截止日期。", fields={"to": ["须晚于起始日期。"]})


def county_at_or_below(column: str, region: str) -> str:
    """The condition that a row's county lies at or below a region of that length; every index of figures begins so.

    Args:
        column: of the row's county.
        region: a region's code; bound as `:region`, its county as `:county`.
    """
    if len(region) >= CODE_LENGTH[Level.COUNTY]:
        return f"{column} = :county"
    # The counties by name: a prefix would read every row there is instead of the index's part of the period.
    return f"{column} = ANY(CAST(ARRAY({counties_sql(region)}) AS text[]))"


def counties_sql(region: str) -> str:
    """The counties, `code`, at or below a region of that length, or the one it lies in."""
    if len(region) >= CODE_LENGTH[Level.COUNTY]:
        return "SELECT CAST(:county AS text) AS code"
    return "SELECT code FROM regions WHERE level = 'county' AND starts_with(code, :region)"


def next_month(day: date) -> date:
    """The first day of the month after a day's."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
