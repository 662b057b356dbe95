"""The engine of a workflow that is a table: who may do what now, and what a case becomes. Pure.

A feature writes rows (`Transition`) over its own frozen case, states, parties and command, and makes one `Workflow` of
them. The service, what is offered to people, the API's text, the documentation and the property tests all read it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from wxapi.kernel.actor import Appointment
from wxapi.kernel.errors import ConflictError, DomainError, ForbiddenError

StateT = TypeVar("StateT", bound=StrEnum)
PartyT = TypeVar("PartyT", bound=StrEnum)
CaseT = TypeVar("CaseT")
CommandT = TypeVar("CommandT")


@dataclass(frozen=True, slots=True)
class NotNow:
    """Why an action of the table cannot be taken now: a stable reason, and a sentence for the person."""

    reason: str
    detail: str


# Without slots, as Python 3.11 cannot make a frozen generic with slots through an alias of it.
@dataclass(frozen=True)
class PartiesOf(Generic[PartyT]):
    """One person (None: the system) and what they are to one case, with the appointment that makes them so."""

    actor_id: UUID | None
    parties: Mapping[PartyT, Appointment | None] = field(default_factory=dict)


Effect: TypeAlias = Callable[[CaseT, CommandT], CaseT]


# Without slots, as `PartiesOf`.
@dataclass(frozen=True)
class Guard(Generic[CaseT, PartyT]):
    """A condition of rows, and what is said where it does not hold.

    It sees the case, the person and the present instant, never what the person typed: so the same guards decide
    what a person may do and what is offered to them.
    """

    holds: Callable[[CaseT, PartiesOf[PartyT], datetime], bool]
    reason: str
    sentence: str | Callable[[], str]

    @property
    def refusal(self) -> NotNow:
        """The sentence in the words of today: a city may have changed its numbers."""
        return NotNow(self.reason, self.sentence if isinstance(self.sentence, str) else self.sentence())


def unless(
    reason: str, sentence: str | Callable[[], str]
) -> Callable[[Callable[[CaseT, PartiesOf[PartyT], datetime], bool]], Guard[CaseT, PartyT]]:
    """Make a guard of a predicate: what it refuses with unless that holds."""
    return lambda holds: Guard(holds, reason, sentence)


def nothing(case: CaseT, _command: Any) -> CaseT:
    """The effect of an action that changes nothing but the state."""
    return case


@dataclass(frozen=True)
class Transition(Generic[StateT, PartyT, CaseT, CommandT]):
    """One row.

    Args:
        to_state: None leaves the state as it is.
        needs: inputs the request must carry; `takes`: inputs it may carry.
        when: guards that must all pass.
        effect: what changes of the case beside its state.
        back_to: reads the new state out of the case, for an action that undoes another.
        reason: why an odd row is there.
    """

    action: str
    from_states: tuple[StateT, ...]
    to_state: StateT | None
    who: tuple[PartyT, ...]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    when: tuple[Guard[CaseT, PartyT], ...] = ()
    effect: Effect[CaseT, CommandT] = nothing
    back_to: Callable[[CaseT], StateT | None] | None = None
    reason: str = ""


class Workflow(Generic[StateT, PartyT, CaseT, CommandT]):
    """A table of transitions, and what is asked of it.

    Args:
        table: the rows; where several fit, the first whose guards pass is taken.
        state_of: reads the state of a case.
        settle: (case before, case after the effect, new state, command) → the case with its state and all that
            follows from it, such as clocks.
        system: the party that is no person.
        inputs: the names `needs` and `takes` may hold.

    Raises:
        ValueError: a row names an input that does not exist.
    """

    def __init__(
        self,
        table: Sequence[Transition[StateT, PartyT, CaseT, CommandT]],
        *,
        state_of: Callable[[CaseT], StateT],
        settle: Callable[[CaseT, CaseT, StateT, CommandT], CaseT],
        system: PartyT,
        inputs: Collection[str],
    ) -> None:
        for row in table:
            if unknown := {*row.needs, *row.takes} - {*inputs}:
                raise ValueError(f"{row.action}: no such input: {', '.join(sorted(unknown))}")
        self.table = tuple(table)
        self.actions = tuple(dict.fromkeys(row.action for row in table))
        self.public_actions = tuple(dict.fromkeys(row.action for row in table if set(row.who) != {system}))
        self._state_of, self._settle = state_of, settle
        self._rows_in: dict[StateT, list[Transition[StateT, PartyT, CaseT, CommandT]]] = {}
        for row in self.table:
            for state in row.from_states:
                self._rows_in.setdefault(state, []).append(row)

    def reasons(self) -> dict[str, str]:
        """Reason → its sentence, or several of them, of all guards of the table."""
        found: dict[str, dict[str, None]] = {}
        for refusal in (guard.refusal for row in self.table for guard in row.when):
            found.setdefault(refusal.reason, {})[refusal.detail] = None
        return {reason: " / ".join(found[reason]) for reason in sorted(found)}

    def rows_of(self, action: str) -> Sequence[Transition[StateT, PartyT, CaseT, CommandT]]:
        """All rows of an action, in the table's order."""
        return [row for row in self.table if row.action == action]

    def offered(self, case: CaseT, who: PartiesOf[PartyT], now: datetime) -> list[str]:
        """The actions a person may take now, in the table's order: `available_actions`."""
        parties = who.parties.keys()
        return list(
            dict.fromkeys(
                [
                    row.action
                    for row in self._rows_in.get(self._state_of(case), ())
                    if not parties.isdisjoint(row.who)
                    and (not row.when or all(guard.holds(case, who, now) for guard in row.when))
                ]
            )
        )

    def choose(
        self, case: CaseT, who: PartiesOf[PartyT], action: str, now: datetime, *, to_state: StateT | None = None
    ) -> tuple[Transition[StateT, PartyT, CaseT, CommandT], PartyT]:
        """The row that applies, and the party as which the person acts.

        Args:
            case: what is acted on.
            who: what the person is to it.
            action: what they want.
            now: the present instant.
            to_state: tells apart the rows of an action whose outcome the caller knows.

        Raises:
            ConflictError: `action_not_available`: not in the table for this state, or a guard says no (`reason`).
            ForbiddenError: `role_not_allowed`: in the table, but not for this person.
        """
        state = self._state_of(case)
        rows = [row for row in self.rows_of(action) if state in row.from_states and to_state in {None, row.to_state}]
        if not rows:
            raise not_available(state)
        mine = [row for row in rows if any(party in who.parties for party in row.who)]
        if not mine:
            raise role_not_allowed()
        refusals = []
        for row in mine:
            refusal = next((guard.refusal for guard in row.when if not guard.holds(case, who, now)), None)
            if refusal is None:
                return row, next(party for party in row.who if party in who.parties)
            refusals.append(refusal)
        raise not_available(state, refusals[0])

    def perform(self, case: CaseT, row: Transition[StateT, PartyT, CaseT, CommandT], command: CommandT) -> CaseT:
        """The case after the action: its effect, the new state, and what follows from both."""
        to_state = row.back_to(case) if row.back_to else row.to_state
        return self._settle(case, row.effect(case, command), to_state or self._state_of(case), command)


def not_available(state: StrEnum, refusal: NotNow | None = None) -> DomainError:
    """409: the table, or one of its guards, does not allow this now."""
    extra: Mapping[str, str | None] = {"state": state, "reason": refusal.reason if refusal else None}
    detail = refusal.detail if refusal else "当前状态下不能进行此操作，请查看最新状态。"
    return ConflictError("action_not_available", detail, extra=extra)


def role_not_allowed() -> DomainError:
    """403: the person may see the case, but this kind of action is not for them."""
    return ForbiddenError("role_not_allowed", "您的身份不能进行此操作。")
