"""The queue: what lies on my desks, what runs out first on top."""

from collections.abc import Iterable
from typing import Any

from flask import Response, request

from wxapi.kernel.errors import DomainError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.reports.queries import lists
from wxapi.reports.rules import workflow
from wxapi.reports.rules.relations import capacities_by_office
from wxapi.reports.services.bulk import BULK_ACTIONS
from wxapi.reports.services.desk import read_desk
from wxapi.reports.services.lists import desk_reports
from wxapi.reports.services.saved_filters import saved_filters
from wxapi.web.desk import filters
from wxapi.web.desk.blueprint import room
from wxapi.web.kit import words
from wxapi.web.kit.render import fragment, page

_DECISIONS = ("approve_hold", "deny_hold", "approve_extension", "deny_extension")

# Actions of a bulk that give what is ticked to another desk.
_NAMES_A_DESK = {"assign_desk", "hand_on"}


@room.get("/desk")
@guard(Permission.DESK)
def show_queue() -> Response:
    """The whole page."""
    return queue_page()


@room.get("/desk/holds")
@guard(Permission.MODERATE)
def show_holds() -> Response:
    """What desks asked for and nobody has decided."""
    wanted = lists.PageRequest(50, request.args.get("cursor"), lists.Filters(undecided=True))
    found = desk_reports(current_actor(), wanted, lists.Order.DUE, now=runtime().clock.now())
    return page(
        "desk/holds.html",
        rows=found.items,
        next_cursor=found.next_cursor,
        tabs=[],
        ticks=current_actor().may(Permission.DESK_WORK),
        **bulk_bar(_DECISIONS),
    )


def queue_page(*, error: DomainError | None = None, typed: str = "") -> Response:
    """The queue with all around it; after a refusal with the name that was typed for its filter."""
    return page(
        "desk/queue.html",
        status=status_of(error).value if error else 200,
        **_queue(),
        categories=filters.category_choices(request.args.get("category")),
        regions=filters.region_choices(current_actor(), request.args.get("region")),
        query=request.args,
        saved=saved_filters(current_actor()),
        present=filters.query_to_keep(request.args),
        error=error,
        typed=typed,
        **bulk_bar(BULK_ACTIONS),
    )


def bulk_bar(actions: Iterable[str]) -> dict[str, Any]:
    """What the bar below a list offers: those actions that the person could ever take, to who only looks nothing."""
    if not current_actor().may(Permission.DESK_WORK):
        return {"bulk_actions": [], "bulk_desks": [], "bulk_moves": ""}
    could_be = capacities_by_office(current_actor())
    offered = [code for code in actions if any(could_be & {*row.who} for row in workflow.rows_of(code))]
    moves = [words.name("actions", code) for code in offered if code in _NAMES_A_DESK]
    return {
        "bulk_actions": [(code, words.name("actions", code)) for code in offered],
        "bulk_desks": filters.desk_choices(current_actor()) if moves else [],
        "bulk_moves": "、".join(moves),
    }


@room.get("/desk/rows")
@guard(Permission.DESK)
def refresh_queue() -> Response:
    """What changes of the page while it lies open."""
    return fragment("desk/rows.html", **_queue())


def _queue() -> dict[str, Any]:
    wanted, order = filters.wanted_of(request.args)
    view = read_desk(current_actor(), wanted, order, now=runtime().clock.now())
    tabs = filters.tabs_of(request.args, view.counts)
    # The page it leads to has no filter.
    sought = any(request.args.get(name) for name in ("category", "region", "q"))
    return {
        "tabs": tabs,
        "undecided": view.counts.undecided if current_actor().may(Permission.MODERATE) and not sought else 0,
        "narrowed": [] if any(tab.current for tab in tabs) else filters.narrowed_to(wanted.filters),
        "rows": view.page.items,
        "next_cursor": view.page.next_cursor,
        "ticks": current_actor().may(Permission.DESK_WORK),
    }
