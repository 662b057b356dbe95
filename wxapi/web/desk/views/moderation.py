"""What WeChat held back or did not judge: a person decides whether other citizens see it."""

import uuid

from flask import Response, request

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.reports.services import moderate
from wxapi.reports.wire.moderation_schemas import DecisionBody
from wxapi.web.desk.blueprint import room
from wxapi.web.kit import forms
from wxapi.web.kit.render import page, see

_MOST = 20


@room.get("/desk/moderation")
@guard(Permission.MODERATE)
def show_moderation() -> Response:
    """The longest waiting first."""
    found = moderate.queue_page(current_actor(), limit=_MOST, cursor=request.args.get("cursor"))
    return page("desk/moderation.html", entries=found.items, next_cursor=found.next_cursor)


@room.post("/desk/moderation/<uuid:check_id>")
@guard(Permission.MODERATE)
def decide_check(check_id: uuid.UUID) -> Response:
    """Show it, or hide it."""
    body = forms.load(DecisionBody(), forms.filled("decision"))
    moderate.decide(current_actor(), check_id, body["decision"], now=runtime().clock.now())
    return see("/desk/moderation")
