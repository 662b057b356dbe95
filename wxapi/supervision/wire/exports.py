"""The wire of exports."""

from collections.abc import Collection, Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from wxapi.duties.rules.clock import RUNGS
from wxapi.duties.wire import known_stage, known_type
from wxapi.kernel.clock import to_wire, to_wire_or_none
from wxapi.kernel.coordinates import Datum
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import CODES_OF, Choice, Day, Line, PlainWord, RegionCode, WireSchema
from wxapi.reports.rules.owed import STAGE_NAMES
from wxapi.reports.rules.state import ReportState
from wxapi.reports.wire.list_schemas import known_class
from wxapi.supervision.models import Export
from wxapi.supervision.rules.export_states import ExportState
from wxapi.supervision.services.export_kinds import KINDS, WantedExport
from wxapi.supervision.services.own_exports import OwnExport
from wxapi.supervision.services.statistics import GROUPINGS
from wxapi.units.wire import UnitCode


class ExportFilter(WireSchema):
    """As the list of the kind takes it; what that list does not take is refused."""

    set = Choice(["reports"], load_default=None, allow_none=True)
    scope = Choice(["desk"], load_default=None, allow_none=True)
    region = RegionCode(load_default=None, allow_none=True)
    state = PlainWord(
        max_length=100,
        load_default=None,
        allow_none=True,
    )
    category = PlainWord(max_length=5, load_default=None, allow_none=True, validate=known_class)
    overdue = fields.Boolean(load_default=None, allow_none=True)
    q = Line(max_length=100, load_default=None, allow_none=True)
    card = Choice(["yellow", "red"], load_default=None, allow_none=True)
    type = PlainWord(
        max_length=30, load_default=None, allow_none=True, validate=known_type, metadata={CODES_OF: "duty_subjects"}
    )
    stage = PlainWord(
        max_length=30, load_default=None, allow_none=True, validate=known_stage, metadata={CODES_OF: "stages"}
    )
    rung = fields.Integer(load_default=None, allow_none=True, validate=validate.OneOf(RUNGS))
    unit = UnitCode(load_default=None, allow_none=True)
    group_by = Choice(list(GROUPINGS), load_default=None, allow_none=True)
    level = Choice(["county", "township", "village"], load_default=None, allow_none=True)
    class_ = PlainWord(max_length=5, load_default=None, allow_none=True, data_key="class")
    open = fields.Boolean(load_default=None, allow_none=True)
    from_ = Day(load_default=None, allow_none=True, data_key="from")
    to = Day(load_default=None, allow_none=True)


_TIME = {"from_", "to"}
_ALONE = {"set", "scope"}  # they have one value each, as long as there is no other list to export
_TAKEN: Mapping[str, Collection[str]] = {
    "reports": _TIME | {"scope", "region", "state", "category", "overdue", "q", "card", "open"},
    "duties": _TIME | {"region", "state", "card", "type", "stage", "rung", "unit", "open"},
    "statistics": _TIME | {"set", "region", "stage", "group_by", "level", "class_", "unit"},
}
_FORMATS = ["csv", "xlsx", "geojson"]
# What a word of the filter may be, where the kinds differ.
_STATES: Mapping[str, Collection[str]] = {"reports": list(ReportState), "duties": ("open", "overdue", "stopped", "met")}


class ExportBody(WireSchema):
    kind = Choice(list(KINDS), required=True)
    format = Choice(_FORMATS, required=True)
    filter = fields.Nested(ExportFilter, load_default=dict)
    columns = fields.List(PlainWord(max_length=40), load_default=None, allow_none=True, validate=validate.Length(1, 60))
    coord_type = Choice([Datum.WGS84.value, Datum.GCJ02.value], load_default=None, allow_none=True)

    @validates_schema
    def words_of_the_kind(self, body: dict[str, Any], **_: Any) -> None:
        """What the kind's list does not know is refused here, not found to match nothing, or all, a minute later."""
        kind, given = body["kind"], body.get("filter", {})
        foreign = [name for name, value in given.items() if value is not None and name not in _TAKEN[kind]]
        if foreign:
            raise ValidationError({"filter": {name.rstrip("_"): ["所选内容没有此筛选项。"] for name in foreign}})
        known = _STATES.get(kind, ())
        if given.get("state") and known and not set(given["state"].split(",")) <= set(known):
            raise ValidationError({"filter": {"state": [f"只能是：{', '.join(known)}。"]}})
        if kind == "statistics" and given.get("stage") and given["stage"] not in STAGE_NAMES:
            raise ValidationError({"filter": {"stage": [f"只能是：{', '.join(STAGE_NAMES)}。"]}})


class ExportProgress(WireSchema):
    done = fields.Integer(required=True)
    total = fields.Integer(required=True, allow_none=True)


class ExportFile(WireSchema):
    url = fields.String(required=True)
    bytes = fields.Integer(required=True)
    rows = fields.Integer(required=True)
    sha256 = fields.String(required=True)


class ExportWire(WireSchema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(list(KINDS)))
    format = fields.String(required=True, validate=validate.OneOf(_FORMATS))
    state = Choice(list(ExportState), required=True)
    progress = fields.Nested(ExportProgress, required=True)
    code = fields.String(required=True, allow_none=True)
    file = fields.Nested(ExportFile, required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)


class ExportPage(WireSchema):
    items = fields.List(fields.Nested(ExportWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def wanted_of(body: dict[str, Any]) -> WantedExport:
    """What an `ExportBody` asks for; only what was given is kept."""
    given = {name: value for name, value in body["filter"].items() if value is not None and name not in _ALONE}
    for name, key in (("from_", "from"), ("to", "to")):
        if name in given:
            given[key] = given.pop(name).isoformat()
    if "class_" in given:
        given["class"] = given.pop("class_")
    datum = Datum(body["coord_type"]) if body["coord_type"] else None
    return WantedExport(body["kind"], body["format"], given, tuple(body["columns"]) if body["columns"] else None, datum)


def export_dict(row: Export | OwnExport) -> dict[str, Any]:
    """`<export>` of the contract; the file's address is signed and dies."""
    return {
        "id": str(row.id),
        "kind": row.kind,
        "format": row.format,
        "state": row.state,
        "progress": {"done": row.done, "total": row.total},
        "code": row.code,
        "file": _file(row),
        "created_at": to_wire(row.created_at),
        "expires_at": to_wire_or_none(row.expires_at),
    }


def _file(row: Export | OwnExport) -> dict[str, Any] | None:
    if row.file_key is None:
        return None
    url = runtime().storage.signed_url(row.file_key)
    return {"url": url, "bytes": row.bytes, "rows": row.row_count, "sha256": row.sha256}
