"""How regions and units are named inside other answers."""

from typing import Any

from marshmallow import fields

from wxapi.platform.wire import WireSchema


class RegionRef(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)


class UnitRef(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)


def unit_dict(code: str | None, name: str | None) -> dict[str, Any] | None:
    """A `UnitRef`, or None without a unit."""
    return {"code": code, "name": name} if code else None
