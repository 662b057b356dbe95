"""全景在线: a region at a glance, for a desk and, large and dark, for a wall."""

from datetime import date
from typing import Any

from flask import Response

from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.regions.services.lookup import tree
from wxapi.supervision.services import panorama
from wxapi.web.kit.drawing import bars, line, shade, value_classes
from wxapi.web.kit.forms import chosen
from wxapi.web.kit.outlines import outlines_of
from wxapi.web.kit.render import fragment, page
from wxapi.web.panorama.blueprint import room

_MEASURES = (("open", "在办"), ("overdue", "超期"), ("filed", "上报"))
_CLASSES_SHOWN = 8


@room.get("/panorama")
@guard(Permission.STATISTICS)
def show_panorama() -> Response:
    """The person's own region."""
    return _shown(None)


@room.get("/panorama/<string:region>")
@guard(Permission.STATISTICS)
def show_region(region: str) -> Response:
    """One region of the person's."""
    return _shown(region)


@room.get("/panorama/<string:region>/figures")
@guard(Permission.STATISTICS)
def refresh_region(region: str) -> Response:
    """What changes of the page while it hangs on a wall."""
    return fragment("panorama/figures.html", **_figures(region))


def _shown(region: str | None) -> Response:
    return page("panorama/overview.html", **_figures(region))


def _figures(region: str | None) -> dict[str, Any]:
    now = runtime().clock.now()
    actor, today = current_actor(), local_day(now)
    found = panorama.read_panorama(actor, region, None, None, now=now, today=today)
    regions = tree()
    here = regions[found.region]
    measure, wall = chosen("measure", *dict(_MEASURES)) or "open", chosen("wall", "1") is not None
    children = sorted(found.by_place, key=lambda row: (-row.overdue, -row.open, row.key))
    values = {row.key: int(getattr(row, measure)) for row in found.by_place}
    steps = value_classes(values.values())
    filed = panorama.trend(actor, "filed", "day", found.region, None, None, now=now, today=today)
    closed = panorama.trend(actor, "closed", "day", found.region, None, None, now=now, today=today)
    days = [date.fromisoformat(point.since) for point in filed]
    shown = [row for row in found.by_class if row.open][:_CLASSES_SHOWN]
    return {
        "found": found,
        "here": here,
        "parent": _parent(here.parent_code, actor),
        "places": [(row, regions[row.key]) for row in children],
        "classes": list(
            zip(shown, bars([row.open for row in shown]), _class_names([row.key for row in shown]), strict=True)
        ),
        "drawing": outlines_of(tuple(row.key for row in found.by_place)),
        "shades": {code: shade(value, steps) for code, value in values.items()},
        "steps": steps,
        "values": values,
        "names": {code: regions[code].name for code in values},
        "wall": wall,
        "measure": measure,
        "measures": _MEASURES,
        "filed_line": line([point.num or 0 for point in filed]),
        "closed_line": line([point.num or 0 for point in closed]),
        "trend_from": days[0],
        "trend_to": days[-1],
        "trend_rows": [(day, one.num, other.num) for day, one, other in zip(days, filed, closed, strict=True)],
    }


def _class_names(codes: list[str]) -> list[str]:
    names = panorama.class_names(codes)
    return [names[code] for code in codes]


def _parent(code: str | None, actor: Any) -> Any:
    """The region above, where the person may look at it, too."""
    if code is None or not actor.covers(code, ROLES_OF[Permission.STATISTICS]):
        return None
    return tree().get(code)
