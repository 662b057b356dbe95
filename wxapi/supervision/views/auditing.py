"""The audit: who did what from where, and what was refused."""

from datetime import timedelta
from typing import Any

from flask import Response

from wxapi.kernel.clock import day_begins
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import page_response
from wxapi.supervision.services import auditing
from wxapi.supervision.wire import auditing as wire

blueprint = ApiBlueprint("auditing", __name__, description="审计")


@blueprint.route("/audit")
@guard(Permission.AUDIT)
@blueprint.arguments(wire.AuditQuery, location="query")
@blueprint.response(200, wire.AuditPage)
def read_audit(query: dict[str, Any]) -> Response:
    """审计记录

    何人何时从何地址对何对象做了什么，最新的在前；查阅本身留痕，仅市级审计员可见。
    """
    page = auditing.read_audit(
        current_actor(),
        wire.audit_question(query),
        limit=query["limit"],
        cursor=query["cursor"],
        now=runtime().clock.now(),
    )
    return page_response(page, wire.line_dict)


@blueprint.route("/audit/refusals")
@guard(Permission.AUDIT)
@blueprint.arguments(wire.RefusalQuery, location="query")
@blueprint.response(200, wire.RefusalPage)
def read_refusals(query: dict[str, Any]) -> Response:
    """被拒绝的尝试

    登录失败、登录失效（401）和越权（403），按小时、地址和接口合计，最近的小时在前。
    """
    now = runtime().clock.now()
    day = query["from_"]
    since = day_begins(day) if day else now - timedelta(days=7)
    page = auditing.read_refusals(current_actor(), since=since, limit=query["limit"], cursor=query["cursor"], now=now)
    return page_response(page, wire.refusal_dict)
