"""Reads of single reports: for one screen, for one action, for a photo; scope is in the WHERE."""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Uuid, and_, bindparam, exists, or_, select, text
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.moderation.queries import picture_passed
from wxapi.photos.models import Photo
from wxapi.platform.db import db, fetch_alone, loose, ready
from wxapi.reports.models import OPEN_SQL, Report, ReportEvent, ReportJoin, ReportPhoto
from wxapi.reports.queries.around import AROUND, Around, around_of
from wxapi.reports.queries.visibility import Reader, own_of, reader_of, seen_by_office, visible_to
from wxapi.reports.rules.relations import Standing
from wxapi.reports.rules.state import Party

# What a person may see, as a condition.
ReportScope = Callable[[Reader], ColumnElement[bool]]
_reports, _joins = Report.__table__.c, ReportJoin.__table__.c
_COLUMNS = tuple(Report.__mapper__.columns.keys())
# Built once: that takes longer than to run it.
_LOCK = select(Report).where(Report.id == bindparam("wanted", None, Uuid)).with_for_update(key_share=True)

# Roles of lines of history that are not written by an office.
CITIZENS = frozenset({Party.REPORTER.value, Party.JOINER.value})


@dataclass(frozen=True, slots=True)
class Found:
    """A report, and what the person had to do with it before."""

    report: Report
    standing: Standing


@dataclass(frozen=True, slots=True)
class Whole:
    """A report with all that belongs to it, and what the person had to do with it before."""

    report: Report
    standing: Standing
    around: Around


def find(actor: Actor, report_id: uuid.UUID) -> Whole | None:
    """The report, when the person may see it."""
    return _whole(actor, visible_to, "id", report_id)


def find_on_desk(actor: Actor, number: str) -> Whole | None:
    """The report with this number, when the person's office may see it."""
    return _whole(actor, seen_by_office, "number", number)


def find_own(actor: Actor, number: str) -> Whole | None:
    """The report with this number, when the person filed or joined it."""
    return _whole(actor, own_of, "number", number)


def find_locked(
    session: Session, actor: Actor, ids: Collection[uuid.UUID], *, unseen: Collection[uuid.UUID] = ()
) -> dict[uuid.UUID, Found]:
    """Those of the reports the person may see, locked until the transaction ends, always in the same order.

    Of `unseen` all are locked: what the person does to a report that is seen changes them, whoever sees them.

    Keys do not change, so the weaker lock is enough: it lets foreign keys be checked meanwhile.
    """
    _, regions, villages = reader_of(actor)
    values = {"me": actor.user_id, "ids": list(ids), "unseen": list(unseen)}
    rows = session.execute(_locking(regions, villages), values, execution_options={"populate_existing": True})
    return {row[0].id: _found(row, actor) for row in rows}


def seen_among(actor: Actor, ids: Collection[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Those of the reports the person may see: asked of every report that is named in what is shown of another."""
    if not ids:
        return frozenset()
    return frozenset(db.session().scalars(select(Report.id).where(Report.id.in_(ids), visible_to(actor))))


def find_joinable(session: Session, actor: Actor, report_id: uuid.UUID) -> Found | None:
    """A report the person may join, locked: one they see, or any open one that is not hidden from anybody."""
    public = and_(Report.excluded_village_code.is_(None), text(OPEN_SQL))
    query = _with_join(actor.user_id).where(Report.id == report_id, or_(visible_to(actor), public))
    row = session.execute(query.with_for_update(of=Report, key_share=True)).one_or_none()
    return _found(row, actor) if row else None


def lock(session: Session, report_id: uuid.UUID) -> Report | None:
    """The report for a job, locked; None when it is not there."""
    return session.scalars(_LOCK, {"wanted": report_id}).one_or_none()


def lock_all(session: Session, ids: Collection[uuid.UUID]) -> None:
    """Reports, locked in one order."""
    session.execute(select(Report.id).where(Report.id.in_(ids)).order_by(Report.id).with_for_update(key_share=True))


def events_of(session: Session, report_id: uuid.UUID) -> Sequence[ReportEvent]:
    """The history, oldest first."""
    return session.scalars(select(ReportEvent).where(ReportEvent.report_id == report_id).order_by(ReportEvent.id)).all()


def photo_is_visible(actor: Actor) -> ColumnElement[bool]:
    """A photo is seen by the offices that see its report, and by its other people once it passed.

    A condition on `Photo`, for `GET /photos/{id}`; owners see their own anyway.
    """
    by_office = exists().where(ReportEvent.id == ReportPhoto.event_id, ReportEvent.role.not_in(CITIZENS))
    shown = and_(visible_to(actor), or_(picture_passed(Photo.__table__.c.id), by_office))
    return exists().where(
        ReportPhoto.photo_id == Photo.id, Report.id == ReportPhoto.report_id, or_(seen_by_office(actor), shown)
    )


# Building a statement takes longer than running it, and most people are alike in what it depends on.
@lru_cache(maxsize=512)
def _locking(regions: tuple[str, ...], villages: tuple[str, ...]) -> Select[Report, bool]:
    """The statement of `find_locked` for people of these regions and villages."""
    me = bindparam("me", None, Uuid)
    seen = and_(Report.id.in_(bindparam("ids", expanding=True)), visible_to(Reader(me, regions, villages)))
    wanted = or_(seen, Report.id.in_(bindparam("unseen", expanding=True)))
    return _with_join(me).where(wanted).order_by(Report.id).with_for_update(of=Report, key_share=True)


def _with_join(me: uuid.UUID | ColumnElement[uuid.UUID]) -> Select[Report, bool]:
    return select(Report, exists().where(ReportJoin.report_id == Report.id, ReportJoin.user_id == me))


def _whole(actor: Actor, scope: ReportScope, key: str, value: Any) -> Whole | None:
    _, regions, villages = reader_of(actor)
    sql, values = _reading(scope, key, regions, villages)
    rows = fetch_alone(sql, values | {"me": actor.user_id, "wanted": value})
    if not rows:
        return None
    *columns, has_joined, found = rows[0]
    report = loose(Report, dict(zip(_COLUMNS, columns, strict=True)))
    return Whole(report, standing_of(report, actor, has_joined=has_joined), around_of(found))


@lru_cache(maxsize=512)
def _reading(
    scope: ReportScope, key: str, regions: tuple[str, ...], villages: tuple[str, ...]
) -> tuple[str, dict[str, Any]]:
    """The statement that reads a report with all that belongs to it, for people of these regions and villages."""
    me = bindparam("me", None, Uuid)
    joined = exists().where(_joins.report_id == _reports.id, _joins.user_id == me)
    wanted = _reports[key] == bindparam("wanted", None, _reports[key].type)
    query = select(*_reports, joined, AROUND).where(wanted, scope(Reader(me, regions, villages)))
    return ready(query)


def _found(row: Row[Report, bool], actor: Actor) -> Found:
    report, has_joined = row
    return Found(report, standing_of(report, actor, has_joined=has_joined))


def standing_of(report: Report, actor: Actor, *, has_joined: bool = False) -> Standing:
    """Where the report lies and waits, seen by one person."""
    return Standing(
        village_code=report.village_code,
        desk_code=report.desk_code,
        grid_code=report.grid_code,
        exclusions=report.exclusions,
        is_reporter=report.reporter_id == actor.user_id,
        has_joined=has_joined,
    )
