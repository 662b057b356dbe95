"""Seats and leave."""

import uuid
from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limiter
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response, page_response
from wxapi.training.services import enrolling, leave
from wxapi.training.views.routes import ONE, ROOT, blueprint
from wxapi.training.wire import answers, json, requests

# Of one person.
_OFTEN = "60/minute"
_DECISION = {"decision": "approve", "note": "同意"}


@blueprint.route(f"{ONE}/enrolments", methods=["POST"])
@guard(Permission.SIGNED_IN)
@limiter.limit(_OFTEN)
@blueprint.response(201, answers.EnrolmentWire)
def enrol(session_id: uuid.UUID) -> Response:
    """Take a seat; when all are taken, the next place on the waiting list. Again: 200 and the same."""
    view = enrolling.enrol(current_actor(), session_id, now=runtime().clock.now())
    return json_response(json.enrolment_dict(view), 201 if view.created else 200)


@blueprint.route(f"{ONE}/enrolments/me", methods=["DELETE"])
@guard(Permission.SIGNED_IN)
@limiter.limit(_OFTEN)
@blueprint.response(204)
def withdraw(session_id: uuid.UUID) -> None:
    """Give the seat back; the first who waits moves up."""
    enrolling.withdraw(current_actor(), session_id, now=runtime().clock.now())


@blueprint.route("/training/series/<uuid:series_id>/enrolments/me", methods=["DELETE"])
@guard(Permission.SIGNED_IN)
@limiter.limit(_OFTEN)
@blueprint.response(204)
def leave_series(series_id: uuid.UUID) -> None:
    """Withdraw from a series and from its sessions still to come."""
    enrolling.leave_series(current_actor(), series_id, now=runtime().clock.now())


@blueprint.route(f"{ONE}/leave-requests", methods=["POST"])
@guard(Permission.SIGNED_IN)
@limiter.limit(_OFTEN)
@blueprint.arguments(requests.ReasonBody, example={"reason": "外出务工，当天无法返回"})
@blueprint.response(201, answers.LeaveWire)
def ask_leave(body: dict[str, Any], session_id: uuid.UUID) -> Response:
    """Ask for leave, before the session or after."""
    row = leave.ask(current_actor(), session_id, **body, now=runtime().clock.now())
    return json_response(json.leave_dict((row, None)), 201)


@blueprint.route(f"{ONE}/leave-requests")
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.LeaveQuery, location="query")
@blueprint.response(200, answers.LeavePage)
def list_leave(query: dict[str, Any], session_id: uuid.UUID) -> Response:
    """Requests for leave; by default those still to be decided."""
    return page_response(leave.requests(current_actor(), session_id, **query), json.leave_dict)


@blueprint.route(f"{ROOT}/leave-requests/<uuid:request_id>/decision", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.LeaveDecisionBody, example=_DECISION)
@blueprint.response(200, answers.LeaveWire)
def decide_leave(body: dict[str, Any], request_id: uuid.UUID) -> Response:
    """Approve or deny a request."""
    row = leave.decide(current_actor(), request_id, **body, now=runtime().clock.now())
    return json_response(json.leave_dict((row, None)))


@blueprint.route(f"{ONE}/leave-requests/<uuid:request_id>/decision", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.LeaveDecisionBody, example=_DECISION)
@blueprint.response(200, answers.LeaveWire)
def decide_leave_of_session(body: dict[str, Any], session_id: uuid.UUID, request_id: uuid.UUID) -> Response:
    """The same, by the path of its session."""
    row = leave.decide(current_actor(), request_id, **body, session_id=session_id, now=runtime().clock.now())
    return json_response(json.leave_dict((row, None)))
