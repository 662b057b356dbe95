"""The wire of identity. Answers are made by the plain functions below; the schemas document and test them."""

from typing import Any

from marshmallow import fields, validate

from wxapi.identity.rules import NICKNAME_MAX, TOKEN_IDLE, PersonKind, WebLoginState
from wxapi.identity.services.login import LoggedIn
from wxapi.identity.services.personal_data import Everything
from wxapi.identity.services.profile import Profile
from wxapi.identity.services.sessions import SignedIn
from wxapi.identity.wire.references import RegionRef, UnitRef, unit_dict
from wxapi.kernel.clock import to_wire
from wxapi.kernel.permissions import Role
from wxapi.platform.wire import Line, PlainWord, WireSchema


class MyAppointment(WireSchema):
    role = fields.Enum(Role, by_value=True, required=True)
    region = fields.Nested(RegionRef, required=True)
    unit = fields.Nested(UnitRef, required=True, allow_none=True)
    is_stand_in = fields.Boolean(required=True, metadata={"description": "代理他人任职，到 `ends_on` 为止"})
    ends_on = fields.Date(required=True, allow_none=True, metadata={"description": "最后一天；null：未定"})


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
    current = fields.Boolean(required=True)


class LoginSessionPage(WireSchema):
    items = fields.List(fields.Nested(LoginSessionWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class Accepted(WireSchema):
    state = fields.Constant("accepted", required=True)


class WxCode(WireSchema):
    code = PlainWord(required=True, max_length=512)


class LoginBody(WxCode):
    invitation = Line(
        load_default=None, allow_none=True, max_length=40, metadata={"description": "邀请单上的邀请码；可不填"}
    )


class InvitationBody(WireSchema):
    invitation = Line(required=True, min_length=1, max_length=40)


class Login(WireSchema):
    access_token = fields.String(required=True)
    token_type = fields.Constant("Bearer", required=True)
    expires_in = fields.Integer(required=True)
    user = fields.Nested(Me, required=True)


class ConfirmedWire(WireSchema):
    confirmed_until = fields.DateTime(required=True)


class WebLoginQuestion(WireSchema):
    what = fields.String(required=True)
    browser = fields.String(required=True)
    place = fields.String(required=True)
    at = fields.DateTime(required=True)
    numbers = fields.List(fields.Integer(), required=True)


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
                "unit": unit_dict(office.unit_code, office.unit_name),
                "is_stand_in": office.is_stand_in,
                "ends_on": office.ends_on.isoformat() if office.ends_on else None,
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
