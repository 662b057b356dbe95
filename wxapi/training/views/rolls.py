"""The roll and the live counts."""

import uuid
from typing import Any

from flask import Response, request

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.http import quiet
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response, page_response
from wxapi.training.queries.roll import RollFilter
from wxapi.training.services import correct_roll, hall_screen, roll_reading
from wxapi.training.services.correct_roll import Correction
from wxapi.training.views.routes import ONE, blueprint
from wxapi.training.wire import answers, json, requests

_PERSON = f"{ONE}/attendance/<uuid:user_id>"
_CORRECTION = {"state": "made_up", "reason": "参加了 12 月 8 日的补课"}


@blueprint.route(f"{ONE}/attendance")
@guard(Permission.TRAINING_STEWARD)
@blueprint.arguments(requests.RollQuery, location="query")
@blueprint.response(200, answers.RollPage)
def read_roll(query: dict[str, Any], session_id: uuid.UUID) -> Response:
    """The roll by name. `q` (two characters at least) is for the organiser."""
    limit, cursor = query.pop("limit"), query.pop("cursor")
    page = roll_reading.read_roll(current_actor(), session_id, RollFilter(**query), limit=limit, cursor=cursor)
    return page_response(page, json.roll_row_dict)


@blueprint.route(f"{ONE}/attendance/live")
@guard(Permission.TRAINING_STEWARD)
@blueprint.response(200, answers.CountsWire)
@quiet
def live_counts(session_id: uuid.UUID) -> Response:
    """Counts for screens, at most a second old, with an ETag: ask every 2 s with `If-None-Match`."""
    live = hall_screen.live_counts(current_actor(), session_id, now=runtime().clock.now())
    response = json_response({"session_id": str(session_id), "counts": live.counts})
    response.set_etag(live.etag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


@blueprint.route(f"{ONE}/attendance/bulk", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(
    requests.BulkBody, example={"state": "absent", "reason": "离线补传记录核查不实", "late_uploads": True}
)
@blueprint.response(200, answers.ChangedWire)
def correct_many(body: dict[str, Any], session_id: uuid.UUID) -> Response:
    """Set the state of many: those named, or every late upload. Who is named and not on the roll is added to it."""
    done = correct_roll.correct_many(
        current_actor(),
        session_id,
        Correction(body["state"], body["reason"]),
        user_ids=body["user_ids"],
        late_uploads=body["late_uploads"],
        now=runtime().clock.now(),
    )
    return json_response({"changed": done.changed, "missing": [str(user_id) for user_id in done.missing]})


@blueprint.route(_PERSON)
@guard(Permission.TRAINING_ORGANISE)
@blueprint.response(200, answers.RollEntryWire)
def read_row(session_id: uuid.UUID, user_id: uuid.UUID) -> Response:
    """One person's line with its history."""
    return json_response(json.roll_entry_dict(roll_reading.read_row(current_actor(), session_id, user_id)))


@blueprint.route(_PERSON, methods=["PUT"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.CorrectionBody, example=_CORRECTION)
@blueprint.response(200, answers.RollEntryWire)
def correct(body: dict[str, Any], session_id: uuid.UUID, user_id: uuid.UUID) -> Response:
    """Set a state by hand, always with a reason; `made_up_in` names the session of a make-up."""
    entry = correct_roll.correct(current_actor(), session_id, user_id, Correction(**body), now=runtime().clock.now())
    return json_response(json.roll_entry_dict(entry))


@blueprint.route(f"{_PERSON}/undo", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.ReasonBody, example={"reason": "更正有误"})
@blueprint.response(200, answers.RollEntryWire)
def undo(body: dict[str, Any], session_id: uuid.UUID, user_id: uuid.UUID) -> Response:
    """Take back the last decision; the row and its history stay."""
    entry = correct_roll.undo(current_actor(), session_id, user_id, **body, now=runtime().clock.now())
    return json_response(json.roll_entry_dict(entry))
