"""The queue: what lies on my desks, what runs out first on top."""

from typing import Any

from flask import Response, request

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.reports.services.desk import read_desk
from wxapi.web.desk import filters
from wxapi.web.desk.blueprint import room
from wxapi.web.kit.render import fragment, page


@room.get("/desk")
@guard(Permission.DESK)
def show_queue() -> Response:
    """The whole page."""
    return page(
        "desk/queue.html",
        **_queue(),
        categories=filters.category_choices(),
        regions=filters.region_choices(current_actor()),
        query=request.args,
    )


@room.get("/desk/rows")
@guard(Permission.DESK)
def refresh_queue() -> Response:
    """What changes of the page while it lies open."""
    return fragment("desk/rows.html", **_queue())


def _queue() -> dict[str, Any]:
    wanted, order = filters.wanted_of(request.args)
    view = read_desk(current_actor(), wanted, order, now=runtime().clock.now())
    return {
        "tabs": filters.tabs_of(request.args, view.counts),
        "rows": view.page.items,
        "next_cursor": view.page.next_cursor,
    }
