"""What belongs to one report, history, photos and checks, as one value of the statement that finds the report.

A report is read on every screen. Three statements beside it, made into instances, took four fifths of a request.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, literal_column
from sqlalchemy.orm import Session

from wxapi.moderation.queries import CHECKS_AS_JSON
from wxapi.photos.models import PLAIN_COLUMNS, PhotoFacts, PlainPhoto
from wxapi.platform.db import fetch


class HistoryLine(NamedTuple):
    """A line of a report's history; see `ReportEvent`.

    `id` is 0 before the database has given one; `is_own`: the reader acted, whose id nobody else needs.
    """

    id: int
    at: datetime
    action: str
    from_state: str | None
    to_state: str
    is_own: bool
    role: str
    unit_code: str | None
    note: str | None
    detail: dict[str, Any]


class PlacedPhoto(NamedTuple):
    """A photo and its place in the report."""

    photo: PhotoFacts
    purpose: str
    event_id: int | None


class CheckLine(NamedTuple):
    """How far a check of the words or of one picture has come; see `moderation.models.Check`."""

    id: str
    kind: str
    photo_id: str | None
    state: str


class SealedText(NamedTuple):
    """What somebody typed, sealed, where masking changed it; `event_id` of a note."""

    field: str
    event_id: int | None
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Around:
    """All that belongs to one report, each in its order: the history oldest first."""

    lines: Sequence[HistoryLine]
    photos: Sequence[PlacedPhoto]
    checks: Sequence[CheckLine]
    originals: Sequence[SealedText]


_LINES = (
    "SELECT json_agg(json_build_array(id, at, action, from_state, to_state, coalesce(actor_id = %(me)s, false), role,"
    " unit_code, note, detail) ORDER BY id) FROM report_events WHERE report_id = reports.id"
)
_PHOTOS = (
    f"SELECT json_agg(json_build_array(purpose, event_id, {PLAIN_COLUMNS}) ORDER BY position)"  # noqa: S608 - fixed
    " FROM report_photos JOIN photos ON photos.id = photo_id WHERE report_id = reports.id"
)
_ORIGINALS = (
    "SELECT json_agg(json_build_array(field, event_id, encode(sealed, 'hex')))"
    " FROM report_originals WHERE report_id = reports.id"
)
_CHECKS = CHECKS_AS_JSON.format(subject="reports.id")
_AROUND = f"json_build_array(({_LINES}), ({_PHOTOS}), ({_CHECKS}), ({_ORIGINALS}))"
_OF_ONE = f"SELECT {_AROUND} FROM reports WHERE id = %(id)s"  # noqa: S608 - of the above

# A column of a statement that selects from `reports`, with the reader as its parameter `me`; `around_of` reads it.
AROUND: ColumnElement[Any] = literal_column(_AROUND)


def around(session: Session, report_id: uuid.UUID, reader_id: uuid.UUID) -> Around:
    """What belongs to a report whose visibility is settled."""
    session.flush()
    return around_of(fetch(session, _OF_ONE, {"id": report_id, "me": reader_id})[0][0])


def around_of(found: list[Any]) -> Around:
    """The value of `AROUND`; of each part None where there is nothing."""
    lines, photos, checks, originals = (part or () for part in found)
    for line in lines:
        line[1] = datetime.fromisoformat(line[1])
    return Around(
        list(map(HistoryLine._make, lines)),
        [_placed(each) for each in photos],
        [CheckLine(*check) for check in checks],
        [SealedText(field, event_id, bytes.fromhex(sealed)) for field, event_id, sealed in originals],
    )


def _placed(row: list[Any]) -> PlacedPhoto:
    purpose, event_id, photo_id, owner_id, *facts = row
    return PlacedPhoto(PlainPhoto(photo_id, _uuid(owner_id) if owner_id else None, *facts), purpose, event_id)


@lru_cache(maxsize=1024)
def _uuid(text: str) -> uuid.UUID:
    """A report's photos are of a few people: to read an id of theirs takes longer than all else of a photo."""
    return uuid.UUID(text)
