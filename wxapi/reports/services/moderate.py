"""Having checked what citizens put into reports, and deciding what WeChat does not: never on the way of a report."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, or_, select, text, tuple_

from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import to_wire
from wxapi.kernel.errors import not_found
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.moderation import service as moderation
from wxapi.moderation.models import QUEUE_SQL, Check
from wxapi.moderation.rules import Decision, State
from wxapi.photos.models import Photo
from wxapi.photos.wire import photo_dict
from wxapi.platform import audit
from wxapi.platform.db import db, transaction
from wxapi.reports.models import Report, ReportPhoto
from wxapi.reports.queries.visibility import lies_in, not_excluded, on_desk_in
from wxapi.reports.services.redaction import state_on_wire

_OUTCOME = {Decision.SHOW: State.PASS, Decision.HIDE: State.RISKY}


@dataclass(frozen=True, slots=True)
class Queued:
    """A check with what it is about."""

    check: Check
    report: Report
    photo: Photo | None


def begin_checks(report_id: uuid.UUID, *, now: datetime) -> None:
    """Have a report's text and its citizens' pictures checked; what is under way or done stays. May run twice.

    A report that is hidden from somebody is never sent out; nobody but its reporter and the desk sees it anyway.
    """
    with transaction() as session:
        report = session.get(Report, report_id)
        if report is None or report.excluded_village_code is not None:
            return
        moderation.begin_text(session, report.id, report.reporter_id, now=now)
        photos = session.scalars(
            select(Photo)
            .join(ReportPhoto, ReportPhoto.photo_id == Photo.id)
            .where(ReportPhoto.report_id == report.id, ReportPhoto.purpose == "report")
            .order_by(ReportPhoto.position)
        ).all()
        moderation.begin_pictures(session, report.id, photos, now=now)


def check_text(check_id: uuid.UUID, *, now: datetime) -> None:
    """Have WeChat judge a report's text, as others may read it: without personal data. May run twice."""
    with transaction() as session:
        report = session.scalars(
            select(Report).join(Check, Check.subject_id == Report.id).where(Check.id == check_id)
        ).one_or_none()
    if report is not None:
        moderation.ask_about_text(check_id, _words_of(report), now=now)


def queue_page(actor: Actor, *, limit: int, cursor: str | None) -> Page[Queued]:
    """What an officer has to look at in his regions, the longest waiting first."""
    query = _in_scope(actor).where(text(QUEUE_SQL)).order_by(Check.created_at, Check.id).limit(limit + 1)
    if cursor is not None:
        query = query.where(tuple_(Check.created_at, Check.id) > tuple_(*decode_cursor(cursor, datetime, uuid.UUID)))
    rows = [Queued(check, report, photo) for check, report, photo in db.session.execute(query)]
    return page_of(rows, limit, lambda row: (row.check.created_at, row.check.id))


def decide(actor: Actor, check_id: uuid.UUID, decision: Decision, *, now: datetime) -> dict[str, Any]:
    """Show a text or picture to other citizens, or hide it. A person's word stands over WeChat's, the last over all.

    Raises:
        NotFoundError: not there, or not in the officer's regions.
    """
    with transaction() as session:
        found = session.execute(_in_scope(actor).where(Check.id == check_id).with_for_update(of=Check)).one_or_none()
        if found is None:
            raise not_found()
        queued = Queued(*found)
        check = queued.check
        check.state, check.decided_by, check.decided_at = _OUTCOME[decision].value, actor.user_id, now
        subject = f"report:{queued.report.id}"
        audit.record(
            session,
            actor.user_id,
            "moderation.decide",
            subject=subject,
            at=now,
            check=str(check.id),
            decision=decision.value,
        )
        return queued_dict(queued)


def queued_dict(queued: Queued) -> dict[str, Any]:
    """A check as the officer sees it."""
    check, report, photo = queued.check, queued.report, queued.photo
    return {
        "id": str(check.id),
        "kind": check.kind,
        "state": state_on_wire(check),
        "label": check.label,
        "errcode": check.errcode,
        "report": {"id": str(report.id), "number": report.number},
        "text": None if photo else _words_of(report),
        "photo": photo_dict(photo) if photo else None,
        "created_at": to_wire(check.created_at),
        "decided_at": to_wire(check.decided_at) if check.decided_at else None,
    }


def _words_of(report: Report) -> str:
    return "\n".join(filter(None, (report.description, report.address)))


def _in_scope(actor: Actor) -> Select[Any, Any, Any]:
    regions = actor.regions(ROLES_OF[Permission.MODERATE])
    return (
        select(Check, Report, Photo)
        .join(Report, Report.id == Check.subject_id)
        .outerjoin(Photo, Photo.id == Check.photo_id)
        .where(and_(or_(lies_in(regions), on_desk_in(regions)), not_excluded(actor)))
    )
