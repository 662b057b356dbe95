"""The work inbox, duties, and appeals against cards."""

import uuid
from typing import Any

from flask import Response

from wxapi.duties import wire
from wxapi.duties.queries.lists import DutyFilter
from wxapi.duties.services import appeal as appeals
from wxapi.duties.services import work
from wxapi.duties.services.appeal import NewAppeal
from wxapi.kernel.permissions import Permission
from wxapi.platform.db import db
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import conditional, items_response, json_response, page_response

blueprint = ApiBlueprint("duties", __name__, description="待办与督办牌")


@blueprint.route("/work")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(wire.WorkQuery, location="query")
@blueprint.response(200, {"anyOf": [wire.DutyPage, wire.MyItemPage]})
def read_work(query: dict[str, Any]) -> Response:
    """我的待办

    `scope=unit` 为本单位未办事项，先到期的在前；`scope=mine` 为等待本人处理的事项。
    """
    actor, now = current_actor(), runtime().clock.now()
    if query["scope"] == "mine":
        return items_response(map(wire.my_item_dict, work.work_of_me(actor, now=now)))
    state = {True: "overdue", False: "in_time", None: "open"}[query["overdue"]]
    wanted = DutyFilter(subject_type=query["type"], state=state)
    page = work.work_of_units(actor, wanted, limit=query["limit"], cursor=query["cursor"], now=now)
    return page_response(page, wire.duty_dict)


@blueprint.route("/work/counts")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, wire.WorkCountsWire)
@blueprint.alt_response(304, description="没有变化。")
def count_work() -> Response:
    """待办数量

    带 ETag，可以在每次打开小程序时请求。
    """
    counts = work.count_work(current_actor(), now=runtime().clock.now())
    return conditional(json_response(wire.counts_dict(counts)))


@blueprint.route("/duties")
@guard(Permission.WORK)
@blueprint.arguments(wire.DutiesQuery, location="query")
@blueprint.response(200, wire.DutyPage)
def list_duties(query: dict[str, Any]) -> Response:
    """应办事项

    本单位及下级单位的应办事项，先到期的在前。
    """
    page = work.list_duties(
        current_actor(),
        wire.filter_of(query),
        limit=query["limit"],
        cursor=query["cursor"],
        now=runtime().clock.now(),
    )
    return page_response(page, wire.duty_dict)


@blueprint.route("/duties/<uuid:duty_id>")
@guard(Permission.WORK)
@blueprint.response(200, wire.DutyDetailWire)
def read_duty(duty_id: uuid.UUID) -> Response:
    """读取应办事项

    一件应办事项及其计时、督办牌和申诉。
    """
    found = appeals.read_duty(db.session(), current_actor(), duty_id, now=runtime().clock.now())
    return json_response(wire.detail_dict(found, current_actor().user_id))


@blueprint.route("/duties/<uuid:duty_id>/appeal", methods=["POST"])
@guard(Permission.WORK)
@blueprint.arguments(wire.AppealBody, example={"note": "该处已于 11 月 20 日移交产权单位。", "photo_ids": []})
@blueprint.response(200, wire.DutyDetailWire)
def appeal(body: dict[str, Any], duty_id: uuid.UUID) -> Response:
    """督办牌申诉

    亮牌后限期内（默认 5 个工作日）可以申诉，只有一次。
    """
    wanted = NewAppeal(body["note"], tuple(body["photo_ids"]))
    found = appeals.appeal(current_actor(), duty_id, wanted, now=runtime().clock.now())
    return json_response(wire.detail_dict(found, current_actor().user_id))


@blueprint.route("/duties/<uuid:duty_id>/appeal/decision", methods=["POST"])
@guard(Permission.WORK)
@blueprint.arguments(wire.AppealDecisionBody, example={"decision": "lift", "note": "情况属实，撤销。"})
@blueprint.response(200, wire.DutyDetailWire)
def decide_appeal(body: dict[str, Any], duty_id: uuid.UUID) -> Response:
    """处理申诉

    维持或撤销督办牌。
    """
    found = appeals.decide_appeal(current_actor(), duty_id, **body, now=runtime().clock.now())
    return json_response(wire.detail_dict(found, current_actor().user_id))
