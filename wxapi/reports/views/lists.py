"""Lists of reports: my own, my desk's, those near a point; and the classes a report can have."""

from functools import partial
from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.position import point_of
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response, page_response
from wxapi.reports.queries.lists import PageRequest
from wxapi.reports.rules.categories import all_categories
from wxapi.reports.services import lists
from wxapi.reports.wire.list_schemas import (
    CategoryWire,
    NearbyQuery,
    NearbyReport,
    ReportPage,
    ReportsQuery,
    filters_of,
)
from wxapi.reports.wire.report import category_item, nearby_item, report_item

blueprint = ApiBlueprint("report_lists", __name__, description="上报列表与问题类别")


@blueprint.route("/reports")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(ReportsQuery, location="query")
@blueprint.response(200, ReportPage)
def list_reports(query: dict[str, Any]) -> Response:
    """上报列表

    `scope=mine` 本人上报或共同上报的，最新的在前；`scope=desk` 本人职务所辖的，先到期的在前。
    """
    actor, now = current_actor(), runtime().clock.now()
    wanted = PageRequest(query["limit"], query["cursor"], filters_of(query))
    if query["scope"] == "mine":
        page = lists.my_reports(actor, wanted, now=now)
    else:
        page = lists.desk_reports(actor, wanted, query["sort"], now=now)
    return page_response(page, partial(report_item, sign=runtime().storage.signer()))


@blueprint.route("/reports/nearby")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(NearbyQuery, location="query")
@blueprint.response(200, NearbyReport(many=True))
def nearby_reports(query: dict[str, Any]) -> Response:
    """附近的上报

    50 米、14 天之内同一大类的未结案上报，近的在前；可以改为共同上报。
    """
    point, now = point_of(query), runtime().clock.now()
    found = lists.reports_nearby(point, query["coord_type"], query["category_code"], now=now)
    sign = runtime().storage.signer()
    return json_response([nearby_item(row, sign) for row in found])


@blueprint.route("/categories")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, CategoryWire(many=True))
def list_categories() -> Response:
    """问题类别

    在用的全部类别，按次序。`X09` 开头的不受理，只为告诉人们去哪里。
    """
    return json_response([category_item(entry) for entry in all_categories().values() if not entry.retired])
