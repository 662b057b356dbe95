"""Which desk a report goes to: a pure function of place, category, exclusions and tree; the gate for moves.

Region codes of lower regions begin with those of the higher (county 6 digits, township 9, village 12, grid
15), so that going up is cutting off digits.
"""

from collections.abc import Callable, Collection, Container
from dataclasses import dataclass

from wxapi.kernel.errors import InvalidError
from wxapi.regions.rules.levels import Level, level_of, within
from wxapi.reports.rules.categories import Category

# Levels that have a desk, from below. A grid is a part of its village's desk; the city supervises.
_DESK_LEVELS = (Level.VILLAGE, Level.TOWNSHIP, Level.COUNTY)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report lies, and the other villages it could lie in, nearest first."""

    village_code: str
    grid_code: str | None = None
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """Where a report goes.

    Attributes:
        desk_code: the region whose people must act now; for triage the township.
        triage: no certain owner yet, the township decides.
        copies: regions that are told as well.
    """

    desk_code: str
    triage: bool
    copies: tuple[str, ...]


def choose_place(located: Place, picked: str | None) -> Place:
    """Let the reporter's pick win if it is one of the candidates; any other pick changes nothing.

    The grid is that of the point: where in the picked village it lies is not known.
    """
    if picked is None or picked not in located.candidates:
        return located
    others = (located.village_code, *(code for code in located.candidates if code != picked))
    return Place(picked, None, others)


def excluded_village(place: Place, category: Category) -> str | None:
    """The village for whose people the report does not exist; set at filing, before anybody can see it."""
    return place.village_code if category.confidential else None


def route(
    place: Place,
    category: Category,
    exclusions: Collection[str],
    tree: Container[str],
    staffed: Callable[[str], bool],
) -> RoutingDecision:
    """Find the desk of a new report: the category's level, further up past what is excluded.

    Several candidates do not make it triage: the village of the point is the likeliest owner by far, and can
    hand on. Triage is for a desk nobody is appointed to, where the report would wait unseen.

    Args:
        place: where it lies, the reporter's pick already considered.
        category: decides the level of the desk.
        exclusions: regions whose people must not get the report, nor those of regions below them.
        tree: the codes of all regions.
        staffed: whether somebody is appointed who can accept a report at this desk.

    Raises:
        LookupError: no region is left that may have the report: a fault of the tree, not of the report.
    """
    line = _allowed_line(place, exclusions, tree)
    wanted = within(place.village_code, category.desk_level)
    desk = next((code for code in line if len(code) <= len(wanted)), line[-1])
    copies = tuple(line[line.index(desk) + 1 :][:1]) if category.confidential else ()
    if not staffed(desk):
        return RoutingDecision(_first_above_villages(line), triage=True, copies=copies)
    return RoutingDecision(desk, triage=False, copies=copies)


def move_to(desk_code: str, place: Place, exclusions: Collection[str], tree: Container[str]) -> str:
    """The one gate every change of desk goes through: assign, hand on, return, appeal, reopen.

    Returns:
        The desk's code, when it may have the report.

    Raises:
        InvalidError: `unknown_region`; `desk_not_allowed` for a region that has no desk (a grid, the city),
            for another county, for what is at or below an excluded region, and, when there is an exclusion,
            for all that does not lie above the place: neighbours have no more business with a village's
            affairs than the village itself.
    """
    if desk_code not in tree:
        raise InvalidError("unknown_region", "没有这个承办单位。", fields={"desk_code": ["未知区域代码。"]})
    has_desk = level_of(desk_code) in _DESK_LEVELS and _county(desk_code) == _county(place.village_code)
    strays = bool(exclusions) and not place.village_code.startswith(desk_code)
    if not has_desk or strays or _excluded(desk_code, exclusions):
        fields = {"desk_code": ["不能承办该上报。"]}
        raise InvalidError("desk_not_allowed", "该上报不能转到这个单位。", fields=fields)
    return desk_code


def triage_desk(place: Place, exclusions: Collection[str], tree: Container[str]) -> str:
    """Where a returned, disputed or appealed report is decided: the township, or what is above it.

    Raises:
        LookupError: as `route`.
    """
    return _first_above_villages(_allowed_line(place, exclusions, tree))


def _allowed_line(place: Place, exclusions: Collection[str], tree: Container[str]) -> list[str]:
    """The village, its township, its county: those of them that exist and are not excluded; never empty."""
    line = (within(place.village_code, level) for level in _DESK_LEVELS)
    allowed = [code for code in line if code in tree and not _excluded(code, exclusions)]
    if not allowed:
        raise LookupError(f"no region can take a report of {place.village_code}")
    return allowed


def _first_above_villages(line: list[str]) -> str:
    return next((code for code in line if level_of(code) is not Level.VILLAGE), line[-1])


def _excluded(code: str, exclusions: Collection[str]) -> bool:
    return any(code.startswith(excluded) for excluded in exclusions)


def _county(code: str) -> str:
    return within(code, Level.COUNTY)
