"""What WeChat held back or did not judge: a person decides whether other citizens see it."""

import uuid

from flask import Response, request

from wxapi.kernel.errors import ConflictError, DomainError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.problems import status_of
from wxapi.platform.runtime import runtime
from wxapi.reports.services import moderate
from wxapi.reports.wire.moderation_schemas import DecisionBody
from wxapi.web.desk.blueprint import room
from wxapi.web.kit import forms
from wxapi.web.kit.render import page, see

_MOST = 20
_DONE = {"show": "已公开。", "hide": "已设为不公开。"}
_DECIDED = "该内容已由其他人员审核，未作改动。下面是仍待审核的内容。"


@room.get("/desk/moderation")
@guard(Permission.MODERATE)
def show_moderation() -> Response:
    """The longest waiting first."""
    return _queue()


def _queue(error: DomainError | None = None) -> Response:
    found = moderate.queue_page(current_actor(), limit=_MOST, cursor=request.args.get("cursor"))
    return page(
        "desk/moderation.html",
        status=status_of(error).value if error else 200,
        error=error,
        done=_DONE.get(request.args.get("done", "")),
        entries=found.items,
        next_cursor=found.next_cursor,
    )


@room.post("/desk/moderation/<uuid:check_id>")
@guard(Permission.MODERATE)
def decide_check(check_id: uuid.UUID) -> Response:
    """Show it, or hide it. What a colleague has decided meanwhile stands, and what still waits is shown."""
    body, now = forms.load(DecisionBody, forms.filled("decision")), runtime().clock.now()
    try:
        moderate.decide(current_actor(), check_id, body["decision"], now=now, over_others=False)
    except ConflictError as error:
        return _queue(ConflictError(error.code, _DECIDED))
    return see(f"/desk/moderation?done={body['decision']}")
