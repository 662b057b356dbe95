"""Credit hours: dated rules read from data, applied to the calendar years of Asia/Shanghai.

The rules stand in the city's `city.toml`: conversions differ between places and change with each five-year plan, so
they are data with a version, and each entry of the ledger names the version that made it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import cache
from typing import Any

from wxapi.kernel.city import city
from wxapi.kernel.city_rules import CityRules
from wxapi.kernel.clock import SHANGHAI, day_begins, local_day
from wxapi.training.rules.attendance import State

_TENTH = Decimal("0.1")
_HALF = Decimal("0.5")
# A single sitting is judged by its whole length; a longer session day by day.
_ONE_SITTING = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Conversion:
    """Minutes → hours: the first step reached (longest first), else by the hour in halves, rounded down."""

    steps: tuple[tuple[int, Decimal], ...]
    minutes_per_hour: int

    def hours(self, minutes: int) -> Decimal:
        """Credit hours of so many minutes."""
        for from_minutes, hours in self.steps:
            if minutes >= from_minutes:
                return hours
        halves = Decimal(minutes * 2 // self.minutes_per_hour)
        return halves * _HALF


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of the rules, in force from its first day until the next version's."""

    version: str
    first_day: date
    conversions: dict[str, Conversion]
    max_per_day: Decimal
    credited_states: frozenset[State]

    def hours(self, kind: str, minutes: int) -> Decimal:
        """Credit hours of one day's minutes of a kind of training."""
        conversion = self.conversions.get(kind, self.conversions["default"])
        return min(conversion.hours(minutes), self.max_per_day)


@dataclass(frozen=True, slots=True)
class Credit:
    """Hours of one session for one calendar year, and the version of the rule they come from."""

    year: int
    hours: Decimal
    rule_version: str


def city_rules() -> tuple[Rule, ...]:
    """The rules of the city, by first day."""
    return _of_city(city())


@cache
def _of_city(rules: CityRules) -> tuple[Rule, ...]:
    return parse_rules(rules.hour_rules)


def parse_rules(raw: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Rules of what `[[training.hours]]` of a city says, sorted by first day."""
    return tuple(sorted(map(_rule, raw), key=lambda rule: rule.first_day))


def rule_on(day: date, rules: Sequence[Rule]) -> Rule:
    """The rule in force on a day; before the first one, the first."""
    return next((rule for rule in reversed(rules) if rule.first_day <= day), rules[0])


def credits_of(
    kind: str, starts_at: datetime, ends_at: datetime, fixed: Decimal | None, rules: Sequence[Rule]
) -> tuple[Credit, ...]:
    """The hours of attending a session from start to end, split over New Year in Asia/Shanghai.

    Args:
        kind: kind of training, as the rules name it.
        starts_at: with any time zone; local days and years are those of Asia/Shanghai.
        ends_at: later than `starts_at`.
        fixed: hours the organiser set, instead of those by length.
        rules: sorted by first day, see `city_rules`.

    Returns:
        one credit a calendar year, none with 0 hours; together exactly `fixed` when that is given.
    """
    days = _local_days(starts_at, ends_at)
    by_year: dict[int, int] = {}
    for day, minutes in days:
        by_year[day.year] = by_year.get(day.year, 0) + minutes
    first_days = {year: next(day for day, _ in days if day.year == year) for year in by_year}
    versions = {year: rule_on(day, rules).version for year, day in first_days.items()}
    if fixed is not None:
        hours = _share(fixed, by_year)
    elif ends_at - starts_at <= _ONE_SITTING:
        total = _minutes(starts_at, ends_at)
        hours = _share(rule_on(local_day(starts_at), rules).hours(kind, total), by_year)
    else:
        hours = {year: Decimal(0) for year in by_year}
        for day, minutes in days:
            hours[day.year] += rule_on(day, rules).hours(kind, minutes)
    return tuple(Credit(year, hours[year], versions[year]) for year in sorted(hours) if hours[year])


def credited_states(starts_at: datetime, rules: Sequence[Rule]) -> frozenset[State]:
    """The states on the roll that earn hours, by the rule in force when the session starts.

    `made_up` earns them only when the session it was made up in does not: one class is counted once, where it was
    attended. `services.book_hours` sees to that, for it needs the other roll.
    """
    return rule_on(local_day(starts_at), rules).credited_states


def _share(total: Decimal, minutes: dict[int, int]) -> dict[int, Decimal]:
    """Split hours by minutes, in tenths; the last year takes what rounding left."""
    years = sorted(minutes)
    whole = sum(minutes.values())
    shares = {year: (total * minutes[year] / whole).quantize(_TENTH, ROUND_DOWN) for year in years[:-1]}
    shares[years[-1]] = total - sum(shares.values(), Decimal(0))
    return shares


def _local_days(starts_at: datetime, ends_at: datetime) -> list[tuple[date, int]]:
    """The local days a session touches, each with its minutes (at least one day)."""
    days: list[tuple[date, int]] = []
    begin = starts_at.astimezone(SHANGHAI)
    end = ends_at.astimezone(SHANGHAI)
    while True:
        midnight = day_begins(begin.date() + timedelta(days=1))
        until = min(end, midnight)
        days.append((begin.date(), _minutes(begin, until)))
        if end <= midnight:
            return days
        begin = midnight


def _minutes(begin: datetime, end: datetime) -> int:
    # At least one: a session of seconds still belongs to its year.
    return max(1, int((end - begin).total_seconds()) // 60)


def _rule(raw: Mapping[str, Any]) -> Rule:
    return Rule(
        version=raw["version"],
        first_day=date.fromisoformat(raw["from"]),
        conversions={kind: _conversion(value) for kind, value in raw["conversions"].items()},
        max_per_day=Decimal(str(raw["max_per_day"])),
        credited_states=frozenset(State(state) for state in raw["credited_states"]),
    )


def _conversion(raw: Mapping[str, Any]) -> Conversion:
    pairs = sorted(((step["from_minutes"], Decimal(str(step["hours"]))) for step in raw["steps"]), reverse=True)
    return Conversion(tuple(pairs), raw["minutes_per_hour"])
