"""A report's duties: written with every change of its case, and folded again from its history."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from wxapi.duties.rules.owed import DutyState, changes, fold
from wxapi.duties.services import write
from wxapi.duties.services.write import OwedSubject
from wxapi.kernel.action_inputs import from_history
from wxapi.kernel.deadlines import Limits
from wxapi.reports.models import Report, ReportEvent
from wxapi.reports.rules import workflow
from wxapi.reports.rules.action_input import ActionInput
from wxapi.reports.rules.categories import category_of
from wxapi.reports.rules.owed import MEETS, owed
from wxapi.reports.rules.state import Case, Command

SUBJECT = "report"


def subject_of(report: Report) -> OwedSubject:
    """A report as the subject of its duties."""
    return OwedSubject(
        type=SUBJECT,
        id=report.id,
        number=report.number,
        place_code=report.village_code,
        class_code=report.category_code,
        confidential=report.excluded_village_code is not None,
    )


def record(session: Session, report: Report, before: Case, after: Case, command: Command) -> None:
    """Write what an action makes of the report's duties, in the caller's transaction."""
    write.record(
        session,
        subject_of(report),
        owed(before),
        owed(after),
        meets=MEETS.get(command.action, frozenset()),
        self_settled=command.reporter_on_desk,
        at=command.at,
    )


def limits_noted(limits: Limits) -> dict[str, Any]:
    """The limits of a class as routing notes them in the history: a later change of the table changes no old report."""
    return {
        "respond_s": int(limits.respond.total_seconds()),
        "resolve_s": int(limits.resolve.total_seconds()),
        "urgent": limits.urgent,
    }


def folded(report: Report, events: Iterable[ReportEvent]) -> list[DutyState]:
    """The report's duties from its history alone, by the rules that wrote them."""
    case = Case(limits=category_of(report.category_code).limits)
    steps = []
    for event in events:
        row = _row_of(event)
        if row is None:
            continue
        after = _after(case, row, event)
        steps.append((event.at, changes(owed(case), owed(after), meets=MEETS.get(event.action, frozenset()))))
        case = after
    return fold(steps)


def _row_of(event: ReportEvent) -> workflow.Transition | None:
    """The row of the table that made a line of history; None for lines that are no action of this report."""
    for row in workflow.rows_of(event.action):
        stays = row.to_state is None and (row.back_to is not None or event.from_state == event.to_state)
        if (event.from_state in row.from_states) and (stays or row.to_state == event.to_state):
            return row
    return None


def _after(case: Case, row: workflow.Transition, event: ReportEvent) -> Case:
    detail = event.detail
    if "respond_s" in detail:
        case = replace(case, limits=_limits(detail))
    given = from_history(ActionInput, detail)
    command = Command(action=event.action, at=event.at, actor_id=event.actor_id, given=replace(given, note=event.note))
    after = workflow.perform(case, row, command)
    if event.action == "approve_extension":
        # What was noted then, or nothing by a release before: its duties were written so.
        after = replace(after, extended_s=detail.get("extended_s"))
    return after if given.desk_code is None else replace(after, desk_code=given.desk_code)


def _limits(detail: Mapping[str, Any]) -> Limits:
    return Limits(timedelta(seconds=detail["respond_s"]), timedelta(seconds=detail["resolve_s"]), detail["urgent"])
