"""The engine of workflows, on a table of its own: a door that can be locked, and undone."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxapi.kernel.action_inputs import InputForm, carried, check_given, from_history, inputs_of, to_history
from wxapi.kernel.errors import ConflictError, ForbiddenError
from wxapi.kernel.transitions import PartiesOf, Transition, Workflow, unless

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


class DoorState(StrEnum):
    OPEN = "open"
    SHUT = "shut"
    LOCKED = "locked"


class DoorParty(StrEnum):
    GUEST = "guest"
    KEEPER = "keeper"
    SYSTEM = "system"


@dataclass(frozen=True)
class Door:
    state: DoorState = DoorState.OPEN
    before: DoorState | None = None
    knocks: int = 0
    settled: int = 0


Who = PartiesOf[DoorParty]
GUEST, KEEPER = Who(uuid.uuid4(), {DoorParty.GUEST: None}), Who(uuid.uuid4(), {DoorParty.KEEPER: None})
BOTH = Who(uuid.uuid4(), {DoorParty.GUEST: None, DoorParty.KEEPER: None})


@unless("not_knocked", lambda: "请先敲门。")
def knocked(door: Door, _who: Who, _now: datetime) -> bool:
    return door.knocks > 0


def row(action: str, *args: Any, **kwargs: Any) -> Transition[DoorState, DoorParty, Door, str]:
    return Transition(action, *args, **kwargs)


TABLE = (
    row("knock", tuple(DoorState), None, (DoorParty.GUEST,), effect=lambda door, _: replace(door, knocks=door.knocks + 1)),
    row("shut", (DoorState.OPEN,), DoorState.SHUT, (DoorParty.GUEST, DoorParty.KEEPER), takes=("note",)),
    row(
        "lock", (DoorState.OPEN, DoorState.SHUT), DoorState.LOCKED, (DoorParty.KEEPER,), ("note",),
        effect=lambda door, _: replace(door, before=door.state),
    ),
    row("unlock", (DoorState.LOCKED,), None, (DoorParty.KEEPER,), back_to=lambda door: door.before),
    row("enter", (DoorState.SHUT,), DoorState.OPEN, (DoorParty.GUEST,), when=(knocked,)),
    row("enter", (DoorState.SHUT,), DoorState.OPEN, (DoorParty.KEEPER,), reason="It is their door."),
    row("fall_shut", (DoorState.OPEN,), DoorState.SHUT, (DoorParty.SYSTEM,)),
)  # fmt: skip


def settle(before: Door, after: Door, state: DoorState, _command: str) -> Door:
    return replace(after, state=state, settled=before.settled + 1)


def flow(table: Any = TABLE, inputs: tuple[str, ...] = ("note",)) -> Workflow[DoorState, DoorParty, Door, str]:
    return Workflow(table, state_of=lambda door: door.state, settle=settle, system=DoorParty.SYSTEM, inputs=inputs)


FLOW = flow()


def test_actions_in_the_order_of_the_table_and_the_systems_own_are_not_public() -> None:
    assert FLOW.actions == ("knock", "shut", "lock", "unlock", "enter", "fall_shut")
    assert FLOW.public_actions == ("knock", "shut", "lock", "unlock", "enter")


def test_a_row_that_names_no_input_is_a_fault_at_the_start() -> None:
    with pytest.raises(ValueError, match="lock: no such input: note"):
        flow(TABLE[2:3], inputs=())


@pytest.mark.parametrize(
    ("door", "who", "action", "reason"),
    [
        (Door(), GUEST, "unlock", None),
        (Door(DoorState.SHUT), GUEST, "enter", "not_knocked"),
        (Door(), GUEST, "nonsense", None),
    ],
)
def test_what_the_table_or_a_guard_does_not_allow_is_a_conflict(
    door: Door, who: Who, action: str, reason: str | None
) -> None:
    with pytest.raises(ConflictError) as raised:
        FLOW.choose(door, who, action, NOW)
    assert raised.value.code == "action_not_available"
    assert raised.value.extra == {"state": door.state, "reason": reason}


def test_what_is_not_for_the_person_is_forbidden() -> None:
    with pytest.raises(ForbiddenError) as raised:
        FLOW.choose(Door(), GUEST, "lock", NOW)
    assert raised.value.code == "role_not_allowed"


def test_the_first_row_whose_guards_pass_is_taken_and_says_as_whom() -> None:
    _, party = FLOW.choose(Door(DoorState.SHUT), BOTH, "enter", NOW)
    assert party is DoorParty.KEEPER
    _, party = FLOW.choose(Door(DoorState.SHUT, knocks=1), BOTH, "enter", NOW)
    assert party is DoorParty.GUEST


def test_an_action_that_undoes_another_goes_back_to_what_it_was() -> None:
    for state in (DoorState.OPEN, DoorState.SHUT):
        locked = FLOW.perform(Door(state), FLOW.rows_of("lock")[0], "")
        assert locked.state is DoorState.LOCKED
        assert FLOW.perform(locked, FLOW.rows_of("unlock")[0], "").state is state


@given(
    st.builds(Door, state=st.sampled_from(DoorState), knocks=st.integers(0, 2)),
    st.sampled_from([GUEST, KEEPER, BOTH]),
)
def test_offered_is_exactly_what_can_be_chosen_and_every_action_settles_once(door: Door, who: Who) -> None:
    chosen: list[str] = []
    for action in FLOW.actions:
        try:
            found, party = FLOW.choose(door, who, action, NOW)
        except (ConflictError, ForbiddenError):
            continue
        chosen.append(action)
        assert party in who.parties
        assert FLOW.perform(door, found, "").settled == door.settled + 1
    assert chosen == FLOW.offered(door, who, NOW)


@dataclass(frozen=True)
class DoorInput:
    note: str | None = carried(InputForm.TEXT, most=10, kept=False)
    until: date | None = carried(InputForm.DAY)  # noqa: RUF009
    days: int | None = carried(InputForm.NUMBER, most=9)
    by: uuid.UUID | None = carried(InputForm.ID)  # noqa: RUF009


optional: Callable[[Any], Any] = lambda values: st.none() | values  # noqa: E731


@given(
    st.builds(
        DoorInput,
        note=optional(st.text()),
        until=optional(st.dates()),
        days=optional(st.integers(1, 9)),
        by=optional(st.uuids()),
    )
)
def test_the_history_keeps_what_it_can_read_back(inputs: DoorInput) -> None:
    assert from_history(DoorInput, to_history(inputs)) == replace(inputs, note=None)


def test_what_is_missing_and_what_does_not_belong_is_named() -> None:
    lock = FLOW.rows_of("lock")[0]
    assert check_given(DoorInput(note="夜"), lock) == {}
    assert check_given(DoorInput(days=2), lock) == {"note": ["必填。"], "days": ["该操作不接受此项。"]}
    assert list(inputs_of(DoorInput)) == ["note", "until", "days", "by"]
