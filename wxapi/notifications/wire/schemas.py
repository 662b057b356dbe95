"""The wire of the inbox, the templates and WeChat's pushes."""

from marshmallow import fields

from wxapi.platform.wire import ListedCode, PageQuery, PlainWord, WireSchema


class InboxQuery(PageQuery):
    unread = fields.Boolean(load_default=False)


class Subject(WireSchema):
    type = ListedCode("message_subjects", required=True)
    id = fields.String(required=True)


class MessageSchema(WireSchema):
    id = fields.UUID(required=True)
    kind = ListedCode("message_kinds", required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    subject = fields.Nested(Subject, required=True)
    created_at = fields.DateTime(required=True)
    read_at = fields.DateTime(required=True, allow_none=True)


class MessagePage(WireSchema):
    items = fields.List(fields.Nested(MessageSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class TemplateSchema(WireSchema):
    kind = ListedCode("message_kinds", required=True)
    template_id = fields.String(required=True)
    long_term = fields.Boolean(required=True)
    granted = fields.Integer(required=True)


class TemplatePage(WireSchema):
    items = fields.List(fields.Nested(TemplateSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def _parameter(longest: int) -> PlainWord:
    return PlainWord(required=True, min_length=0, max_length=longest)


class UrlCheck(WireSchema):
    signature = _parameter(64)
    timestamp = _parameter(16)
    nonce = _parameter(64)
    echostr = _parameter(512)


class PushQuery(WireSchema):
    msg_signature = _parameter(64)
    timestamp = _parameter(16)
    nonce = _parameter(64)


class PushBody(WireSchema):
    """What WeChat adds one day is let through."""

    class Meta(WireSchema.Meta):
        unknown = "exclude"

    encrypted = PlainWord(required=True, data_key="Encrypt", min_length=0, max_length=250_000)
