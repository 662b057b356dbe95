"""Joining a report instead of filing it again."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.identity.models import User
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ConflictError, InvalidError, not_found
from wxapi.photos.services.claim import claim
from wxapi.platform import audit, outbox
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime
from wxapi.reports.models import Report, ReportJoin, ReportJoinMark, ReportPhoto
from wxapi.reports.queries import reports
from wxapi.reports.queries.around import around
from wxapi.reports.queries.reports import Whole
from wxapi.reports.rules.action_input import MAX_PHOTOS
from wxapi.reports.rules.state import OPEN_STATES
from wxapi.reports.services.read import shown
from wxapi.reports.services.report_view import ReportView


def join(actor: Actor, report_id: uuid.UUID, photo_ids: Sequence[uuid.UUID], *, now: datetime) -> ReportView:
    """Say "I met this too", with photos or without; saying it again changes nothing.

    It is no step of the workflow: the version stays, or a popular report could not be worked on.

    Raises:
        NotFoundError: not there, or hidden from this person.
        ConflictError: `own_report`; `report_not_open`.
        InvalidError: `too_many_photos`, and what claiming photos refuses.
    """
    with transaction() as session:
        found = reports.find_joinable(session, actor, report_id)
        if found is None:
            raise not_found()
        report = found.report
        if found.standing.is_reporter:
            raise ConflictError("own_report", "这是您自己的上报。")
        if report.state not in OPEN_STATES:
            raise ConflictError("report_not_open", "该上报已办结，请另行上报。", extra={"state": report.state})
        if _add_joiner(session, report, actor, now):
            report.me_too_count += _counts(session, report, actor, now)
            audit.record(session, None, "report.join", subject=f"report:{report.id}", at=now)
        _add_photos(session, report, actor, photo_ids)
        session.flush()
        standing = reports.standing_of(report, actor, has_joined=True)
        return shown(Whole(report, standing, around(session, report.id, actor.user_id)), actor, now=now)


def _add_joiner(session: Session, report: Report, actor: Actor, now: datetime) -> bool:
    added = session.execute(
        insert(ReportJoin)
        .values(report_id=report.id, user_id=actor.user_id, joined_at=now)
        .on_conflict_do_nothing()
        .returning(ReportJoin.user_id)
    ).first()
    if added is None:
        # Who came with a merged report and says so of this one stays when the two are parted.
        came_along = (ReportJoin.user_id == actor.user_id, ReportJoin.via_report_id.is_not(None))
        joined = update(ReportJoin).where(ReportJoin.report_id == report.id, *came_along)
        session.execute(joined.values(via_report_id=None))
    return added is not None


def _counts(session: Session, report: Report, actor: Actor, now: datetime) -> bool:
    """Whether this WeChat account joins the report for the first time: erased and back, it is not counted again."""
    known = session.scalar(select(User.openid_digest).where(User.id == actor.user_id))
    if known is None:
        return True
    digest = runtime().cipher.digest(f"{report.id}:{known.hex()}", purpose="report.join")
    marked = insert(ReportJoinMark).values(report_id=report.id, digest=digest, at=now).on_conflict_do_nothing()
    return session.scalar(marked.returning(ReportJoinMark.report_id)) is not None


def _add_photos(session: Session, report: Report, actor: Actor, photo_ids: Sequence[uuid.UUID]) -> None:
    """Put the joiner's photos behind those of the report, up to nine in all."""
    if not photo_ids:
        return
    held = session.scalar(
        select(func.count())
        .select_from(ReportPhoto)
        .where(ReportPhoto.report_id == report.id, ReportPhoto.purpose == "report")
    )
    first = held or 0
    if first + len(photo_ids) > MAX_PHOTOS:
        raise InvalidError(
            "too_many_photos",
            f"每件上报最多{MAX_PHOTOS}张照片。",
            fields={"photo_ids": [f"还可添加{MAX_PHOTOS - first}张。"]},
        )
    claimed = claim(session, actor.user_id, photo_ids, kind="report", subject_id=report.id)
    session.add_all(
        ReportPhoto(photo_id=photo.id, report_id=report.id, purpose="report", position=first + at)
        for at, photo in enumerate(claimed)
    )
    # Joining happens often, with a photo seldom.
    outbox.record(session, "report.photos_added", report_id=str(report.id))
