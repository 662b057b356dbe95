"""Where an office holder is signed in, for administrators."""

import uuid
from typing import Any

from flask import Response

from wxapi.identity.services import sessions
from wxapi.identity.views.routes import blueprint
from wxapi.identity.wire import me as wire
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import page_response


@blueprint.route("/people/<uuid:user_id>/sessions")
@guard(Permission.APPOINT)
@blueprint.response(200, wire.LoginSessionPage)
def list_sessions_of(user_id: uuid.UUID) -> Response:
    """某人的登录

    本辖区任职人员已登录的手机和浏览器，最近使用的在前；查看留痕。普通居民的登录不可见。
    """
    found: list[Any] = sessions.list_of(current_actor(), user_id, now=runtime().clock.now())
    return page_response(Page(found, None), wire.session_dict)


@blueprint.route("/people/<uuid:user_id>/sessions", methods=["DELETE"])
@guard(Permission.APPOINT)
@blueprint.response(204)
def end_sessions_of(user_id: uuid.UUID) -> None:
    """退出某人的全部登录

    手机遗失或账号被冒用时使用：该任职人员在所有手机和浏览器上立即退出，正在进行的操作不再写入。
    """
    sessions.end_all_of(current_actor(), user_id, now=runtime().clock.now())
