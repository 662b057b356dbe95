"""What a reporter may say to their report, and which fields of the page go with it: read from the workflow's table."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from wxapi.reports.rules.state import Party
from wxapi.reports.rules.workflow import Transition

# What the page has fields for. A row that needs something else needs a field here first.
FIELDS = frozenset({"note", "photo_ids", "rating"})


@dataclass(frozen=True, slots=True)
class Saying:
    """One action of the reporter."""

    code: str
    needs: frozenset[str]
    takes: frozenset[str]

    @property
    def needs_note(self) -> bool:
        return "note" in self.needs

    @property
    def takes_photos(self) -> bool:
        return "photo_ids" in self.needs | self.takes

    @property
    def takes_rating(self) -> bool:
        return "rating" in self.needs | self.takes


def sayings_of(table: Iterable[Transition], *, besides: Collection[str]) -> dict[str, Saying]:
    """The reporter's actions by code, in the table's order; of an action's rows, the inputs of all."""
    found: dict[str, Saying] = {}
    for row in table:
        if Party.REPORTER in row.who and row.action not in besides:
            before = found.get(row.action, Saying(row.action, frozenset(), frozenset()))
            found[row.action] = Saying(row.action, before.needs.union(row.needs), before.takes.union(row.takes))
    return found
