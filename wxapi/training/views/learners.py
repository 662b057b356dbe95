"""My training, and who has had none."""

from typing import Any

from flask import Response

from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response
from wxapi.training.services import own_training, untrained
from wxapi.training.views.routes import blueprint
from wxapi.training.wire import answers, json, requests


@blueprint.route("/me/training")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(requests.YearQuery, location="query")
@blueprint.response(200, answers.MyTrainingWire)
def my_training(query: dict[str, Any]) -> Response:
    """我的学时

    本人一个公历年的场次、学时与目标。
    """
    return json_response(json.my_year_dict(own_training.my_year(current_actor(), **query, now=runtime().clock.now())))


@blueprint.route("/training/coverage")
@guard(Permission.TRAINING_COVERAGE)
@blueprint.arguments(requests.CoverageQuery, location="query")
@blueprint.response(200, answers.CoverageWire)
def coverage(query: dict[str, Any]) -> Response:
    """轮训覆盖

    自某日以来还没有参加轮训的任职人员：各乡镇（街道）的数字，以及分页的名单。
    """
    found = untrained.coverage(current_actor(), **query, now=runtime().clock.now())
    return json_response(json.coverage_dict(found))
