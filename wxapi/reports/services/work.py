"""Reports in the work inbox: how they are named, what may be done, and what waits for the reporter."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from wxapi.duties.services.work import MyItem, SubjectFace, SubjectKind
from wxapi.kernel.actor import Actor
from wxapi.regions.services.lookup import tree
from wxapi.reports.models import OPEN_SQL, Report
from wxapi.reports.queries import reports
from wxapi.reports.queries.visibility import visible_to
from wxapi.reports.rules.categories import category_of
from wxapi.reports.rules.guards import AUTO_CLOSE_AFTER
from wxapi.reports.rules.relations import who_is
from wxapi.reports.rules.state import ReportState
from wxapi.reports.rules.workflow import offered
from wxapi.reports.services.apply import case_of
from wxapi.reports.services.duties import SUBJECT

_AT_MOST = 100


def faces(session: Session, actor: Actor, ids: Collection[UUID], now: datetime) -> Mapping[UUID, SubjectFace]:
    """Reports the person may see, by id, with the actions they may take now."""
    found = session.scalars(select(Report).where(Report.id.in_(ids), visible_to(actor)))
    return {report.id: SubjectFace(_title(report), _do(report, actor, now)) for report in found}


def mine(session: Session, actor: Actor, now: datetime) -> Sequence[MyItem]:
    """What waits for a person as a reporter: to confirm what was resolved, to answer a question."""
    waiting = or_(Report.state == ReportState.RESOLVED, Report.question_open)
    found = session.scalars(
        select(Report)
        .where(Report.reporter_id == actor.user_id, text(OPEN_SQL), waiting)
        .order_by(Report.updated_at, Report.id)
        .limit(_AT_MOST)
    )
    return [item for report in found if (item := _item(report, actor, now)).do]


def _item(report: Report, actor: Actor, now: datetime) -> MyItem:
    asked = {"confirm", "dispute", "answer"}
    do = tuple(action for action in _do(report, actor, now) if action in asked)
    until = (
        report.resolved_at + AUTO_CLOSE_AFTER if report.state == ReportState.RESOLVED and report.resolved_at else None
    )
    return MyItem(SUBJECT, report.id, _title(report), do, until)


def _do(report: Report, actor: Actor, now: datetime) -> tuple[str, ...]:
    who = who_is(actor, reports.standing_of(report, actor))
    return tuple(offered(case_of(report), who, now))


def _title(report: Report) -> str:
    place = tree().get(report.village_code)
    return f"{category_of(report.category_code).name} · {place.name if place else report.village_code}"


KIND = SubjectKind(SUBJECT, faces, mine)
