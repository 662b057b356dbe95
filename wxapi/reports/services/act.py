"""What people do with a report that is there. One function, one transaction."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from wxapi.identity.queries import actor_of
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import ConflictError, InvalidError, not_found, version_conflict
from wxapi.kernel.transitions import role_not_allowed
from wxapi.photos.models import PhotoFacts
from wxapi.photos.services.claim import claim
from wxapi.platform.db import transaction
from wxapi.regions.services.lookup import tree
from wxapi.reports.models import Report, ReportEvent, ReportPhoto
from wxapi.reports.queries import reports
from wxapi.reports.queries.around import around
from wxapi.reports.queries.reports import Found, Whole
from wxapi.reports.rules import action_input, routing, workflow
from wxapi.reports.rules.action_input import ActionRequest
from wxapi.reports.rules.relations import capacities, who_is, works_at_desk
from wxapi.reports.rules.state import Command, Party, ReportState, Who
from wxapi.reports.rules.workflow import Transition
from wxapi.reports.services import apply, merge
from wxapi.reports.services.apply import Step
from wxapi.reports.services.read import shown
from wxapi.reports.services.report_view import ReportView


def act(actor: Actor, report_id: uuid.UUID, request: ActionRequest, *, now: datetime) -> ReportView:
    """Take one action of the table; returns the report as the person sees it then.

    Refusals come in this order, so that none tells more than the person may know:

    Raises:
        NotFoundError: not there, or not for this person.
        ForbiddenError: `role_not_allowed`, none of their roles ever does this, or not at this desk.
        ConflictError: `version_conflict`; `action_not_available`; `photo_not_ready`.
        InvalidError: `validation_failed`, `desk_not_allowed`, `unknown_region`, `merge_target_invalid`, and what
            claiming photos refuses.
    """
    with transaction() as session:
        concerned = merge.reports_concerned(session, report_id, request)
        locked = reports.find_locked(session, actor, concerned.named, unseen=concerned.above)
        found = locked.get(report_id)
        if found is None:
            raise not_found()
        report = found.report
        step = _step(session, actor, found, request, now)
        other = merge.other_report(locked, report, step)
        claimed = claim(session, actor.user_id, request.given.photo_ids, kind="report", subject_id=report.id)
        _demand_after_photo(step, claimed)
        event = apply.take(session, report, step)
        session.flush()
        place_photos(session, report, event, claimed)
        merge.follow(session, locked, report, other, step)
        session.flush()
        # The desk may have changed, so find anew what the person is to the report.
        standing = reports.standing_of(report, actor, has_joined=found.standing.has_joined)
        return shown(Whole(report, standing, around(session, report.id, actor.user_id)), actor, now=now)


def place_photos(session: Session, report: Report, event: ReportEvent, claimed: Sequence[PhotoFacts]) -> None:
    """Photos that came with an action belong to its line of history; of `resolve` they show the work done."""
    purpose = "after" if event.action == "resolve" else "event"
    session.add_all(
        ReportPhoto(photo_id=photo.id, report_id=report.id, purpose=purpose, event_id=event.id, position=position)
        for position, photo in enumerate(claimed)
    )


def _step(session: Session, actor: Actor, found: Found, request: ActionRequest, now: datetime) -> Step:
    """The row that applies and the command it is given, or the refusal."""
    report, who = found.report, who_is(actor, found.standing)
    able = capacities(actor, found.standing)
    if not any(able.intersection(row.who) for row in workflow.rows_of(request.action)):
        raise role_not_allowed()
    if request.version != report.version:
        raise version_conflict(version=report.version, state=report.state)
    row, party = workflow.choose(apply.case_of(report), who, request.action, now)
    action_input.check(request.given, row, now=now)
    command = Command(
        action=request.action,
        at=now,
        actor_id=actor.user_id,
        given=replace(request.given, desk_code=_desk(report, row, who, request.given.desk_code)),
        reporter_on_desk=request.action == "resolve" and _reporter_on_desk(session, report, now),
    )
    return Step(row, party, who, command)


def _desk(report: Report, row: Transition, who: Who, named: str | None) -> str | None:
    """The desk an action leads to, if it leads to one; `apply.move_to_desk` has the last word.

    A desk hands on within its township, an officer within their appointment; triage is the township's.
    """
    if row.to_state is ReportState.TRIAGE:
        return routing.triage_desk(report.place, report.exclusions, tree().standing)
    if named is None:
        return None
    officer = who.parties.get(Party.OFFICER)
    township = report.desk_township_code or report.township_code
    within_reach = (officer is not None and officer.covers(named)) or (
        Party.DESK_WORKER in who.parties and named.startswith(township)
    )
    if not within_reach or (row.action == "hand_on" and named == report.desk_code):
        raise InvalidError(
            "desk_not_allowed", "该上报不能转到这个单位。", fields={"desk_code": ["不在可转办的范围内。"]}
        )
    return named


def _reporter_on_desk(session: Session, report: Report, now: datetime) -> bool:
    if report.reporter_id is None:
        return False
    reporter = actor_of(session, report.reporter_id, today=local_day(now))
    return works_at_desk(reporter, reports.standing_of(report, reporter)) is not None


def _demand_after_photo(step: Step, claimed: Sequence[PhotoFacts]) -> None:
    """A resolution is proven by at least one photo that was developed."""
    if step.row.action == "resolve" and not any(photo.state == "ready" for photo in claimed):
        raise ConflictError("photo_not_ready", "办结照片还在处理中，请稍后再提交。")
