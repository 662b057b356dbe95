"""Having checked what citizens put into reports, and deciding what WeChat does not: never on the way of a report."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, or_, select, text, tuple_
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found, version_conflict
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.moderation.models import QUEUE_SQL, Check
from wxapi.moderation.rules.checks import CheckKind, CheckState, Decision, ShownState
from wxapi.moderation.services import check as moderation
from wxapi.photos.models import Photo
from wxapi.platform import audit
from wxapi.platform.db import db, transaction
from wxapi.reports.models import Report, ReportPhoto
from wxapi.reports.queries.visibility import lies_in, not_excluded, on_desk_in
from wxapi.reports.services.redaction import state_shown

_OUTCOME = {Decision.SHOW: CheckState.PASS, Decision.HIDE: CheckState.RISKY}


class _Queued(NamedTuple):
    check: Check
    report: Report
    photo: Photo | None


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A check as the officer sees it.

    Attributes:
        state: as `redaction.state_shown`.
        label: WeChat's label, such as 20006.
        errcode: why WeChat did not judge.
        text: the words that are checked; None where it is a photo.
    """

    id: uuid.UUID
    kind: CheckKind
    state: ShownState
    label: int | None
    errcode: int | None
    report_id: uuid.UUID
    report_number: str
    text: str | None
    photo: Photo | None
    created_at: datetime
    decided_at: datetime | None


def begin_checks(report_id: uuid.UUID, *, now: datetime) -> None:
    """Have a report's text and its citizens' pictures checked; what is under way or done stays. May run twice.

    A report that is hidden from somebody is never sent out; nobody but its reporter and the desk sees it anyway.
    """
    with transaction() as session:
        columns = (Report.reporter_id, Report.excluded_village_code)
        report = session.execute(select(*columns).where(Report.id == report_id)).one_or_none()
        if report is None or report.excluded_village_code is not None:
            return
        moderation.begin_text(session, report_id, report.reporter_id, now=now)
        photos = session.scalars(
            select(Photo)
            .join(ReportPhoto, ReportPhoto.photo_id == Photo.id)
            .where(ReportPhoto.report_id == report_id, ReportPhoto.purpose == "report")
            .order_by(ReportPhoto.position)
        ).all()
        moderation.begin_pictures(session, report_id, photos, now=now)


def check_text(check_id: uuid.UUID, *, now: datetime) -> None:
    """Have WeChat judge a report's text, as others may read it: without personal data. May run twice."""
    moderation.ask_about_text(check_id, _words_checked, now=now)


def queue_page(actor: Actor, *, limit: int, cursor: str | None) -> Page[QueueEntry]:
    """What an officer has to look at in their regions, the longest waiting first."""
    query = _in_scope(actor).where(text(QUEUE_SQL)).order_by(Check.created_at, Check.id).limit(limit + 1)
    if cursor is not None:
        query = query.where(tuple_(Check.created_at, Check.id) > tuple_(*decode_cursor(cursor, datetime, uuid.UUID)))
    rows = [_entry(_Queued(*row)) for row in db.session.execute(query)]
    return page_of(rows, limit, lambda entry: (entry.created_at, entry.id))


def decide(
    actor: Actor, check_id: uuid.UUID, decision: Decision, *, now: datetime, over_others: bool = True
) -> QueueEntry:
    """Show a text or picture to other citizens, or hide it. A person's word stands over WeChat's, the last over all.

    `over_others` says whether it may undo what a colleague decided: who saw the thing as undecided does not mean that.

    Raises:
        NotFoundError: not there, or not in the officer's regions.
        ConflictError: `version_conflict`, a colleague has decided.
    """
    with transaction() as session:
        found = session.execute(_in_scope(actor).where(Check.id == check_id).with_for_update(of=Check)).one_or_none()
        if found is None:
            raise not_found()
        queued = _Queued(*found)
        check = queued.check
        if not over_others and check.decided_by not in {None, actor.user_id}:
            raise version_conflict(version=0, state=check.state)
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
        return _entry(queued)


def _entry(queued: _Queued) -> QueueEntry:
    check, report, photo = queued
    return QueueEntry(
        id=check.id,
        kind=CheckKind(check.kind),
        state=state_shown(check),
        label=check.label,
        errcode=check.errcode,
        report_id=report.id,
        report_number=report.number,
        text=None if photo else _words_of(report),
        photo=photo,
        created_at=check.created_at,
        decided_at=check.decided_at,
    )


def _words_checked(session: Session, report_id: uuid.UUID) -> str | None:
    columns = (Report.description, Report.address)
    report = session.execute(select(*columns).where(Report.id == report_id)).one_or_none()
    return None if report is None else _joined(*report)


def _words_of(report: Report) -> str:
    return _joined(report.description, report.address)


def _joined(*words: str | None) -> str:
    return "\n".join(filter(None, words))


def _in_scope(actor: Actor) -> Select[Any, Any, Any]:
    regions = actor.regions(ROLES_OF[Permission.MODERATE])
    return (
        select(Check, Report, Photo)
        .join(Report, Report.id == Check.subject_id)
        .outerjoin(Photo, Photo.id == Check.photo_id)
        .where(and_(or_(lies_in(regions), on_desk_in(regions)), not_excluded(actor)))
    )
