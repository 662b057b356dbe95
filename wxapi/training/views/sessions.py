"""Sessions and series."""

import uuid
from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response, page_response
from wxapi.training.services import browse, enrolling, organise
from wxapi.training.views.routes import ONE, ROOT, blueprint
from wxapi.training.wire import answers, json, requests

_EXAMPLE = {
    "title": "党课开讲啦：基层治理的荆州实践",
    "kind": "lecture",
    "region_code": "421002",
    "starts_at": "2026-12-01T01:00:00Z",
    "ends_at": "2026-12-01T04:00:00Z",
    "place": "沙市区委党校报告厅",
    "location": {"longitude": 112.25545, "latitude": 30.31125, "coord_type": "gcj02"},
    "radius_m": 200,
    "capacity": 300,
    "credit_hours": None,
    "audience": {"region_codes": ["421002"], "roles": [], "user_ids": []},
    "sign_in_opens_min": 30,
    "late_after_min": 10,
    "sign_out": False,
    "offline_hours": 24,
}


@blueprint.route(ROOT, methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.SessionBody, example=_EXAMPLE)
@blueprint.response(201, answers.SessionWire)
def create_session(body: dict[str, Any]) -> Response:
    """Draft a session. Where it overlaps another of mine, `warnings` says so, unless `parallel` is set."""
    now = runtime().clock.now()
    view = organise.create(current_actor(), requests.plan_of(body), now=now)
    return json_response(json.session_dict(view, now), 201)


@blueprint.route(ROOT)
@guard(Permission.SIGNED_IN)
@blueprint.arguments(requests.SessionsQuery, location="query")
@blueprint.response(200, answers.SessionPage)
def list_sessions(query: dict[str, Any]) -> Response:
    """`open`: I may go there; `mine`: I enrolled, wait or was there; `organised`: in my regions."""
    now = runtime().clock.now()
    page = browse.listing(current_actor(), **query, now=now)
    return page_response(page, lambda view: json.session_dict(view, now))


@blueprint.route(ONE)
@guard(Permission.SIGNED_IN)
@blueprint.response(200, answers.SessionWire)
def read_session(session_id: uuid.UUID) -> Response:
    """One session. A draft exists for its organisers only."""
    view = browse.read(current_actor(), session_id)
    return json_response(json.session_dict(view, runtime().clock.now()))


@blueprint.route(ONE, methods=["PUT"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.SessionChange, example={**_EXAMPLE, "version": 1})
@blueprint.response(200, answers.SessionWire)
def replace_session(body: dict[str, Any], session_id: uuid.UUID) -> Response:
    """Change a session that is not over. `version`, when given, must be the one last seen."""
    now = runtime().clock.now()
    plan = requests.plan_of(body)
    view = organise.replace(current_actor(), session_id, plan, version=body["version"], now=now)
    return json_response(json.session_dict(view, now))


@blueprint.route(f"{ONE}/publish", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.response(200, answers.SessionWire)
def publish_session(session_id: uuid.UUID) -> Response:
    """Open a draft."""
    now = runtime().clock.now()
    return json_response(json.session_dict(organise.publish(current_actor(), session_id, now=now), now))


@blueprint.route(f"{ONE}/cancel", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.response(200, answers.SessionWire)
def cancel_session(session_id: uuid.UUID) -> Response:
    """Call a session off; everybody on its roll is told."""
    now = runtime().clock.now()
    return json_response(json.session_dict(organise.cancel(current_actor(), session_id, now=now), now))


@blueprint.route("/training/series", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.SeriesBody, example={"title": "2026 年轮训班", "region_code": "421002"})
@blueprint.response(201, answers.SeriesWire)
def create_series(body: dict[str, Any]) -> Response:
    """Begin a series: who enrols in one of its sessions is enrolled in all that are still to come."""
    row = enrolling.create_series(current_actor(), **body, now=runtime().clock.now())
    return json_response({"id": str(row.id), "title": row.title, "region_code": row.region_code}, 201)
