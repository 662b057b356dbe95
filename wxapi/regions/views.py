"""The tree of regions, and where a point lies."""

from typing import Any

from flask import Response

from wxapi.kernel.errors import NotFoundError
from wxapi.kernel.paging import decode_cursor, page_of
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.position import point_of
from wxapi.platform.wire import json_response, page_response
from wxapi.regions import wire
from wxapi.regions.services import lookup

blueprint = ApiBlueprint("regions", __name__, description="区域与定位")


@blueprint.route("/regions")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(wire.RegionsQuery, location="query")
@blueprint.response(200, wire.RegionPage)
def list_regions(query: dict[str, Any]) -> Response:
    """下级区划

    某区划的直接下级，按代码排列；不填上级时列出市。
    """
    after = decode_cursor(query["cursor"], str)[0] if query["cursor"] else None
    found = lookup.list_regions(query["parent"], after=after, limit=query["limit"])
    return page_response(page_of(found, query["limit"], lambda region: [region.code]), wire.region_dict)


@blueprint.route("/regions/locate")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(wire.LocateQuery, location="query")
@blueprint.response(200, wire.LocationWire)
def locate(query: dict[str, Any]) -> Response:
    """定位到村（社区）

    一个位置所在的村（社区）和网格，以及附近的其他村（社区）；不在本市时答复 404 `outside_service_area`。
    """
    position = point_of(query)
    found = lookup.locate_position(position, query["coord_type"], query["accuracy"])
    if found is None:
        raise NotFoundError("outside_service_area", "该位置不在本市服务范围内。")
    return json_response(wire.location_dict(found))


@blueprint.route("/regions/<string:code>")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, wire.RegionWire)
def read_region(code: str) -> Response:
    """读取区划

    一个区划；撤销的区划也能读到，并指出承接者。
    """
    return json_response(wire.region_dict(lookup.read_region(code)))
