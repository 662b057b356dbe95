"""The wire of moderation: the officers' queue, and the original words."""

from marshmallow import fields, validate

from wxapi.moderation.rules.checks import CheckKind, Decision, ShownState
from wxapi.photos.wire.schemas import PhotoSchema
from wxapi.platform.wire import WireSchema
from wxapi.reports.rules.state import Party


class DecisionBody(WireSchema):
    decision = fields.Enum(Decision, by_value=True, required=True)


class QueuedReport(WireSchema):
    id = fields.UUID(required=True)
    number = fields.String(required=True)


class QueuedCheck(WireSchema):
    id = fields.UUID(required=True)
    kind = fields.Enum(CheckKind, by_value=True, required=True)
    state = fields.Enum(ShownState, by_value=True, required=True)
    label = fields.Integer(required=True, allow_none=True)
    errcode = fields.Integer(required=True, allow_none=True)
    report = fields.Nested(QueuedReport, required=True)
    text = fields.String(required=True, allow_none=True)
    photo = fields.Nested(PhotoSchema, required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    decided_at = fields.AwareDateTime(required=True, allow_none=True)


class CheckPage(WireSchema):
    items = fields.List(fields.Nested(QueuedCheck), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class OriginalNote(WireSchema):
    at = fields.AwareDateTime(required=True)
    role = fields.String(required=True, validate=validate.OneOf([Party.REPORTER, Party.JOINER]))
    note = fields.String(required=True)


class OriginalWords(WireSchema):
    description = fields.String(required=True)
    address = fields.String(required=True, allow_none=True)
    notes = fields.List(fields.Nested(OriginalNote), required=True)
