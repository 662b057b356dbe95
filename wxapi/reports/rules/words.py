"""Words of reports, as people read them.

To a citizen 挂账 says that the matter is pursued, to an office that it is put off: each reads a word of its own.
"""

from wxapi.kernel.words import Colour, words
from wxapi.reports.rules.owed import HOLD_REVIEW, STAGE_NAMES
from wxapi.reports.rules.state import PARTY_NAMES, STATE_NAMES, Party, ReportState

STATES = words(
    "states",
    STATE_NAMES,
    {
        ReportState.SUBMITTED: Colour.GREY,
        ReportState.TRIAGE: Colour.AMBER,
        ReportState.ROUTED: Colour.AMBER,
        ReportState.ACCEPTED: Colour.BLUE,
        ReportState.ON_HOLD: Colour.GREY,
        ReportState.RESOLVED: Colour.GREEN,
        ReportState.CLOSED: Colour.GREEN,
        ReportState.REFUSED: Colour.RED,
    },
    {ReportState.ON_HOLD: "挂账"},
)
ACTIONS = words(
    "actions",
    {
        "file": "上报",
        "route": "分办",
        "assign_desk": "分派",
        "accept": "受理",
        "return": "退回",
        "hand_on": "转办",
        "refuse": "不予受理",
        "request_hold": "申请暂缓办理",
        "approve_hold": "同意暂缓办理",
        "deny_hold": "不同意暂缓办理",
        "resume": "恢复办理",
        "request_extension": "申请延期",
        "approve_extension": "同意延期",
        "deny_extension": "不同意延期",
        "ask": "请上报人补充说明",
        "answer": "补充说明",
        "resolve": "办结",
        "confirm": "确认办结",
        "dispute": "不满意",
        "reopen": "要求重新办理",
        "auto_close": "自动结案",
        "appeal": "申诉",
        "withdraw": "撤回",
        "merge": "合并办理",
        "unmerge": "取消合并",
        "note": "备注",
        "escalate": "吹哨",
        "remind": "到期提醒",
        "card": "亮牌",
        "redistrict": "区划调整",
    },
    offices={"request_hold": "申请挂账", "approve_hold": "同意挂账", "deny_hold": "不同意挂账"},
)
CARDS = words("cards", {"yellow": "黄牌", "red": "红牌"}, {"yellow": Colour.AMBER, "red": Colour.RED})
# Stages of duties are named for offices; a citizen reads one of them otherwise.
CITIZENS_STAGES = STAGE_NAMES | {HOLD_REVIEW: "暂缓复核"}
OFFICE_STAGES = {HOLD_REVIEW: STAGE_NAMES[HOLD_REVIEW]}
# Who wrote a line of the original words.
AUTHORS = words("authors", {party: PARTY_NAMES[party] for party in (Party.REPORTER, Party.JOINER)})
WORDS = (STATES, ACTIONS, CARDS, AUTHORS)
