"""The wire of duties and the work inbox."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields, validate

from wxapi.duties.queries.lists import DutyFilter, WorkCounts
from wxapi.duties.rules.clock import RUNGS, Card, DutyClock
from wxapi.duties.services.appeal import LIFT, UPHOLD, DutyDetail
from wxapi.duties.services.work import DutyView, MyItem, kinds
from wxapi.kernel.clock import to_wire, to_wire_or_none
from wxapi.photos.wire.photos import photo_dict
from wxapi.photos.wire.schemas import PhotoSchema
from wxapi.platform.action_wire import photo_ids
from wxapi.platform.wire import (
    CODES_OF,
    Choice,
    ListedCode,
    PageQuery,
    PlainWord,
    QueryInteger,
    RegionCode,
    Text,
    WireSchema,
)
from wxapi.units.wire import UnitCode

_MAX_NOTE = 500
_MAX_PHOTOS = 9


def known_type(code: str) -> None:
    """Refuse a kind of subjects that there is not: an empty list would hide the slip."""
    _one_of(code, kinds())


def known_stage(code: str) -> None:
    """Refuse a stage that no kind of subjects has."""
    _one_of(code, dict.fromkeys(stage for kind in kinds().values() for stage in kind.stages))


def _one_of(code: str, known: Iterable[str]) -> None:
    if code not in (words := list(known)):
        raise ValidationError(f"只能是：{', '.join(words)}。")


class DutySubject(WireSchema):
    type = ListedCode("duty_subjects", required=True)
    id = fields.UUID(required=True)
    number = fields.String(required=True)
    title = fields.String(required=True)


class DutyUnit(WireSchema):
    code = fields.String(required=True)
    name = fields.String(required=True)


class DutyWire(WireSchema):
    id = fields.UUID(required=True)
    subject = fields.Nested(DutySubject, required=True)
    stage = ListedCode("stages", required=True)
    do = fields.List(ListedCode("work"), required=True)
    unit = fields.Nested(DutyUnit, required=True)
    region = fields.Nested(DutyUnit, required=True, allow_none=True)
    started_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True)
    clock = fields.Enum(DutyClock, by_value=True, required=True)
    stopped_at = fields.AwareDateTime(required=True, allow_none=True)
    used = fields.Float(required=True)
    rung = fields.Integer(required=True, validate=validate.OneOf([0, *RUNGS]))
    card = fields.Enum(Card, by_value=True, required=True, allow_none=True)
    card_lifted = fields.Boolean(required=True)
    met_at = fields.AwareDateTime(required=True, allow_none=True)
    on_time = fields.Boolean(required=True, allow_none=True)


class AppealWire(WireSchema):
    note = fields.String(required=True)
    photos = fields.List(fields.Nested(PhotoSchema), required=True)
    asked_at = fields.AwareDateTime(required=True)
    decision = Choice([UPHOLD, LIFT], required=True, allow_none=True)
    decision_note = fields.String(required=True, allow_none=True)
    decided_at = fields.AwareDateTime(required=True, allow_none=True)


class DutyDetailWire(DutyWire):
    appeal = fields.Nested(AppealWire, required=True, allow_none=True)


class DutyPage(WireSchema):
    items = fields.List(fields.Nested(DutyWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class DutiesQuery(PageQuery):
    unit = UnitCode(load_default=None)
    region = RegionCode(load_default=None)
    type = PlainWord(max_length=30, load_default=None, validate=known_type, metadata={CODES_OF: "duty_subjects"})
    stage = PlainWord(max_length=30, load_default=None, validate=known_stage, metadata={CODES_OF: "stages"})
    state = Choice(["open", "overdue", "stopped", "met"], load_default="open")
    card = fields.Enum(Card, by_value=True, load_default=None)
    rung = QueryInteger(load_default=None, validate=validate.OneOf(RUNGS))
    sort = Choice(["due"], load_default="due")


class WorkQuery(PageQuery):
    scope = Choice(["unit", "mine"], required=True)
    type = PlainWord(max_length=30, load_default=None, validate=known_type, metadata={CODES_OF: "duty_subjects"})
    overdue = fields.Boolean(load_default=None)


class WorkCountsWire(WireSchema):
    open = fields.Integer(required=True)
    due_today = fields.Integer(required=True)
    blue = fields.Integer(required=True)
    yellow = fields.Integer(required=True)
    red = fields.Integer(required=True)
    by_type = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class MyItemWire(WireSchema):
    type = ListedCode("duty_subjects", required=True)
    id = fields.UUID(required=True)
    title = fields.String(required=True)
    do = fields.List(ListedCode("work"), required=True)
    until = fields.AwareDateTime(required=True, allow_none=True)


class MyItemPage(WireSchema):
    """Everything at once: there is no further page."""

    items = fields.List(fields.Nested(MyItemWire), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class AppealBody(WireSchema):
    note = Text(required=True, min_length=1, max_length=_MAX_NOTE)
    photo_ids = photo_ids(_MAX_PHOTOS)


class AppealDecisionBody(WireSchema):
    decision = Choice([UPHOLD, LIFT], required=True)
    note = Text(required=True, min_length=1, max_length=_MAX_NOTE)


def filter_of(query: dict[str, Any]) -> DutyFilter:
    """The filter of a `DutiesQuery`."""
    card = query["card"].value if query["card"] else None
    return DutyFilter(
        subject_type=query["type"],
        unit=query["unit"],
        region=query["region"],
        stage=query["stage"],
        state=query["state"],
        card=card,
        rung=query["rung"],
    )


def duty_dict(view: DutyView) -> dict[str, Any]:
    """`<duty>` of the contract."""
    duty = view.duty
    return {
        "id": str(duty.id),
        "subject": {
            "type": duty.subject_type,
            "id": str(duty.subject_id),
            "number": duty.subject_number,
            "title": view.title,
        },
        "stage": duty.stage,
        "do": list(view.do),
        "unit": {"code": duty.unit_code, "name": view.unit_name},
        "region": {"code": duty.place_code, "name": view.place_name or duty.place_code} if duty.place_code else None,
        "started_at": to_wire(duty.started_at),
        "due_at": to_wire(duty.due_at),
        "clock": duty.clock,
        "stopped_at": to_wire_or_none(duty.stopped_at),
        "used": view.used,
        "rung": duty.rung,
        "card": duty.card,
        "card_lifted": duty.card_lifted_at is not None,
        "met_at": to_wire_or_none(duty.met_at),
        "on_time": view.on_time,
    }


def detail_dict(found: DutyDetail, reader_id: UUID) -> dict[str, Any]:
    """A `DutyDetailWire`."""
    said = found.said
    shown = said and {
        "note": said.note,
        "photos": [photo_dict(photo, reader_id) for photo in said.photos],
        "asked_at": to_wire(said.asked_at),
        "decision": said.decision,
        "decision_note": said.decision_note,
        "decided_at": to_wire_or_none(said.decided_at),
    }
    return {**duty_dict(found.duty), "appeal": shown}


def my_item_dict(item: MyItem) -> dict[str, Any]:
    """A `MyItemWire`."""
    return {
        "type": item.type,
        "id": str(item.id),
        "title": item.title,
        "do": list(item.do),
        "until": to_wire_or_none(item.until),
    }


def counts_dict(counts: WorkCounts) -> dict[str, Any]:
    """A `WorkCountsWire`."""
    return {
        "open": counts.open,
        "due_today": counts.due_today,
        "blue": counts.blue,
        "yellow": counts.yellow,
        "red": counts.red,
        "by_type": counts.by_type,
    }
