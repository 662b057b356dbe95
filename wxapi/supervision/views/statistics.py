"""Statistics: definitions, tables of figures, bulletins."""

from typing import Any

from flask import Response

from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import Permission
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import PageQuery, conditional, json_response, page_response
from wxapi.regions.services.lookup import tree
from wxapi.supervision.services import statistics
from wxapi.supervision.wire import statistics as wire

blueprint = ApiBlueprint("statistics", __name__, description="统计")


@blueprint.route("/statistics/definitions")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, wire.DefinitionsWire)
@blueprint.alt_response(304, description="没有变化。")
def read_definitions() -> Response:
    """统计口径

    各项数与率的定义，与统计程序同出一处，带 ETag。
    """
    return conditional(json_response(wire.definitions_dict()))


@blueprint.route("/statistics")
@guard(Permission.STATISTICS)
@blueprint.arguments(wire.StatisticsQuery, location="query")
@blueprint.response(200, wire.TableWire)
@blueprint.alt_response(304, description="没有变化。")
def read_statistics(query: dict[str, Any]) -> Response:
    """统计表

    本人辖区内，按区划、类别、单位、月份或大类分组，带 ETag（数字未变即不变）。
    """
    now = runtime().clock.now()
    question = wire.question_of(query)
    table = statistics.read_statistics(current_actor(), question, now=now, today=local_day(now))
    told = wire.table_dict(table)
    return conditional(json_response(told), shows={**told, "as_of": None})


@blueprint.route("/statistics/bulletins", methods=["POST"])
@guard(Permission.STATISTICS)
@blueprint.arguments(
    wire.BulletinBody,
    example={
        "title": "2026 年 11 月网格啄木鸟办理情况通报",
        "queries": [{"group_by": "place", "region": "421002", "from": "2026-11-01", "to": "2026-12-01"}],
        "corrects": None,
    },
)
@blueprint.response(201, wire.BulletinWire)
def make_bulletin(body: dict[str, Any]) -> Response:
    """发布通报

    数字、口径版本和校验值一并固定，不再更改；有误时另发更正。
    """
    now = runtime().clock.now()
    questions = [wire.question_of(query) for query in body["queries"]]
    row = statistics.freeze(
        current_actor(), body["title"], questions, corrects=body["corrects"], now=now, today=local_day(now)
    )
    return json_response(wire.bulletin_dict(row), 201)


@blueprint.route("/statistics/bulletins")
@guard(Permission.STATISTICS)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, wire.BulletinPage)
@blueprint.alt_response(304, description="没有变化。")
def list_bulletins(query: dict[str, Any]) -> Response:
    """通报

    已发布的通报，最新的在前，带 ETag。
    """
    page = statistics.list_bulletins(current_actor(), limit=query["limit"], cursor=query["cursor"])
    return conditional(page_response(page, wire.bulletin_dict))


@blueprint.route("/statistics/confidential")
@guard(Permission.STATISTICS)
@blueprint.arguments(wire.ConfidentialQuery, location="query")
@blueprint.response(200, wire.ConfidentialWire)
@blueprint.alt_response(304, description="没有变化。")
def read_confidential(query: dict[str, Any]) -> Response:
    """村务公开类上报数

    按乡镇（街道）和季度；1–4 件只显示“<5”。仅市、县督办员可见，带 ETag。
    """
    year, quarter = int(query["quarter"][:4]), int(query["quarter"][-1])
    cells = statistics.confidential(current_actor(), query["county"], year, quarter)
    rows = [{"key": code, "name": tree()[code].name, "filed": filed} for code, filed in cells.items()]
    return conditional(json_response({"county": query["county"], "quarter": query["quarter"], "rows": rows}))
