"""What is sent."""

from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, missing, validate, validates_schema

from wxapi.kernel.coordinates import to_gcj02
from wxapi.kernel.permissions import Role
from wxapi.platform.position import PositionBody, point_of
from wxapi.platform.problems import validation_failed
from wxapi.platform.wire import Boolean, Choice, Day, Line, Number, PageQuery, PlainWord, RegionCode, Text, WireSchema
from wxapi.training.rules.attendance import FlagDecision, RollDecision, State
from wxapi.training.rules.audience import Audience
from wxapi.training.rules.codes import MAX_CODE_LENGTH
from wxapi.training.rules.geofence import MAX_RADIUS_M, MIN_RADIUS_M, Fix, fix_of
from wxapi.training.rules.sessions import MAX_CAPACITY, Plan, TrainingKind
from wxapi.training.services.correct_roll import MAX_BULK
from wxapi.training.services.signing_in import Attempt
from wxapi.training.services.steward_batch import MAX_ITEMS, Item, Result

MAX_DEVICE_ID = 128
MAX_ITEM_KEY = 64
_KEY = PlainWord(required=True, max_length=MAX_ITEM_KEY)


def _tenths(hours: float) -> None:
    if round(hours, 1) != hours:
        raise ValidationError("最多一位小数。")


class HallPosition(PositionBody):
    picked_by = PlainWord(load_default=None, allow_none=True, min_length=0, max_length=40)


class AudienceBody(WireSchema):
    """All three empty: everybody. Region and role together: an appointment that meets both."""

    region_codes = fields.List(RegionCode(), load_default=list)
    roles = fields.List(fields.Enum(Role, by_value=True), load_default=list)
    user_ids = fields.List(fields.UUID(), load_default=list)


class SessionBody(WireSchema):
    title = Line(required=True, min_length=1, max_length=100)
    kind = fields.Enum(TrainingKind, by_value=True, required=True)
    region_code = RegionCode(required=True)
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    place = Text(load_default="", max_length=200)
    location = fields.Nested(HallPosition, load_default=None, allow_none=True)
    radius_m = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(MIN_RADIUS_M, MAX_RADIUS_M)
    )
    capacity = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, MAX_CAPACITY))
    credit_hours = Number(
        load_default=None,
        allow_none=True,
        validate=[validate.Range(0, 500), _tenths],
    )
    audience = fields.Nested(AudienceBody, load_default=None, allow_none=True)
    sign_in_opens_min = fields.Integer(load_default=30, strict=True, validate=validate.Range(0, 1440))
    late_after_min = fields.Integer(load_default=10, strict=True, validate=validate.Range(0, 1440))
    sign_out = Boolean(load_default=False)
    offline_hours = fields.Integer(load_default=24, strict=True, validate=validate.Range(0, 168))
    series_id = fields.UUID(load_default=None, allow_none=True)
    parallel = Boolean(
        load_default=False,
    )


class SessionChange(SessionBody):
    version = fields.Integer(load_default=None, allow_none=True, strict=True)


class SeriesBody(WireSchema):
    title = Line(required=True, min_length=1, max_length=100)
    region_code = RegionCode(required=True)


class SessionsQuery(PageQuery):
    scope = Choice(["open", "mine", "organised"], load_default="open")


class CodeBody(WireSchema):
    code = PlainWord(required=True, max_length=MAX_CODE_LENGTH)


