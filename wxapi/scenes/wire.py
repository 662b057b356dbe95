"""The wire of mini-program codes."""

from marshmallow import fields

from wxapi.platform.wire import WireSchema


class CodeWire(WireSchema):
    url = fields.String(required=True, metadata={"description": "signed address of the picture"})
    scene = fields.String(required=True)


class SceneWire(WireSchema):
    kind = fields.String(required=True, metadata={"description": "`region`, `training_session`, …"})
    id = fields.String(required=True, metadata={"description": "a region's code, or a training session's id"})
    name = fields.String(
        required=True, allow_none=True, metadata={"description": "a region's full name; a session tells its own"}
    )
