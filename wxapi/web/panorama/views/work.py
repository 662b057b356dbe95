"""我的待办: what the units I act for owe, what runs out first on top; and what waits for me myself."""

from typing import Any

from flask import Response, request

from wxapi.duties.queries.lists import DutyFilter
from wxapi.duties.rules.scope import sees
from wxapi.duties.services import appeal, work
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.web.kit.forms import chosen
from wxapi.web.kit.render import fragment, page
from wxapi.web.panorama.blueprint import room

_AT_ONCE = 50


@room.get("/work")
@guard(Permission.WORK)
def show_work() -> Response:
    """The whole page."""
    return page("panorama/work.html", **_work())


@room.get("/work/rows")
@guard(Permission.WORK)
def refresh_work() -> Response:
    """What changes of the page while it lies open."""
    return fragment("panorama/work_rows.html", **_work())


def _work() -> dict[str, Any]:
    actor, now = current_actor(), runtime().clock.now()
    overdue, below = chosen("overdue", "true") is not None, chosen("scope", "below") is not None
    wanted = DutyFilter(state="overdue" if overdue or below else "open")
    listed = work.list_duties if below else work.work_of_units
    found = listed(actor, wanted, limit=_AT_ONCE, cursor=request.args.get("cursor"), now=now)
    return {
        "duties": found.items,
        "appeals": appeal.appeals_of(found.items),
        "to_decide": appeal.waiting_appeals(actor, limit=_AT_ONCE, now=now),
        "at_once": _AT_ONCE,
        "next_cursor": found.next_cursor,
        "counts": work.count_work(actor, now=now),
        "mine": work.work_of_me(actor, now=now),
        "overdue": overdue,
        "below": below,
        "stands_above": bool(sees(actor).below),
    }
