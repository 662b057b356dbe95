"""The wire of the panorama."""

from typing import Any

from marshmallow import fields, validate

from wxapi.kernel.clock import to_wire, to_wire_or_none
from wxapi.kernel.coordinates import Datum
from wxapi.platform.wire import Choice, Line, PageQuery, PlainWord, QueryNumber, RegionCode, WireSchema
from wxapi.regions.services.lookup import tree
from wxapi.reports.rules.state import OPEN_STATES
from wxapi.supervision.queries.panorama import Control, PlaceFigures, Spot
from wxapi.supervision.services.panorama import MAP_MEASURES, Panorama, Shape, TrendPoint, class_names
from wxapi.supervision.wire.statistics import PeriodQuery, rate_dict
from wxapi.training.models import TrainingSession

_DATUMS = [Datum.GCJ02.value, Datum.WGS84.value]


class PanoramaQuery(PeriodQuery):
    region = RegionCode(load_default=None)


class TrendQuery(PanoramaQuery):
    measure = PlainWord(max_length=30, required=True)
    step = Choice(["day", "week", "month"], load_default="day")


class MapQuery(PanoramaQuery):
    level = Choice(["county", "township", "village"], load_default=None)
    measure = Choice(list(MAP_MEASURES), load_default="open")
    coord_type = Choice(_DATUMS, required=True)
    geometry = fields.Boolean(load_default=True)


class PointsQuery(WireSchema):
    west = QueryNumber(required=True, validate=validate.Range(-180, 180))
    south = QueryNumber(required=True, validate=validate.Range(-90, 90))
    east = QueryNumber(required=True, validate=validate.Range(-180, 180))
    north = QueryNumber(required=True, validate=validate.Range(-90, 90))
    coord_type = Choice(_DATUMS, required=True)
    state = Choice(["open", *OPEN_STATES], load_default="open")


class ResourcesQuery(PanoramaQuery, PageQuery):
    kind = PlainWord(
        max_length=60,
        load_default=None,
        validate=validate.Regexp(
            r"^(session|venue|station|listing|activity)(,(session|venue|station|listing|activity))*$",
            error="只能是：session, venue, station, listing, activity，可用英文逗号分隔。",
        ),
    )
    q = Line(max_length=50, load_default=None)


class ResourceWire(WireSchema):
    kind = fields.String(required=True, validate=validate.OneOf(["session"]))
    id = fields.UUID(required=True)
    title = fields.String(required=True)
    region = fields.Dict(required=True)
    place = fields.String(required=True, allow_none=True)
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    url = fields.String(required=True)


class ResourcePage(WireSchema):
    items = fields.List(fields.Nested(ResourceWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PanoramaWire(WireSchema):
    region = fields.Dict(required=True)
    from_ = fields.Date(required=True, data_key="from")
    to = fields.Date(required=True)
    as_of = fields.AwareDateTime(required=True)
    online = fields.Dict(required=True)
    control = fields.Dict(required=True)
    hands = fields.Dict(required=True)
    resources = fields.Dict(required=True)


class TrendWire(WireSchema):
    points = fields.List(fields.Dict(), required=True)


class FeatureCollectionWire(WireSchema):
    class Meta:
        unknown = "include"

    type = fields.Constant("FeatureCollection", required=True)
    coord_type = fields.String(required=True, validate=validate.OneOf(_DATUMS))
    features = fields.List(fields.Dict(), required=True)


class PointsWire(WireSchema):
    items = fields.List(fields.Dict(), required=True)
    coord_type = fields.String(required=True, validate=validate.OneOf(_DATUMS))
    truncated = fields.Boolean(required=True)


def panorama_dict(found: Panorama, sessions_7d: int) -> dict[str, Any]:
    """`GET /panorama`. Whistles, notices, bookings and places are 0 until they are there."""
    region = tree()[found.region]
    return {
        "region": {"code": region.code, "name": region.name, "full_name": region.full_name},
        "from": found.since.isoformat(),
        "to": found.until.isoformat(),
        "as_of": to_wire(found.as_of),
        "online": _online(found),
        "control": _control(found.control),
        "hands": {
            "open_duties": found.control.open,
            "by_type": found.control.by_type,
            "oldest_due_at": to_wire_or_none(found.control.oldest_due_at),
        },
        "resources": {
            "sessions_7d": sessions_7d,
            "bookings_7d": 0,
            "venues_open_now": 0,
            "stations_open_now": 0,
            "needs_open": 0,
            "resources_open": 0,
        },
    }


def _online(found: Panorama) -> dict[str, Any]:
    regions, names = tree(), class_names([row.key for row in found.by_class])
    return {
        "filed": found.filed,
        "closed": found.closed,
        "open": found.open,
        "on_hold": found.on_hold,
        "by_class": [
            {"code": row.key, "name": names[row.key], "filed": row.filed, "open": row.open} for row in found.by_class
        ],
        "by_place": [_place(row, regions[row.key].name) for row in found.by_place],
        "rates": {name: rate_dict(rate) for name, rate in found.rates.items()},
    }


def _place(row: PlaceFigures, name: str) -> dict[str, Any]:
    return {"code": row.key, "name": name, "filed": row.filed, "open": row.open, "overdue": row.overdue}


def _control(control: Control) -> dict[str, Any]:
    return {
        "due_today": control.due_today,
        "blue": control.blue,
        "yellow": control.yellow,
        "red": control.red,
        "rung_200": control.rung_200,
        "whistles": {"open": 0, "unsigned": 0, "late": 0, "declined": 0},
        "notices_open": 0,
    }


def trend_dict(points: list[TrendPoint]) -> dict[str, Any]:
    """`TrendWire`."""
    return {
        "points": [{"from": point.since, "num": point.num, "den": point.den, "value": point.value} for point in points]
    }


def map_dict(shapes: list[Shape], measure: str, datum: str) -> dict[str, Any]:
    """`FeatureCollectionWire`: RFC 7946 with `wgs84`, a foreign member names the datum either way."""
    return {
        "type": "FeatureCollection",
        "coord_type": datum,
        "measure": measure,
        "features": [
            {
                "type": "Feature",
                "id": shape.code,
                "geometry": shape.geometry,
                "properties": {
                    "code": shape.code,
                    "name": shape.name,
                    "value": getattr(shape.figures, measure),
                    "filed": shape.figures.filed,
                    "open": shape.figures.open,
                    "overdue": shape.figures.overdue,
                    "reopened": shape.figures.reopened,
                },
            }
            for shape in shapes
        ],
    }


def points_dict(spots: list[Spot], datum: str, *, truncated: bool) -> dict[str, Any]:
    """`PointsWire`."""
    names = class_names([spot.category_code for spot in spots])
    return {
        "items": [
            {
                "id": str(spot.id),
                "number": spot.number,
                "category": {"code": spot.category_code, "name": names[spot.category_code]},
                "state": spot.state,
                "card": spot.card,
                "longitude": round(spot.position.longitude, 7),
                "latitude": round(spot.position.latitude, 7),
            }
            for spot in spots
        ],
        "coord_type": datum,
        "truncated": truncated,
    }


def session_resource(row: TrainingSession) -> dict[str, Any]:
    """A session as a `ResourceWire`."""
    region = tree().get(row.region_code)
    return {
        "kind": "session",
        "id": str(row.id),
        "title": row.title,
        "region": {"code": row.region_code, "name": region.name if region else row.region_code},
        "place": row.place,
        "starts_at": to_wire(row.starts_at),
        "ends_at": to_wire(row.ends_at),
        "url": f"/t/{row.id}",
    }
