"""One report as whoever filed or joined it follows it, and what they may still say to it."""

from flask import Response, request

from wxapi.kernel.coordinates import Datum
from wxapi.kernel.errors import DomainError, NotFoundError
from wxapi.kernel.permissions import Permission
from wxapi.platform import idempotency
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.reports.rules import often
from wxapi.reports.rules.state import ReportState
from wxapi.reports.rules.workflow import TABLE
from wxapi.reports.services.act import act
from wxapi.reports.services.lists import reports_nearby
from wxapi.reports.services.own import OwnReport, read_own
from wxapi.web.kit import words
from wxapi.web.kit.acting import Typed, requested, typed
from wxapi.web.kit.drafts import owner_mark
from wxapi.web.kit.photos import kept_photos, photos_after_refusal, sent_photos
from wxapi.web.kit.render import page, see
from wxapi.web.phone.blueprint import room
from wxapi.web.phone.sayings import sayings_of
from wxapi.web.phone.telling import standing

# What a reporter says to their report, in the order it is offered; a mere note belongs to the desk's page.
SAYINGS = sayings_of(TABLE, besides={"note"})
# What somebody waits for.
_ASKED = frozenset({"answer", "confirm", "dispute"})
# While nobody has taken it, joining another one instead makes sense.
_EARLY = frozenset({ReportState.SUBMITTED, ReportState.TRIAGE, ReportState.ROUTED})


def _still_seen(number: str) -> None:
    read_own(current_actor(), number.upper(), now=runtime().clock.now())


@room.get("/m/r/<string:number>")
@guard(Permission.SIGNED_IN)
def show_report(number: str) -> Response:
    """The report, and what may be said to it now."""
    own = read_own(current_actor(), number.upper(), now=runtime().clock.now())
    return _report(own, Typed(), done=_done())


@room.post("/m/r/<string:number>")
@guard(Permission.SIGNED_IN)
@limited(often.ACTING, deed=often.ACT)
@idempotency.kept_while(_still_seen)
def say(number: str) -> Response:
    """Take what the workflow lets a reporter say. A refusal keeps what was typed."""
    actor, now = current_actor(), runtime().clock.now()
    own = read_own(actor, number.upper(), now=now)
    filled = typed(())
    try:
        filled = typed(sent_photos())
        if filled.action not in SAYINGS:
            filled = Typed("", filled.fields, filled.photo_ids, filled.seen_lines)
        act(actor, own.view.id, requested(filled), now=now)
    except NotFoundError:
        raise
    except DomainError as error:
        filled = Typed(filled.action, filled.fields, photos_after_refusal(), filled.seen_lines)
        return _report(read_own(actor, number.upper(), now=now), filled, error=error)
    return see(f"/m/r/{own.view.number}?done={filled.action}")


def _done() -> str | None:
    """What the address says was just done."""
    filed = request.args.get("filed")
    if filed:
        return f"{'您已加入本条上报' if filed == 'joined' else '上报已提交'}，办理进展会通知您。"
    said = words.names("actions").get(request.args.get("done", ""))
    return f"已提交：{said}。" if said else None


def _report(own: OwnReport, kept: Typed, *, error: DomainError | None = None, done: str | None = None) -> Response:
    view, now = own.view, runtime().clock.now()
    actions, near = [said for code, said in SAYINGS.items() if code in view.available_actions], []
    if view.is_mine and view.state in _EARLY and not view.category.confidential:
        found = reports_nearby(view.location, Datum.GCJ02, view.category.code, now=now)
        near = [each for each in found if each.number != view.number]
    return page(
        "phone/report.html",
        status=status_of(error).value if error else 200,
        own=own,
        report=view,
        standing=standing(own, now),
        actions=actions,
        is_asked=any(said.code in _ASKED for said in actions),
        typed=kept,
        kept=kept_photos(kept.photo_ids),
        seen=len(view.timeline) if kept.seen_lines is None else kept.seen_lines,
        error=error,
        done=done,
        near=near,
        owner=owner_mark(),
    )
