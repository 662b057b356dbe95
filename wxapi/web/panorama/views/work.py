"""我的待办: what the units I act for owe, what runs out first on top; and what waits for me myself."""

from datetime import datetime
from typing import Any

from flask import Response, request

from wxapi.duties.queries.lists import DutyFilter
from wxapi.duties.rules.scope import sees
from wxapi.duties.services import appeal, work
from wxapi.kernel.actor import Actor
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.web.kit.forms import chosen
from wxapi.web.kit.render import fragment, page
from wxapi.web.panorama.blueprint import room

_AT_ONCE = 50
# Of the appeals, above the duties: the rest stands on a tab of its own.
_FIRST = 5


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
    scope = chosen("scope", "below", "appeals")
    shown = _appeals(actor, now) if scope == "appeals" else _duties(actor, now, below=scope == "below")
    return shown | {
        "scope": scope,
        "counts": work.count_work(actor, now=now),
        "stands_above": bool(sees(actor).below),
    }


def _appeals(actor: Actor, now: datetime) -> dict[str, Any]:
    found = appeal.waiting_appeals(actor, limit=_AT_ONCE, cursor=request.args.get("cursor"), now=now)
    return {"to_decide": found.items, "next_cursor": found.next_cursor, "overdue": False, "mine": []}


def _duties(actor: Actor, now: datetime, *, below: bool) -> dict[str, Any]:
    overdue = chosen("overdue", "true") is not None
    wanted = DutyFilter(state="overdue" if overdue or below else "open")
    listed = work.list_duties if below else work.work_of_units
    cursor = request.args.get("cursor")
    found = listed(actor, wanted, limit=_AT_ONCE, cursor=cursor, now=now)
    first = None if cursor else appeal.waiting_appeals(actor, limit=_FIRST, now=now)
    return {
        "duties": found.items,
        "appeals": appeal.appeals_of(found.items),
        "to_decide": first.items if first else [],
        "more_to_decide": first is not None and first.next_cursor is not None,
        "next_cursor": found.next_cursor,
        "overdue": overdue and not below,
        "mine": work.work_of_me(actor, now=now),
    }
