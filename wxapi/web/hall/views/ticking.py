"""Signing people in for them: a steward sees the person, or scans the pass from the person's phone."""

import uuid

from flask import Response, jsonify, request

from wxapi.kernel.errors import DomainError, InvalidError
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.training.services.steward_batch import Item, sign_in_batch
from wxapi.training.wire.requests import BatchItem
from wxapi.web.hall.blueprint import room
from wxapi.web.hall.halls import find_hall
from wxapi.web.hall.views.roll import roll_page
from wxapi.web.kit import forms, words
from wxapi.web.kit.render import query_of, see

STEWARD = Permission.TRAINING_STEWARD


@room.post("/hall/<uuid:session_id>/tick")
@guard(STEWARD)
@limited("120/minute")
def tick(session_id: uuid.UUID) -> Response:
    """Sign one person in: `user_id`, or the `code` of the person's pass. The script of the roll asks for JSON."""
    now = runtime().clock.now()
    hall = find_hall(session_id, STEWARD, now=now)
    wants_json = request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    try:
        record = sign_in_batch(current_actor(), session_id, [_item()], now=now)[0].outcome
        if isinstance(record, DomainError):
            raise record
    except DomainError as error:
        if wants_json:
            raise
        return roll_page(hall, now=now, error=error, typed=forms.filled("code"))
    if wants_json:
        return jsonify(state=words.name("attendance_states", record.state), created=record.created)
    return see(f"{hall.path}/roll{query_of(done='ticked' if record.created else 'known')}")


def _item() -> Item:
    """The one record of the form.

    Raises:
        InvalidError: nobody is named.
    """
    filled = forms.filled("user_id", "code")
    if not filled:
        raise InvalidError("nobody_named", "请选择人员，或扫描参训码。", fields={"code": ["请扫描或输入参训码。"]})
    body = {**filled, "key": "page", "client_time": runtime().clock.now().isoformat()}
    return Item(**forms.load(BatchItem, body))
