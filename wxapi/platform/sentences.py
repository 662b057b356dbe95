"""Chinese for what marshmallow says of bad input: people read these sentences under a form's fields.

marshmallow keeps its English defaults in class attributes and offers them for replacement; this is done once, here.
"""

from typing import Any

from marshmallow import fields, schema, validate

UNKNOWN_FIELD = "未知字段。"
_FIELDS: dict[type[Any], dict[str, str]] = {
    fields.Field: {
        "required": "必填。",
        "null": "不能为空。",
        "validator_failed": "内容无效。",
    },
    fields.Nested: {"type": "格式不正确。"},
    fields.List: {"invalid": "应为列表。"},
    fields.String: {"invalid": "应为文本。", "invalid_utf8": "文本编码不正确。"},
    fields.UUID: {"invalid_uuid": "编号无效。"},
    fields.Number: {"invalid": "应为数字。", "too_large": "数字过大。"},
    fields.Integer: {"invalid": "应为整数。"},
    fields.Float: {"special": "应为有效数字。"},
    fields.Boolean: {"invalid": "应为 true 或 false。"},
    fields.DateTime: {
        "invalid": "时间格式不正确。",
        "invalid_awareness": "时间须带时区。",
        "format": "时间格式不正确。",
    },
    fields.AwareDateTime: {"invalid": "时间格式不正确。", "invalid_awareness": "时间须带时区。"},
    fields.Date: {"invalid": "日期格式不正确。", "format": "日期格式不正确。"},
    fields.Dict: {"invalid": "格式不正确。"},
    fields.Enum: {"unknown": "只能是：{choices}。"},
}
_SCHEMA = {
    "type": "格式不正确。",
    "unknown": UNKNOWN_FIELD,
}


class Characters(validate.Length):
    """How long a text may be."""

    message_min = "至少 {min} 个字。"
    message_max = "最多 {max} 个字。"
    message_all = "应为 {min}–{max} 个字。"
    message_equal = "应为 {equal} 个字。"


def install() -> None:
    """Replace the English defaults; harmless when repeated."""
    for kind, sentences in _FIELDS.items():
        kind.default_error_messages = {**kind.default_error_messages, **sentences}
    schema.Schema.error_messages = {**schema.Schema.error_messages, **_SCHEMA}
    # Of lists; of texts: `Characters`.
    validate.Length.message_min = "至少 {min} 项。"
    validate.Length.message_max = "最多 {max} 项。"
    validate.Length.message_all = "应为 {min}–{max} 项。"
    validate.Length.message_equal = "应为 {equal} 项。"
    # Doubled braces: marshmallow formats these twice.
    validate.Range.message_min = "不能小于 {{min}}。"
    validate.Range.message_max = "不能大于 {{max}}。"
    validate.Range.message_all = "应在 {{min}} 与 {{max}} 之间。"
    validate.OneOf.default_message = "只能是：{choices}。"
    validate.Regexp.default_message = "格式不正确。"
