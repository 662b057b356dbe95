"""Mine: what I filed or joined, what waits for me, and what I was told."""

import uuid
from datetime import datetime
from typing import Any

from flask import Response, request

from wxapi.duties.rules.messages import CARD, WORK_DUE
from wxapi.duties.services.appeal import read_duty
from wxapi.kernel.errors import NotFoundError
from wxapi.kernel.permissions import Permission
from wxapi.notifications.models import Message
from wxapi.notifications.services.inbox import mark_read, read_inbox
from wxapi.platform.db import db
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.reports.queries.lists import PageRequest
from wxapi.reports.rules.messages import DESK_TASK, REPORT_CARD
from wxapi.reports.services.lists import my_reports
from wxapi.reports.services.read import read_report
from wxapi.reports.services.work import waiting_reports
from wxapi.web.kit.drafts import owner_mark
from wxapi.web.kit.forms import chosen
from wxapi.web.kit.render import page, see
from wxapi.web.phone.blueprint import room

_ROWS = 20
_INBOX = "/m?tab=inbox"
# Messages to those who work on a report.
_OF_OFFICES = frozenset({DESK_TASK.code, REPORT_CARD.code})
# Messages whose step names a duty: `duty:<id>:<what>`.
_OF_DUTIES = frozenset({WORK_DUE.code, CARD.code})


@room.get("/m")
@guard(Permission.SIGNED_IN)
def show_mine() -> Response:
    """My reports, or with `?tab=inbox` my messages."""
    actor, now, cursor = current_actor(), runtime().clock.now(), request.args.get("cursor")
    unread = read_inbox(actor, unread=True, limit=_ROWS, cursor=None, now=now)
    tab = chosen("tab", "inbox", "reports") or "reports"
    shared: dict[str, Any] = {
        "tab": tab,
        "unread": f"{len(unread.items)}{'+' if unread.next_cursor else ''}" if unread.items else None,
        "owner": owner_mark(),
    }
    if tab == "inbox":
        messages = read_inbox(actor, unread=False, limit=_ROWS, cursor=cursor, now=now)
        return page("phone/inbox.html", messages=messages.items, next_cursor=messages.next_cursor, **shared)
    reports = my_reports(actor, PageRequest(_ROWS, cursor), now=now)
    waiting = [] if cursor else waiting_reports(actor, now=now)
    return page("phone/mine.html", reports=reports.items, next_cursor=reports.next_cursor, waiting=waiting, **shared)


@room.post("/m/messages/<uuid:message_id>")
@guard(Permission.SIGNED_IN)
def open_message(message_id: uuid.UUID) -> Response:
    """Note that a message was read, and go to what it is about."""
    now = runtime().clock.now()
    return see(_about(mark_read(current_actor(), message_id, now=now), now))


def _about(message: Message, now: datetime) -> str:
    """Where a message leads: never to a page that its reader may not open any more."""
    actor = current_actor()
    kind, _, subject_id = message.subject.partition(":")
    if message.kind in _OF_DUTIES:
        return _duty(uuid.UUID(message.step.split(":")[1]), now)
    if kind == "report":
        try:
            number = read_report(actor, uuid.UUID(subject_id), now=now).number
        except NotFoundError:
            return _INBOX
        at_desk = message.kind in _OF_OFFICES and actor.may(Permission.DESK)
        return f"/desk/r/{number}" if at_desk else f"/m/r/{number}"
    if kind == "people_import" and not actor.may(Permission.APPOINT):
        return _INBOX
    return {
        "session": f"/t/{subject_id}",
        "browser": "/account",
        "appointment": "/account",
        "people_import": f"/desk/people/imports/{subject_id}",
    }.get(kind, _INBOX)


def _duty(duty_id: uuid.UUID, now: datetime) -> str:
    actor = current_actor()
    try:
        read_duty(db.session(), actor, duty_id, now=now)
    except NotFoundError:  # it lies with another unit now
        return _INBOX
    return f"/work/{duty_id}" if actor.may(Permission.WORK) else _INBOX
