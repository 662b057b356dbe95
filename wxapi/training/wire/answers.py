"""What is answered. Answers are made by `wire.json`; these schemas document and test them."""

from marshmallow import fields

from wxapi.identity.wire.references import RegionRef
from wxapi.kernel.permissions import Role
from wxapi.platform.position import PositionAnswer
from wxapi.platform.wire import ListedCode, WireSchema
from wxapi.training.rules.attendance import Action, FlagDecision, FlagReason, State
from wxapi.training.rules.sessions import EnrolmentState, SessionState, TrainingKind
from wxapi.training.rules.windows import Via

_FLAGS = fields.List(fields.Enum(FlagReason, by_value=True), required=True)


class AudienceWire(WireSchema):
    region_codes = fields.List(fields.String(), required=True)
    roles = fields.List(fields.Enum(Role, by_value=True), required=True)
    user_ids = fields.List(fields.UUID(), required=True)


class MyPartWire(WireSchema):
    enrolment = fields.Enum(EnrolmentState, by_value=True, required=True, allow_none=True)
    place = fields.Integer(required=True, allow_none=True)
    attendance = fields.Enum(State, by_value=True, required=True, allow_none=True)
    signed_in_at = fields.DateTime(required=True, allow_none=True)


class WarningWire(WireSchema):
    code = fields.Constant("session_overlaps", required=True)
    detail = fields.String(required=True)
    session_id = fields.UUID(required=True)


class SessionWire(WireSchema):
    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    state = fields.Enum(SessionState, by_value=True, required=True)
    series_id = fields.UUID(required=True, allow_none=True)
    title = fields.String(required=True)
    kind = fields.Enum(TrainingKind, by_value=True, required=True)
    region_code = fields.String(required=True)
    region = fields.Nested(RegionRef, required=True)
    starts_at = fields.DateTime(required=True)
    ends_at = fields.DateTime(required=True)
    place = fields.String(required=True)
    location = fields.Nested(PositionAnswer, required=True, allow_none=True)
    radius_m = fields.Integer(required=True, allow_none=True)
    capacity = fields.Integer(required=True, allow_none=True)
    credit_hours = fields.Float(required=True, allow_none=True)
    sign_in_opens_min = fields.Integer(required=True)
    late_after_min = fields.Integer(required=True)
    sign_out = fields.Boolean(required=True)
    offline_hours = fields.Integer(required=True)
    parallel = fields.Boolean(required=True)
    enrolled_count = fields.Integer(required=True)
    waiting_count = fields.Integer(required=True)
    mine = fields.Nested(MyPartWire, required=True)
    audience = fields.Nested(AudienceWire, required=True, allow_none=True)
    warnings = fields.List(fields.Nested(WarningWire), required=True)


