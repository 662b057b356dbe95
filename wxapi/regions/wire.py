"""The wire of regions. Answers are made by the plain functions below; the schemas document and test them."""

from typing import Any

from marshmallow import fields, validate

from wxapi.platform.position import LARGEST_ACCURACY_M, PositionQuery
from wxapi.platform.wire import PageQuery, QueryNumber, RegionCode, WireSchema
from wxapi.regions.rules.index import Location
from wxapi.regions.rules.levels import Level
from wxapi.regions.rules.tree import RegionInfo


class RegionWire(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    level = fields.Enum(Level, by_value=True, required=True)
    parent_code = fields.String(required=True, allow_none=True)
    full_name = fields.String(required=True)
    path = fields.List(fields.String(), required=True)
    closed_on = fields.Date()
    successor_code = fields.String()


class RegionPage(WireSchema):
    items = fields.List(fields.Nested(RegionWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RegionsQuery(PageQuery):
    parent = RegionCode(load_default=None)


class LocateQuery(PositionQuery):
    accuracy = QueryNumber(
        load_default=0.0,
        validate=validate.Range(0, LARGEST_ACCURACY_M),
    )


class CandidateWire(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    full_name = fields.String(required=True)
    distance_m = fields.Float(required=True)


class LocationWire(WireSchema):
    village = fields.Nested(RegionWire, required=True)
    grid = fields.Nested(RegionWire, required=True, allow_none=True)
    township = fields.Nested(RegionWire, required=True)
    county = fields.Nested(RegionWire, required=True)
    candidates = fields.List(fields.Nested(CandidateWire), required=True)
    distance_to_border_m = fields.Float(required=True)


def region_dict(region: RegionInfo) -> dict[str, Any]:
    """A `RegionWire`."""
    return {
        "code": region.code,
        "name": region.name,
        "level": region.level.value,
        "parent_code": region.parent_code,
        "full_name": region.full_name,
        "path": list(region.path),
        **_closure(region),
    }


def _closure(region: RegionInfo) -> dict[str, Any]:
    if region.closure is None:
        return {}
    found = {"closed_on": region.closure.closed_on.isoformat(), "successor_code": region.closure.successor_code}
    return {name: value for name, value in found.items() if value is not None}


def location_dict(location: Location) -> dict[str, Any]:
    """A `LocationWire`; distances in metres, to the centimetre."""
    return {
        "village": region_dict(location.village),
        "grid": region_dict(location.grid) if location.grid else None,
        "township": region_dict(location.township),
        "county": region_dict(location.county),
        "candidates": [
            {
                "code": candidate.region.code,
                "name": candidate.region.name,
                "full_name": candidate.region.full_name,
                "distance_m": round(candidate.distance_m, 2),
            }
            for candidate in location.candidates
        ],
        "distance_to_border_m": round(location.distance_to_border_m, 2),
    }
