"""Login, and the person's own data."""

import uuid
from typing import Any

from flask import Response, request

from wxapi.identity.rules import WebLoginState
from wxapi.identity.services import (
    confirming,
    erasure,
    invitations,
    login,
    personal_data,
    profile,
    sessions,
    web_logins,
)
from wxapi.identity.views.routes import blueprint
from wxapi.identity.wire import me as wire
from wxapi.kernel.clock import to_wire
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import Permission
from wxapi.platform import idempotency
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response, page_response


def _without_invitation() -> bool:
    """Whether a login brings no code from a slip; those that do are counted apart, so that none is guessed."""
    body = request.get_json(silent=True)
    return not (isinstance(body, dict) and body.get("invitation"))


@blueprint.route("/auth/wechat", methods=["POST"])
@guard(Permission.PUBLIC)
@limited("3000/minute")
@limited("120/hour", exempt_when=_without_invitation)
@blueprint.arguments(wire.LoginBody, example={"code": "0a1B2c3D4e5F6g7H", "invitation": None})
@blueprint.response(200, wire.Login)
def log_in(body: dict[str, Any]) -> Response:
    """微信登录

    用 `wx.login` 的 code 换登录凭证；同一 code 在 60 秒内重发，得到同一答复。带邀请单上的邀请码时随即任职；邀请码有误则
    拒绝，但登录已完成：60 秒内不带邀请码重发同一 code 即可。
    """
    now = runtime().clock.now()
    answer = login.log_in(body["code"], now=now)
    if body["invitation"]:
        invitations.redeem(answer.profile.id, body["invitation"], now=now)
        answer = login.log_in(body["code"], now=now)  # as it is now
    return json_response(wire.login_dict(answer))


@blueprint.route("/auth/logout", methods=["POST"])
@guard(Permission.SIGNED_IN)
@idempotency.never_kept  # a key is a person's, and another of their tokens is another thing to end
@blueprint.response(204)
def log_out() -> None:
    """退出登录

    本次请求的登录凭证立即失效。
    """
    login.log_out(_token())


@blueprint.route("/auth/confirm", methods=["POST"])
@guard(Permission.SIGNED_IN)
@idempotency.asks_itself
@limited("10/minute")
@blueprint.arguments(wire.WxCode, example={"code": "0a1B2c3D4e5F6g7H"})
@blueprint.response(200, wire.ConfirmedWire)
def confirm(body: dict[str, Any]) -> Response:
    """再次确认本人

    用新的 `wx.login` 的 code 确认；任命、调任、代理和导入名单前 15 分钟内须登录或确认过。
    """

    def take(openid: str) -> Response:
        until = confirming.confirm_token(current_actor(), _token(), openid, now=runtime().clock.now())
        return json_response({"confirmed_until": to_wire(until)})

    return idempotency.once_after(lambda: confirming.ask_openid(body["code"]), take)


@blueprint.route("/auth/web-logins/<string:login_id>")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, wire.WebLoginQuestion)
def read_web_login(login_id: str) -> Response:
    """读取扫码登录

    手机扫描电脑屏幕上的登录码之后，显示谁在哪里请求登录，并由本人选择电脑屏幕上的数字。
    """
    asked = web_logins.read(current_actor(), login_id, now=runtime().clock.now())
    return json_response(
        {
            "what": "确认本人操作（任职管理）" if asked.is_confirmation else "登录网页工作台",
            "browser": asked.device.browser,
            "place": asked.device.place,
            "at": to_wire(asked.at),
            "numbers": list(asked.numbers),
        }
    )


@blueprint.route("/auth/web-logins/<string:login_id>/confirm", methods=["POST"])
@guard(Permission.SIGNED_IN)
@blueprint.arguments(wire.WebLoginNumber, example={"number": 47})
@blueprint.response(200, wire.WebLoginAnswer)
def confirm_web_login(body: dict[str, Any], login_id: str) -> Response:
    """确认扫码登录

    让电脑上的浏览器以本人身份登录；数字选错时，本次登录作废。
    """
    web_logins.confirm(current_actor(), login_id, body["number"], now=runtime().clock.now())
    return json_response({"state": WebLoginState.GRANTED.value})


@blueprint.route("/auth/web-logins/<string:login_id>/refuse", methods=["POST"])
@guard(Permission.SIGNED_IN)
@blueprint.response(200, wire.WebLoginAnswer)
def refuse_web_login(login_id: str) -> Response:
    """拒绝扫码登录

    不是本人操作，本次登录作废。
    """
    web_logins.refuse(current_actor(), login_id, now=runtime().clock.now())
    return json_response({"state": WebLoginState.ENDED.value})


