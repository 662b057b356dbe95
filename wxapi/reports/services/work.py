"""Reports in the work inbox: how they are named, what may be done, and what waits for the reporter."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from wxapi.duties.services.work import MyItem, SubjectFace, SubjectKind
from wxapi.kernel.actor import Actor
from wxapi.platform.db import db
from wxapi.regions.services.lookup import tree
from wxapi.reports.models import OPEN_SQL, Report
from wxapi.reports.queries import reports
from wxapi.reports.queries.visibility import visible_to
from wxapi.reports.rules.categories import category_of
from wxapi.reports.rules.guards import auto_close_after
from wxapi.reports.rules.owed import STAGE_NAMES
from wxapi.reports.rules.relations import who_is
from wxapi.reports.rules.state import ReportState
from wxapi.reports.rules.workflow import PUBLIC_ACTIONS, offered
from wxapi.reports.services import cards
from wxapi.reports.services.apply import case_of
from wxapi.reports.services.duties import SUBJECT

_AT_MOST = 100


def faces(session: Session, actor: Actor, ids: Collection[UUID], now: datetime) -> Mapping[UUID, SubjectFace]:
    """Reports the person may see, by id, with the actions they may take now."""
    found = session.scalars(select(Report).where(Report.id.in_(ids), visible_to(actor)))
    return {report.id: SubjectFace(_title(report), _do(report, actor, now)) for report in found}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A report that waits for its reporter; `do` is what it waits for, `until` when it stops waiting."""

    id: UUID
    number: str
    title: str
    do: tuple[str, ...]
    until: datetime | None


def mine(session: Session, actor: Actor, now: datetime) -> Sequence[MyItem]:
    """What waits for a person as a reporter: to confirm what was resolved, to answer a question."""
    return [
        MyItem(SUBJECT, each.id, each.title, each.do, each.until, each.number) for each in _waiting(session, actor, now)
    ]


def waiting_reports(actor: Actor, *, now: datetime) -> Sequence[Waiting]:
    """The same for the person's own page."""
    return _waiting(db.session(), actor, now)


def _waiting(session: Session, actor: Actor, now: datetime) -> Sequence[Waiting]:
    waiting = or_(Report.state == ReportState.RESOLVED, Report.question_open)
    found = session.scalars(
        select(Report)
        .where(Report.reporter_id == actor.user_id, text(OPEN_SQL), waiting)
        .order_by(Report.updated_at, Report.id)
        .limit(_AT_MOST)
    )
    return [item for report in found if (item := _item(report, actor, now)).do]


def _item(report: Report, actor: Actor, now: datetime) -> Waiting:
    asked = {"confirm", "dispute", "answer"}
    do = tuple(action for action in _do(report, actor, now) if action in asked)
    until = (
        report.resolved_at + auto_close_after() if report.state == ReportState.RESOLVED and report.resolved_at else None
    )
    return Waiting(report.id, report.number, _title(report), do, until)


def _do(report: Report, actor: Actor, now: datetime) -> tuple[str, ...]:
    who = who_is(actor, reports.standing_of(report, actor))
    return tuple(offered(case_of(report), who, now))


def _title(report: Report) -> str:
    place = tree().get(report.village_code)
    return f"{category_of(report.category_code).name} · {place.name if place else report.village_code}"


KIND = SubjectKind(
    SUBJECT,
    "上报",
    faces,
    mine,
    reports.lock_all,
    STAGE_NAMES,
    message_subject="report",
    actions=tuple(PUBLIC_ACTIONS),
    tells_itself=True,
    follows_itself=True,
    card_lifted=cards.lift,
)
