"""The inbox, the templates a phone may ask consent for, and the address WeChat pushes to."""

import uuid
from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.notifications.services import inbox, pushes, templates
from wxapi.notifications.wire import schemas
from wxapi.notifications.wire.messages import message_dict, template_dict
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import items_response, page_response

blueprint = ApiBlueprint("notifications", __name__, description="消息与微信推送")

_MESSAGE = {
    "id": "6f1f7a52-6b0e-4d0a-9f0b-0d6b6f6f3c11",
    "kind": "report_progress",
    "title": "您的上报已受理",
    "body": "JZ-7K3M9QXT 路口垃圾箱满溢：立新社区已受理。",
    "subject": {"type": "report", "id": "0d7a5f0e-7a51-4f0e-9a55-0c7c3a2d1b11"},
    "created_at": "2026-11-23T02:00:00.000Z",
    "read_at": None,
}
_TEMPLATE = {"kind": "report_progress", "template_id": "x3mT…", "long_term": False, "granted": 2}


@blueprint.route("/me/messages")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(schemas.InboxQuery, location="query")
@blueprint.response(200, schemas.MessagePage, example={"items": [_MESSAGE], "next_cursor": None})
def read_inbox(query: dict[str, Any]) -> Response:
    """消息

    发给本人的消息，最新的在前。
    """
    page = inbox.read_inbox(current_actor(), **query, now=runtime().clock.now())
    return page_response(page, message_dict)


@blueprint.route("/me/messages/<uuid:message_id>/read", methods=["POST"])
@guard(Permission.SIGNED_IN)
@blueprint.response(204)
def mark_read(message_id: uuid.UUID) -> None:
    """标为已读

    记下本人已读这条消息。
    """
    inbox.mark_read(current_actor(), message_id, now=runtime().clock.now())


@blueprint.route("/message-templates")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, schemas.TemplatePage, example={"items": [_TEMPLATE], "next_cursor": None})
def list_templates() -> Response:
    """订阅消息模板

    `wx.requestSubscribeMessage` 可以请求的模板；用户的选择由微信推送给服务端，小程序不必上报。
    """
    return items_response(template_dict(row, granted) for row, granted in templates.list_templates(current_actor()))


@blueprint.route("/wechat/push")
@guard(Permission.PUBLIC)
@blueprint.arguments(schemas.UrlCheck, location="query")
@blueprint.response(200, content_type="text/plain")
def check_url(query: dict[str, Any]) -> Response:
    """验证推送地址

    供微信后台验证消息推送的地址，原样返回 `echostr`。小程序不调用。
    """
    echo = query.pop("echostr")
    pushes.answer_url_check(**query, now=runtime().clock.now())
    return Response(echo, content_type="text/plain; charset=utf-8")


@blueprint.route("/wechat/push", methods=["POST"])
@guard(Permission.PUBLIC)
@blueprint.arguments(schemas.PushQuery, location="query")
@blueprint.arguments(schemas.PushBody, example={"Encrypt": "4j/AuRx71kQl…"})
@blueprint.response(200, content_type="text/plain")
def receive_push(query: dict[str, Any], body: dict[str, Any]) -> Response:
    """接收微信推送

    微信推送的事件（安全模式），立即答复，随后由后台处理。小程序不调用。
    """
    pushes.receive(**query, encrypted=body["encrypted"], now=runtime().clock.now())
    return Response("success", content_type="text/plain; charset=utf-8")
