"""The wire of photos. Answers are made by `wire.photos`; the schemas here document and test them."""

from flask_smorest.fields import Upload
from marshmallow import ValidationError, fields
from werkzeug.datastructures import FileStorage

from wxapi.photos.rules.photos import PhotoState, RejectionCode
from wxapi.platform.wire import PlainWord, WireSchema


def _is_file(value: object) -> None:
    """A part with a file; a text field of the same name is none."""
    if not isinstance(value, FileStorage):
        raise ValidationError("请以文件形式上传照片。")


class UploadBody(WireSchema):
    file = Upload(required=True, validate=_is_file)
    sha256 = PlainWord(
        load_default=None,
        min_length=0,
        max_length=128,
    )


class Rejection(WireSchema):
    code = fields.Enum(RejectionCode, by_value=True, required=True)
    detail = fields.String(required=True)


class VariantSchema(WireSchema):
    url = fields.Url(required=True)
    width = fields.Integer(required=True)
    height = fields.Integer(required=True)
    bytes = fields.Integer(required=True)


class Variants(WireSchema):
    large = fields.Nested(VariantSchema)
    medium = fields.Nested(VariantSchema)
    thumb = fields.Nested(VariantSchema)


class PhotoSchema(WireSchema):
    id = fields.UUID(required=True)
    sha256 = fields.String(required=True, allow_none=True)
    bytes = fields.Integer(required=True, allow_none=True)
    state = fields.Enum(PhotoState, by_value=True, required=True)
    rejection = fields.Nested(Rejection, required=True, allow_none=True)
    width = fields.Integer(required=True, allow_none=True)
    height = fields.Integer(required=True, allow_none=True)
    variants = fields.Nested(Variants, required=True)
