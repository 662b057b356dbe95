"""A position on the wire, for all that send, ask or are told one."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from wxapi.kernel.coordinates import Datum, Point
from wxapi.platform.wire import Number, QueryNumber, WireSchema

# A reading worse than this, in metres, is no reading.
LARGEST_ACCURACY_M = 1_000_000
_LONGITUDE, _LATITUDE = validate.Range(-180, 180), validate.Range(-90, 90)
_ACCURACY = validate.Range(0, LARGEST_ACCURACY_M)
_GCJ02 = Datum.GCJ02.value


def _datum() -> fields.Field[Any]:
    # No default: a mix-up moves a point by 600 m, a third of all points into the wrong village.
    return fields.Enum(Datum, by_value=True, required=True, validate=validate.OneOf([Datum.GCJ02, Datum.WGS84]))


class PositionBody(WireSchema):
    """A position in a JSON body; `accuracy` is the phone's own word, in metres."""

    longitude = Number(required=True, validate=_LONGITUDE)
    latitude = Number(required=True, validate=_LATITUDE)
    coord_type = _datum()
    accuracy = Number(load_default=None, allow_none=True, validate=_ACCURACY)


class PositionQuery(WireSchema):
    """A position in a query."""

    longitude = QueryNumber(required=True, validate=_LONGITUDE)
    latitude = QueryNumber(required=True, validate=_LATITUDE)
    coord_type = _datum()


class PositionAnswer(WireSchema):
    """A position as answers tell it: GCJ-02, what WeChat's map draws."""

    longitude = fields.Float(required=True)
    latitude = fields.Float(required=True)
    coord_type = fields.Constant(_GCJ02, required=True)


def point_of(given: Mapping[str, Any]) -> Point:
    """The point of a loaded body or query, in the datum that it names as `coord_type`."""
    return Point(given["longitude"], given["latitude"])


def position_dict(point: Point) -> dict[str, Any]:
    """A `PositionAnswer` of a point in GCJ-02."""
    return {"longitude": point.longitude, "latitude": point.latitude, "coord_type": _GCJ02}
