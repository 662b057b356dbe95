"""The wire of one report. Answers are made by `wire.report`; their schemas here document and test them."""

from typing import Any

from marshmallow import fields, validate

from wxapi.kernel.permissions import Role
from wxapi.moderation.rules.checks import CheckKind, ShownState
from wxapi.photos.wire.schemas import PhotoSchema
from wxapi.platform.action_wire import CODE_WORD, input_fields, photo_ids
from wxapi.platform.position import PositionAnswer, PositionBody, point_of
from wxapi.platform.wire import Choice, ListedCode, PlainWord, RegionCode, Text, WireSchema
from wxapi.reports.rules import workflow
from wxapi.reports.rules.action_input import MAX_PHOTOS, ActionInput, ActionRequest
from wxapi.reports.rules.state import Party, ReportState
from wxapi.reports.services.file import Draft

MAX_DESCRIPTION = 500
MAX_ADDRESS = 200


class LocationBody(PositionBody):
    picked_by = PlainWord(
        load_default=None,
        allow_none=True,
        max_length=40,
        validate=CODE_WORD,
    )


class FileBody(WireSchema):
    category_code = PlainWord(required=True, max_length=10)
    description = Text(required=True, min_length=1, max_length=MAX_DESCRIPTION)
    photo_ids = photo_ids(MAX_PHOTOS)
    location = fields.Nested(LocationBody, required=True)
    address = Text(load_default=None, allow_none=True, max_length=MAX_ADDRESS)
    region_code = RegionCode(
        load_default=None,
        allow_none=True,
    )


# An action, the version of the report it was decided on, and what the action needs (see the table).
ActionBody = WireSchema.from_dict(
    {
        "action": Choice(workflow.ACTIONS, offered=workflow.PUBLIC_ACTIONS, required=True),
        "version": fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1)),
        **input_fields(ActionInput),
    },
    name="ActionBody",
)


class MeTooBody(WireSchema):
    photo_ids = photo_ids(MAX_PHOTOS)


class CategoryRef(WireSchema):
    code = fields.String(required=True, metadata={"example": "E0102"})
    name = fields.String(required=True, metadata={"example": "暴露垃圾"})


class PlaceRef(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    full_name = fields.String(required=True)


class CandidateRef(PlaceRef):
    distance_m = fields.Float(required=True)


class DeskRef(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)


class ReporterRef(WireSchema):
    label = fields.String(required=True)
    is_me = fields.Boolean(required=True)


class ActedBy(WireSchema):
    role = fields.String(required=True, validate=validate.OneOf([*Role, Party.REPORTER, Party.JOINER, Party.SYSTEM]))
    label = fields.String(required=True)


class TimelineEntry(WireSchema):
    at = fields.AwareDateTime(required=True)
    action = ListedCode("actions", required=True)
    from_state = fields.Enum(ReportState, by_value=True, required=True, allow_none=True)
    to_state = fields.Enum(ReportState, by_value=True, required=True)
    by = fields.Nested(ActedBy, required=True)
    note = fields.String(required=True, allow_none=True)
    photos = fields.List(fields.Nested(PhotoSchema), required=True)


class CheckMark(WireSchema):
    id = fields.UUID(required=True)
    kind = fields.Enum(CheckKind, by_value=True, required=True)
    photo_id = fields.UUID(required=True, allow_none=True)
    state = fields.Enum(ShownState, by_value=True, required=True)


class ModerationMark(WireSchema):
    """How far the checks of a report's words and pictures have come."""

    text = fields.Enum(ShownState, by_value=True, required=True)
    checks = fields.List(fields.Nested(CheckMark), required=True)


class ReportFacts(WireSchema):
    """What a report shows of itself, in a list and alone."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.Enum(ReportState, by_value=True, required=True)
    category = fields.Nested(CategoryRef, required=True)
    description = fields.String(required=True)
    location = fields.Nested(PositionAnswer, required=True)
    address = fields.String(required=True, allow_none=True)
    region = fields.Nested(PlaceRef, required=True)
    grid_code = fields.String(required=True, allow_none=True)
    desk = fields.Nested(DeskRef, required=True, allow_none=True)
    respond_due_at = fields.AwareDateTime(required=True, allow_none=True)
    resolve_due_at = fields.AwareDateTime(required=True, allow_none=True)
    card = fields.String(required=True, allow_none=True, validate=validate.OneOf(["yellow", "red"]))
    merged_into = fields.UUID(required=True, allow_none=True)
    me_too_count = fields.Integer(required=True)
    reporter = fields.Nested(ReporterRef, required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class ReportSchema(ReportFacts):
    candidates = fields.List(fields.Nested(CandidateRef), required=True)
    photos = fields.List(fields.Nested(PhotoSchema), required=True)
    after_photos = fields.List(fields.Nested(PhotoSchema), required=True)
    timeline = fields.List(fields.Nested(TimelineEntry), required=True)
    available_actions = fields.List(fields.String(validate=validate.OneOf(workflow.PUBLIC_ACTIONS)), required=True)
    moderation = fields.Nested(ModerationMark)


def draft_of(body: dict[str, Any]) -> Draft:
    """A `FileBody` as the service takes it."""
    place = body["location"]
    return Draft(
        category_code=body["category_code"],
        description=body["description"],
        photo_ids=body["photo_ids"],
        point=point_of(place),
        datum=place["coord_type"],
        accuracy=place["accuracy"],
        picked_by=place["picked_by"],
        address=body["address"],
        region_code=body["region_code"],
    )


def request_of(body: dict[str, Any]) -> ActionRequest:
    """An `ActionBody` as the service takes it."""
    given = {name: value for name, value in body.items() if name not in {"action", "version"}}
    return ActionRequest(body["action"], body["version"], ActionInput(**given))
