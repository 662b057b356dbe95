"""The city's list of people: read, kept, imported; slips for those who have not come; colleagues."""

import uuid
from typing import Any

from flask import Response

from wxapi.identity.services import colleagues, invitations, roster_imports, roster_reading
from wxapi.identity.services.roster_files import HEADS, MAX_BYTES, RosterRow
from wxapi.identity.services.roster_reading import Sought
from wxapi.identity.views.routes import blueprint
from wxapi.identity.wire import people as wire
from wxapi.kernel.permissions import Permission
from wxapi.platform import idempotency
from wxapi.platform.guard import current_actor, guard
from wxapi.platform.limits import limited
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import conditional, items_response, json_response, page_response
from wxapi.regions.rules.levels import region_of

# The file, the other form field and the boundaries between them.
MAX_UPLOAD = MAX_BYTES + 64 * 1024
_PERSON = ("张三", "党支部书记", "13800000001", "社区（村）工作人员", "421002006001", "")
_LIST = {"file": "\n".join(map(",".join, (HEADS, _PERSON))), "dry_run": "true"}


@blueprint.route("/people")
@guard(Permission.APPOINT)
@limited("60/minute")
@blueprint.arguments(wire.PeopleQuery, location="query")
@blueprint.response(200, wire.PeoplePage)
def search_people(query: dict[str, Any]) -> Response:
    """检索人员名单

    本区划名单中的人员：姓名、职务、任职。仅管理员可见，每次查询都有记录。
    """
    waiting = None if query["state"] is None else query["state"] == "waiting"
    page = roster_reading.search(
        current_actor(),
        Sought(query["region"], query["q"], waiting),
        limit=query["limit"],
        cursor=query["cursor"],
        now=runtime().clock.now(),
    )
    return page_response(page, wire.person_dict)


@blueprint.route("/people", methods=["POST"])
@guard(Permission.APPOINT)
@limited("120/minute")
@blueprint.arguments(
    wire.NewPerson,
    example={
        "name": "张三",
        "post": "党支部书记",
        "phone": "13800000001",
        "role": "community_worker",
        "region_code": "421002006001",
        "unit_code": None,
    },
)
@blueprint.response(201, wire.PersonWire)
def add_person(body: dict[str, Any]) -> Response:
    """名单中增加一人

    单位经办人填单位，其他角色填区划。手机号已绑定的立即任职，其余的在绑定手机号或使用邀请码时任职；
    名单中已有的不重复增加。须在 15 分钟内登录或确认过。
    """
    body["region_code"] = body["region_code"] or region_of(body["unit_code"])
    person = roster_reading.add_person(current_actor(), RosterRow(**body), now=runtime().clock.now())
    return json_response(wire.person_dict(person), 201)


@blueprint.route("/people/<uuid:person_id>", methods=["DELETE"])
@guard(Permission.APPOINT)
@blueprint.response(204)
def remove_person(person_id: uuid.UUID) -> None:
    """名单中删除一人

    只能删除尚未登录的人员，其邀请码随之作废；已任职的请结束其任职。
    """
    roster_reading.remove_person(current_actor(), person_id, now=runtime().clock.now())


@blueprint.route("/people/imports", methods=["POST"])
@guard(Permission.APPOINT)
@limited("30/hour")
@blueprint.arguments(wire.ImportUpload, location="multipart", example=_LIST)
@blueprint.response(202, wire.PeopleImportWire)
def import_people(form: dict[str, Any]) -> Response:
    """导入人员名单

    后台检查并写入；有一行有误则全部不写入，重复导入不产生变化。写入时再次核对本人的管理权限。写入须在 15 分钟内登录或
    确认过，只检查的不需要；同时最多 2 份。
    """
    # One byte more than is taken tells "too large" without reading on.
    data = form["file"].read(MAX_BYTES + 1)
    row = roster_imports.ask(current_actor(), data, dry_run=form["dry_run"] == "true", now=runtime().clock.now())
    return json_response(wire.import_dict(row), 202)


@blueprint.route("/people/imports")
@guard(Permission.APPOINT)
@blueprint.response(200, wire.PeopleImportPage)
def list_people_imports() -> Response:
    """本人导入过的名单

    最新的在前，最多 100 份。
    """
    return items_response(map(wire.import_dict, roster_imports.list_imports(current_actor())))


@blueprint.route("/people/imports/<uuid:import_id>")
@guard(Permission.APPOINT)
@blueprint.response(200, wire.PeopleImportWire)
def read_people_import(import_id: uuid.UUID) -> Response:
    """一次导入的进度与结果

    含逐行错误；每 2 秒查询一次，带 ETag。
    """
    return conditional(json_response(wire.import_dict(roster_imports.read_import(current_actor(), import_id))))


@blueprint.route("/people/imports/<uuid:import_id>/apply", methods=["POST"])
@guard(Permission.APPOINT)
@blueprint.response(202, wire.PeopleImportWire)
def apply_people_import(import_id: uuid.UUID) -> Response:
    """写入检查通过的名单

    无需重新上传；检查后 24 小时内有效。须在 15 分钟内登录或确认过。
    """
    row = roster_imports.apply(current_actor(), import_id, now=runtime().clock.now())
    return json_response(wire.import_dict(row), 202)


@blueprint.route("/people/imports/<uuid:import_id>", methods=["DELETE"])
@guard(Permission.APPOINT)
@blueprint.response(204)
def cancel_people_import(import_id: uuid.UUID) -> None:
    """取消导入

    只能取消尚未写入的，其文件随即删除。
    """
    roster_imports.cancel(current_actor(), import_id, now=runtime().clock.now())


@blueprint.route("/people/invitations", methods=["POST"])
@guard(Permission.APPOINT)
# Its answer holds codes, which are kept nowhere.
@idempotency.never_kept
@limited("60/hour")
@blueprint.arguments(wire.SlipsBody, example={"person_ids": ["5f0c7a52-6b0e-4d0a-9f0b-0d6b6f6f3c11"]})
@blueprint.response(201, wire.SlipPage)
def make_invitations(body: dict[str, Any]) -> Response:
    """生成邀请码

    为名单中尚未登录的人员各生成一个，30 天内用一次，此前的作废；邀请码只返回这一次。须在 15 分钟内登录或确认过。
    """
    slips = invitations.make_slips(current_actor(), body["person_ids"], now=runtime().clock.now())
    return json_response({"items": [wire.slip_dict(slip) for slip in slips], "next_cursor": None}, 201)


@blueprint.route("/people/colleagues")
@guard(Permission.WORK)
@blueprint.response(200, wire.ColleaguePage)
def read_colleagues() -> Response:
    """同事

    与本人同一承办单位的人员：姓名、职务。不含手机号，市民不可见。
    """
    found = colleagues.list_colleagues(current_actor(), now=runtime().clock.now())
    return items_response(map(wire.colleague_dict, found))
