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
    """拟定场次

    建立草稿。与本人其他场次时间重叠时，`warnings` 会提醒；标明 `parallel` 的除外。
    """
    now = runtime().clock.now()
    view = organise.create(current_actor(), requests.plan_of(body), now=now)
    return json_response(json.session_dict(view, now), 201)


@blueprint.route(ROOT)
@guard(Permission.SIGNED_IN)
@blueprint.arguments(requests.SessionsQuery, location="query")
@blueprint.response(200, answers.SessionPage)
def list_sessions(query: dict[str, Any]) -> Response:
    """场次列表

    `open` 本人可以参加的，`mine` 本人报名、候补或到过的，`organised` 本人辖区的。
    """
    now = runtime().clock.now()
    page = browse.listing(current_actor(), **query, now=now)
    return page_response(page, lambda view: json.session_dict(view, now))


@blueprint.route(ONE)
@guard(Permission.SIGNED_IN)
@blueprint.response(200, answers.SessionWire)
def read_session(session_id: uuid.UUID) -> Response:
    """读取场次

    一个场次；草稿只有组织者能看到。
    """
    view = browse.read(current_actor(), session_id)
    return json_response(json.session_dict(view, runtime().clock.now()))


@blueprint.route(ONE, methods=["PUT"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.SessionChange, example={**_EXAMPLE, "version": 1})
@blueprint.response(200, answers.SessionWire)
def replace_session(body: dict[str, Any], session_id: uuid.UUID) -> Response:
    """修改场次

    修改没有结束的场次；填了 `version` 时须与当前一致。
    """
    now = runtime().clock.now()
    plan = requests.plan_of(body)
    view = organise.replace(current_actor(), session_id, plan, version=body["version"], now=now)
    return json_response(json.session_dict(view, now))


@blueprint.route(f"{ONE}/publish", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.response(200, answers.SessionWire)
def publish_session(session_id: uuid.UUID) -> Response:
    """发布场次

    发布草稿，从此可以报名。
    """
    now = runtime().clock.now()
    return json_response(json.session_dict(organise.publish(current_actor(), session_id, now=now), now))


@blueprint.route(f"{ONE}/cancel", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.response(200, answers.SessionWire)
def cancel_session(session_id: uuid.UUID) -> Response:
    """取消场次

    取消并通知名册上的每一个人。
    """
    now = runtime().clock.now()
    return json_response(json.session_dict(organise.cancel(current_actor(), session_id, now=now), now))


@blueprint.route("/training/series", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.SeriesBody, example={"title": "2026 年轮训班", "region_code": "421002"})
@blueprint.response(201, answers.SeriesWire)
def create_series(body: dict[str, Any]) -> Response:
    """建立系列

    报名其中一场的人，随即报名尚未结束的各场。
    """
    row = enrolling.create_series(current_actor(), **body, now=runtime().clock.now())
    return json_response({"id": str(row.id), "title": row.title, "region_code": row.region_code}, 201)
