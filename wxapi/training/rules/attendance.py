"""The states of a person on the roll, and which change is whose."""

from datetime import datetime
from enum import StrEnum

from wxapi.kernel.errors import ConflictError, InvalidError
from wxapi.training.rules.geofence import Doubt
from wxapi.training.rules.windows import Window


class State(StrEnum):
    """Where a person stands with one session."""

    ENROLLED = "enrolled"
    PRESENT = "present"
    LATE = "late"
    LEFT_EARLY = "left_early"
    NEEDS_REVIEW = "needs_review"
    ON_LEAVE = "on_leave"
    ABSENT = "absent"
    EXEMPT = "exempt"
    MADE_UP = "made_up"


STATE_NAMES = {
    State.ENROLLED: "已报名",
    State.PRESENT: "出席",
    State.LATE: "迟到",
    State.LEFT_EARLY: "早退",
    State.NEEDS_REVIEW: "待核实",
    State.ON_LEAVE: "请假",
    State.ABSENT: "缺席",
    State.EXEMPT: "免训",
    State.MADE_UP: "已补课",
}

# The person was in this hall: a make-up elsewhere may rest on it. One class made up in does not carry a second one.
IN_THE_HALL = frozenset({State.PRESENT, State.LATE, State.LEFT_EARLY})
# The person had the training, here or elsewhere: for coverage.
ATTENDED = IN_THE_HALL | {State.MADE_UP}
# What a sign-in overrides: nobody proves their presence in vain because they were excused or already written off.
SIGN_IN_OVERRIDES = frozenset({State.ENROLLED, State.ON_LEAVE, State.ABSENT, State.EXEMPT})
# On the roll, not excused, and not in the hall yet, or never.
NOT_COME = frozenset({State.ENROLLED, State.ABSENT})
# What an approved leave overrides; somebody who came anyway stays present.
LEAVE_OVERRIDES = frozenset({State.ENROLLED, State.ABSENT})
# What the organiser may set by hand. `needs_review` is only ever the system's word.
MANUAL = frozenset(State) - {State.NEEDS_REVIEW}


class Action(StrEnum):
    """What changed a state; stands in the history."""

    MANUAL = "manual"
    BULK = "bulk"
    UNDO = "undo"
    LEAVE = "leave"
    CLOSE = "close"
    FLAG = "flag"


# An organiser's own word on a person's state.
BY_HAND = frozenset({Action.MANUAL, Action.BULK})


class RollDecision(StrEnum):
    """What is said to a leave request."""

    APPROVE = "approve"
    DENY = "deny"


class FlagDecision(StrEnum):
    """What is said to a flag: there is nothing in it, or there is and the sign-in is struck."""

    DISMISS = "dismiss"
    UPHOLD = "uphold"


class FlagReason(StrEnum):
    """Why somebody should look at a sign-in. Nobody is refused for one."""

    OUTSIDE_RADIUS = "outside_radius"
    INACCURATE_LOCATION = "inaccurate_location"
    NO_LOCATION = "no_location"
    IMPOSSIBLE_DISTANCE = "impossible_distance"
    CLOCK_OFF = "clock_off"
    SAME_DEVICE = "same_device"
    TWO_HALLS = "two_halls"
    CROWDED_STEP = "crowded_step"
    BURST = "burst"


FLAG_NAMES = {
    FlagReason.OUTSIDE_RADIUS: "签到位置不在会场范围内",
    FlagReason.INACCURATE_LOCATION: "定位精度过低，无法判断是否在会场",
    FlagReason.NO_LOCATION: "签到时没有提供定位",
    FlagReason.IMPOSSIBLE_DISTANCE: "签到位置距会场过远",
    FlagReason.CLOCK_OFF: "登记手机的时间明显不准",
    FlagReason.SAME_DEVICE: "同一设备为多人签到",
    FlagReason.TWO_HALLS: "同一人在相近时间出现在两个会场",
    FlagReason.CROWDED_STEP: "同一个签到码被过半数人员使用",
    FlagReason.BURST: "迟到时间后短时间内集中签到",
}

# What makes a sign-in wait for review; the other reasons are found beside a state that stands.
DOUBTS = frozenset(doubt.value for doubt in Doubt)

# A code used by more than half of those enrolled, and by so many at least, was perhaps passed on.
CROWD_MIN, CROWD_SHARE = 30, 0.5
# So many within one step after the late mark: people trickle in late, they do not come in groups.
BURST_MIN = 10


def is_crowd(signed_in: int, enrolled: int) -> bool:
    """Whether one step's code was used by suspiciously many."""
    return signed_in >= CROWD_MIN and signed_in > enrolled * CROWD_SHARE


def check_manual(state: str) -> State:
    """The state an organiser may set by hand.

    Raises:
        InvalidError: `state_not_manual`.
    """
    if state not in MANUAL:
        raise InvalidError(
            "state_not_manual",
            "不能手工设为该状态。",
            fields={"state": ["只能是：" + ", ".join(sorted(MANUAL)) + "。"]},
        )
    return State(state)


def check_leave_possible(state: State) -> None:
    """A leave is asked for by those who have not come.

    Raises:
        ConflictError: `already_signed_in`.
    """
    if state not in LEAVE_OVERRIDES:
        raise ConflictError("already_signed_in", "您已有考勤记录，不能再请假；如需更正请联系组织者。")


def signed_in_state(window: Window, signed_in_at: datetime, signed_out_at: datetime | None, *, doubted: bool) -> State:
    """The state that signing in and out make by themselves; `doubted`: something about it is still to be decided."""
    if doubted:
        return State.NEEDS_REVIEW
    if signed_out_at is not None and window.is_early_leave(signed_out_at):
        return State.LEFT_EARLY
    return State.LATE if window.is_late(signed_in_at) else State.PRESENT


def state_after_undo(before: State, by_sign_in: State, *, signed_in_since: bool, left_since: bool) -> State:
    """The state of somebody who has signed in, as if a decision had never been taken.

    Args:
        before: what the decision found.
        by_sign_in: what the sign-in makes by itself, see `signed_in_state`.
        signed_in_since: the sign-in came after the decision.
        left_since: so did the sign-out.
    """
    if signed_in_since and before in SIGN_IN_OVERRIDES:
        return by_sign_in
    # Signing out moves these states only.
    if left_since and before in IN_THE_HALL:
        return by_sign_in
    return before


def may_strike(standing: Action | None, to_state: State | None, *, after_sign_in: bool) -> bool:
    """Whether upholding a flag strikes the sign-in: not when an organiser has set the state since.

    Args:
        standing: the last decision about the row that was not taken back; None: there is none.
        to_state: what it set.
        after_sign_in: it was taken after the sign-in.
    """
    if standing in {None, Action.FLAG, Action.CLOSE}:
        return True
    return not after_sign_in and to_state in SIGN_IN_OVERRIDES
