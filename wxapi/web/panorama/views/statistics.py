"""统计: a table of figures with its chart; the numbers are those of `GET /statistics`."""

from typing import Any

from flask import Response, request

from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.regions.rules.levels import Level, within
from wxapi.regions.services.lookup import tree
from wxapi.reports.rules.owed import STAGE_NAMES
from wxapi.supervision.rules.measures import DEFINITIONS, MEASURES, RATED_FROM
from wxapi.supervision.services import statistics
from wxapi.supervision.wire.statistics import StatisticsQuery, question_of
from wxapi.web.kit import forms
from wxapi.web.kit.drawing import bars
from wxapi.web.kit.regions import with_chosen
from wxapi.web.kit.render import page
from wxapi.web.panorama.blueprint import room

_SHOWN = ("received", "due", "on_time", "late", "open_overdue", "pending", "inherited", "held", "returned", "reworked")


@room.get("/statistics")
@guard(Permission.STATISTICS)
def show_statistics() -> Response:
    """The table; without a query the person's own region, the last 30 days, by place."""
    now = runtime().clock.now()
    given = {name: value for name, value in request.args.items() if value}
    query = forms.load(StatisticsQuery, {"set": "reports", **given})
    table = statistics.read_statistics(current_actor(), question_of(query), now=now, today=local_day(now))
    return page(
        "panorama/statistics.html",
        table=table,
        columns=[measure for measure in MEASURES if measure.name in _SHOWN],
        lengths=bars([row.counts.due for row in table.rows]),
        region=tree()[table.wanted.region],
        groupings=statistics.GROUPING_NAMES.items(),
        stages=tuple(STAGE_NAMES.items()),
        regions=with_chosen(choices(), table.wanted.region),
        definitions=DEFINITIONS,
        rated_from=RATED_FROM,
    )


def choices() -> list[tuple[str, str]]:
    """The person's own regions, and the townships of a county: what one looks at most."""
    regions = tree()
    found: list[Any] = []
    for code in current_actor().regions(ROLES_OF[Permission.STATISTICS]):
        own = regions.get(within(code, Level.VILLAGE))
        if own is not None:
            found += [own, *regions.children(own.code)]
    return [(region.code, region.full_name) for region in found if region.level is not Level.GRID]
