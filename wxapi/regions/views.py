"""The tree of regions, and where a point lies."""

from typing import Any

from flask import Response

from wxapi.kernel.coordinates import Point
from wxapi.kernel.paging import decode_cursor, page_of
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.wire import json_response, page_response
from wxapi.regions import schemas, service

blueprint = ApiBlueprint("regions", __name__, description="区域与定位")


@blueprint.route("/regions")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(schemas.RegionsQuery, location="query")
@blueprint.response(200, schemas.RegionPage)
def list_regions(query: dict[str, Any]) -> Response:
    """The regions right below a parent, by code; without a parent the cities."""
    after = decode_cursor(query["cursor"], str)[0] if query["cursor"] else None
    found = service.list_regions(query["parent"], after=after, limit=query["limit"])
    return page_response(page_of(found, query["limit"], lambda region: [region.code]), schemas.region_dict)


@blueprint.route("/regions/locate")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(schemas.LocateQuery, location="query")
@blueprint.response(200, schemas.LocationWire)
def locate(query: dict[str, Any]) -> Response:
    """The village and grid a point lies in, and the other villages near it. Outside: 404 outside_service_area."""
    position = Point(query["longitude"], query["latitude"])
    found = service.locate_position(position, query["coord_type"], query["accuracy"])
    return json_response(schemas.location_dict(found))


@blueprint.route("/regions/<string:code>")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, schemas.RegionWire)
def read_region(code: str) -> Response:
    """One region."""
    return json_response(schemas.region_dict(service.read_region(code)))
