"""What WeChat held back or did not judge, for officers to decide; and the words behind a mask."""

import uuid
from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform import idempotency
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import PageQuery, json_response, page_response
from wxapi.reports.services import moderate, originals
from wxapi.reports.wire.moderation import queue_item, words_dict
from wxapi.reports.wire.moderation_schemas import CheckPage, DecisionBody, OriginalWords, QueuedCheck

blueprint = ApiBlueprint("moderation", __name__, description="内容审核")


@blueprint.route("/moderation/queue")
@guard(Permission.MODERATE)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, CheckPage)
def read_queue(query: dict[str, Any]) -> Response:
    """Texts and pictures of my regions that a person has to look at, the longest waiting first."""
    page = moderate.queue_page(current_actor(), limit=query["limit"], cursor=query["cursor"])
    return page_response(page, queue_item)


@blueprint.route("/moderation/<uuid:check_id>/decision", methods=["POST"])
@guard(Permission.MODERATE)
@blueprint.arguments(DecisionBody, example={"decision": "show"})
@blueprint.response(200, QueuedCheck)
def decide(body: dict[str, Any], check_id: uuid.UUID) -> Response:
    """Show it to other citizens, or hide it; reporter and desk see it either way."""
    entry = moderate.decide(current_actor(), check_id, body["decision"], now=runtime().clock.now())
    return json_response(queue_item(entry))


@blueprint.route("/reports/<uuid:report_id>/original", methods=["POST"])
@guard(Permission.SIGNED_IN)
@idempotency.never_kept
@blueprint.response(200, OriginalWords)
def open_original(report_id: uuid.UUID) -> Response:
    """What the reporter typed, personal data included, for the desk that needs it. Each opening is on record."""
    words = originals.open_for_desk(current_actor(), report_id, now=runtime().clock.now())
    return json_response(words_dict(words))
