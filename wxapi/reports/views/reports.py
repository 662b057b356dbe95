"""One report: filing it, reading it, acting on it, joining it."""

import uuid
from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform import idempotency
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response
from wxapi.reports.rules import often
from wxapi.reports.rules.diagram import api_table
from wxapi.reports.services import act as actions
from wxapi.reports.services import file, read
from wxapi.reports.services import join as joins
from wxapi.reports.wire import schemas
from wxapi.reports.wire.report import report_dict

blueprint = ApiBlueprint("reports", __name__, description=f"上报\n\n{api_table()}")

_PHOTO = "0b9a3c52-7c1e-4b0a-9f0b-0d6b6f6f3c11"


@blueprint.route("/reports", methods=["POST"])
@guard(Permission.SIGNED_IN)
@limited(often.FILING, deed=often.FILE)
@idempotency.required
@idempotency.with_the_write
@blueprint.arguments(
    schemas.FileBody,
    example={
        "category_code": "E0102",
        "description": "路口垃圾箱满溢",
        "photo_ids": [_PHOTO],
        "location": {
            "longitude": 112.241274,
            "latitude": 30.318933,
            "coord_type": "gcj02",
            "accuracy": 12.0,
            "picked_by": "gps",
        },
        "address": "立新街道江津西路",
        "region_code": None,
    },
)
@blueprint.response(201, schemas.ReportSchema)
def file_report(body: dict[str, Any]) -> Response:
    """上报

    照片可以还在处理中。几秒内由后台分派承办单位，此前状态为 `submitted`。须带 `Idempotency-Key`。
    """
    view = file.file_report(current_actor(), schemas.draft_of(body), now=runtime().clock.now())
    return json_response(report_dict(view), 201)


@blueprint.route("/reports/<uuid:report_id>")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, schemas.ReportSchema)
def read_report(report_id: uuid.UUID) -> Response:
    """读取上报

    一件上报、办理经过，以及本人此刻可以进行的操作。
    """
    view = read.read_report(current_actor(), report_id, now=runtime().clock.now())
    return json_response(report_dict(view))


def _still_seen(report_id: uuid.UUID) -> None:
    """Raises NotFoundError when the person may no longer see the report."""
    read.read_report(current_actor(), report_id, now=runtime().clock.now())


@blueprint.route("/reports/<uuid:report_id>/actions", methods=["POST"])
@guard(Permission.SIGNED_IN)
@limited(often.ACTING, deed=often.ACT)
@idempotency.kept_while(_still_seen)
@blueprint.arguments(
    schemas.ActionBody,
    example={"action": "resolve", "version": 3, "note": "已清运", "photo_ids": [_PHOTO]},
)
@blueprint.response(200, schemas.ReportSchema)
def act(body: dict[str, Any], report_id: uuid.UUID) -> Response:
    """办理

    对所见版本进行一项操作；各操作的条件和必填项见本组说明中的表。
    """
    request = schemas.request_of(body)
    view = actions.act(current_actor(), report_id, request, now=runtime().clock.now())
    return json_response(report_dict(view))


@blueprint.route("/reports/<uuid:report_id>/me-too", methods=["POST"])
@guard(Permission.SIGNED_IN)
@limited(often.JOINING, deed=often.JOIN)
@idempotency.kept_while(_still_seen)
@blueprint.arguments(schemas.MeTooBody, example={"photo_ids": []})
@blueprint.response(200, schemas.ReportSchema)
def join(body: dict[str, Any], report_id: uuid.UUID) -> Response:
    """共同上报

    加入已有的上报，不必重复上报；做两次与做一次相同。
    """
    view = joins.join(current_actor(), report_id, body["photo_ids"], now=runtime().clock.now())
    return json_response(report_dict(view))
