"""The wire of the city's list of people: the list, imports, slips, colleagues."""

from typing import Any

from flask_smorest.fields import Upload
from marshmallow import ValidationError, fields, validate, validates_schema
from werkzeug.datastructures import FileStorage

from wxapi.identity.models import PeopleImport
from wxapi.identity.rules import ImportState
from wxapi.identity.services.colleagues import Colleague
from wxapi.identity.services.invitations import MOST_SLIPS, Slip
from wxapi.identity.services.roster_files import LONGEST
from wxapi.identity.services.roster_reading import Listed
from wxapi.identity.wire.offices import one_place
from wxapi.identity.wire.references import RegionRef, UnitRef, unit_dict
from wxapi.kernel.clock import to_wire, to_wire_or_none
from wxapi.kernel.permissions import Role
from wxapi.platform.wire import Choice, Line, PageQuery, PlainWord, RegionCode, WireSchema
from wxapi.units.wire import UnitCode


class PeopleQuery(PageQuery):
    region = RegionCode(load_default=None, metadata={"description": "本人管理的区划或其下级；默认全部"})
    q = Line(
        load_default=None,
        min_length=2,
        max_length=LONGEST,
        metadata={"description": "姓名或职务的一部分，至少两个字；或完整的手机号"},
    )
    state = Choice(
        ["waiting", "bound"], load_default=None, metadata={"description": "waiting：尚未登录；bound：已登录"}
    )


class NewPerson(WireSchema):
    name = Line(required=True, min_length=1, max_length=LONGEST)
    post = Line(load_default="", max_length=LONGEST, metadata={"description": "职务"})
    phone = PlainWord(
        required=True,
        max_length=11,
        validate=validate.Regexp(r"^1[3-9][0-9]{9}$(?!\n)", error="应为 11 位手机号码。"),
    )
    role = fields.Enum(Role, by_value=True, required=True)
    # One of the two: a unit for a unit officer, a region for every other role.
    region_code = RegionCode(load_default=None, allow_none=True)
    unit_code = UnitCode(load_default=None, allow_none=True)

    @validates_schema
    def _one_of_the_two(self, data: dict[str, Any], **_: Any) -> None:
        one_place(data)


