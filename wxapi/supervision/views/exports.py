"""Exports: ask, look, take back."""

import uuid
from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import PageQuery, conditional, json_response, page_response
from wxapi.supervision.services import exports, own_exports
from wxapi.supervision.wire import exports as wire

blueprint = ApiBlueprint("exports", __name__, description="导出")


@blueprint.route("/exports", methods=["POST"])
@guard(Permission.EXPORT)
@blueprint.arguments(
    wire.ExportBody,
    example={
        "kind": "reports",
        "format": "csv",
        "filter": {"region": "421002", "from": "2026-11-01", "to": "2026-12-01"},
        "columns": None,
        "coord_type": "gcj02",
    },
)
@blueprint.response(202, wire.ExportWire)
def ask_export(body: dict[str, Any]) -> Response:
    """申请导出

    由后台生成，按生成时本人的权限取数；同时最多 2 个。
    """
    row = exports.ask(current_actor(), wire.wanted_of(body), now=runtime().clock.now())
    return json_response(wire.export_dict(row), 202)


@blueprint.route("/exports")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, wire.ExportPage)
@blueprint.alt_response(304, description="没有变化。")
def list_exports(query: dict[str, Any]) -> Response:
    """本人的导出

    最新的在前，带 ETag。
    """
    now = runtime().clock.now()
    page = own_exports.list_exports(current_actor(), now=now, limit=query["limit"], cursor=query["cursor"])
    return conditional(page_response(page, wire.export_dict))


@blueprint.route("/exports/<uuid:export_id>")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, wire.ExportWire)
@blueprint.alt_response(304, description="没有变化。")
def read_export(export_id: uuid.UUID) -> Response:
    """导出的进度

    进度与文件；每 2 秒查询一次，带 ETag。
    """
    found = own_exports.read_export(current_actor(), export_id, now=runtime().clock.now())
    return conditional(json_response(wire.export_dict(found)))


@blueprint.route("/exports/<uuid:export_id>", methods=["DELETE"])
@guard(Permission.SIGNED_IN)
@blueprint.response(204)
def cancel_export(export_id: uuid.UUID) -> None:
    """取消导出

    取消生成，或删除已生成的文件。
    """
    exports.cancel(current_actor(), export_id, now=runtime().clock.now())
