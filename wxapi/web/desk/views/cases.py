"""One case: everything about it, and one panel for whatever may be done now."""

from dataclasses import dataclass
from datetime import datetime

from flask import Response, request

from wxapi.duties.services.appeal import cards_of
from wxapi.kernel.city import city
from wxapi.kernel.coordinates import Datum
from wxapi.kernel.errors import DomainError, NotFoundError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.reports.rules import often
from wxapi.reports.services.act import act
from wxapi.reports.services.lists import desk_numbers, reports_nearby
from wxapi.reports.services.read import read_case
from wxapi.reports.services.report_view import ReportView
from wxapi.web.desk import actions, filters
from wxapi.web.desk.blueprint import room
from wxapi.web.kit import words
from wxapi.web.kit.acting import Typed, requested, typed
from wxapi.web.kit.outlines import outlines_around
from wxapi.web.kit.photos import kept_photos, photos_after_refusal, sent_photos
from wxapi.web.kit.render import page, query_of, see

_LONGEST_NUMBER = 20


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The cases before and after this one in the list it was opened from."""

    previous: str | None
    following: str | None


@room.get("/desk/r/<string:number>")
@guard(Permission.DESK)
def show_case(number: str) -> Response:
    """The case, and what may be done with it."""
    now = runtime().clock.now()
    view = read_case(current_actor(), number.upper(), now=now)
    done = request.args.get("done", "")
    return _case(view, Typed(), now=now, done=words.names("actions").get(done))


@room.post("/desk/r/<string:number>")
@guard(Permission.DESK)
@limited(often.ACTING, deed=often.ACT)
def act_on_case(number: str) -> Response:
    """Take an action. What was refused is shown again with all that was typed, beside what happened since."""
    now, actor = runtime().clock.now(), current_actor()
    view = read_case(actor, number.upper(), now=now)
    filled = typed(())
    try:
        filled = typed(sent_photos())
        act(actor, view.id, requested(filled), now=now)
    except NotFoundError:
        raise
    except DomainError as error:
        filled = typed(photos_after_refusal())
        view = read_case(actor, number.upper(), now=now)
        return _case(view, filled, now=now, error=error)
    try:
        read_case(actor, number.upper(), now=now)
    except NotFoundError:  # given to somebody out of sight
        return see("/desk" + query_of(done=None, merged=None))
    return see(f"/desk/r/{view.number}{query_of(done=filled.action, merged=None)}")


def _case(
    view: ReportView, kept: Typed, *, now: datetime, error: DomainError | None = None, done: str | None = None
) -> Response:
    near = reports_nearby(view.location, Datum.GCJ02, view.category.code, now=now)
    seen = len(view.timeline) if kept.seen_lines is None else kept.seen_lines
    drawing, choices = outlines_around(view.region.code), actions.choices_of(view)
    return page(
        "desk/case.html",
        drawing=drawing,
        mark=drawing.place(*view.location),
        status=status_of(error).value if error else 200,
        report=view,
        cards=cards_of(current_actor(), view.id) if _has_had_card(view) else (),
        choices=choices,
        desks=actions.desk_choices(view),
        reasons=actions.reason_choices(choices),
        allowed=city().workflow,
        typed=kept,
        kept=kept_photos(kept.photo_ids),
        error=error,
        done=done,
        merged=request.args.get("merged", "")[:_LONGEST_NUMBER],
        seen=seen,
        near=[each for each in near if each.number != view.number],
        neighbours=_neighbours(view.number, now=now),
    )


def _has_had_card(view: ReportView) -> bool:
    """A lifted card hangs no more, and is shown as lifted."""
    return view.card is not None or any(line.action == "lift_card" for line in view.timeline)


def _neighbours(number: str, *, now: datetime) -> Neighbours:
    """By the filters in the address, which came with the link from the queue."""
    args = {name: value for name, value in request.args.items() if name not in {"done", "merged"}}
    wanted, order = filters.wanted_of(args)
    numbers = desk_numbers(current_actor(), wanted, order, now=now)
    if number not in numbers:
        return Neighbours(None, numbers[0] if numbers else None)
    at = numbers.index(number)
    return Neighbours(numbers[at - 1] if at else None, numbers[at + 1] if at + 1 < len(numbers) else None)
