"""The wire of appointments."""

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from wxapi.identity.services.office_reading import Appointed
from wxapi.identity.wire.references import RegionRef, UnitRef, unit_dict
from wxapi.kernel.permissions import Role
from wxapi.platform.wire import Choice, Day, PageQuery, RegionCode, WireSchema
from wxapi.units.wire import UnitCode


class NewAppointmentBody(WireSchema):
    user_id = fields.UUID(required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    # One of the two: a unit for a unit officer, a region for every other role.
    region_code = RegionCode(load_default=None, allow_none=True)
    unit_code = UnitCode(load_default=None, allow_none=True)
    starts_on = Day(load_default=None, allow_none=True)
    ends_on = Day(load_default=None, allow_none=True)

    @validates_schema
    def _one_of_the_two(self, data: dict[str, Any], **_: Any) -> None:
        one_place(data)


class AppointedUser(WireSchema):
    id = fields.UUID(required=True)
    nickname = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    post = fields.String(required=True, allow_none=True)


class StandsInFor(WireSchema):
    id = fields.UUID(required=True, metadata={"description": "被代理的任职"})
    name = fields.String(required=True, metadata={"description": "被代理人姓名；名单中没有时为空"})


class AppointmentWire(WireSchema):
    id = fields.UUID(required=True)
    user = fields.Nested(AppointedUser, required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    region = fields.Nested(RegionRef, required=True)
    unit = fields.Nested(UnitRef, required=True, allow_none=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, allow_none=True)
    stands_in_for = fields.Nested(
        StandsInFor, required=True, allow_none=True, metadata={"description": "代理任职：代理谁的哪项任职；否则为 null"}
    )


class AppointmentPage(WireSchema):
    items = fields.List(fields.Nested(AppointmentWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class AppointmentQuery(PageQuery):
    region = RegionCode(load_default=None)
    unit = UnitCode(load_default=None)
    when = Choice(
        ["now", "coming"], load_default="now", metadata={"description": "now：现任；coming：尚未到任（含将开始的代理）"}
    )


class EndBody(WireSchema):
    last_day = Day(required=True, metadata={"description": "任职的最后一天，今天或以后"})


class MoveBody(WireSchema):
    region_code = RegionCode(load_default=None, allow_none=True)
    unit_code = UnitCode(load_default=None, allow_none=True)
    on = Day(load_default=None, allow_none=True, metadata={"description": "新任职的第一天；默认今天"})

    @validates_schema
    def _one_of_the_two(self, data: dict[str, Any], **_: Any) -> None:
        one_place(data)


class StandInBody(WireSchema):
    user_id = fields.UUID(required=True)
    from_ = Day(required=True, data_key="from")
    to = Day(required=True, metadata={"description": "代理的最后一天；最长一年"})


def one_place(data: dict[str, Any]) -> None:
    """Refuse both a region and a unit, and neither."""
    if (data.get("region_code") is None) == (data.get("unit_code") is None):
        raise ValidationError({"region_code": ["区划与单位须填且只填一个。"]})


def appointment_dict(found: Appointed) -> dict[str, Any]:
    """An `AppointmentWire`."""
    row = found.row
    return {
        "id": str(row.id),
        "user": {"id": str(row.user_id), "nickname": found.nickname, "name": found.name, "post": found.post},
        "role": row.role,
        "region": {"code": row.region_code, "name": found.region_name},
        "unit": unit_dict(row.unit_code, found.unit_name),
        "starts_on": row.starts_on.isoformat(),
        "ends_on": row.ends_on.isoformat() if row.ends_on else None,
        "stands_in_for": {"id": str(row.stands_in_for), "name": found.stands_in_for} if row.stands_in_for else None,
    }