class PersonWire(WireSchema):
    """Somebody a city's list names for an office."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    post = fields.String(required=True)
    phone_masked = fields.String(required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    region = fields.Nested(RegionRef, required=True)
    unit = fields.Nested(UnitRef, required=True, allow_none=True)
    user_id = fields.UUID(required=True, allow_none=True, metadata={"description": "本人登录并绑定后才有"})
    invited_until = fields.DateTime(required=True, allow_none=True, metadata={"description": "邀请码有效期至"})


class PeoplePage(WireSchema):
    items = fields.List(fields.Nested(PersonWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def _must_be_list(part: object) -> None:
    if not isinstance(part, FileStorage):
        raise ValidationError("应为文件。")


class ImportUpload(WireSchema):
    file = Upload(
        required=True,
        validate=_must_be_list,
        metadata={
            "description": "CSV（UTF-8 或 GB 18030）或 XLSX，最大 4 MB、20000 行；"
            "列：姓名、职务、手机号、角色、区域、单位；单位经办人填单位，其他角色填区域，均可填代码或全称"
        },
    )
    dry_run = Choice(
        ["true", "false"], load_default="false", metadata={"description": "true：只检查，不写入；通过后可再 apply"}
    )


class ImportFaultWire(WireSchema):
    row = fields.Integer(required=True, metadata={"description": "表格中的行号，表头为第 1 行"})
    sentences = fields.List(fields.String(), required=True)


class ImportCounts(WireSchema):
    written = fields.Integer(required=True, allow_none=True, metadata={"description": "新增"})
    changed = fields.Integer(required=True, allow_none=True, metadata={"description": "更新姓名或职务"})
    matched = fields.Integer(
        required=True, allow_none=True, metadata={"description": "新增中手机号已绑定、立即任职的人数"}
    )
    unchanged = fields.Integer(required=True, allow_none=True, metadata={"description": "此前已有"})


class RowProgress(WireSchema):
    done = fields.Integer(required=True)
    total = fields.Integer(required=True, allow_none=True)


class PeopleImportWire(WireSchema):
    id = fields.UUID(required=True)
    state = Choice(list(ImportState), required=True)
    dry_run = fields.Boolean(required=True)
    progress = fields.Nested(RowProgress, required=True, metadata={"description": "行数"})
    counts = fields.Nested(ImportCounts, required=True)
    code = fields.String(required=True, allow_none=True)
    detail = fields.String(required=True, allow_none=True)
    faults = fields.List(fields.Nested(ImportFaultWire), required=True, metadata={"description": "最多 200 行"})
    fault_count = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)
    finished_at = fields.DateTime(required=True, allow_none=True)


class PeopleImportPage(WireSchema):
    items = fields.List(fields.Nested(PeopleImportWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class SlipsBody(WireSchema):
    person_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, MOST_SLIPS))


class SlipOfficeWire(WireSchema):
    person_id = fields.UUID(required=True)
    role = fields.Enum(Role, by_value=True, required=True)
    region_name = fields.String(required=True)
    unit_name = fields.String(required=True, allow_none=True)


class SlipWire(WireSchema):
    name = fields.String(required=True)
    post = fields.String(required=True)
    offices = fields.List(fields.Nested(SlipOfficeWire), required=True)
    code = fields.String(required=True, metadata={"description": "只在此处出现一次，用后作废"})
    expires_at = fields.DateTime(required=True)


class SlipPage(WireSchema):
    items = fields.List(fields.Nested(SlipWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ColleagueWire(WireSchema):
    name = fields.String(required=True, allow_none=True)
    post = fields.String(required=True, allow_none=True)
    role = fields.Enum(Role, by_value=True, required=True)
    place = fields.String(required=True, metadata={"description": "区划或单位的名称"})
    is_stand_in = fields.Boolean(required=True)
    is_me = fields.Boolean(required=True)


class ColleaguePage(WireSchema):
    items = fields.List(fields.Nested(ColleagueWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def person_dict(person: Listed) -> dict[str, Any]:
    """A `PersonWire`."""
    return {
        "id": str(person.id),
        "name": person.name,
        "post": person.post,
        "phone_masked": person.phone_masked,
        "role": person.role,
        "region": {"code": person.region_code, "name": person.region_name},
        "unit": unit_dict(person.unit_code, person.unit_name),
        "user_id": str(person.user_id) if person.user_id else None,
        "invited_until": to_wire_or_none(person.invited_until),
    }


def import_dict(row: PeopleImport) -> dict[str, Any]:
    """A `PeopleImportWire`."""
    return {
        "id": str(row.id),
        "state": row.state,
        "dry_run": row.dry_run,
        "progress": {"done": row.done, "total": row.total},
        "counts": {name: getattr(row, name) for name in ("written", "changed", "matched", "unchanged")},
        "code": row.code,
        "detail": row.detail,
        "faults": row.faults,
        "fault_count": row.fault_count,
        "created_at": to_wire(row.created_at),
        "finished_at": to_wire_or_none(row.finished_at),
    }


def slip_dict(slip: Slip) -> dict[str, Any]:
    """A `SlipWire`."""
    offices = [
        {
            "person_id": str(each.person_id),
            "role": each.role,
            "region_name": each.region_name,
            "unit_name": each.unit_name,
        }
        for each in slip.offices
    ]
    return {
        "name": slip.name,
        "post": slip.post,
        "offices": offices,
        "code": slip.code,
        "expires_at": to_wire(slip.expires_at),
    }


def colleague_dict(colleague: Colleague) -> dict[str, Any]:
    """A `ColleagueWire`."""
    return {
        "name": colleague.name,
        "post": colleague.post,
        "role": colleague.role,
        "place": colleague.place,
        "is_stand_in": colleague.is_stand_in,
        "is_me": colleague.is_me,
    }
