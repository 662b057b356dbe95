"""The one place that writes a report's state: state, history, audit and outbox together, one version further."""

from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any

from sqlalchemy.orm import Session

from wxapi.kernel.action_inputs import to_history
from wxapi.kernel.deadlines import Limits
from wxapi.platform import audit, outbox
from wxapi.regions.services.lookup import refuse_closed, tree
from wxapi.reports.models import Report, ReportEvent
from wxapi.reports.notices import TOLD
from wxapi.reports.queries.reports import CITIZENS
from wxapi.reports.rules import routing, workflow
from wxapi.reports.rules.action_input import ActionInput
from wxapi.reports.rules.categories import category_of
from wxapi.reports.rules.counted import COUNTED_STEPS
from wxapi.reports.rules.masking import masked
from wxapi.reports.rules.state import Case, Command, Extension, Party, ReportState, Who
from wxapi.reports.services import duties
from wxapi.reports.services.originals import keep_note

# Written by `move_to_desk`, and by `_fix_limits`.
_OWN_WAY = {"desk_code", "limits"}
_STORED = tuple(field.name for field in fields(Case) if field.name not in _OWN_WAY)
_values_of = attrgetter(*_STORED)


def case_of(report: Report) -> Case:
    """The report as the workflow sees it."""
    values = dict(zip(_STORED, _values_of(report), strict=True))
    values |= {
        "state": ReportState(report.state),
        "merged_from_state": ReportState(report.merged_from_state) if report.merged_from_state else None,
        "extension": Extension(report.extension) if report.extension else None,
        "resolvers": report.resolvers or (),  # a row that is just made has none
    }
    limits = report.limits or category_of(report.category_code).limits
    return Case(limits=limits, desk_code=report.desk_code, **values)


@dataclass(frozen=True, slots=True)
class Step:
    """An action that was found possible: its row, who takes it and as what, and what it carries."""

    row: workflow.Transition
    party: Party
    who: Who
    command: Command


def fields_of(case: Case) -> dict[str, Any]:
    """The columns a case is kept in, the desk's left out."""
    return dict(zip(_STORED, _values_of(case), strict=True))


def take(session: Session, report: Report, step: Step) -> ReportEvent:
    """Take one action: change the case, and write what became of it. The caller holds the report's lock.

    Raises:
        InvalidError: `unknown_region`, `region_closed` or `desk_not_allowed`, from the routing gate.
    """
    before = case_of(report)
    after = workflow.perform(before, step.row, step.command)
    # Check the exclusion even if the desk does not change.
    if step.command.given.desk_code is not None:
        move_to_desk(report, step.command.given.desk_code)
    for name, value in fields_of(after).items():
        setattr(report, name, value)
    duties.record(session, report, before, replace(after, desk_code=report.desk_code), step.command)
    event = write_event(session, report, step, from_state=before.state)
    if step.command.action in COUNTED_STEPS and report.excluded_village_code is None:
        _place(event, report, held_by=before.desk_code)
    if step.command.action == "route":
        _fix_limits(report, event, after.limits)
    if step.command.action == "approve_hold":
        # The day that was asked for, where the officer named no other.
        event.detail |= to_history(ActionInput(review_on=after.hold_review_on))
    if step.command.action == "approve_extension":
        event.detail |= {"extended_s": after.extended_s}
    if step.command.action in TOLD:
        session.flush()  # gives the line its id
        outbox.record(session, "report.changed", report_id=str(report.id), event_id=event.id)
    audit.record(
        session,
        # A citizen's own steps name nobody: the audit stays for ever and must not tie one person's reports together.
        None if step.party in {Party.REPORTER, Party.JOINER} else step.who.actor_id,
        f"report.{step.command.action}",
        subject=f"report:{report.id}",
        at=step.command.at,
        from_state=before.state.value,
        to_state=after.state.value,
        desk=report.desk_code,
    )
    return event


def _fix_limits(report: Report, event: ReportEvent, limits: Limits) -> None:
    """Keep what the class's limits are at routing, with the report and in its history: for it they change no more."""
    noted = duties.limits_noted(limits)
    event.detail |= noted
    report.respond_limit_s, report.resolve_limit_s = noted["respond_s"], noted["resolve_s"]
    report.urgent = limits.urgent


def _place(event: ReportEvent, report: Report, *, held_by: str | None) -> None:
    """Say in the line itself what statistics ask of it."""
    event.county_code, event.township_code = report.county_code, report.township_code
    event.village_code, event.category_code = report.village_code, report.category_code
    event.held_by, event.rating = held_by, event.detail.get("rating")


def move_to_desk(report: Report, desk_code: str) -> None:
    """Put a report on a desk. Nothing else writes these columns, so nothing can get round the exclusion."""
    refuse_closed(desk_code, field="desk_code")
    code = routing.move_to(desk_code, report.place, report.exclusions, tree())
    region = tree()[code]
    report.desk_code = code
    report.desk_county_code = region.county_code
    report.desk_township_code = region.township_code
    report.desk_village_code = region.village_code


def write_event(
    session: Session, report: Report, step: Step, *, from_state: ReportState, note: str | None = None
) -> ReportEvent:
    """One line of history, one version further. `note` stands in for what the person wrote."""
    report.version += 1
    report.updated_at = step.command.at
    appointment = step.who.parties.get(step.party)
    event = ReportEvent(
        report_id=report.id,
        at=step.command.at,
        action=step.command.action,
        from_state=from_state.value,
        to_state=ReportState(report.state).value,
        actor_id=step.who.actor_id,
        role=appointment.role.value if appointment else step.party.value,
        unit_code=appointment.region_code if appointment else None,
        desk_code=report.desk_code,
        note=note or step.command.given.note,
        detail=to_history(step.command.given),
    )
    session.add(event)
    if event.role in CITIZENS and event.note:
        _mask(session, report, event)
    return event


def _mask(session: Session, report: Report, event: ReportEvent) -> None:
    """What a citizen writes is read by others without personal data."""
    typed = event.note or ""
    event.note = masked(typed, report.category_code)
    keep_note(session, event, typed)
