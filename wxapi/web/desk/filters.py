"""The queue's filters as they stand in the address, and what a person may choose there."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode

from marshmallow import validate

from wxapi.kernel.actor import Actor
from wxapi.kernel.city import city
from wxapi.kernel.city_rules import CityRules
from wxapi.kernel.permissions import DESK_ROLES
from wxapi.platform.problems import validation_failed
from wxapi.platform.wire import QueryInteger
from wxapi.regions.rules.levels import Level, ancestor_of
from wxapi.regions.services.lookup import tree
from wxapi.reports.queries.desk_counts import DeskCounts
from wxapi.reports.queries.lists import Filters, Order, PageRequest
from wxapi.reports.rules.categories import all_categories
from wxapi.reports.rules.state import ReportState
from wxapi.reports.wire.list_schemas import ReportsQuery, filters_of
from wxapi.web.kit import forms, words
from wxapi.web.kit.regions import Choices, with_chosen

_MOST = 50
# What of an address makes a filter that is worth keeping; the page one is on and its size do not.
_KEPT = ("state", "overdue", "card", "category", "region", "q", "sort")


class DeskQuery(ReportsQuery):
    """The query of `GET /reports?scope=desk` with smaller pages."""

    class Meta:
        exclude = ("scope",)

    limit = QueryInteger(load_default=_MOST, validate=validate.Range(1, _MOST))


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab above the queue: what it is called, where it leads, how many lie there, whether it is open."""

    label: str
    href: str
    count: int
    current: bool


def wanted_of(args: Mapping[str, str]) -> tuple[PageRequest, Order]:
    """What an address asks for; fields that a form left empty narrow nothing.

    Raises:
        InvalidError: `validation_failed`.
    """
    query = forms.load(DeskQuery, {name: value for name, value in args.items() if value})
    if query["region"] is not None and query["region"] not in tree():
        raise validation_failed({"region": ["没有这个区域。"]})
    return PageRequest(query["limit"], query["cursor"], filters_of(query)), query["sort"]


def query_to_keep(args: Mapping[str, str]) -> str:
    """What of an address is kept under a name, always in the same order; empty where nothing narrows the desk.

    Raises:
        InvalidError: `validation_failed`.
    """
    wanted_of(args)
    kept = {name: args[name] for name in _KEPT if args.get(name)}
    if kept.get("sort") == Order.DUE.value:
        del kept["sort"]
    return urlencode(kept)


def tabs_of(args: Mapping[str, str], counts: DeskCounts) -> list[Tab]:
    """The tabs; the other filters stay when one is chosen."""
    kept = {name: args[name] for name in ("category", "region", "q", "sort", "limit") if args.get(name)}
    chosen = {name: args[name] for name in ("state", "overdue", "card") if args.get(name)}

    def tab(label: str, count: int, **narrowed: str) -> Tab:
        query = urlencode(narrowed | kept)
        return Tab(label, f"/desk?{query}" if query else "/desk", count, chosen == narrowed)

    def of_state(state: ReportState) -> Tab:
        return tab(words.name("states", state.value), counts.by_state[state], state=state.value)

    return [
        tab("全部在办", counts.in_all),
        of_state(ReportState.TRIAGE),
        of_state(ReportState.ROUTED),
        of_state(ReportState.ACCEPTED),
        tab("超期", counts.overdue, overdue="true"),
        tab("黄牌", counts.yellow, card="yellow"),
        of_state(ReportState.RESOLVED),
    ]


def narrowed_to(wanted: Filters) -> list[str]:
    """What no field of the form shows, in words."""
    states = [words.name("states", state.value) for state in wanted.states]
    late = {None: [], True: ["超期"], False: ["未超期"]}[wanted.overdue]
    return [*states, *late, *([words.name("cards", wanted.card)] if wanted.card else [])]


def category_choices(chosen: str | None) -> list[tuple[str, str]]:
    """(code, name) of the major classes that are taken, and of the class that is chosen."""
    one = all_categories().get(chosen or "")
    return [*_majors(city()), *([(one.code, f"{one.code} {one.name}")] if one else [])]


@cache
def _majors(_of: CityRules) -> list[tuple[str, str]]:
    taken = (entry for entry in all_categories().values() if entry.taken)
    return list({entry.family: f"{entry.family} {entry.major_name}" for entry in taken}.items())


def region_choices(actor: Actor, chosen: str | None) -> Choices:
    """(code, name) of the regions of the person, of those right below each, and of the one that is chosen."""
    regions = tree()
    own = [found for code in actor.regions(DESK_ROLES) if (found := regions.get(code))]
    choices = [
        (region.code, region.name if region is top else f"　{region.name}")
        for top in own
        for region in (top, *regions.children(top.code))
    ]
    return with_chosen(choices, chosen) if len(choices) > 1 else []


def desk_choices(actor: Actor) -> list[tuple[str, str]]:
    """(code, name) of the units somebody can give several reports to: their townships and all below them."""
    regions = tree()
    townships = dict.fromkeys(ancestor_of(code, Level.TOWNSHIP) for code in actor.regions(DESK_ROLES))
    tops = [found for code in townships if code and (found := regions.get(code))]
    return [(each.code, each.name) for top in tops for each in (top, *regions.children(top.code))]