class SessionPage(WireSchema):
    items = fields.List(fields.Nested(SessionWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class SeriesWire(WireSchema):
    id = fields.UUID(required=True)
    title = fields.String(required=True)
    region_code = fields.String(required=True)


class EnrolmentWire(WireSchema):
    id = fields.UUID(required=True)
    state = fields.Enum(EnrolmentState, by_value=True, required=True)
    place = fields.Integer(required=True, allow_none=True)
    pass_code = fields.String(required=True)


class ScreenCodeWire(WireSchema):
    code = fields.String(required=True)
    short_code = fields.String(required=True)
    expires_at = fields.DateTime(required=True)
    refresh_at = fields.DateTime(required=True)
    qr_svg = fields.String(required=True)


class TicketWire(WireSchema):
    ticket = fields.String(required=True)
    expires_at = fields.DateTime(required=True)


class SignInWire(WireSchema):
    id = fields.UUID(required=True)
    state = fields.Enum(State, by_value=True, required=True)
    signed_in_at = fields.DateTime(required=True)
    late_upload = fields.Boolean(required=True)
    flags = _FLAGS


class SignOutWire(SignInWire):
    signed_out_at = fields.DateTime(required=True)


class BatchResult(WireSchema):
    key = fields.String(required=True)
    status = fields.Integer(required=True)
    sign_in = fields.Nested(SignInWire)
    problem = fields.Dict()


class BatchWire(WireSchema):
    results = fields.List(fields.Nested(BatchResult), required=True)


class RollRowWire(WireSchema):
    id = fields.UUID(required=True)
    user_id = fields.UUID(required=True)
    name = fields.String(required=True)
    state = fields.Enum(State, by_value=True, required=True)
    walk_in = fields.Boolean(required=True)
    signed_in_at = fields.DateTime(required=True, allow_none=True)
    signed_out_at = fields.DateTime(required=True, allow_none=True)
    via = fields.Enum(Via, by_value=True, required=True, allow_none=True)
    late_upload = fields.Boolean(required=True)
    distance_m = fields.Integer(required=True, allow_none=True)
    flags = _FLAGS
    made_up_in = fields.UUID(required=True, allow_none=True)


class RollPage(WireSchema):
    items = fields.List(fields.Nested(RollRowWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class EventWire(WireSchema):
    at = fields.DateTime(required=True)
    action = fields.Enum(Action, by_value=True, required=True)
    from_state = fields.Enum(State, by_value=True, required=True, allow_none=True)
    to_state = fields.Enum(State, by_value=True, required=True)
    reason = fields.String(required=True)
    by_system = fields.Boolean(required=True)


class RollEntryWire(RollRowWire):
    history = fields.List(fields.Nested(EventWire), required=True)


class ChangedWire(WireSchema):
    changed = fields.Integer(required=True)
    missing = fields.List(
        fields.UUID(),
        required=True,
    )


class CountsWire(WireSchema):
    session_id = fields.UUID(required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class LeaveWire(WireSchema):
    id = fields.UUID(required=True)
    session_id = fields.UUID(required=True)
    user_id = fields.UUID(required=True)
    name = fields.String()
    state = ListedCode("leave_states", required=True)
    reason = fields.String(required=True)
    note = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    decided_at = fields.DateTime(required=True, allow_none=True)


class LeavePage(WireSchema):
    items = fields.List(fields.Nested(LeaveWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class FlagWire(WireSchema):
    id = fields.UUID(required=True)
    session_id = fields.UUID(required=True)
    user_id = fields.UUID(required=True, allow_none=True)
    name = fields.String(allow_none=True)
    reason = fields.Enum(FlagReason, by_value=True, required=True)
    sentence = fields.String(required=True)
    detail = fields.Dict(required=True)
    created_at = fields.DateTime(required=True)
    decision = fields.Enum(FlagDecision, by_value=True, required=True, allow_none=True)
    note = fields.String(required=True)
    decided_at = fields.DateTime(required=True, allow_none=True)


class FlagPage(WireSchema):
    items = fields.List(fields.Nested(FlagWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class MySessionWire(WireSchema):
    session_id = fields.UUID(required=True)
    title = fields.String(required=True)
    kind = fields.Enum(TrainingKind, by_value=True, required=True)
    starts_at = fields.DateTime(required=True)
    ends_at = fields.DateTime(required=True)
    state = fields.Enum(State, by_value=True, required=True)
    signed_in_at = fields.DateTime(required=True, allow_none=True)
    hours = fields.Float(required=True)


class MyTrainingWire(WireSchema):
    year = fields.Integer(required=True)
    hours = fields.Float(required=True)
    goal_hours = fields.Integer(required=True)
    sessions = fields.List(fields.Nested(MySessionWire), required=True)


class TownshipWire(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    appointed = fields.Integer(required=True)
    trained = fields.Integer(required=True)
    missing = fields.Integer(required=True)


class MissingPersonWire(WireSchema):
    user_id = fields.UUID(required=True)
    name = fields.String(required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    region = fields.Nested(RegionRef, required=True)


class CoverageWire(WireSchema):
    since = fields.Date(required=True)
    appointed = fields.Integer(required=True)
    trained = fields.Integer(required=True)
    missing = fields.Integer(required=True)
    townships = fields.List(fields.Nested(TownshipWire), required=True)
    items = fields.List(fields.Nested(MissingPersonWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class CertificateWire(WireSchema):
    id = fields.UUID(required=True)
    check_code = fields.String(required=True)
    verify_url = fields.String(required=True)
    pdf_url = fields.String(required=True)
    name = fields.String(required=True)
    title = fields.String(required=True)
    date = fields.String(required=True)
    hours = fields.Float(required=True)


class VerifiedWire(WireSchema):
    valid = fields.Constant(constant=True, required=True)
    name = fields.String(required=True)
    title = fields.String(required=True)
    date = fields.String(required=True)
    hours = fields.Float(required=True)
