"""Reports as JSON: plain functions, since they are sent often. `wire.schemas` documents and tests the shapes."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from wxapi.kernel.clock import to_wire
from wxapi.photos.models import PhotoFacts, variant_key
from wxapi.photos.wire.photos import photo_dict
from wxapi.platform.position import position_dict
from wxapi.platform.runtime import runtime
from wxapi.platform.storage import Signer
from wxapi.reports.queries.nearby import NearbyRow
from wxapi.reports.rules.categories import Category
from wxapi.reports.services.lists import ListedReport
from wxapi.reports.services.redaction import ReviewMark
from wxapi.reports.services.report_view import NamedRegion, ReportView


def report_dict(report: ReportView) -> dict[str, Any]:
    """`<report>` of the contract."""
    reader_id, sign = report.reader_id, runtime().storage.signer()
    answer = {
        **_head(report),
        "candidates": [_place(each.region) | {"distance_m": each.distance_m} for each in report.candidates],
        "desk": _desk(report.desk),
        "photos": _photos(report.photos, reader_id, sign),
        "after_photos": _photos(report.after_photos, reader_id, sign),
        **_tail(report),
        "timeline": [
            {
                "at": to_wire(line.at),
                "action": line.action,
                "from_state": line.from_state,
                "to_state": line.to_state,
                "by": {"role": line.role, "label": line.label},
                "note": line.note,
                "photos": _photos(line.photos, reader_id, sign) if line.photos else [],
            }
            for line in report.timeline
        ],
        "available_actions": report.available_actions,
    }
    return answer if report.moderation is None else answer | {"moderation": _mark(report.moderation)}


def report_item(report: ListedReport, sign: Signer) -> dict[str, Any]:
    """A report in a list: what a screen shows of it, without photos, timeline and actions."""
    return {
        **_head(report),
        "desk": _desk(report.desk),
        "thumb_url": _thumb(report.first_photo_id, sign),
        **_tail(report),
    }


def nearby_item(row: NearbyRow, sign: Signer) -> dict[str, Any]:
    """An open report near a point, as anybody may see it."""
    return {
        "id": row.id,
        "number": row.number,
        "distance_m": round(row.distance_m, 1),
        "thumb_url": _thumb(row.first_photo_id, sign),
        "state": row.state,
        "me_too_count": row.me_too_count,
    }


def category_item(entry: Category) -> dict[str, Any]:
    """A class of reports. Hours are working hours, or plain hours when urgent."""
    return {
        "code": entry.code,
        "name": entry.name,
        "kind": entry.kind,
        "major_name": entry.major_name,
        "respond_hours": entry.respond_hours,
        "resolve_hours": entry.resolve_hours,
        "urgent": entry.urgent,
    }


def _head(report: ReportView | ListedReport) -> dict[str, Any]:
    """What a report and its row in a list begin with."""
    return {
        "id": str(report.id),
        "number": report.number,
        "version": report.version,
        "state": report.state,
        "category": {"code": report.category.code, "name": report.category.name},
        "description": report.description,
        "location": position_dict(report.location),
        "address": report.address,
        "region": _place(report.region),
        "grid_code": report.grid_code,
    }


def _tail(report: ReportView | ListedReport) -> dict[str, Any]:
    """What a row in a list ends with, and a report has before its history."""
    return {
        "respond_due_at": to_wire(report.respond_due_at) if report.respond_due_at else None,
        "resolve_due_at": to_wire(report.resolve_due_at) if report.resolve_due_at else None,
        "card": report.card,
        "merged_into": str(report.merged_into_id) if report.merged_into_id else None,
        "me_too_count": report.me_too_count,
        "reporter": {"label": report.reporter_label, "is_me": report.is_mine},
        "created_at": to_wire(report.created_at),
        "updated_at": to_wire(report.updated_at),
    }


def _mark(mark: ReviewMark) -> dict[str, Any]:
    return {
        "text": mark.text,
        "checks": [
            {
                "id": check.id,
                "kind": check.kind,
                "photo_id": check.photo_id,
                "state": check.state,
            }
            for check in mark.checks
        ],
    }


def _place(region: NamedRegion) -> dict[str, Any]:
    return {"code": region.code, "name": region.name, "full_name": region.full_name}


def _desk(desk: NamedRegion | None) -> dict[str, str] | None:
    return {"code": desk.code, "name": desk.name} if desk else None


def _photos(photos: Iterable[PhotoFacts], reader_id: UUID | None, sign: Signer) -> list[dict[str, Any]]:
    return [photo_dict(photo, reader_id, sign) for photo in photos]


def _thumb(photo_id: str | None, sign: Signer) -> str | None:
    return sign(variant_key(photo_id, "thumb")) if photo_id else None
