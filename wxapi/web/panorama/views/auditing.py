"""审计: the record and what was refused, for auditors."""

from datetime import timedelta
from typing import Any

from flask import Response, request

from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import Permission
from wxapi.platform import openapi
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.openapi_answers import sentence_of
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import PageQuery
from wxapi.supervision.rules.audit_words import AUDIT_ACTIONS
from wxapi.supervision.services import auditing
from wxapi.supervision.wire.auditing import AuditQuery, audit_question
from wxapi.web.kit import forms
from wxapi.web.kit.render import page
from wxapi.web.panorama.blueprint import room

_MOST = 50
_REFUSED_DAYS = 30


@room.get("/audit")
@guard(Permission.AUDIT)
def show_audit() -> Response:
    """The record, newest first; without a query the last 30 days."""
    now = runtime().clock.now()
    given = {name: value for name, value in request.args.items() if value}
    query: dict[str, Any] = forms.load(AuditQuery, given)
    query["from_"] = query["from_"] or (query["to"] or local_day(now)) - timedelta(days=30)
    forms.chosen("action", *AUDIT_ACTIONS)  # the call takes any name: a client may know acts of a later release
    found = auditing.read_audit(current_actor(), audit_question(query), limit=_MOST, cursor=query["cursor"], now=now)
    return page(
        "panorama/audit.html",
        lines=found.items,
        next_cursor=found.next_cursor,
        query=query,
        actions=sorted(AUDIT_ACTIONS.items(), key=lambda each: each[1]),
        words_of=AUDIT_ACTIONS,
    )


@room.get("/audit/refusals")
@guard(Permission.AUDIT)
def show_refusals() -> Response:
    """What was refused within the last 30 days."""
    now = runtime().clock.now()
    cursor = forms.load(PageQuery, {name: value for name, value in request.args.items() if value})["cursor"]
    since = now - timedelta(days=_REFUSED_DAYS)
    found = auditing.read_refusals(current_actor(), since=since, limit=_MOST, cursor=cursor, now=now)
    operations = (each for item in openapi.document()["paths"].values() for each in item.values())
    calls = {each["operationId"]: each["summary"] for each in operations if "operationId" in each}
    return page(
        "panorama/refusals.html",
        rows=found.items,
        next_cursor=found.next_cursor,
        days=_REFUSED_DAYS,
        calls=calls,
        sentences={row.code: sentence_of(row.code) for row in found.items},
    )
