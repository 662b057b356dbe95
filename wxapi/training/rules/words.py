"""Words of training, as people read them."""

from wxapi.kernel.words import Colour, words
from wxapi.training.rules.attendance import FLAG_NAMES, STATE_NAMES, Action, State
from wxapi.training.rules.phases import PHASE_NAMES, Phase
from wxapi.training.rules.sessions import KIND_NAMES, SessionState
from wxapi.training.rules.windows import VIA_NAMES

SESSION_KINDS = words("session_kinds", KIND_NAMES)
SESSION_STATES = words(
    "session_states",
    {
        SessionState.DRAFT: "草稿",
        SessionState.PUBLISHED: "已发布",
        SessionState.CANCELLED: "已取消",
        SessionState.OVER: "已结束",
    },
    {
        SessionState.PUBLISHED: Colour.BLUE,
        SessionState.CANCELLED: Colour.RED,
    },
)
SESSION_PHASES = words(
    "session_phases",
    PHASE_NAMES,
    {
        Phase.ENROLLING: Colour.BLUE,
        Phase.SIGN_IN: Colour.GREEN,
        Phase.UNDER_WAY: Colour.GREEN,
        Phase.SORTING: Colour.AMBER,
        Phase.CANCELLED: Colour.RED,
    },
)
ATTENDANCE_STATES = words(
    "attendance_states",
    STATE_NAMES,
    {
        State.ENROLLED: Colour.BLUE,
        State.PRESENT: Colour.GREEN,
        State.LATE: Colour.AMBER,
        State.LEFT_EARLY: Colour.AMBER,
        State.NEEDS_REVIEW: Colour.AMBER,
        State.ABSENT: Colour.RED,
        State.MADE_UP: Colour.GREEN,
    },
)
FLAG_REASONS = words("flag_reasons", FLAG_NAMES)
SIGN_IN_WAYS = words("sign_in_ways", VIA_NAMES)
LEAVE_STATES = words(
    "leave_states",
    {"pending": "待审批", "approved": "已批准", "denied": "未批准"},
    {"pending": Colour.AMBER, "approved": Colour.GREEN, "denied": Colour.RED},
)
ENROLMENT_STATES = words(
    "enrolment_states",
    {"enrolled": "已报名", "waiting": "候补", "withdrawn": "已取消报名"},
    {"enrolled": Colour.BLUE, "waiting": Colour.AMBER},
)
FLAG_DECISIONS = words("flag_decisions", {"dismiss": "核实无误", "uphold": "签到作废"})
ATTENDANCE_ACTIONS = words(
    "attendance_actions",
    {
        Action.MANUAL: "手工更正",
        Action.BULK: "批量更正",
        Action.UNDO: "撤销",
        Action.LEAVE: "准假",
        Action.CLOSE: "结束归档",
        Action.FLAG: "核实",
    },
)
# What `do` of an item about a session says; the same code of a report is another action.
DECIDE_FLAGS, DECIDE_LEAVE, SIGN_IN, WITHDRAW, ASK_LEAVE = (
    "decide_flags", "decide_leave", "sign_in", "withdraw", "ask_leave",
)  # fmt: skip
SESSION_ACTIONS = words(
    "session_actions",
    {
        DECIDE_FLAGS: "核实签到",
        DECIDE_LEAVE: "审批请假",
        SIGN_IN: "签到",
        WITHDRAW: "取消报名",
        ASK_LEAVE: "请假",
    },
)
WORDS = (
    SESSION_KINDS,
    SESSION_STATES,
    SESSION_PHASES,
    SESSION_ACTIONS,
    ENROLMENT_STATES,
    ATTENDANCE_STATES,
    ATTENDANCE_ACTIONS,
    FLAG_REASONS,
    FLAG_DECISIONS,
    SIGN_IN_WAYS,
    LEAVE_STATES,
)