class _Evidence(fields.Nested):
    """Where a phone says it is: a `Fix`. What is no position is none; it does not refuse the request around it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Fix | None:
        return fix_of(value)


class SignInBody(WireSchema):
    code = PlainWord(load_default=None, allow_none=True, max_length=MAX_CODE_LENGTH)
    ticket = PlainWord(load_default=None, allow_none=True, max_length=MAX_CODE_LENGTH)
    client_time = fields.AwareDateTime(load_default=None, allow_none=True)
    location = _Evidence(
        HallPosition,
        load_default=None,
        allow_none=True,
    )
    device_id = PlainWord(load_default=None, allow_none=True, min_length=0, max_length=MAX_DEVICE_ID)

    @validates_schema
    def one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("code") is None) == (data.get("ticket") is None):
            raise ValidationError("code 和 ticket 必须且只能提供一个。", "code")


class BatchItem(WireSchema):
    key = PlainWord(required=True, max_length=MAX_ITEM_KEY)
    client_time = fields.AwareDateTime(required=True)
    user_id = fields.UUID(load_default=None, allow_none=True)
    code = PlainWord(load_default=None, allow_none=True, max_length=MAX_CODE_LENGTH)

    @validates_schema
    def somebody(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("user_id") is None and data.get("code") is None:
            raise ValidationError("user_id 和 code 至少提供一个。", "user_id")


class _EachAlone(fields.Nested):
    """An item that is refused by itself, and leaves the rest of the batch alone: an `Item`, or its `Result` already.

    Only an item without a usable key, whose refusal nobody could find in the answer, is an error of the whole body.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, partial: Any = None, **kwargs: Any) -> Any:
        given = value.get("key", missing) if isinstance(value, dict) else None
        try:
            key = str(_KEY.deserialize(given))
        except ValidationError as error:
            raise ValidationError({"key": error.messages}) from error
        try:
            return Item(**super()._deserialize(value, attr, data, partial=partial, **kwargs))
        except ValidationError as error:
            return Result(key, validation_failed(error.messages_dict))


class BatchBody(WireSchema):
    items = fields.List(_EachAlone(BatchItem), required=True, validate=validate.Length(1, MAX_ITEMS))


class CorrectionBody(WireSchema):
    state = Choice([state.value for state in State], required=True)
    reason = Text(required=True, min_length=1, max_length=200)
    made_up_in = fields.UUID(load_default=None, allow_none=True)


class BulkBody(WireSchema):
    state = Choice([state.value for state in State], required=True)
    reason = Text(required=True, min_length=1, max_length=200)
    user_ids = fields.List(fields.UUID(), load_default=None, allow_none=True, validate=validate.Length(1, MAX_BULK))
    late_uploads = Boolean(load_default=False)


class ReasonBody(WireSchema):
    reason = Text(required=True, min_length=1, max_length=200)


class LeaveDecisionBody(WireSchema):
    decision = fields.Enum(RollDecision, by_value=True, required=True)
    note = Text(load_default="", max_length=200)


class FlagDecisionBody(WireSchema):
    decision = fields.Enum(FlagDecision, by_value=True, required=True)
    note = Text(load_default="", max_length=200)


class RollQuery(PageQuery):
    state = fields.Enum(State, by_value=True, load_default=None)
    late_upload = fields.Boolean(load_default=None)
    walk_in = fields.Boolean(load_default=None)
    q = Line(load_default=None, max_length=30)


class FlagQuery(PageQuery):
    decided = fields.Boolean(load_default=False, allow_none=True)


class LeaveQuery(PageQuery):
    pending = fields.Boolean(load_default=True)


class YearQuery(WireSchema):
    year = fields.Integer(load_default=None, validate=validate.Range(2000, 2100))


class CoverageQuery(PageQuery):
    region = RegionCode(load_default=None)
    since = Day(required=True)


class CertificateBody(WireSchema):
    session_id = fields.UUID(load_default=None, allow_none=True)
    year = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(2000, 2100))

    @validates_schema
    def one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("session_id") is None) == (data.get("year") is None):
            raise ValidationError("session_id 和 year 必须且只能提供一个。", "session_id")


def plan_of(body: dict[str, Any]) -> Plan:
    """A validated session body as the plan the service takes.

    Raises:
        InvalidError: `outside_service_area`, the place is not in China.
    """
    place, meant = body["location"], body["audience"] or {"region_codes": [], "roles": [], "user_ids": []}
    shaped = {"location", "audience", "version", "credit_hours"}
    hours = body["credit_hours"]
    return Plan(
        **{name: value for name, value in body.items() if name not in shaped},
        credit_hours=None if hours is None else Decimal(str(hours)),
        position=to_gcj02(point_of(place), place["coord_type"]) if place else None,
        audience=Audience(
            tuple(dict.fromkeys(meant["region_codes"])), frozenset(meant["roles"]), frozenset(meant["user_ids"])
        ),
    )


def attempt_of(body: dict[str, Any]) -> Attempt:
    """A validated sign-in body as the service takes it."""
    return Attempt(body["code"], body["ticket"], body["client_time"], body["location"], body["device_id"])
