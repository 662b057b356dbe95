"""Words of reports, as people read them.

To a citizen 挂账 says that the matter is pursued, to an office that it is put off: each reads a word of its own.
"""

from wxapi.kernel.words import Colour, words
from wxapi.reports.rules.owed import HOLD_REVIEW, STAGE_NAMES
from wxapi.reports.rules.state import PARTY_NAMES, STATE_NAMES, Party, ReportState
from wxapi.reports.rules.workflow import ACTION_NAMES

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
    {"file": "上报"} | ACTION_NAMES,
    offices={"request_hold": "申请挂账", "approve_hold": "同意挂账", "deny_hold": "不同意挂账"},
)
CARDS = words("cards", {"yellow": "黄牌", "red": "红牌"}, {"yellow": Colour.AMBER, "red": Colour.RED})
# Stages of duties are named for offices; a citizen reads one of them otherwise.
CITIZENS_STAGES = STAGE_NAMES | {HOLD_REVIEW: "暂缓复核"}
OFFICE_STAGES = {HOLD_REVIEW: STAGE_NAMES[HOLD_REVIEW]}
# Who wrote a line of the original words.
AUTHORS = words("authors", {party: PARTY_NAMES[party] for party in (Party.REPORTER, Party.JOINER)})
WORDS = (STATES, ACTIONS, CARDS, AUTHORS)
