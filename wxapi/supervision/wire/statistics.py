"""The wire of statistics: definitions, tables, bulletins."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from wxapi.kernel.clock import to_wire
from wxapi.platform.wire import Choice, Day, Line, ListedCode, PlainWord, RegionCode, WireSchema
from wxapi.reports.rules.owed import STAGE_NAMES
from wxapi.supervision.models import Bulletin
from wxapi.supervision.rules.measures import DEFINITIONS, DEFINITIONS_VERSION, Measure, Rate, counts_dict
from wxapi.supervision.services.statistics import GROUPINGS, Question, Row, Table
from wxapi.units.wire import UnitCode

_MAX_QUERIES = 20
_LEVELS = ["county", "township", "village"]


class MeasureWire(WireSchema):
    name = ListedCode("measures", required=True)
    zh = fields.String(required=True)
    set = fields.Constant("reports", required=True)
    numerator = fields.String(required=True)
    denominator = fields.String(required=True, allow_none=True)
    formula_zh = fields.String(required=True)
    source = fields.String(required=True)


class DefinitionsWire(WireSchema):
    version = fields.String(required=True)
    measures = fields.List(fields.Nested(MeasureWire), required=True)


class PeriodQuery(WireSchema):
    """`from` is the first Shanghai day, `to` the day after the last."""

    from_ = Day(load_default=None, data_key="from")
    to = Day(load_default=None)


class StatisticsQuery(PeriodQuery):
    set = Choice(["reports"], required=True)
    stage = Choice(list(STAGE_NAMES), load_default="resolve")
    group_by = Choice(list(GROUPINGS), load_default="place")
    level = Choice(_LEVELS, load_default=None)
    region = RegionCode(load_default=None)
    class_ = PlainWord(max_length=5, load_default=None, data_key="class")
    unit = UnitCode(load_default=None)


class BulletinQuestion(WireSchema):
    set = Choice(["reports"], load_default="reports")
    stage = Choice(list(STAGE_NAMES), load_default="resolve")
    group_by = Choice(list(GROUPINGS), load_default="place")
    level = Choice(_LEVELS, load_default=None, allow_none=True)
    region = RegionCode(load_default=None, allow_none=True)
    class_ = PlainWord(max_length=5, load_default=None, allow_none=True, data_key="class")
    unit = UnitCode(load_default=None, allow_none=True)
    from_ = Day(load_default=None, allow_none=True, data_key="from")
    to = Day(load_default=None, allow_none=True)


class BulletinBody(WireSchema):
    title = Line(required=True, min_length=1, max_length=100)
    queries = fields.List(
        fields.Nested(BulletinQuestion), required=True, validate=validate.Length(min=1, max=_MAX_QUERIES)
    )
    corrects = fields.UUID(load_default=None, allow_none=True)


class BulletinWire(WireSchema):
    id = fields.UUID(required=True)
    title = fields.String(required=True)
    region_code = fields.String(required=True)
    issued_at = fields.AwareDateTime(required=True)
    sha256 = fields.String(required=True)
    corrects = fields.UUID(required=True, allow_none=True)
    content = fields.Dict(required=True)


class BulletinPage(WireSchema):
    items = fields.List(fields.Nested(BulletinWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class TableWire(WireSchema):
    """Each row has the counts of the definitions by name, and `rates`."""

    set = fields.Constant("reports", required=True)
    stage = fields.String(required=True, validate=validate.OneOf(list(STAGE_NAMES)))
    group_by = fields.String(required=True, validate=validate.OneOf(list(GROUPINGS)))
    region = fields.String(required=True)
    from_ = fields.Date(required=True, data_key="from")
    to = fields.Date(required=True)
    as_of = fields.AwareDateTime(required=True)
    definitions_version = fields.String(required=True)
    rows = fields.List(fields.Dict(), required=True)
    total = fields.Dict(required=True)
    used_time = fields.Dict(required=True)


class ConfidentialQuery(WireSchema):
    county = RegionCode(required=True)
    quarter = PlainWord(
        max_length=7, required=True, validate=validate.Regexp(r"^20[0-9]{2}-Q[1-4]$", error="形如 2026-Q4。")
    )


class ConfidentialWire(WireSchema):
    county = fields.String(required=True)
    quarter = fields.String(required=True)
    rows = fields.List(fields.Dict(), required=True)


def question_of(query: Mapping[str, Any]) -> Question:
    """The question of a `StatisticsQuery` or a `BulletinQuestion`."""
    return Question(
        group_by=query["group_by"],
        stage=query["stage"],
        region=query["region"],
        level=query["level"],
        since=query["from_"],
        until=query["to"],
        class_code=query["class_"],
        unit=query["unit"],
    )


def definitions_dict() -> dict[str, Any]:
    """`DefinitionsWire`."""
    return {"version": DEFINITIONS_VERSION, "measures": [_measure(measure) for measure in DEFINITIONS]}


def _measure(measure: Measure) -> dict[str, Any]:
    return {
        "name": measure.name,
        "zh": measure.zh,
        "set": "reports",
        "numerator": measure.numerator,
        "denominator": measure.denominator,
        "formula_zh": measure.formula_zh,
        "source": measure.source,
    }


def table_dict(table: Table) -> dict[str, Any]:
    """`TableWire`."""
    wanted = table.wanted
    return {
        "set": "reports",
        "stage": wanted.stage,
        "group_by": wanted.group_by,
        "region": wanted.region,
        "from": wanted.since.isoformat(),
        "to": wanted.until.isoformat(),
        "as_of": to_wire(table.as_of),
        "definitions_version": DEFINITIONS_VERSION,
        "rows": [_row(row) for row in table.rows],
        "total": _row(table.total),
        "used_time": {"median_s": table.times.median_s, "p90_s": table.times.p90_s},
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "key": row.key,
        "name": row.name,
        **counts_dict(row.counts),
        "rates": {name: rate_dict(rate) for name, rate in row.rates.items()},
    }


def rate_dict(rate: Rate) -> dict[str, Any]:
    """A rate with both its numbers; `small` where the denominator is under 10."""
    return {"num": rate.num, "den": rate.den, "value": rate.value, **({"small": True} if rate.small else {})}


def bulletin_dict(row: Bulletin) -> dict[str, Any]:
    """`BulletinWire`."""
    return {
        "id": str(row.id),
        "title": row.title,
        "region_code": row.region_code,
        "issued_at": to_wire(row.issued_at),
        "sha256": row.sha256,
        "corrects": str(row.corrects_id) if row.corrects_id else None,
        "content": row.content,
    }
