"""Two reports of one problem become one: who filed or joined the one joins the other, and unmerging undoes it."""

import uuid
from collections.abc import Mapping

from sqlalchemy import delete, insert, literal, select
from sqlalchemy.orm import Session

from wxapi.kernel.errors import InvalidError
from wxapi.reports.models import Report, ReportJoin
from wxapi.reports.queries.reports import Found
from wxapi.reports.rules import workflow
from wxapi.reports.rules.action_input import ActionRequest
from wxapi.reports.rules.state import ReportState
from wxapi.reports.services.apply import Step, write_event

_ACTIONS = frozenset({"merge", "unmerge"})


def reports_concerned(session: Session, report_id: uuid.UUID, request: ActionRequest) -> set[uuid.UUID]:
    """The reports an action touches, to be locked together: two at most."""
    if request.action == "merge" and request.given.into is not None:
        return {report_id, request.given.into}
    if request.action == "unmerge":
        survivor_id = session.scalar(select(Report.merged_into_id).where(Report.id == report_id))
        return {report_id, survivor_id} if survivor_id else {report_id}
    return {report_id}


def other_report(locked: Mapping[uuid.UUID, Found], report: Report, step: Step) -> Report | None:
    """The surviving report of a merge or unmerge; None for every other action.

    Raises:
        InvalidError: `merge_target_invalid`: not another report in work at the same desk and equally hidden.
    """
    if step.row.action not in _ACTIONS:
        return None
    survivor_id = report.merged_into_id if step.row.action == "unmerge" else step.command.given.into
    found = locked.get(survivor_id) if survivor_id else None
    if step.row.action == "unmerge":
        # The survivor may have moved out of the person's sight; the merged report is what he acts on.
        return found.report if found else None
    if found is None or not _may_take_in(found.report, report):
        raise InvalidError(
            "merge_target_invalid",
            "只能并入同一承办单位正在办理的另一件上报。",
            fields={"into": ["不能并入该上报。"]},
        )
    return found.report


def follow(session: Session, report: Report, survivor: Report | None, step: Step) -> None:
    """What a merge or unmerge means for the surviving report: its joiners, their number, a line of history."""
    if survivor is None:
        return
    if step.row.action == "merge":
        survivor.me_too_count += _bring_people(session, report, survivor, step)
        note = f"{report.number} 并入本件"
    else:
        survivor.me_too_count -= _take_people_back(session, report, survivor)
        note = f"{report.number} 已从本件拆分"
    write_event(session, survivor, step, from_state=ReportState(survivor.state), note=note)


def _may_take_in(survivor: Report, report: Report) -> bool:
    return (
        survivor.id != report.id
        and survivor.desk_code == report.desk_code
        # Else the one's people could learn of the other.
        and survivor.excluded_village_code == report.excluded_village_code
        and survivor.state in workflow.IN_WORK
    )


def _bring_people(session: Session, report: Report, survivor: Report, step: Step) -> int:
    """Let the merged report's people join the survivor; returns how many are new to it."""
    people = (
        select(Report.reporter_id)
        .where(Report.id == report.id, Report.reporter_id.is_not(None))
        .union(select(ReportJoin.user_id).where(ReportJoin.report_id == report.id))
        .subquery()
    )
    user_id = people.c[0]
    already = select(ReportJoin.user_id).where(ReportJoin.report_id == survivor.id)
    newcomers = select(literal(survivor.id), user_id, literal(step.command.at), literal(report.id)).where(
        user_id.is_distinct_from(survivor.reporter_id), user_id.not_in(already)
    )
    columns = ["report_id", "user_id", "joined_at", "via_report_id"]
    return len(session.execute(insert(ReportJoin).from_select(columns, newcomers).returning(ReportJoin.user_id)).all())


def _take_people_back(session: Session, report: Report, survivor: Report) -> int:
    """Undo `_bring_people`; returns how many left."""
    left = session.execute(
        delete(ReportJoin)
        .where(ReportJoin.report_id == survivor.id, ReportJoin.via_report_id == report.id)
        .returning(ReportJoin.user_id)
    )
    return len(left.all())
