"""Two reports of one problem become one: who filed or joined the one joins the other, and unmerging undoes it."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import delete, insert, literal, select
from sqlalchemy.orm import Session

from wxapi.kernel.errors import InvalidError, version_conflict
from wxapi.reports.models import Report, ReportJoin
from wxapi.reports.queries.reports import Found
from wxapi.reports.rules.action_input import ActionRequest
from wxapi.reports.rules.state import IN_WORK, ReportState
from wxapi.reports.services.apply import Step, write_event

_ACTIONS = frozenset({"merge", "unmerge"})


@dataclass(frozen=True, slots=True)
class Concerned:
    """The reports an action touches, to be locked together.

    Args:
        named: the report, and of a merge the other one; the person must see both.
        above: of an unmerge the report it was merged into, and what that one was merged into; they change whether
            the person sees them or not.
    """

    named: frozenset[uuid.UUID]
    above: tuple[uuid.UUID, ...] = ()


def reports_concerned(session: Session, report_id: uuid.UUID, request: ActionRequest) -> Concerned:
    """The reports to be locked for an action."""
    if request.action == "merge" and request.given.into is not None:
        return Concerned(frozenset({report_id, request.given.into}))
    if request.action == "unmerge":
        return Concerned(frozenset({report_id}), tuple(_above(session, report_id)))
    return Concerned(frozenset({report_id}))


def _above(session: Session, report_id: uuid.UUID) -> Iterator[uuid.UUID]:
    """Survivor after survivor. What is merged takes nothing in, so there is no circle."""
    survivor_id = session.scalar(select(Report.merged_into_id).where(Report.id == report_id))
    while survivor_id is not None:
        yield survivor_id
        survivor_id = session.scalar(select(Report.merged_into_id).where(Report.id == survivor_id))


def other_report(locked: Mapping[uuid.UUID, Found], report: Report, step: Step) -> Report | None:
    """The surviving report of a merge or unmerge; None for every other action.

    Raises:
        InvalidError: `merge_target_invalid`: not another report in work at the same desk, or one hidden from a village.
        ConflictError: `version_conflict`: while the locks of an unmerge were awaited, a report above was merged on.
    """
    if step.row.action not in _ACTIONS:
        return None
    if step.row.action == "unmerge":
        chain = list(_locked_above(locked, report))
        if chain[-1].merged_into_id is not None:
            raise version_conflict(version=report.version, state=report.state)
        return chain[1]
    into = step.command.given.into
    found = locked.get(into) if into else None
    if found is None or not _may_take_in(found.report, report):
        raise InvalidError(
            "merge_target_invalid",
            "只能并入同一承办单位正在办理的另一件上报；村（居）务公开类上报不能合并。",
            fields={"into": ["不能并入该上报。"]},
        )
    return found.report


def _locked_above(locked: Mapping[uuid.UUID, Found], report: Report) -> Iterator[Report]:
    """The report, its survivor, what that was merged into, and so on, as far as they are locked."""
    here: Report | None = report
    while here is not None:
        yield here
        above = locked.get(here.merged_into_id) if here.merged_into_id else None
        here = above.report if above else None


def follow(
    session: Session, locked: Mapping[uuid.UUID, Found], report: Report, survivor: Report | None, step: Step
) -> None:
    """What a merge or unmerge means for the surviving report: its joiners, their number, a line of history."""
    if survivor is None:
        return
    if step.row.action == "merge":
        survivor.me_too_count += _bring_people(session, report.id, survivor, at=step.command.at)
        note = f"{report.number} 并入本件"
    else:
        survivor.me_too_count -= _take_people_back(session, report, survivor)
        survivor.me_too_count += _bring_others(session, survivor, report.id, at=step.command.at)
        _take_back_above(session, locked, survivor, at=step.command.at)
        note = f"{report.number} 已从本件拆分"
    line = write_event(session, survivor, step, from_state=ReportState(survivor.state), note=note)
    line.detail |= {"other": str(report.id)}


def _take_back_above(session: Session, locked: Mapping[uuid.UUID, Found], survivor: Report, *, at: datetime) -> None:
    """Who left a report leaves also what it was merged into meanwhile."""
    for below, above in pairwise(_locked_above(locked, survivor)):
        still = select(ReportJoin.user_id).where(ReportJoin.report_id == below.id)
        left = session.execute(
            delete(ReportJoin)
            .where(
                ReportJoin.report_id == above.id,
                ReportJoin.via_report_id == below.id,
                ReportJoin.user_id.is_distinct_from(below.reporter_id),
                ReportJoin.user_id.not_in(still.correlate(None)),
            )
            .returning(ReportJoin.user_id)
            .execution_options(synchronize_session=False)
        )
        above.me_too_count -= len(left.all())
        above.me_too_count += _bring_others(session, above, below.id, at=at)


def _may_take_in(survivor: Report, report: Report) -> bool:
    return (
        survivor.id != report.id
        and survivor.desk_code == report.desk_code
        # Whoever filed the one learns of the other and may act on it. Whether that person is of the village must not
        # be seen from the answer, so what is hidden from a village is never merged (ADR 0044).
        and survivor.excluded_village_code is None
        and report.excluded_village_code is None
        and survivor.state in IN_WORK
    )


def _bring_people(session: Session, report_id: uuid.UUID, survivor: Report, *, at: datetime) -> int:
    """Let the merged report's people join the survivor; returns how many are new to it."""
    people = (
        select(Report.reporter_id)
        .where(Report.id == report_id, Report.reporter_id.is_not(None))
        .union(select(ReportJoin.user_id).where(ReportJoin.report_id == report_id))
        .subquery()
    )
    user_id = people.c[0]
    already = select(ReportJoin.user_id).where(ReportJoin.report_id == survivor.id)
    newcomers = select(literal(survivor.id), user_id, literal(at), literal(report_id)).where(
        user_id.is_distinct_from(survivor.reporter_id), user_id.not_in(already)
    )
    columns = ["report_id", "user_id", "joined_at", "via_report_id"]
    return len(session.execute(insert(ReportJoin).from_select(columns, newcomers).returning(ReportJoin.user_id)).all())


def _bring_others(session: Session, survivor: Report, left_id: uuid.UUID, *, at: datetime) -> int:
    """Who left with one report stays with another that is merged into the same; returns how many do."""
    others = select(Report.id).where(Report.merged_into_id == survivor.id, Report.id != left_id).order_by(Report.id)
    return sum(_bring_people(session, other_id, survivor, at=at) for other_id in session.scalars(others).all())


def _take_people_back(session: Session, report: Report, survivor: Report) -> int:
    """Undo `_bring_people`; returns how many left."""
    left = session.execute(
        delete(ReportJoin)
        .where(ReportJoin.report_id == survivor.id, ReportJoin.via_report_id == report.id)
        .returning(ReportJoin.user_id)
    )
    return len(left.all())
