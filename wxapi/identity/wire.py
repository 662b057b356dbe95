"""The wire of identity. Answers are made by the plain functions below; the schemas document and test them."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from wxapi.identity.rules import NICKNAME_MAX, TOKEN_IDLE, PersonKind, WebLoginState
from wxapi.identity.services.appointments import Appointed
from wxapi.identity.services.login import LoggedIn
from wxapi.identity.services.personal_data import Everything
from wxapi.identity.services.profile import Profile
from wxapi.identity.services.roster import Listed
from wxapi.identity.services.sessions import SignedIn
from wxapi.kernel.clock import to_wire
from wxapi.kernel.permissions import Role
from wxapi.platform.wire import Line, PageQuery, PlainWord, RegionCode, WireSchema
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
    kind = fields.Enum(PersonKind, by_value=True, required=True, allow_none=True)
    phone_masked = fields.String(required=True, allow_none=True)
    appointments = fields.List(fields.Nested(MyAppointment), required=True)
    consent = fields.Nested(Consent, required=True, allow_none=True)


class ChangeMe(WireSchema):
    nickname = Line(required=True, max_length=NICKNAME_MAX)
    kind = fields.Enum(PersonKind, by_value=True, load_default=None, allow_none=True)
    consent_version = PlainWord(load_default=None, allow_none=True, max_length=32)


class EverythingWire(WireSchema):
    """One member a feature; what each holds is said in its page under docs/."""

    class Meta:
        unknown = "include"

    generated_at = fields.DateTime(required=True)
    me = fields.Dict(required=True)


class LoginSessionWire(WireSchema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["phone", "browser"]))
    browser = fields.String(required=True, allow_none=True)
    place = fields.String(required=True, allow_none=True)
    since = fields.DateTime(required=True)
    last_used_at = fields.DateTime(required=True)
    current = fields.Boolean(required=True, metadata={"description": "the one that asks"})


class LoginSessionPage(WireSchema):
    items = fields.List(fields.Nested(LoginSessionWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class Accepted(WireSchema):
    state = fields.Constant("accepted", required=True)


class WxCode(WireSchema):
    code = PlainWord(required=True, max_length=512)


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
    name = fields.String(required=True, allow_none=True)
    post = fields.String(required=True, allow_none=True)


class PeopleQuery(WireSchema):
    region = RegionCode(required=True)
    q = Line(load_default=None, min_length=2, max_length=50, metadata={"description": "姓名或职务，至少两个字"})


class PersonWire(WireSchema):
    """Somebody a city's list names for an office; `user_id` once they have logged in with that phone."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    post = fields.String(required=True)
    phone_masked = fields.String(required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    region = fields.Nested(RegionRef, required=True)
    user_id = fields.UUID(required=True, allow_none=True)


class PeoplePage(WireSchema):
    items = fields.List(fields.Nested(PersonWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


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


class WebLoginQuestion(WireSchema):
    what = fields.String(required=True, metadata={"description": "one sentence for the phone's screen"})
    browser = fields.String(required=True)
    place = fields.String(required=True)
    at = fields.DateTime(required=True)
    numbers = fields.List(fields.Integer(), required=True, metadata={"description": "one of them is on the screen"})


class WebLoginNumber(WireSchema):
    number = fields.Integer(required=True, strict=True, validate=validate.Range(10, 99))


class WebLoginAnswer(WireSchema):
    state = fields.Enum(WebLoginState, by_value=True, required=True)


def me_dict(profile: Profile) -> dict[str, Any]:
    """A `Me`."""
    consent = {"version": profile.consent_version, "at": to_wire(profile.consent_at)} if profile.consent_at else None
    return {
        "id": str(profile.id),
        "nickname": profile.nickname,
        "kind": profile.kind,
        "phone_masked": profile.phone_masked,
        "appointments": [
            {
                "role": office.role,
                "region": {"code": office.region_code, "name": office.region_name},
                "unit": _unit(office.unit_code, office.unit_name),
            }
            for office in profile.offices
        ],
        "consent": consent,
    }


def login_dict(answer: LoggedIn) -> dict[str, Any]:
    """A `Login`."""
    return {
        "access_token": answer.token,
        "token_type": "Bearer",
        "expires_in": int(TOKEN_IDLE.total_seconds()),
        "user": me_dict(answer.profile),
    }


def session_dict(found: SignedIn) -> dict[str, Any]:
    """A `LoginSessionWire`."""
    return {
        "id": str(found.id),
        "kind": "phone" if found.browser is None else "browser",
        "browser": found.browser,
        "place": found.place,
        "since": to_wire(found.created_at),
        "last_used_at": to_wire(found.last_used_at),
        "current": found.is_this,
    }


def everything_dict(held: Everything) -> dict[str, Any]:
    """An `EverythingWire`: the features' own parts stand beside `me`."""
    return {"generated_at": to_wire(held.at), "me": {**me_dict(held.profile), **held.opened}, **held.parts}


def appointment_dict(found: Appointed) -> dict[str, Any]:
    """An `AppointmentWire`."""
    row = found.row
    return {
        "id": str(row.id),
        "user": {"id": str(row.user_id), "nickname": found.nickname, "name": found.name, "post": found.post},
        "role": row.role,
        "region": {"code": row.region_code, "name": found.region_name},
        "unit": _unit(row.unit_code, found.unit_name),
        "starts_on": row.starts_on.isoformat(),
        "ends_on": row.ends_on.isoformat() if row.ends_on else None,
    }


def person_dict(person: Listed) -> dict[str, Any]:
    """A `PersonWire`."""
    return {
        "id": str(person.id),
        "name": person.name,
        "post": person.post,
        "phone_masked": person.phone_masked,
        "role": person.role,
        "region": {"code": person.region_code, "name": person.region_name},
        "user_id": str(person.user_id) if person.user_id else None,
    }


def _unit(code: str | None, name: str | None) -> dict[str, Any] | None:
    return {"code": code, "name": name} if code else None
