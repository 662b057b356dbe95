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
    """考勤名册

    按姓名排列；`q`（至少两个字）只供组织者。
    """
    limit, cursor = query.pop("limit"), query.pop("cursor")
    page = roll_reading.read_roll(current_actor(), session_id, RollFilter(**query), limit=limit, cursor=cursor)
    return page_response(page, json.roll_row_dict)


@blueprint.route(f"{ONE}/attendance/live")
@guard(Permission.TRAINING_STEWARD)
@blueprint.response(200, answers.CountsWire)
@blueprint.alt_response(304, description="没有变化。")
@quiet
def live_counts(session_id: uuid.UUID) -> Response:
    """实时人数

    供大屏显示，最多滞后一秒，带 ETag：每 2 秒带 `If-None-Match` 请求一次。
    """
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
    """批量更正考勤

    更正所列的人，或全部离线补传的记录；所列而不在名册上的，加入名册。
    """
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
    """一人的考勤

    名册中的一行及其变更记录。
    """
    return json_response(json.roll_entry_dict(roll_reading.read_row(current_actor(), session_id, user_id)))


@blueprint.route(_PERSON, methods=["PUT"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.CorrectionBody, example=_CORRECTION)
@blueprint.response(200, answers.RollEntryWire)
def correct(body: dict[str, Any], session_id: uuid.UUID, user_id: uuid.UUID) -> Response:
    """更正考勤

    手工设定状态，必须写明原因；补课时用 `made_up_in` 指出在哪一场。
    """
    entry = correct_roll.correct(current_actor(), session_id, user_id, Correction(**body), now=runtime().clock.now())
    return json_response(json.roll_entry_dict(entry))


@blueprint.route(f"{_PERSON}/undo", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.ReasonBody, example={"reason": "更正有误"})
@blueprint.response(200, answers.RollEntryWire)
def undo(body: dict[str, Any], session_id: uuid.UUID, user_id: uuid.UUID) -> Response:
    """撤销更正

    撤销最后一次更正；名册中的这一行及变更记录保留。
    """
    entry = correct_roll.undo(current_actor(), session_id, user_id, **body, now=runtime().clock.now())
    return json_response(json.roll_entry_dict(entry))
