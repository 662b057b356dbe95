"""What each action changes of a case beside its state: pure functions, one per action that changes anything.

The state itself, and the clocks that follow from it, are set in one place: `workflow._settle`.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from wxapi.kernel import deadlines
from wxapi.reports.rules import clocks
from wxapi.reports.rules.state import RESPONDING, Case, Command, Extension


def start_clocks(case: Case, command: Command) -> Case:
    """Both clocks start when the report is routed, not when it is accepted."""
    due = deadlines.due_times(case.limits, command.at)
    return replace(
        move_desk(case, command),
        routed_at=command.at,
        respond_due_at=due.respond_due_at,
        resolve_due_at=due.resolve_due_at,
    )


def move_desk(case: Case, command: Command) -> Case:
    """Another desk: what the former one had asked for falls."""
    pending = case.extension is Extension.REQUESTED
    return replace(
        _without_hold(case),
        desk_code=command.given.desk_code,
        question_open=False,
        extension=None if pending else case.extension,
        extension_days=None if pending else case.extension_days,
        extension_by=None if pending else case.extension_by,
    )


def send_back(case: Case, command: Command) -> Case:
    return replace(move_desk(case, command), returns=case.returns + 1)


def ask_hold(case: Case, command: Command) -> Case:
    return replace(
        case,
        hold_pending=True,
        hold_reason_code=command.given.reason_code,
        hold_review_on=command.given.review_on,
        hold_by=command.actor_id,
    )


def begin_hold(case: Case, command: Command) -> Case:
    """As it was asked for, or until another review date."""
    return replace(case, hold_pending=False, hold_review_on=command.given.review_on or case.hold_review_on)


def end_hold(case: Case, _command: Command) -> Case:
    return _without_hold(case)


def ask_extension(case: Case, command: Command) -> Case:
    return replace(
        case, extension=Extension.REQUESTED, extension_days=command.given.days, extension_by=command.actor_id
    )


def grant_extension(case: Case, command: Command) -> Case:
    """By the requested number of days, or the number the officer names."""
    days = command.given.days or case.extension_days
    assert case.resolve_due_at is not None
    assert days is not None
    due_at = deadlines.extended(case.resolve_due_at, days)
    moved = deadlines.moved_by(case.resolve_due_at, due_at, urgent=case.limits.urgent)
    return replace(
        case,
        extension=Extension.GRANTED,
        extension_days=days,
        extended_s=int(moved.total_seconds()),
        resolve_due_at=due_at,
        resolve_reminded=False,
    )


def deny_extension(case: Case, _command: Command) -> Case:
    return replace(case, extension=Extension.DENIED)


def open_question(case: Case, _command: Command) -> Case:
    return replace(case, question_open=True)


def close_question(case: Case, _command: Command) -> Case:
    return replace(case, question_open=False)


def note_resolver(case: Case, command: Command) -> Case:
    return replace(
        close_question(_without_hold(case), command),
        resolved_by=command.actor_id,
        resolvers=_with(case.resolvers, case.resolved_by, command.actor_id),
        resolved_at=command.at,
        township_confirms=command.reporter_on_desk,
    )


def close(case: Case, command: Command) -> Case:
    return replace(case, closed_at=command.at, rating=command.given.rating)


def count_dispute(case: Case, _command: Command) -> Case:
    return replace(case, disputes=case.disputes + 1)


def count_dispute_and_move(case: Case, command: Command) -> Case:
    """The township gets the whole time to respond: it has not had the case before."""
    # The clock stopped when it was resolved, and what is left at that instant counts from now on.
    since = case.clock_stopped_at or command.at
    return replace(
        count_dispute(move_desk(case, command), command),
        respond_due_at=deadlines.due_times(case.limits, since).respond_due_at,
        respond_reminded=False,
    )


def note_reopened(case: Case, _command: Command) -> Case:
    return replace(case, reopened=True, closed_at=None, rating=None)


def note_appealed(case: Case, command: Command) -> Case:
    return replace(move_desk(case, command), appealed=True)


def note_merged(case: Case, command: Command) -> Case:
    return replace(case, merged_into_id=command.given.into, merged_from_state=case.state)


def forget_merged(case: Case, _command: Command) -> Case:
    return replace(case, merged_into_id=None, merged_from_state=None)


def note_reminded(case: Case, _command: Command) -> Case:
    responding = case.state in RESPONDING
    return replace(
        case,
        respond_reminded=case.respond_reminded or responding,
        resolve_reminded=case.resolve_reminded or not responding,
    )


def show_card(case: Case, command: Command) -> Case:
    responding = case.state in RESPONDING
    return replace(
        case,
        card=clocks.card_due(case, command.at),
        respond_yellow=case.respond_yellow or responding,
        resolve_yellow=case.resolve_yellow or not responding,
        respond_lifted=None if responding else case.respond_lifted,
        resolve_lifted=case.resolve_lifted if responding else None,
    )


def lift_card(case: Case, command: Command) -> Case:
    """A lifted card counts nowhere: the report bears what hangs on it still, and two yellows of both clocks are red."""
    lifted = command.lifted
    if lifted is None:
        return case
    # A card no duty bears, of a release before there were duties, stays as it is.
    respond = lifted.respond or ("yellow" if case.respond_yellow and not lifted.responding else None)
    resolve = lifted.resolve or ("yellow" if case.resolve_yellow and lifted.responding else None)
    red = "red" in {respond, resolve} or (respond is not None and resolve is not None)
    return replace(
        case,
        card="red" if red else respond or resolve,
        respond_yellow=respond is not None,
        resolve_yellow=resolve is not None,
        respond_lifted=lifted.was if lifted.responding else case.respond_lifted,
        resolve_lifted=case.resolve_lifted if lifted.responding else lifted.was,
    )


def follow_region(case: Case, command: Command) -> Case:
    """The same work under another name: holds, questions and extensions go on."""
    return case if command.given.desk_code is None else replace(case, desk_code=command.given.desk_code)


def _with(people: Sequence[UUID], *more: UUID | None) -> list[UUID]:
    """The people and some more, each once."""
    return list(dict.fromkeys([*people, *(each for each in more if each is not None)]))


def _without_hold(case: Case) -> Case:
    return replace(case, hold_pending=False, hold_reason_code=None, hold_review_on=None, hold_by=None)
