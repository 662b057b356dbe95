"""The review queue."""

import uuid
from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform.db import db
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response, page_response
from wxapi.training.queries.reviews import name_of
from wxapi.training.services import review_flags
from wxapi.training.views.routes import ONE, ROOT, blueprint
from wxapi.training.wire import answers, json, requests

_DECISION = {"decision": "dismiss", "note": "已当面核实"}


@blueprint.route(f"{ONE}/flags")
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.FlagQuery, location="query")
@blueprint.response(200, answers.FlagPage)
def list_flags(query: dict[str, Any], session_id: uuid.UUID) -> Response:
    """签到疑点

    需要核实的签到及原因；默认只列未决定的。
    """
    return page_response(review_flags.queue(current_actor(), session_id, **query), json.flag_dict)


@blueprint.route(f"{ROOT}/flags/<uuid:flag_id>/decision", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.FlagDecisionBody, example=_DECISION)
@blueprint.response(200, answers.FlagWire)
def decide_flag(body: dict[str, Any], flag_id: uuid.UUID) -> Response:
    """核实疑点

    `dismiss` 属正常；`uphold` 签到作废。
    """
    row = review_flags.decide(current_actor(), flag_id, **body, now=runtime().clock.now())
    return json_response(json.flag_dict((row, name_of(db.session(), row.user_id))))


@blueprint.route(f"{ONE}/flags/<uuid:flag_id>/decision", methods=["POST"])
@guard(Permission.TRAINING_ORGANISE)
@blueprint.arguments(requests.FlagDecisionBody, example=_DECISION)
@blueprint.response(200, answers.FlagWire)
def decide_flag_of_session(body: dict[str, Any], session_id: uuid.UUID, flag_id: uuid.UUID) -> Response:
    """核实疑点（按场次）

    同上，路径中带场次。
    """
    row = review_flags.decide(current_actor(), flag_id, **body, session_id=session_id, now=runtime().clock.now())
    return json_response(json.flag_dict((row, name_of(db.session(), row.user_id))))
