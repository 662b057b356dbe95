"""What citizens typed, sealed where masking changed it: opened for its author and, on record, for the desk."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ForbiddenError, not_found
from wxapi.platform import audit
from wxapi.platform.db import transaction, write_later
from wxapi.platform.runtime import runtime
from wxapi.reports.models import Report, ReportEvent, ReportOriginal
from wxapi.reports.queries import reports
from wxapi.reports.queries.around import SealedText
from wxapi.reports.rules.relations import who_is
from wxapi.reports.rules.state import Party

_PURPOSE = "report.original"
# Those who answer for the desk; others in scope read the masked text.
_OPENERS = frozenset({Party.DESK_WORKER, Party.OFFICER, Party.SUPERVISOR})


@dataclass(frozen=True, slots=True)
class Originals:
    """The sealed texts of one report, opened; None or missing where nothing was masked."""

    description: str | None = None
    address: str | None = None
    # By the id of the line of history.
    notes: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TypedNote:
    """A note as a citizen typed it; `role` is what they were to the report."""

    at: datetime
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class TypedWords:
    """What was typed into one report, personal data included; `notes` are those that were masked."""

    description: str
    address: str | None
    notes: tuple[TypedNote, ...]


def keep_filed(session: Session, report: Report, *, description: str, address: str | None) -> None:
    """Seal what the reporter typed, where the report holds something else."""
    if report.description != description:
        _keep(session, report.id, "description", description)
    if address is not None and report.address != address:
        _keep(session, report.id, "address", address)


def keep_note(session: Session, event: ReportEvent, note: str) -> None:
    """Seal a citizen's note, where the line of history holds something else."""
    if event.note != note:
        session.flush()  # gives the line its id
        session.add(_sealed(event.report_id, "note", note, event_id=event.id))


def opened_by_author(session: Session, user_id: uuid.UUID) -> dict[uuid.UUID, Originals]:
    """What a person typed, by report, in one statement however many there are; reports without any are left out."""
    rows = session.scalars(select(ReportOriginal).where(_typed_by(user_id)).order_by(ReportOriginal.report_id))
    return {report_id: opened(of_one) for report_id, of_one in groupby(rows, key=lambda row: row.report_id)}


def opened(rows: Iterable[ReportOriginal | SealedText]) -> Originals:
    """The sealed texts of one report. Who may read them is the caller's matter."""
    texts: dict[str, str] = {}
    notes: dict[int, str] = {}
    for row in rows:
        text = runtime().cipher.open(row.sealed, purpose=_PURPOSE)
        if row.event_id is None:
            texts[row.field] = text
        else:
            notes[row.event_id] = text
    return Originals(texts.get("description"), texts.get("address"), notes)


def open_for_desk(actor: Actor, report_id: uuid.UUID, *, now: datetime) -> TypedWords:
    """What was typed, for those who have to work with it; each opening is on record.

    Raises:
        NotFoundError: not there, or not for this person.
        ForbiddenError: `role_not_allowed`, seen by the person but not theirs to work on.
    """
    with transaction() as session:
        found = reports.find(actor, report_id)
        if found is None:
            raise not_found()
        if not _OPENERS & who_is(actor, found.standing).parties.keys():
            raise ForbiddenError("role_not_allowed", "只有承办单位可以查看原文。")
        report, originals = found.report, opened(found.around.originals)
        audit.record(session, actor.user_id, "report.original_open", subject=f"report:{report_id}", at=now)
        notes = tuple(
            TypedNote(event.at, event.role, originals.notes[event.id])
            for event in found.around.lines
            if event.id in originals.notes
        )
    return TypedWords(originals.description or report.description, originals.address or report.address, notes)


def forget_author(session: Session, user_id: uuid.UUID) -> None:
    """Delete what a person typed, before reports and history lose the person."""
    session.execute(delete(ReportOriginal).where(_typed_by(user_id)).execution_options(synchronize_session=False))


def _typed_by(user_id: uuid.UUID) -> ColumnElement[bool]:
    filed = select(Report.id).where(Report.reporter_id == user_id)
    written = select(ReportEvent.id).where(ReportEvent.actor_id == user_id)
    return or_(
        ReportOriginal.event_id.is_(None) & ReportOriginal.report_id.in_(filed),
        ReportOriginal.event_id.in_(written),
    )


_KEEP = """
INSERT INTO report_originals (report_id, field, sealed) VALUES (%(report_id)s, %(field)s, %(sealed)s) RETURNING 1
"""


def _keep(session: Session, report_id: uuid.UUID, name: str, text: str) -> None:
    sealed = runtime().cipher.seal(text, purpose=_PURPOSE)
    write_later(session, _KEEP, {"report_id": report_id, "field": name, "sealed": sealed})


def _sealed(report_id: uuid.UUID, name: str, text: str, *, event_id: int | None = None) -> ReportOriginal:
    sealed = runtime().cipher.seal(text, purpose=_PURPOSE)
    return ReportOriginal(report_id=report_id, field=name, event_id=event_id, sealed=sealed)
