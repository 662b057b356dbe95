"""The queue on a map: a circle for each region below, or for each report of a village; and the same as a list."""

from collections.abc import Collection
from dataclasses import dataclass

from flask import Response, request

from wxapi.kernel.actor import Actor
from wxapi.kernel.permissions import DESK_ROLES, Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.regions.rules.levels import Level
from wxapi.regions.rules.tree import RegionInfo, Tree
from wxapi.regions.services.lookup import tree
from wxapi.reports.queries.desk_map import Cluster
from wxapi.reports.queries.lists import Order, PageRequest
from wxapi.reports.services.desk import map_desk
from wxapi.reports.services.lists import desk_reports
from wxapi.web.desk import filters
from wxapi.web.desk.blueprint import room
from wxapi.web.kit.drawing import Drawing, free, label_below, radius
from wxapi.web.kit.outlines import outlines_around, outlines_of
from wxapi.web.kit.render import page, query_of

# Which regions a map of a region counts by; a village shows its reports themselves.
_BELOW = {Level.CITY: Level.COUNTY, Level.COUNTY: Level.TOWNSHIP, Level.TOWNSHIP: Level.VILLAGE}


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle of the map: where it stands (None: outside of what is drawn) and where it leads.

    `deeper` is the map of its own region; a single report has none.
    """

    at: tuple[int, int] | None
    radius: int
    href: str
    deeper: str | None
    name: str
    count: int
    overdue: int


@room.get("/desk/map")
@guard(Permission.DESK)
def show_map() -> Response:
    """The filters are those of the queue; without a region the map shows all of the person's own."""
    wanted, order = filters.wanted_of(request.args)
    actor, regions = current_actor(), tree()
    here = _here(actor, wanted.filters.region, regions)
    below = _BELOW.get(here.level) if here is not None else Level.COUNTY
    if here is not None and below is None:
        return _village(here, wanted, order)
    codes = tuple(child.code for child in regions.children(here.code if here else None))
    drawing = outlines_of(codes)
    found = map_desk(actor, wanted.filters, below or Level.COUNTY, now=runtime().clock.now())
    most = max((each.num for each in found), default=0)
    circles = [_of_region(each, drawing, regions, most) for each in found]
    counted = frozenset(each.code for each in found)
    names = {code: regions[code].name for code in codes}
    return _shown(here, drawing, circles, _labelled(circles, drawing.width), names=names, counted=counted)


def _village(here: RegionInfo, wanted: PageRequest, order: Order) -> Response:
    """The reports of one page of the list, each where it lies."""
    village = here.village_code or here.code
    drawing = outlines_around(village)
    now, query = runtime().clock.now(), query_of()
    found = desk_reports(current_actor(), wanted, order, now=now)
    circles = [
        Circle(
            drawing.place(*row.location),
            radius(1, 1),
            f"/desk/r/{row.number}{query}",
            None,
            f"{row.number} {row.category.name}",
            1,
            int(row.due_at is not None and row.due_at < now),
        )
        for row in found.items
    ]
    return _shown(here, drawing, circles, here_code=village, next_cursor=found.next_cursor)


def _of_region(found: Cluster, drawing: Drawing, regions: Tree, most: int) -> Circle:
    region, query = regions.get(found.code), query_of(region=found.code, cursor=None)
    return Circle(
        drawing.place(found.longitude, found.latitude),
        radius(found.num, most),
        f"/desk{query}",
        f"/desk/map{query}",
        region.name if region else found.code,
        found.num,
        found.overdue,
    )


def _labelled(circles: list[Circle], width: int) -> Collection[str]:
    """Where those circles lead whose name has room below them, covering nothing; the fullest first."""
    drawn = sorted((each for each in circles if each.at), key=lambda each: -each.count)
    places = [(each, each.at, each.radius) for each in drawn if each.at]
    boxes = [label_below(at, radius, each.name) for each, at, radius in places]
    taken = [(x - off, y - off, x + off, y + off) for _, (x, y), off in places]
    room = zip(places, boxes, free(boxes, taken), strict=True)
    return {each.href for (each, _, _), box, fits in room if fits and box[0] >= 0 and box[2] <= width}


def _shown(
    here: RegionInfo | None,
    drawing: Drawing,
    circles: list[Circle],
    named: Collection[str] = (),
    *,
    names: dict[str, str] | None = None,
    here_code: str | None = None,
    next_cursor: str | None = None,
    counted: frozenset[str] = frozenset(),
) -> Response:
    return page(
        "desk/map.html",
        here=here,
        drawing=drawing,
        circles=circles,
        named=named,
        names=names or {},
        here_code=here_code,
        next_cursor=next_cursor,
        counted=counted,
        above=_above(here),
        categories=filters.category_choices(request.args.get("category")),
        regions=filters.region_choices(current_actor(), request.args.get("region")),
        query=request.args,
        narrowed=filters.narrowed_to(filters.wanted_of(request.args)[0].filters),
    )


def _here(actor: Actor, wanted: str | None, regions: Tree) -> RegionInfo | None:
    """The region wanted, else the smallest that holds all regions of the person; None: more than one city."""
    if wanted is not None and (found := regions.get(wanted)):
        return found
    own = actor.regions(DESK_ROLES)
    shared = (
        code
        for code in (regions[own[0]].path if own and own[0] in regions else ())
        if all(each.startswith(code) for each in own)
    )
    return regions.get(max(shared, key=len, default=""))


def _above(here: RegionInfo | None) -> RegionInfo | None:
    """The region above, unless it is above all that the person looks after."""
    parent = tree().get(here.parent_code or "") if here is not None else None
    return parent if parent is not None and current_actor().covers(parent.code, DESK_ROLES) else None
