"""Filing: everything that can be refused is refused before anything is stored; the rest is a job's work."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.city import city
from wxapi.kernel.coordinates import Datum, Point, to_gcj02
from wxapi.kernel.deadlines import Limits
from wxapi.kernel.errors import InvalidError
from wxapi.kernel.ids import new_id, new_report_number
from wxapi.kernel.json_text import to_json
from wxapi.photos.models import PhotoFacts
from wxapi.photos.services.claim import claim
from wxapi.platform import audit, outbox
from wxapi.platform.db import at_once, loose, write_later, write_or_tell
from wxapi.regions.rules.levels import Level, within
from wxapi.regions.services.lookup import Location, locate, refuse_closed
from wxapi.reports.models import Report
from wxapi.reports.queries.around import HistoryLine, PlacedPhoto
from wxapi.reports.queries.reports import standing_of
from wxapi.reports.rules import routing
from wxapi.reports.rules.categories import Category, category_to_file
from wxapi.reports.rules.masking import masked, masked_if_any
from wxapi.reports.rules.relations import who_is
from wxapi.reports.rules.state import Case, Party
from wxapi.reports.services import originals
from wxapi.reports.services.apply import fields_of
from wxapi.reports.services.file_sql import LINE, PICTURES, REPORT
from wxapi.reports.services.redaction import Sight
from wxapi.reports.services.report_view import ReportView, view_of

# A repeat of a number is a matter of one in a billion at a million reports; three in a row are a fault.
_NUMBER_TRIES = 3
_LOWEST_LABEL, _LABELS = 10, 90
_LABEL_BITS = 64  # so many that no label is likelier than another by more than a part in 10^17
# What a row begins with that nothing has happened to yet; the statement leaves it to the columns' defaults.
_BEGINNING = fields_of(Case(Limits(timedelta(), timedelta(), urgent=False))) | {"me_too_count": 0}


@dataclass(slots=True)
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


def file_report(actor: Actor, draft: Draft, *, now: datetime) -> ReportView:
    """Store a report as `submitted` and note that it must be routed; returns it as its reporter sees it.

    Raises:
        InvalidError: `unknown_category`, `call_emergency`, `private_matter`, `redirect_12388`, `redirect_12345`,
            `outside_service_area`, `region_not_candidate`, `region_closed`, `photo_not_yours`, `photo_used`,
            `photo_rejected`.
    """
    category = category_to_file(draft.category_code)
    point = to_gcj02(draft.point, draft.datum)
    location = _locate(point, draft.accuracy or 0.0)
    place = _place(location, draft.region_code)
    row = {"id": new_id(), **_what(actor, draft, category, now), **_where(point, location, place, category)}
    report = loose(Report, _BEGINNING | row)
    with at_once() as session:
        claimed = claim(session, actor.user_id, draft.photo_ids, kind="report", subject_id=report.id)
        event = _store(session, report, row, claimed)
        originals.keep_filed(session, report, description=draft.description, address=draft.address)
    placed = [PlacedPhoto(photo, "report", None) for photo in claimed]
    who, sight = who_is(actor, standing_of(report, actor)), Sight(draft.description, draft.address)
    return view_of(report, who, [event], placed, sight, now=now)


def _locate(point: Point, accuracy: float) -> Location:
    location = locate(point, accuracy)
    if location is None:
        sentence = "该位置不在本市服务范围内。"
        raise InvalidError("outside_service_area", sentence, fields={"location": [sentence]})
    return location


def _place(location: Location, picked: str | None) -> routing.Place:
    """Where the report lies, the reporter's pick considered."""
    located = routing.Place(
        location.village.code,
        location.grid.code if location.grid else None,
        tuple(candidate.region.code for candidate in location.candidates),
    )
    if picked is not None:
        refuse_closed(picked)
    if picked not in {None, located.village_code, *located.candidates}:
        raise InvalidError(
            "region_not_candidate",
            "所选社区（村）不在该位置附近，请重新选择。",
            fields={"region_code": ["不是该位置的候选区域。"]},
        )
    return routing.choose_place(located, picked)


def _what(actor: Actor, draft: Draft, category: Category, now: datetime) -> dict[str, Any]:
    return {
        "version": 1,
        "category_code": category.code,
        "description": masked(draft.description, category.code),
        "accuracy": draft.accuracy,
        "picked_by": draft.picked_by,
        "address": masked_if_any(draft.address, category.code),
        "reporter_id": actor.user_id,
        "reporter_label": _LOWEST_LABEL + secrets.randbits(_LABEL_BITS) % _LABELS,
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
        "county_code": within(code, Level.COUNTY),
        "township_code": within(code, Level.TOWNSHIP),
        "village_code": code,
        "grid_code": place.grid_code,
        "candidates": candidates,
        "excluded_village_code": routing.excluded_village(place, category),
    }


def _store(session: Session, report: Report, row: dict[str, Any], claimed: Sequence[PhotoFacts]) -> HistoryLine:
    """Write the report, its first line of history, its photos, the audit row and the router's outbox row."""
    report.number = _insert(session, row)
    write_later(session, LINE, row)
    if claimed:
        write_later(session, PICTURES, {"id": report.id, "photo_ids": [photo.id for photo in claimed]})
    name, at = str(report.id), report.created_at
    # Of nobody: the audit stays for ever and must not tie one person's reports together.
    audit.record(session, None, "report.file", subject=f"report:{name}", at=at, category=report.category_code)
    outbox.record(session, "report.filed", report_id=name)
    # As the statement wrote it; its id is the database's, and nothing here asks for it.
    role = Party.REPORTER.value
    return HistoryLine(0, at, "file", None, report.state, is_own=True, role=role, unit_code=None, note=None, detail={})


def _insert(session: Session, row: dict[str, Any]) -> str:
    """Insert under a random number, again under another should it be taken; returns the number."""
    candidates = to_json(row["candidates"])
    for _ in range(_NUMBER_TRIES):
        number = new_report_number(city().number_prefix)
        if write_or_tell(session, REPORT, {**row, "candidates": candidates, "number": number}, rows=1):
            return number
    raise LookupError("no free report number found")
