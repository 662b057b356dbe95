"""One action on all that is ticked."""

from flask import Response, request

from wxapi.kernel.errors import InvalidError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.reports.rules import often
from wxapi.reports.services.bulk import BULK_ACTIONS, MOST, BulkItem, act_on_many
from wxapi.reports.wire.schemas import ActionBody, request_of
from wxapi.web.desk.blueprint import room
from wxapi.web.kit import forms, words
from wxapi.web.kit.render import page

# Which field besides the note an action has.
_OWN_FIELD = {"assign_desk": "desk_code", "hand_on": "desk_code"}


@room.post("/desk/bulk")
@guard(Permission.DESK_WORK)
@limited(often.ACTING_ON_MANY)
def act_in_bulk() -> Response:
    """The answer for each report, with the version that was seen when it was ticked."""
    action = request.form.get("action", "")
    if action not in BULK_ACTIONS:
        raise InvalidError("bulk_action_not_allowed", "该操作不能批量进行，请逐件办理。")
    items = _items(request.form.getlist("pick"))
    filled = forms.filled("note", *filter(None, [_OWN_FIELD.get(action)]))
    wanted = request_of(forms.load(ActionBody, {**filled, "action": action, "version": 1}))
    answers = act_on_many(items, wanted, now=runtime().clock.now())
    return page("desk/bulk.html", answers=answers, action=words.name("actions", action))


def _items(picked: list[str]) -> list[BulkItem]:
    """What the ticks hold: `number:version`.

    Raises:
        InvalidError: none, too many, or not what the page wrote.
    """
    if not 1 <= len(picked) <= MOST:
        raise InvalidError("bulk_size", f"请选择 1–{MOST} 件后再操作。")
    found = []
    for text in picked:
        number, _, version = text.partition(":")
        if not (version.isascii() and version.isdigit() and len(version) < 10 and len(number) <= 20):
            raise InvalidError("bulk_item_invalid", "所选内容有误，请刷新页面后重试。")
        found.append(BulkItem(number, int(version)))
    return found
