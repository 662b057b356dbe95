"""What a city decides for itself, as frozen values: read from its folder by `city_files`, held by `city`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

Span = tuple[time, time]
# Classes of a village's own affairs (publicity of its accounts and decisions), which nobody of the village may see.
CONFIDENTIAL_FAMILY = "X02"


class CityError(Exception):
    """A city's file that cannot be used.

    Args:
        file: its name.
        line: of the fault, from 1; 0: of the file as a whole.
        sentence: what is wrong and what is wanted.
    """

    def __init__(self, file: str, line: int, sentence: str) -> None:
        super().__init__(f"{file}, line {line}: {sentence}" if line else f"{file}: {sentence}")
        self.file, self.line, self.sentence = file, line, sentence


@dataclass(frozen=True, slots=True)
class Season:
    """Office hours from a day of each year until the next season begins.

    Args:
        begins: (month, day).
        spans: (from, to) of one day in order, not overlapping; in Asia/Shanghai.
    """

    begins: tuple[int, int]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class OfficeRules:
    """When offices work. `holidays` and `workdays` are the city's own, on top of the State Council's."""

    seasons: tuple[Season, ...]
    holidays: frozenset[date]
    workdays: frozenset[date]


@dataclass(frozen=True, slots=True)
class WorkflowRules:
    """Days and counts of the life of a report."""

    auto_close_days: int
    reopen_days: int
    returns: int
    extension_notice_working_days: int
    # The longest wait until a hold is looked at again, and the longest extension.
    hold_days: int
    extension_days: int


@dataclass(frozen=True, slots=True)
class LadderRules:
    """Shares of a limit at which something happens, in per cent, and the working days of cards."""

    colour_percent: int
    remind_percent: int
    escalate_percent: int
    red_after_working_days: int
    appeal_working_days: int


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """A line of `categories.csv`, judged but without the meaning that reports give it."""

    code: str
    kind: str
    major_name: str
    name: str
    respond_hours: int
    resolve_hours: int
    urgent: bool
    desk_level: str
    retired: bool


# Compared by identity, so that what is derived from it can be kept beside it.
@dataclass(frozen=True, slots=True, eq=False)
class CityRules:
    """Everything of one city.

    Args:
        code: of the city's own region; every region lies below it.
        number_prefix: what report numbers begin with.
        hour_rules: as the file has them; who counts hours reads them.
        reasons: code → words, all of them.
        reason_actions: code → the actions it is offered for; one that is not there is offered for all.
        phrases: action → standard texts of the desk.
        words: group → code → the city's own word.
    """

    name: str
    code: str
    number_prefix: str
    office: OfficeRules
    workflow: WorkflowRules
    ladder: LadderRules
    categories: tuple[CategoryRow, ...]
    hour_rules: tuple[Mapping[str, Any], ...]
    reasons: Mapping[str, str]
    reason_actions: Mapping[str, tuple[str, ...]]
    phrases: Mapping[str, tuple[str, ...]]
    words: Mapping[str, Mapping[str, str]]
