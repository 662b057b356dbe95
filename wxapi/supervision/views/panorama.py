"""全景在线: figures, trend, map, points, and what is on."""

from datetime import timedelta
from typing import Any

from flask import Response

from wxapi.kernel.clock import day_begins, local_day
from wxapi.kernel.coordinates import Datum, Point
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import Permission
from wxapi.platform.db import db
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import conditional, json_response, page_response
from wxapi.supervision.queries.periods import refuse_reversed
from wxapi.supervision.queries.resources import sessions_begin, sessions_open_to
from wxapi.supervision.services import panorama
from wxapi.supervision.services.statistics import Question
from wxapi.supervision.wire import panorama as wire

blueprint = ApiBlueprint("panoramas", __name__, description="全景在线")
_WEEK = timedelta(days=7)


@blueprint.route("/panorama")
@guard(Permission.STATISTICS)
@blueprint.arguments(wire.PanoramaQuery, location="query")
@blueprint.response(200, wire.PanoramaWire)
@blueprint.alt_response(304, description="没有变化。")
def read_panorama(query: dict[str, Any]) -> Response:
    """全景在线

    本人辖区的上报、督办、待办与资源，最多滞后 60 秒，带 ETag。
    """
    now = runtime().clock.now()
    found = panorama.read_panorama(
        current_actor(), query["region"], query["from_"], query["to"], now=now, today=local_day(now)
    )
    return conditional(
        json_response(wire.panorama_dict(found, sessions_begin(db.session(), found.region, now, now + _WEEK)))
    )


@blueprint.route("/panorama/trend")
@guard(Permission.STATISTICS)
@blueprint.arguments(wire.TrendQuery, location="query")
@blueprint.response(200, wire.TrendWire)
@blueprint.alt_response(304, description="没有变化。")
def read_trend(query: dict[str, Any]) -> Response:
    """走势

    一项指标按日、周或月的走势，最多 400 个点，带 ETag。
    """
    now = runtime().clock.now()
    found = panorama.trend(
        current_actor(),
        query["measure"],
        query["step"],
        query["region"],
        query["from_"],
        query["to"],
        now=now,
        today=local_day(now),
    )
    return conditional(json_response(wire.trend_dict(found)))


@blueprint.route("/panorama/map")
@guard(Permission.STATISTICS)
@blueprint.arguments(wire.MapQuery, location="query")
@blueprint.response(200, wire.FeatureCollectionWire)
@blueprint.alt_response(304, description="没有变化。")
def read_map(query: dict[str, Any]) -> Response:
    """地图

    下级区划的边界与数字（GeoJSON），最多滞后 60 秒，带 ETag。
    """
    now = runtime().clock.now()
    shapes = panorama.map_of(
        current_actor(),
        Question("place", "resolve", query["region"], query["level"], query["from_"], query["to"]),
        datum=Datum(query["coord_type"]),
        geometry=query["geometry"],
        now=now,
        today=local_day(now),
    )
    return conditional(json_response(wire.map_dict(shapes, query["measure"], query["coord_type"])))


@blueprint.route("/panorama/points")
@guard(Permission.STATISTICS)
@blueprint.arguments(wire.PointsQuery, location="query")
@blueprint.response(200, wire.PointsWire)
@blueprint.alt_response(304, description="没有变化。")
def read_points(query: dict[str, Any]) -> Response:
    """地图上的上报

    地图范围内未结案的上报，最多 2000 件，带 ETag。
    """
    spots, truncated = panorama.points(
        current_actor(),
        Point(query["west"], query["south"]),
        Point(query["east"], query["north"]),
        datum=Datum(query["coord_type"]),
        state=query["state"],
    )
    return conditional(json_response(wire.points_dict(spots, query["coord_type"], truncated=truncated)))


@blueprint.route("/resources")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(wire.ResourcesQuery, location="query")
@blueprint.response(200, wire.ResourcePage)
@blueprint.alt_response(304, description="没有变化。")
def list_resources(query: dict[str, Any]) -> Response:
    """活动资源

    本人可以参加的活动，最近开始的在前，带 ETag。
    """
    since = query["from_"] or local_day(runtime().clock.now())
    until = query["to"] or since + timedelta(days=30)
    refuse_reversed(since, until)
    found = sessions_open_to(
        db.session(),
        current_actor(),
        query["region"],
        day_begins(since),
        day_begins(until),
        query["q"] or None,
        limit=query["limit"],
        cursor=query["cursor"],
    )
    wanted = query["kind"]
    if wanted and "session" not in wanted.split(","):
        found = Page([], None)
    return conditional(page_response(found, wire.session_resource))
