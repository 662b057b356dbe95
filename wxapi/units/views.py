"""Units, and the townships' lists of matters."""

from typing import Any

from flask import Response

from wxapi.kernel.errors import not_found
from wxapi.kernel.paging import decode_cursor, page_of
from wxapi.kernel.permissions import Permission
from wxapi.platform.db import db
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.openapi import ApiBlueprint
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import json_response, page_response
from wxapi.units import queries, wire
from wxapi.units.queries import UnitFilter
from wxapi.units.services import manage
from wxapi.units.services.manage import NewUnit

blueprint = ApiBlueprint("units", __name__, description="单位与履职事项")


@blueprint.route("/units")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(wire.UnitsQuery, location="query")
@blueprint.response(200, wire.UnitPage)
def list_units(query: dict[str, Any]) -> Response:
    """单位列表

    某区划及其以下的部门、企业、党支部；`kind=region` 列出区划自身的单位。
    """
    after = decode_cursor(query["cursor"], str)[0] if query["cursor"] else None
    wanted = UnitFilter(query["region"], query["kind"], query["q"] or None)
    found = queries.page(db.session(), wanted, after=after, limit=query["limit"])
    return page_response(page_of(found, query["limit"], lambda unit: [unit.code]), wire.unit_dict)


@blueprint.route("/units/<string:code>")
@guard(Permission.SIGNED_IN)
@blueprint.response(200, wire.UnitWire)
def read_unit(code: str) -> Response:
    """读取单位

    一个单位；撤销的单位也能读到，并指出承接者。
    """
    found = queries.find(db.session(), code)
    if found is None:
        raise not_found()
    return json_response(wire.unit_dict(found))


@blueprint.route("/units", methods=["POST"])
@guard(Permission.UNITS)
@blueprint.arguments(
    wire.NewUnitBody,
    example={"region_code": "421002", "suffix": "zjj", "name": "沙市区住建局", "kind": "department", "field": "agency"},
)
@blueprint.response(201, wire.UnitWire)
def make_unit(body: dict[str, Any]) -> Response:
    """建立单位

    在本人管理的区划下建立单位。
    """
    made = manage.make_unit(current_actor(), NewUnit(**body), now=runtime().clock.now())
    return json_response(wire.unit_dict(made), 201)


@blueprint.route("/units/<string:code>", methods=["PUT"])
@guard(Permission.UNITS)
@blueprint.arguments(wire.ChangeUnitBody, example={"name": "沙市区住房和城乡建设局", "field": "agency"})
@blueprint.response(200, wire.UnitWire)
def change_unit(body: dict[str, Any], code: str) -> Response:
    """修改单位

    整体替换单位的名称与领域。
    """
    changed = manage.change_unit(current_actor(), code, **body, now=runtime().clock.now())
    return json_response(wire.unit_dict(changed))


@blueprint.route("/units/<string:code>/close", methods=["POST"])
@guard(Permission.UNITS)
@blueprint.arguments(wire.CloseUnitBody, example={"on": "2026-11-23", "successor_code": "421002-cgj"})
@blueprint.response(200, wire.UnitWire)
def close_unit(body: dict[str, Any], code: str) -> Response:
    """撤销单位

    有未办事项时须指定承接单位，由其继续办理。
    """
    closed = manage.close_unit(current_actor(), code, **body, now=runtime().clock.now())
    return json_response(wire.unit_dict(closed))


@blueprint.route("/matters")
@guard(Permission.SIGNED_IN)
@blueprint.arguments(wire.MattersQuery, location="query")
@blueprint.response(200, wire.MatterPage)
def list_matters(query: dict[str, Any]) -> Response:
    """履职事项清单

    乡镇（街道）的履职事项及牵头单位。
    """
    after = decode_cursor(query["cursor"], str, str) if query["cursor"] else None
    found = queries.matters(db.session(), query["region"], query["q"] or None, after=after, limit=query["limit"])
    return page_response(
        page_of(found, query["limit"], lambda matter: [matter.code, matter.region_code]), wire.matter_dict
    )
