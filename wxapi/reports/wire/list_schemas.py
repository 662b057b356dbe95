"""What lists take and give. Answers are made by `wire.report`; these schemas document and test them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from wxapi.platform.position import PositionQuery
from wxapi.platform.wire import Choice, Line, PageQuery, PlainWord, RegionCode, WireSchema
from wxapi.reports.queries.lists import Filters, Order
from wxapi.reports.rules.categories import all_categories
from wxapi.reports.rules.state import ReportState
from wxapi.reports.wire.schemas import ReportFacts

_LONGEST_SEARCH = 50


class SavedFilterBody(WireSchema):
    """The name of a filter of the desk that somebody keeps."""

    name = Line(required=True, max_length=20)


class StateList(fields.Field[tuple[ReportState, ...]]):
    """One state or several, separated by commas."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[ReportState, ...]:
        try:
            return tuple(ReportState(part) for part in str(value).split(",")) if value else ()
        except ValueError as error:
            raise ValidationError(f"只能是：{', '.join(ReportState)}。") from error


def known_class(code: str) -> None:
    """A class's code or its beginning: kind, or kind and major class."""
    if len(code) not in {1, 3, 5} or not any(known.startswith(code) for known in all_categories()):
        raise ValidationError("没有这个问题类别。")


class ReportsQuery(PageQuery):
    scope = Choice(["mine", "desk"], required=True)
    state = StateList(
        load_default=(),
        metadata={"type": "string"},
    )
    category = PlainWord(
        load_default=None,
        max_length=10,
        validate=known_class,
    )
    region = RegionCode(load_default=None)
    overdue = fields.Boolean(load_default=None)
    card = Choice(["yellow", "red"], load_default=None)
    q = Line(
        max_length=_LONGEST_SEARCH,
        load_default=None,
    )
    sort = fields.Enum(
        Order,
        by_value=True,
        load_default=Order.DUE,
    )


class NearbyQuery(PositionQuery):
    category_code = PlainWord(required=True, max_length=10)


class ReportItem(ReportFacts):
    """A report as lists show it; `GET /reports/{id}` has photos, timeline and actions."""

    thumb_url = fields.String(required=True, allow_none=True)


class ReportPage(WireSchema):
    items = fields.List(fields.Nested(ReportItem), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class NearbyReport(WireSchema):
    id = fields.UUID(required=True)
    number = fields.String(required=True)
    distance_m = fields.Float(required=True)
    thumb_url = fields.String(required=True, allow_none=True)
    state = fields.Enum(ReportState, by_value=True, required=True)
    me_too_count = fields.Integer(required=True)


class CategoryWire(WireSchema):
    """A class of reports. X09… is listed to show where to turn instead; filing it is refused."""

    code = fields.String(required=True, metadata={"example": "E0102"})
    name = fields.String(required=True, metadata={"example": "暴露垃圾"})
    kind = fields.String(required=True, metadata={"example": "事件"})
    major_name = fields.String(required=True, metadata={"example": "市容环境"})
    respond_hours = fields.Integer(required=True)
    resolve_hours = fields.Integer(required=True)
    urgent = fields.Boolean(required=True)


def filters_of(query: Mapping[str, Any]) -> Filters:
    """The filters of a `ReportsQuery`."""
    return Filters(
        states=query["state"],
        category=query["category"],
        region=query["region"],
        overdue=query["overdue"],
        card=query["card"],
        text=query["q"] or None,
    )