@blueprint.route("/me")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, wire.Me)
def read_me() -> Response:
    """本人资料

    昵称、身份、手机号（隐去中间四位）、现任职务和同意过的隐私指引。
    """
    return json_response(wire.me_dict(profile.read_me(current_actor(), now=runtime().clock.now())))


@blueprint.route("/me", methods=["PUT"])
@guard(Permission.SIGNED_IN)
@blueprint.arguments(wire.ChangeMe, example={"nickname": "小李", "kind": "courier"})
@blueprint.response(200, wire.Me)
def change_me(body: dict[str, Any]) -> Response:
    """修改本人资料

    整体替换昵称和身份；`consent_version` 记下刚同意的隐私指引版本。
    """
    return json_response(wire.me_dict(profile.change_me(current_actor(), **body, now=runtime().clock.now())))


@blueprint.route("/me/phone", methods=["POST"])
@guard(Permission.SIGNED_IN)
@idempotency.asks_itself
@limited("10/minute")
@blueprint.arguments(wire.WxCode, example={"code": "e31968a7f94cc5ee25fafc2aef2773f0bb8c3937b22520eb8ee345274d00c144"})
@blueprint.response(200, wire.Me)
def set_phone(body: dict[str, Any]) -> Response:
    """绑定手机号

    用手机号快速验证按钮给的 code 绑定手机号；在城市名单上的，随即得到名单所列的任职。
    """

    def bind(number: str) -> Response:
        return json_response(wire.me_dict(profile.set_phone(current_actor(), number, now=runtime().clock.now())))

    return idempotency.once_after(lambda: profile.ask_phone(current_actor(), body["code"]), bind)


@blueprint.route("/me/invitation", methods=["POST"])
@guard(Permission.SIGNED_IN)
@limited("10/hour")
@blueprint.arguments(wire.InvitationBody, example={"invitation": "7K3M-9Q2X-0B4T"})
@blueprint.response(200, wire.Me)
def redeem_invitation(body: dict[str, Any]) -> Response:
    """使用邀请码

    凭管理员发给本人的邀请单上的邀请码，即日任职；邀请码随即作废。每人每小时最多试 10 次。
    """
    actor, now = current_actor(), runtime().clock.now()
    invitations.redeem(actor.user_id, body["invitation"], now=now)
    return json_response(wire.me_dict(profile.read_me(actor, now=now)))


@blueprint.route("/me/data")
@guard(Permission.SIGNED_IN)
@limited("10/hour")
@blueprint.response(200, wire.EverythingWire)
def read_everything() -> Response:
    """本人的全部数据

    系统所存的关于本人的一切，一个 JSON；每项功能一个成员。
    """
    return json_response(
        wire.everything_dict(personal_data.read_everything(current_actor(), now=runtime().clock.now()))
    )


@blueprint.route("/me", methods=["DELETE"])
@guard(Permission.SIGNED_IN)
@blueprint.response(202, wire.Accepted)
def ask_erasure() -> Response:
    """注销

    立即切断与微信的联系，其余个人数据随后由后台删除；上报保留，但不再与本人相关。
    """
    erasure.ask_erasure(current_actor(), now=runtime().clock.now())
    return json_response({"state": "accepted"}, 202)


@blueprint.route("/me/sessions")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, wire.LoginSessionPage)
def list_sessions() -> Response:
    """本人的登录

    本人登录着的手机和浏览器。
    """
    found = sessions.list_sessions(current_actor(), _token(), now=runtime().clock.now())
    return page_response(Page(found, None), wire.session_dict)


@blueprint.route("/me/sessions", methods=["DELETE"])
@guard(Permission.SIGNED_IN)
@blueprint.response(204)
def end_sessions() -> None:
    """全部退出

    在所有手机和浏览器上退出，也包括这里。
    """
    sessions.end_all(current_actor(), now=runtime().clock.now())


@blueprint.route("/me/sessions/<uuid:session_id>", methods=["DELETE"])
@guard(Permission.SIGNED_IN)
@blueprint.response(204)
def end_session(session_id: uuid.UUID) -> None:
    """退出一处登录

    退出本人的一部手机或一个浏览器。
    """
    sessions.end(current_actor(), session_id, now=runtime().clock.now())


def _token() -> str:
    """What this request was signed with."""
    return request.headers["Authorization"].partition(" ")[2]
