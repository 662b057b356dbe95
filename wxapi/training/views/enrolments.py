"""Seats and leave."""

import uuid
from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform.db import db
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response, page_response
from wxapi.training.queries.reviews import name_of
from wxapi.training.services import enrolling, leave
from wxapi.training.views.routes import ONE, ROOT, blueprint
from wxapi.training.wire import answers, json, requests

# Of one person.
_OFTEN = "60/minute"
_DECISION = {"decision": "approve", "note": "同意"}


@blueprint.route(f"{ONE}/enrolments", methods=["POST"])
@guard(Permission.SIGNED_IN)
@limited(_OFTEN)
@blueprint.response(201, answers.EnrolmentWire)
@blueprint.alt_response(200, schema=answers.EnrolmentWire, description="已报过名：同一条报名。")
def enrol(session_id: uuid.UUID) -> Response:
    """报名

    名额已满时列入候补；再次请求得到同一条，答复 200。
    """
    view = enrolling.enrol(current_actor(), session_id, now=runtime().clock.now())
    return json_response(json.enrolment_dict(view), 201 if view.created else 200)


@blueprint.route(f"{ONE}/enrolments/me", methods=["DELETE"])
@guard(Permission.SIGNED_IN)
@limited(_OFTEN)
@blueprint.response(204)
def withdraw(session_id: uuid.UUID) -> None:
    """取消报名

    让出名额，候补的第一位随即补上。
    """
    enrolling.withdraw(current_actor(), session_id, now=runtime().clock.now())


@blueprint.route("/training/series/<uuid:series_id>/enrolments/me", methods=["DELETE"])
@guard(Permission.SIGNED_IN)
@limited(_OFTEN)
@blueprint.response(204)
def leave_series(series_id: uuid.UUID) -> None:
    """退出系列

    退出系列及其尚未开始的各场。
    """
    enrolling.leave_series(current_actor(), series_id, now=runtime().clock.now())


@blueprint.route(f"{ONE}/leave-requests", methods=["POST"])
@guard(Permission.SIGNED_IN)
@limited(_OFTEN)
@blueprint.arguments(requests.ReasonBody, example={"reason": "外出务工，当天无法返回"})
@blueprint.response(201, answers.LeaveWire)
def ask_leave(body: dict[str, Any], session_id: uuid.UUID) -> Response:
    """请假

    开始前后都可以。
    """
    row = leave.ask(current_actor(), session_id, **body, now=runtime().clock.now())
    return json_response(json.leave_dict((row, None)), 201)


@blueprint.route(f"{ONE}/leave-requests")
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.LeaveQuery, location="query")
@blueprint.response(200, answers.LeavePage)
def list_leave(query: dict[str, Any], session_id: uuid.UUID) -> Response:
    """请假申请

    默认只列待审批的。
    """
    return page_response(leave.requests(current_actor(), session_id, **query), json.leave_dict)


@blueprint.route(f"{ROOT}/leave-requests/<uuid:request_id>/decision", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.LeaveDecisionBody, example=_DECISION)
@blueprint.response(200, answers.LeaveWire)
def decide_leave(body: dict[str, Any], request_id: uuid.UUID) -> Response:
    """审批请假

    同意或不同意。
    """
    row = leave.decide(current_actor(), request_id, **body, now=runtime().clock.now())
    return json_response(json.leave_dict((row, name_of(db.session(), row.user_id))))


@blueprint.route(f"{ONE}/leave-requests/<uuid:request_id>/decision", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.LeaveDecisionBody, example=_DECISION)
@blueprint.response(200, answers.LeaveWire)
def decide_leave_of_session(body: dict[str, Any], session_id: uuid.UUID, request_id: uuid.UUID) -> Response:
    """审批请假（按场次）

    同上，路径中带场次。
    """
    row = leave.decide(current_actor(), request_id, **body, session_id=session_id, now=runtime().clock.now())
    return json_response(json.leave_dict((row, name_of(db.session(), row.user_id))))
