"""The mini-program code of a session, for posters: it opens the session's page. Not the code that signs in."""

import uuid

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response
from wxapi.scenes.wire import CodeWire
from wxapi.training.services import browse
from wxapi.training.views.routes import ONE, blueprint


@blueprint.route(f"{ONE}/mini-program-code")
@guard(Permission.TRAINING_ORGANISE)
@blueprint.response(200, CodeWire)
def read_mini_program_code(session_id: uuid.UUID) -> Response:
    """场次的小程序码

    印在邀请和海报上的小程序码，打开的是场次页面，不能用来签到。
    """
    code = browse.mini_program_code(current_actor(), session_id, now=runtime().clock.now())
    return json_response({"url": code.url, "scene": code.scene})
