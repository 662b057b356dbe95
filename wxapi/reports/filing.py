"""Filing: everything that can be refused is refused before anything is stored; the rest is a job's work."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.coordinates import Datum, Point, to_gcj02
from wxapi.kernel.errors import InvalidError, NotFoundError
from wxapi.kernel.ids import new_id, new_report_number
from wxapi.photos import service as photos
from wxapi.photos.models import Photo
from wxapi.platform import audit, outbox
from wxapi.platform.db import transaction
from wxapi.regions.service import Location, locate
from wxapi.reports import routing
from wxapi.reports.case import Party, State, Who
from wxapi.reports.case_queries import PlacedPhoto, standing_of
from wxapi.reports.categories import Category, category_to_file
from wxapi.reports.models import Report, ReportEvent, ReportPhoto
from wxapi.reports.parties import who_is
from wxapi.reports.wire import report_dict

# A repeat of a number is a matter of one in a billion at a million reports; three in a row are a fault.
_NUMBER_TRIES = 3
_LOWEST_LABEL, _LABELS = 10, 90


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reporter sends. `accuracy` in metres."""

    category_code: str
    description: str
    photo_ids: Sequence[uuid.UUID]
    point: Point
    datum: Datum
    accuracy: float | None = None
    picked_by: str | None = None
    address: str | None = None
    region_code: str | None = None


def file_report(actor: Actor, draft: Draft, *, now: datetime) -> dict[str, Any]:
    """Store a report as `submitted` and note that it must be routed; returns `<report>`.

    Raises:
        InvalidError: `unknown_category`, `call_emergency`, `private_matter`, `redirect_12388`, `redirect_12345`,
            `outside_service_area`, `region_not_candidate`, `photo_not_yours`, `photo_used`, `photo_rejected`.
    """
    category = category_to_file(draft.category_code)
    point = to_gcj02(draft.point, draft.datum)
    location = _locate(point, draft.accuracy or 0.0)
    place = _place(location, draft.region_code)
    report_id = new_id()
    with transaction() as session:
        claimed = photos.claim(session, actor.user_id, draft.photo_ids, kind="report", subject_id=report_id)
        values = {
            "id": report_id,
            **_what(actor, draft, category, now),
            **_where(point, location, place, category),
        }
        report = _insert(session, values)
        who = who_is(actor, standing_of(report, actor))
        event = _first_line(session, report, who, claimed, now)
    placed = [PlacedPhoto(photo, "report", None) for photo in claimed]
    return report_dict(report, who, [event], placed, now=now)


def _locate(point: Point, accuracy: float) -> Location:
    try:
        return locate(point, accuracy)
    except NotFoundError as error:
        # Asking for a place that is not there is a 404; a report at such a place is an invalid one.
        fields = {"location": [error.detail]}
        raise InvalidError("outside_service_area", error.detail, fields=fields) from error


def _place(location: Location, picked: str | None) -> routing.Place:
    """Where the report lies, the reporter's pick considered."""
    located = routing.Place(
        location.village.code,
        location.grid.code if location.grid else None,
        tuple(candidate.region.code for candidate in location.candidates),
    )
    if picked not in {None, located.village_code, *located.candidates}:
        raise InvalidError(
            "region_not_candidate",
            "所选社区(村)不在该位置附近,请重新选择。",
            fields={"region_code": ["不是该位置的候选区域。"]},
        )
    return routing.choose_place(located, picked)


def _what(actor: Actor, draft: Draft, category: Category, now: datetime) -> dict[str, Any]:
    return {
        "version": 1,
        "state": State.SUBMITTED.value,
        "category_code": category.code,
        "description": draft.description,
        "accuracy": draft.accuracy,
        "picked_by": draft.picked_by,
        "address": draft.address,
        "reporter_id": actor.user_id,
        "reporter_label": _LOWEST_LABEL + secrets.randbelow(_LABELS),
        "created_at": now,
        "updated_at": now,
    }


def _where(point: Point, location: Location, place: routing.Place, category: Category) -> dict[str, Any]:
    metres = {candidate.region.code: candidate.distance_m for candidate in location.candidates}
    # The village of the point becomes a candidate when the reporter picked another: as far as it is from itself.
    candidates = [{"code": code, "distance_m": round(metres.get(code, 0.0), 1)} for code in place.candidates]
    code = place.village_code
    return {
        "longitude": point.longitude,
        "latitude": point.latitude,
        "county_code": code[:6],
        "township_code": code[:9],
        "village_code": code,
        "grid_code": place.grid_code,
        "candidates": candidates,
        "excluded_village_code": routing.excluded_village(place, category),
    }


def _insert(session: Session, values: dict[str, Any]) -> Report:
    """Insert under a random number, again under another should it be taken."""
    for _ in range(_NUMBER_TRIES):
        statement = (
            insert(Report)
            .values(number=new_report_number(), **values)
            .on_conflict_do_nothing(index_elements=["number"])
            .returning(Report)
        )
        report = session.scalars(statement).one_or_none()
        if report is not None:
            return report
    raise LookupError("no free report number found")


def _first_line(session: Session, report: Report, who: Who, claimed: Sequence[Photo], now: datetime) -> ReportEvent:
    """History, photos, audit, and the router's errand."""
    event = ReportEvent(
        report_id=report.id,
        at=now,
        action="file",
        from_state=None,
        to_state=report.state,
        actor_id=who.actor_id,
        role=Party.REPORTER.value,
        detail={},
    )
    session.add(event)
    session.add_all(
        ReportPhoto(photo_id=photo.id, report_id=report.id, purpose="report", position=position)
        for position, photo in enumerate(claimed)
    )
    subject = f"report:{report.id}"
    audit.record(session, who.actor_id, "report.file", subject=subject, at=now, category=report.category_code)
    outbox.record(session, "report.filed", report_id=str(report.id))
    return event
