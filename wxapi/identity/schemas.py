"""The wire of identity. Answers are made by plain functions; their schemas here document and test them."""

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from wxapi.identity.rules import NICKNAME_MAX, Kind
from wxapi.kernel.permissions import Role
from wxapi.platform.wire import Line, PageQuery, RegionCode, WireSchema, Word
from wxapi.units.wire import UnitCode


class RegionRef(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)


class UnitRef(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)


class MyAppointment(WireSchema):
    role = fields.Enum(Role, by_value=True, required=True)
    region = fields.Nested(RegionRef, required=True)
    unit = fields.Nested(UnitRef, required=True, allow_none=True)


class Consent(WireSchema):
    version = fields.String(required=True)
    at = fields.DateTime(required=True)


class Me(WireSchema):
    id = fields.UUID(required=True)
    nickname = fields.String(required=True)
    kind = fields.Enum(Kind, by_value=True, required=True, allow_none=True)
    phone_masked = fields.String(required=True, allow_none=True)
    appointments = fields.List(fields.Nested(MyAppointment), required=True)
    consent = fields.Nested(Consent, required=True, allow_none=True)


class ChangeMe(WireSchema):
    nickname = Line(required=True, max_length=NICKNAME_MAX)
    kind = fields.Enum(Kind, by_value=True, load_default=None, allow_none=True)
    consent_version = Word(load_default=None, allow_none=True, max_length=32)


class Everything(WireSchema):
    """One member a feature; what each holds is said in its page under docs/."""

    class Meta:
        unknown = "include"

    generated_at = fields.DateTime(required=True)
    me = fields.Dict(required=True)


class Accepted(WireSchema):
    state = fields.Constant("accepted", required=True)


class WxCode(WireSchema):
    code = Word(required=True, max_length=512)


class Login(WireSchema):
    access_token = fields.String(required=True)
    token_type = fields.Constant("Bearer", required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "seconds"})
    user = fields.Nested(Me, required=True)


class NewAppointmentBody(WireSchema):
    user_id = fields.UUID(required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    # One of the two: a unit for a unit officer, a region for every other role.
    region_code = RegionCode(load_default=None, allow_none=True)
    unit_code = UnitCode(load_default=None, allow_none=True)
    starts_on = fields.Date(load_default=None, allow_none=True)
    ends_on = fields.Date(load_default=None, allow_none=True)

    @validates_schema
    def _one_of_the_two(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("region_code") is None) == (data.get("unit_code") is None):
            raise ValidationError({"region_code": ["区划与单位须填且只填一个。"]})


class AppointedUser(WireSchema):
    id = fields.UUID(required=True)
    nickname = fields.String(required=True)


class AppointmentWire(WireSchema):
    id = fields.UUID(required=True)
    user = fields.Nested(AppointedUser, required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    region = fields.Nested(RegionRef, required=True)
    unit = fields.Nested(UnitRef, required=True, allow_none=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, allow_none=True)


class AppointmentPage(WireSchema):
    items = fields.List(fields.Nested(AppointmentWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class AppointmentQuery(PageQuery):
    region = RegionCode(load_default=None)
    unit = UnitCode(load_default=None)
