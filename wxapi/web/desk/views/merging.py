"""Two cases side by side: are they one problem?"""

from flask import Response, request

from wxapi.kernel.coordinates import Datum
from wxapi.kernel.errors import DomainError, NotFoundError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.reports.rules import often
from wxapi.reports.services.act import act
from wxapi.reports.services.lists import reports_nearby
from wxapi.reports.services.read import read_case
from wxapi.reports.wire.schemas import ActionBody, request_of
from wxapi.web.desk.blueprint import room
from wxapi.web.kit import forms
from wxapi.web.kit.render import page, see


@room.get("/desk/r/<string:number>/merge")
@guard(Permission.DESK_WORK)
def compare(number: str) -> Response:
    """The case beside the one it may be merged into; without `?into=` a choice of those nearby."""
    return _compared(number.upper(), request.args.get("into", "").strip().upper())


@room.post("/desk/r/<string:number>/merge")
@guard(Permission.DESK_WORK)
@limited(often.ACTING, deed=often.ACT)
def merge(number: str) -> Response:
    """Merge the case into the other, which goes on for both."""
    filled = forms.filled("into", "note", "version")
    into = filled.get("into", "").upper()
    actor, now = current_actor(), runtime().clock.now()
    view, other = (read_case(actor, each, now=now) for each in (number.upper(), into))
    version = filled.get("version", "")
    body = {
        "action": "merge",
        "version": int(version) if version.isascii() and version.isdigit() and len(version) < 10 else version,
        "into": str(other.id),
        "note": filled.get("note"),
    }
    try:
        act(actor, view.id, request_of(forms.load(ActionBody, body)), now=now)
    except DomainError as error:
        return _compared(number.upper(), into, error=error, note=filled.get("note", ""))
    return see(f"/desk/r/{other.number}?done=merge&merged={view.number}")


def _compared(number: str, into: str, *, error: DomainError | None = None, note: str = "") -> Response:
    actor, now = current_actor(), runtime().clock.now()
    view = read_case(actor, number, now=now)
    missing = None
    other = None
    if into:
        try:
            other = read_case(actor, into, now=now)
        except NotFoundError as refusal:
            missing = refusal.detail
    near = reports_nearby(view.location, Datum.GCJ02, view.category.code, now=now)
    return page(
        "desk/merge.html",
        status=status_of(error).value if error else 200,
        report=view,
        other=other,
        missing=missing,
        into=into,
        near=[each for each in near if each.number != view.number],
        error=error,
        note=note,
    )
