"""The kinds of messages about reports."""

from wxapi.notifications.rules.notices import MessageKind

_VALUES = frozenset({"number", "what", "place", "state", "note", "at", "due_at"})

REPORT_PROGRESS = MessageKind("report_progress", "上报进展", _VALUES)
REPORT_CONFIRM = MessageKind("report_confirm", "请核实办理结果", _VALUES)
DESK_TASK = MessageKind("desk_task", "待办提醒", _VALUES)
REPORT_CARD = MessageKind("report_card", "超期提醒", _VALUES)

KINDS = (REPORT_PROGRESS, REPORT_CONFIRM, DESK_TASK, REPORT_CARD)
