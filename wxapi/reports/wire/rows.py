"""Rows of lists as JSON: plain functions, because a list is dumped far more often than anything else is."""

import uuid
from datetime import datetime
from typing import Any

from wxapi.kernel.clock import to_wire
from wxapi.photos.models import variant_key
from wxapi.platform.runtime import runtime
from wxapi.regions.rules.tree import Tree
from wxapi.reports.queries.lists import ReportRow
from wxapi.reports.queries.nearby import NearbyRow
from wxapi.reports.rules.categories import Category, category


def report_item(row: ReportRow, viewer_id: uuid.UUID, regions: Tree) -> dict[str, Any]:
    """A report in a list: what a screen shows of it, without photos, timeline and actions.

    Args:
        row: the report.
        viewer_id: whose list it is.
        regions: names of places and desks.
    """
    return {
        "id": str(row.id),
        "number": row.number,
        "version": row.version,
        "state": row.state,
        "category": {"code": row.category_code, "name": category(row.category_code).name},
        "description": row.description,
        "location": {"longitude": row.longitude, "latitude": row.latitude, "coord_type": "gcj02"},
        "address": row.address,
        "region": _place(row.village_code, regions),
        "grid_code": row.grid_code,
        "desk": _desk(row.desk_code, regions),
        "thumb_url": _thumb(row.first_photo_id),
        "respond_due_at": _when(row.respond_due_at),
        "resolve_due_at": _when(row.resolve_due_at),
        "card": row.card,
        "merged_into": str(row.merged_into_id) if row.merged_into_id else None,
        "me_too_count": row.me_too_count,
        "reporter": {"label": f"啄木鸟 {row.reporter_label}", "is_me": row.reporter_id == viewer_id},
        "created_at": to_wire(row.created_at),
        "updated_at": to_wire(row.updated_at),
    }


def nearby_item(row: NearbyRow) -> dict[str, Any]:
    """An open report near a point, as anybody may see it."""
    return {
        "id": str(row.id),
        "number": row.number,
        "distance_m": round(row.distance_m, 1),
        "thumb_url": _thumb(row.first_photo_id),
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


def _place(code: str, regions: Tree) -> dict[str, str]:
    region = regions.get(code)
    # Should an import ever know it no more, the report still shows where it was.
    names = (region.name, region.full_name) if region else (code, code)
    return {"code": code, "name": names[0], "full_name": names[1]}


def _desk(code: str | None, regions: Tree) -> dict[str, str] | None:
    if code is None:
        return None
    desk = regions.get(code)
    return {"code": code, "name": desk.name if desk else code}


def _thumb(photo_id: uuid.UUID | None) -> str | None:
    return runtime().storage.signed_url(variant_key(photo_id, "thumb")) if photo_id else None


def _when(at: datetime | None) -> str | None:
    return to_wire(at) if at else None
