"""The wire of units and matters."""

from typing import Any

from marshmallow import fields, validate

from wxapi.platform.wire import Day, Line, PageQuery, PlainWord, RegionCode, WireSchema
from wxapi.units.models import Matter
from wxapi.units.queries import UnitView
from wxapi.units.rules import LONGEST_CODE, MAX_NAME, MatterKind, UnitField, UnitKind

_LONGEST_SEARCH = 50
# A region's code, alone or with a suffix.
_UNIT_CODE = validate.Regexp(
    r"^[0-9]{4}([0-9]{2}([0-9]{3}([0-9]{3}([0-9]{3})?)?)?)?(-[a-z0-9]{2,12})?$(?!\n)", error="单位代码无效。"
)


class UnitCode(PlainWord):
    """The code of a unit."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=28, validate=_UNIT_CODE, **kwargs)


class UnitRegion(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    full_name = fields.String(required=True)


class UnitWire(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.Enum(UnitKind, by_value=True, required=True)
    field = fields.Enum(UnitField, by_value=True, required=True, allow_none=True)
    region = fields.Nested(UnitRegion, required=True)
    closed_on = fields.Date(required=True, allow_none=True)
    successor_code = fields.String(required=True, allow_none=True)


class UnitPage(WireSchema):
    items = fields.List(fields.Nested(UnitWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class UnitsQuery(PageQuery):
    region = RegionCode(load_default=None)
    kind = fields.Enum(UnitKind, by_value=True, load_default=None)
    q = Line(max_length=_LONGEST_SEARCH, load_default=None)


class NewUnitBody(WireSchema):
    region_code = RegionCode(required=True)
    suffix = Line(required=True, min_length=1, max_length=LONGEST_CODE)
    name = Line(required=True, min_length=1, max_length=MAX_NAME)
    kind = fields.Enum(UnitKind, by_value=True, required=True)
    field = fields.Enum(UnitField, by_value=True, load_default=None, allow_none=True)


class ChangeUnitBody(WireSchema):
    name = Line(required=True, min_length=1, max_length=MAX_NAME)
    field = fields.Enum(UnitField, by_value=True, load_default=None, allow_none=True)


class CloseUnitBody(WireSchema):
    on = Day(required=True)
    successor_code = UnitCode(load_default=None, allow_none=True)


class MattersQuery(PageQuery):
    region = RegionCode(required=True)
    q = Line(max_length=_LONGEST_SEARCH, load_default=None)


class MatterWire(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.Enum(MatterKind, by_value=True, required=True)
    lead_unit_code = fields.String(required=True, allow_none=True)


class MatterPage(WireSchema):
    items = fields.List(fields.Nested(MatterWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def unit_dict(unit: UnitView) -> dict[str, Any]:
    """`<unit>` of the contract."""
    return {
        "code": unit.code,
        "name": unit.name,
        "kind": unit.kind.value,
        "field": unit.field,
        "region": {"code": unit.region_code, "name": unit.region_name, "full_name": unit.region_full_name},
        "closed_on": unit.closed_on.isoformat() if unit.closed_on else None,
        "successor_code": unit.successor_code,
    }


def matter_dict(matter: Matter) -> dict[str, Any]:
    """A `MatterWire`."""
    return {
        "code": matter.code,
        "name": matter.name,
        "kind": matter.kind,
        "lead_unit_code": matter.lead_unit_code,
    }
