"""The clocks of a case follow its state: one function stops, starts and moves them after every action."""

from dataclasses import replace
from datetime import datetime

from wxapi.kernel import deadlines
from wxapi.kernel.deadlines import CardColour
from wxapi.reports.rules.state import CLOCK_RUNS, IN_WORK, RESPONDING, Case


def runs(case: Case) -> bool:
    """Whether time counts: somebody of the administration has the next move, and nothing was asked back."""
    return case.routed_at is not None and case.state in CLOCK_RUNS and not case.question_open


def settled(before: Case, after: Case, now: datetime) -> Case:
    """`after` with the clocks stopped or started as its state asks, and with what is due next.

    When the clock starts again, as much working time is left as when it stopped.
    """
    case = _lifted_cards(before, after)
    if runs(before) and not runs(after):
        case = replace(case, clock_stopped_at=now)
    elif runs(after) and after.clock_stopped_at is not None:
        case = _started(case, after.clock_stopped_at, now)
    if not runs(case):
        return replace(case, due_at=None, remind_at=None)
    due_at = case.respond_due_at if case.state in RESPONDING else case.resolve_due_at
    return replace(case, due_at=due_at, remind_at=_remind_at(case, due_at))


def card_due(case: Case, now: datetime) -> CardColour | None:
    """The card that must be put on the report now, if it does not bear it yet.

    Yellow past due; red more than five working days past due, or when the other clock had its yellow before. What was
    lifted falls no more; of a lifted yellow only time makes a red card.
    """
    responding = case.state in RESPONDING
    before = case.resolve_yellow if responding else case.respond_yellow
    lifted = case.respond_lifted if responding else case.resolve_lifted
    card = deadlines.card_at(case.due_at, now, yellow_before=before and lifted is None)
    return None if case.card in {card, "red"} or lifted in {card, "red"} else card


def _lifted_cards(before: Case, after: Case) -> Case:
    """A card was lifted from a duty: another unit's, or one that begins anew, bears its own."""
    if after.respond_lifted is None and after.resolve_lifted is None:
        return after
    goes_on = before.desk_code == after.desk_code and before.state in IN_WORK
    return replace(
        after,
        respond_lifted=after.respond_lifted if goes_on and before.state == after.state else None,
        resolve_lifted=after.resolve_lifted if goes_on else None,
    )


def _started(case: Case, stopped_at: datetime, now: datetime) -> Case:
    def moved(due_at: datetime | None) -> datetime | None:
        if due_at is None:
            return None
        return deadlines.after_pause(due_at, stopped_at, now, urgent=case.limits.urgent)

    # What was answered in time stays answered: after acceptance the respond clock is history.
    respond = moved(case.respond_due_at) if case.state in RESPONDING else case.respond_due_at
    return replace(case, clock_stopped_at=None, respond_due_at=respond, resolve_due_at=moved(case.resolve_due_at))


def _remind_at(case: Case, due_at: datetime | None) -> datetime | None:
    responding = case.state in RESPONDING
    if due_at is None or (case.respond_reminded if responding else case.resolve_reminded):
        return None
    limit = case.limits.respond if responding else case.limits.resolve
    return deadlines.reminder_at(due_at, limit, urgent=case.limits.urgent)
