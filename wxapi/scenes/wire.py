"""The wire of mini-program codes."""

from marshmallow import fields

from wxapi.platform.wire import ListedCode, WireSchema


class CodeWire(WireSchema):
    url = fields.String(required=True)
    scene = fields.String(required=True)


class SceneWire(WireSchema):
    kind = ListedCode("scene_kinds", required=True)
    id = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
