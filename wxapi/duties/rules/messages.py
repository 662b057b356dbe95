"""What people are told of the ladder. Pure."""

from wxapi.notifications.rules.notices import MessageKind

_VALUES = frozenset({"number", "what", "unit", "stage", "due_at"})

WORK_DUE = MessageKind("work_due", "应办事项提醒", _VALUES)
CARD = MessageKind("card", "督办牌", _VALUES)

KINDS = (WORK_DUE, CARD)
