"""The wire of the audit."""

from typing import Any

from marshmallow import fields

from wxapi.kernel.clock import day_begins, to_wire
from wxapi.platform.audit_reading import AuditLine, AuditQuestion
from wxapi.platform.refusals import RefusedAttempt
from wxapi.platform.wire import Day, ListedCode, PageQuery, PlainWord, WireSchema


class AuditQuery(PageQuery):
    subject = PlainWord(load_default=None, max_length=100, metadata={"description": "对象，如 region:421002001001"})
    actor = fields.UUID(load_default=None, metadata={"description": "操作人"})
    action = PlainWord(
        load_default=None, max_length=60, metadata={"description": "操作，或其开头：appointment 表示全部 appointment.…"}
    )
    from_ = Day(load_default=None, data_key="from", metadata={"description": "起始日期"})
    to = Day(load_default=None, metadata={"description": "截止日期（不含）"})


class AuditLineWire(WireSchema):
    id = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    action = ListedCode("audit_actions", required=True)
    subject = fields.String(required=True, metadata={"description": "对象，如 report:…"})
    actor_id = fields.UUID(required=True, allow_none=True, metadata={"description": "操作人；空为系统或匿名"})
    address = fields.String(
        required=True, allow_none=True, metadata={"description": "客户端地址，保留约半年；匿名操作不记录"}
    )
    detail = fields.Dict(required=True, metadata={"description": "仅含编号和代码"})
    request_id = fields.String(
        required=True, allow_none=True, metadata={"description": "请求编号，由服务端生成，与日志对应"}
    )


class AuditPage(WireSchema):
    items = fields.List(fields.Nested(AuditLineWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class RefusalQuery(PageQuery):
    from_ = Day(load_default=None, data_key="from", metadata={"description": "起始日期，默认最近 7 天"})


class RefusalWire(WireSchema):
    hour = fields.DateTime(required=True, metadata={"description": "按小时合计"})
    endpoint = fields.String(required=True, metadata={"description": "接口名；* 为合并计数"})
    code = fields.String(required=True, metadata={"description": "错误码"})
    address = fields.String(required=True, metadata={"description": "客户端地址"})
    actor_id = fields.UUID(required=True, allow_none=True, metadata={"description": "已登录的人员"})
    count = fields.Integer(required=True, metadata={"description": "次数"})
    first_at = fields.DateTime(required=True)
    last_at = fields.DateTime(required=True)


class RefusalPage(WireSchema):
    items = fields.List(fields.Nested(RefusalWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def audit_question(query: dict[str, Any]) -> AuditQuestion:
    """What is asked for; days are Asia/Shanghai's."""
    days = {
        name: day_begins(query[field]) if query[field] else None
        for name, field in (("since", "from_"), ("until", "to"))
    }
    return AuditQuestion(subject=query["subject"], actor_id=query["actor"], action=query["action"], **days)


def line_dict(line: AuditLine) -> dict[str, Any]:
    """An `AuditLineWire`."""
    row = line.row
    return {
        "id": row.id,
        "at": to_wire(row.at),
        "action": row.action,
        "subject": row.subject,
        "actor_id": str(row.actor_id) if row.actor_id else None,
        "address": line.address,
        "detail": row.detail,
        "request_id": row.request_id,
    }


def refusal_dict(row: RefusedAttempt) -> dict[str, Any]:
    """A `RefusalWire`."""
    return {
        "hour": to_wire(row.hour),
        "endpoint": row.endpoint,
        "code": row.code,
        "address": row.address,
        "actor_id": str(row.actor_id) if row.actor_id else None,
        "count": row.count,
        "first_at": to_wire(row.first_at),
        "last_at": to_wire(row.last_at),
    }
