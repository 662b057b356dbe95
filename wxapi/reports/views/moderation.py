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
    """待审内容

    本人辖区内须由人工判断的文字和照片，等待最久的在前。
    """
    page = moderate.queue_page(current_actor(), limit=query["limit"], cursor=query["cursor"])
    return page_response(page, queue_item)


@blueprint.route("/moderation/<uuid:check_id>/decision", methods=["POST"])
@guard(Permission.MODERATE)
@blueprint.arguments(DecisionBody, example={"decision": "show"})
@blueprint.response(200, QueuedCheck)
def decide(body: dict[str, Any], check_id: uuid.UUID) -> Response:
    """审核

    允许或不允许其他群众看到；上报人和承办单位总能看到。
    """
    entry = moderate.decide(current_actor(), check_id, body["decision"], now=runtime().clock.now())
    return json_response(queue_item(entry))


@blueprint.route("/reports/<uuid:report_id>/original", methods=["POST"])
@guard(Permission.SIGNED_IN)
@idempotency.never_kept
@blueprint.response(200, OriginalWords)
def open_original(report_id: uuid.UUID) -> Response:
    """查看原文

    上报人所写的原文，包括个人信息，供承办单位办理；每次查看都有记录。
    """
    words = originals.open_for_desk(current_actor(), report_id, now=runtime().clock.now())
    return json_response(words_dict(words))
