"""A report as JSON: a plain function, since it is sent often. Its schema in `schemas.py` documents and tests it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from wxapi.kernel.clock import to_wire
from wxapi.kernel.permissions import ROLE_NAMES, Role
from wxapi.photos.wire import photo_dict
from wxapi.regions.services.lookup import tree
from wxapi.reports.models import Report, ReportEvent
from wxapi.reports.queries.reports import PlacedPhoto
from wxapi.reports.rules import workflow
from wxapi.reports.rules.categories import category
from wxapi.reports.rules.state import Party, Who
from wxapi.reports.services.apply import case_of
from wxapi.reports.services.redaction import Sight

_LABELS: dict[str, str] = {Party.SYSTEM: "系统", Party.JOINER: "同报人"}


def report_dict(
    report: Report,
    who: Who,
    events: Sequence[ReportEvent],
    photos: Sequence[PlacedPhoto],
    sight: Sight,
    *,
    now: datetime,
) -> dict[str, Any]:
    """`<report>` of the contract, as one person sees it.

    Args:
        report: the row.
        who: what the person is to it; decides `available_actions` and `is_me`.
        events: its history, oldest first.
        photos: all of its photos, in order.
        sight: the words and pictures the person is shown.
        now: the present instant.
    """
    photos = [each for each in photos if each.photo.id not in sight.hidden_photos]
    mark = {} if sight.moderation is None else {"moderation": sight.moderation}
    return {
        "id": str(report.id),
        "number": report.number,
        "version": report.version,
        "state": str(report.state),
        "category": {"code": report.category_code, "name": category(report.category_code).name},
        "description": sight.description,
        "location": {"longitude": report.longitude, "latitude": report.latitude, "coord_type": "gcj02"},
        "address": sight.address,
        "region": _region(report.village_code),
        "grid_code": report.grid_code,
        "candidates": [_region(each["code"]) | {"distance_m": each["distance_m"]} for each in report.candidates],
        "desk": _desk(report.desk_code),
        "photos": [photo_dict(each.photo) for each in photos if each.purpose == "report"],
        "after_photos": _after_photos(events, photos),
        "respond_due_at": _instant(report.respond_due_at),
        "resolve_due_at": _instant(report.resolve_due_at),
        "card": report.card,
        "merged_into": str(report.merged_into_id) if report.merged_into_id else None,
        "me_too_count": report.me_too_count,
        "reporter": {"label": _reporter_label(report), "is_me": Party.REPORTER in who.parties},
        "created_at": to_wire(report.created_at),
        "updated_at": to_wire(report.updated_at),
        "timeline": [_line(report, event, photos, sight) for event in events],
        "available_actions": workflow.offered(case_of(report), who, now),
        **mark,
    }


def _line(report: Report, event: ReportEvent, photos: Iterable[PlacedPhoto], sight: Sight) -> dict[str, Any]:
    return {
        "at": to_wire(event.at),
        "action": event.action,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "by": {"role": event.role, "label": _label(report, event)},
        "note": sight.notes.get(event.id),
        "photos": [photo_dict(each.photo) for each in photos if each.event_id == event.id],
    }


def _label(report: Report, event: ReportEvent) -> str:
    """A unit and an office, never a person."""
    if event.role == Party.REPORTER:
        return _reporter_label(report)
    if event.unit_code is None:
        return _LABELS[event.role]
    return f"{_region(event.unit_code)['name']} {ROLE_NAMES[Role(event.role)]}"


def _after_photos(events: Sequence[ReportEvent], photos: Iterable[PlacedPhoto]) -> list[dict[str, Any]]:
    """The photos of the latest resolution; those of a disputed one stay in the timeline."""
    latest = next((event.id for event in reversed(events) if event.action == "resolve"), None)
    return [photo_dict(each.photo) for each in photos if each.purpose == "after" and each.event_id == latest]


def _reporter_label(report: Report) -> str:
    return f"啄木鸟 {report.reporter_label}"


def _region(code: str) -> dict[str, Any]:
    region = tree().get(code)
    # An import may know a village no more; the report still shows where it was.
    if region is None:
        return {"code": code, "name": code, "full_name": code}
    return {"code": region.code, "name": region.name, "full_name": region.full_name}


def _desk(code: str | None) -> dict[str, Any] | None:
    return {"code": code, "name": _region(code)["name"]} if code else None


def _instant(at: datetime | None) -> str | None:
    return to_wire(at) if at else None
